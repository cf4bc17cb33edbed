"""The optimiser: Muon for the square-ish hidden matrices, AdamW for the rest.

Muon replaces a matrix's momentum by the nearest orthogonal matrix (five
Newton-Schulz steps in bf16), so that all directions move alike. Matrices of one
shape are stepped as one batch.
"""

from collections import defaultdict
from collections.abc import Iterable

import torch
from torch import Tensor, nn

MOMENTUM = 0.95
NEWTON_SCHULZ_STEPS = 5
NEWTON_SCHULZ_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
MATRIX_NAMES = ("receptance.weight", "key.weight", "value.weight", "output.weight")
TABLE_NAMES = ("emb.weight", "head.weight", "fc1.weight", "fc2.weight")
MUON_DECAY = 0.01
ADAMW_DECAY = 0.05


def orthogonalized(batch: Tensor) -> Tensor:
    """The approximate U V^T of each matrix [n,rows,columns], rows <= columns."""
    a, b, c = NEWTON_SCHULZ_COEFFICIENTS
    x = (batch / (batch.norm(dim=(1, 2), keepdim=True) + 1e-7)).bfloat16()
    for _ in range(NEWTON_SCHULZ_STEPS):
        gram = torch.bmm(x, x.transpose(1, 2))
        x = a * x + torch.bmm(b * gram + c * torch.bmm(gram, gram), x)
    return x.float()


class Muon(torch.optim.Optimizer):
    """Expects 2-D parameters that all have gradients."""

    def __init__(self, parameters: Iterable[nn.Parameter], lr: float) -> None:
        super().__init__(parameters, {"lr": lr})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:
        for group in self.param_groups:
            by_shape = defaultdict(list)
            for parameter in group["params"]:
                by_shape[parameter.shape].append(parameter)
            for (rows, columns), parameters in by_shape.items():
                updates = torch.stack([self._look_ahead(p) for p in parameters])
                if rows > columns:
                    updates = orthogonalized(updates.transpose(1, 2)).transpose(1, 2)
                else:
                    updates = orthogonalized(updates)
                scale = group["lr"] * max(1.0, rows / columns) ** 0.5
                for parameter, update in zip(parameters, updates):
                    parameter.mul_(1 - group["lr"] * MUON_DECAY).add_(update, alpha=-scale)

    def _look_ahead(self, parameter: nn.Parameter) -> Tensor:
        """Nesterov's momentum."""
        state = self.state[parameter]
        if "momentum" not in state:
            state["momentum"] = torch.zeros_like(parameter)
        momentum = state["momentum"].lerp_(parameter.grad, 1 - MOMENTUM)
        return parameter.grad.lerp(momentum, MOMENTUM)


class MixedOptimizer:
    """Both optimisers under one schedule; `rate` scales every peak rate."""

    def __init__(self, model: nn.Module, muon_lr: float, adamw_lr: float) -> None:
        matrices, tables, decays, others = [], [], [], []
        for name, parameter in model.named_parameters():
            if "blocks." in name and name.endswith(MATRIX_NAMES):
                matrices.append(parameter)
            elif name.endswith(TABLE_NAMES):
                tables.append(parameter)
            elif name.endswith(".w0"):
                decays.append(parameter)
            else:
                others.append(parameter)
        adamw = torch.optim.AdamW(
            [{"params": tables, "weight_decay": ADAMW_DECAY},
             {"params": others, "weight_decay": 0.0},
             {"params": decays, "weight_decay": 0.0, "lr": 2 * adamw_lr}],
            lr=adamw_lr, betas=(0.9, 0.99), eps=1e-10, foreach=True)
        self._optimizers = [Muon(matrices, muon_lr), adamw]
        self._peaks = [[g["lr"] for g in o.param_groups] for o in self._optimizers]

    def step(self, rate: float) -> None:
        for optimizer, peaks in zip(self._optimizers, self._peaks):
            for group, peak in zip(optimizer.param_groups, peaks):
                group["lr"] = peak * rate
            optimizer.step()

    def state_dict(self) -> list[dict]:
        return [optimizer.state_dict() for optimizer in self._optimizers]

    def load_state_dict(self, saved: list[dict]) -> None:
        for optimizer, part in zip(self._optimizers, saved):
            optimizer.load_state_dict(part)
