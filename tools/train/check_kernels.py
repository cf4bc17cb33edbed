"""Checks the C++ recurrence and token shift against torch in double precision.

The references are written from the equations, token by token, and differentiated
by autograd; states, probes and lengths that are no multiple of a span are covered.
"""

import argparse

import torch
from torch import Tensor

from rwkv7 import HEAD_SIZE, Linear, Shape, TokenShift, Trunk, Wkv7

TOLERANCE = 2e-6
NAMES = "rwkvab"


def wkv7_reference(r, w, k, v, a, b, state, scratch) -> tuple[Tensor, Tensor]:
    """The equations of wkv7.cc with S as [value,key]."""
    S, rows = state.transpose(-1, -2), []
    for t in range(r.shape[1]):
        u = S @ a[:, t, :, :, None]
        after = (S * w[:, t, :, None, :] + u * b[:, t, :, None, :]
                 + v[:, t, :, :, None] * k[:, t, :, None, :])
        rows.append((after @ r[:, t, :, :, None])[..., 0])
        S = torch.where(scratch[:, t, None, None, None], S, after)
    return torch.stack(rows, 1), S.transpose(-1, -2)


def token_shift_reference(x: Tensor, mix: Tensor, first: Tensor, scratch: Tensor) -> Tensor:
    previous, rows = first, []
    for t in range(x.shape[1]):
        rows.append(x[:, t] + (previous - x[:, t]) * mix[:, None])
        previous = torch.where(scratch[:, t, None], previous, x[:, t])
    return torch.stack(rows, 2)


def error(got: Tensor, wanted: Tensor) -> float:
    """Relative L2 difference."""
    return ((got.double() - wanted).norm() / wanted.norm()).item()


def check_wkv7(B: int, T: int, H: int, scratch: Tensor) -> dict[str, float]:
    def noise() -> Tensor:
        return torch.randn(B, T, H, HEAD_SIZE, dtype=torch.double)

    key = torch.nn.functional.normalize(noise(), dim=-1)
    decay = torch.exp(-0.6065 * torch.sigmoid(2 * noise() - 1))
    exact = [noise() / 2, decay, noise() / 2, noise() / 2, -key, key * torch.sigmoid(noise())]
    exact = [x.requires_grad_() for x in exact]
    state = torch.randn(B, H, HEAD_SIZE, HEAD_SIZE, dtype=torch.double) / 8
    y, last = wkv7_reference(*exact, state, scratch.bool())
    dy = torch.randn_like(y)
    wanted = torch.autograd.grad(y, exact, dy)

    inputs = [x.detach().float().requires_grad_() for x in exact]
    got_y, got_last = Wkv7.apply(*inputs, state.float(), scratch)
    got = torch.autograd.grad(got_y, inputs, dy.float())
    errors = {"y": error(got_y, y), "state": error(got_last, last)}
    return errors | {f"d{n}": error(g, x) for n, g, x in zip(NAMES, got, wanted)}


def check_token_shift(B: int, T: int, C: int, M: int, scratch: Tensor) -> dict[str, float]:
    x = torch.randn(B, T, C, dtype=torch.double, requires_grad=True)
    mix = torch.rand(M, C, dtype=torch.double, requires_grad=True)
    first = torch.randn(B, C, dtype=torch.double)
    y = token_shift_reference(x, mix, first, scratch.bool())
    dy = torch.randn_like(y)
    dx, dmix = torch.autograd.grad(y, (x, mix), dy)

    x32, mix32 = (t.detach().float().requires_grad_() for t in (x, mix))
    got_y = TokenShift.apply(x32, mix32, first.float(), scratch)
    got_dx, got_dmix = torch.autograd.grad(got_y, (x32, mix32), tuple(dy.float()))
    return {"y": error(torch.stack(got_y), y), "dx": error(got_dx, dx),
            "dmix": error(got_dmix, dmix)}


@torch.no_grad()
def check_probe() -> dict[str, float]:
    """A scratch probe is what a fork would read, and what follows does not notice it."""
    Linear.fast = False
    trunk = Trunk(Shape(vocabulary=50, channels=64, layers=2))
    for parameter in trunk.parameters():
        parameter.add_(torch.randn_like(parameter) / 16)
    text, eos = torch.randint(0, 49, (2, 40)), torch.full((2, 1), 49)
    plain, _ = trunk(text)
    _, state = trunk(text[:, :23])
    fork, _ = trunk(eos, state)
    scratch = torch.zeros(2, 41, dtype=torch.uint8)
    scratch[:, 23] = 1
    probed, _ = trunk(torch.cat([text[:, :23], eos, text[:, 23:]], 1), None, scratch)
    kept = torch.cat([probed[:, :23], probed[:, 24:]], 1)
    return {"probe": error(probed[:, 23], fork[:, 0].double()), "rest": error(kept, plain.double())}


def main() -> None:
    argparse.ArgumentParser(description=__doc__.split("\n")[0]).parse_args()
    torch.manual_seed(1)
    torch.set_num_threads(1)
    worst = 0.0
    for T, probes in ((64, 0.0), (37, 0.0), (70, 0.2)):
        scratch = (torch.rand(2, T) < probes).to(torch.uint8)
        scratch[:, 0] = 0
        for name, errors in (("wkv7", check_wkv7(2, T, 3, scratch)),
                             ("token shift", check_token_shift(2, T, 96, 6, scratch))):
            worst = max(worst, *errors.values())
            figures = " ".join(f"{key} {value:.1e}" for key, value in errors.items())
            print(f"{name:12} T={T} probes {int(scratch.sum())}: {figures}")
    errors = check_probe()
    worst = max(worst, *errors.values())
    print("scratch probe against a fork:", " ".join(f"{k} {v:.1e}" for k, v in errors.items()))
    if worst > TOLERANCE:
        raise SystemExit(f"worst relative error {worst:.1e} is above {TOLERANCE:.0e}")
    print(f"worst relative error {worst:.1e}, allowed {TOLERANCE:.0e}")


if __name__ == "__main__":
    main()
