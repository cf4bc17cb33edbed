"""RWKV-7 in torch, for training on a CPU.

Parameters carry BlinkDL's names and shapes, so that a state dict is already what
the model files hold. The recurrence and the token shift are C++ (native.py); the
large products run in bf16 with fp32 masters, everything else in fp32.

A batch may start from a state and marks probe tokens in `scratch`: a probe reads
the state as its token would leave it, and leaves it as it was.
"""

import ctypes
import math
from dataclasses import dataclass
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor, nn

import native

HEAD_SIZE = 64
STATES_SAVED_EVERY = 16
HEAD_ROWS = 256
NORM_EPSILON = 1e-5
HEADS_NORM_EPSILON = 64e-5
DECAY_SCALE = math.exp(-0.5)


@dataclass(frozen=True)
class Shape:
    vocabulary: int = 4096
    channels: int = 256
    layers: int = 4
    decay_rank: int = 16
    rate_rank: int = 16
    value_rank: int = 16
    gate_rank: int = 32


@dataclass
class LayerState:
    """What one layer remembers: two shifted rows [B,C] and the WKV state [B,H,K,V]."""

    att_shift: Tensor
    ffn_shift: Tensor
    wkv: Tensor

    @staticmethod
    def zeros(batch: int, channels: int) -> "LayerState":
        return LayerState(
            torch.zeros(batch, channels), torch.zeros(batch, channels),
            torch.zeros(batch, channels // HEAD_SIZE, HEAD_SIZE, HEAD_SIZE))

    def parts(self) -> tuple[Tensor, Tensor, Tensor]:
        return self.att_shift, self.ffn_shift, self.wkv

    def take(self, lanes: Tensor) -> "LayerState":
        """A copy of the chosen sequences, by index."""
        return LayerState(*(part[lanes] for part in self.parts()))

    def put(self, lanes: Tensor, taken: "LayerState") -> None:
        """Writes back what take() gave, after it was advanced."""
        for part, new in zip(self.parts(), taken.parts()):
            part[lanes] = new

    def forget(self, lanes: Tensor) -> None:
        """Sets the chosen sequences (indices or a mask) back to the empty state."""
        for part in self.parts():
            part[lanes] = 0.0


State = list[LayerState]

_native = cache(native.load)


class Wkv7(torch.autograd.Function):
    """y and the last state, from r, w (decay), k, v, a, b [B,T,H,N]. See wkv7.cc."""

    @staticmethod
    def forward(ctx, r, w, k, v, a, b, state, scratch):
        inputs = [x.contiguous() for x in (r, w, k, v, a, b)]
        B, T, H, N = r.shape
        y = torch.empty(B, T, H, N)
        last = torch.empty(B, H, N, N)
        u = saved = None
        if any(ctx.needs_input_grad):
            u = torch.empty(B, T, H, N)
            saved = torch.empty(B, H, -(-T // STATES_SAVED_EVERY), N, N)
        _native().Wkv7Forward(
            B, T, H, *map(native.pointer, inputs), native.pointer(state),
            native.pointer(scratch), native.pointer(y), native.pointer(u),
            native.pointer(saved), native.pointer(last))
        if u is not None:
            ctx.save_for_backward(*inputs, u, saved)
        ctx.scratch = scratch
        ctx.mark_non_differentiable(last)
        return y, last

    @staticmethod
    def backward(ctx, dy, _):
        *inputs, u, saved = ctx.saved_tensors
        B, T, H, N = u.shape
        gradients = [torch.empty(B, T, H, N) for _ in inputs]
        _native().Wkv7Backward(
            B, T, H, *map(native.pointer, inputs), native.pointer(u), native.pointer(saved),
            native.pointer(ctx.scratch), native.pointer(dy.contiguous()),
            *map(native.pointer, gradients))
        return (*gradients, None, None)


class TokenShift(torch.autograd.Function):
    """M interpolations of x [B,T,C] with its previous rows. See token_shift.cc."""

    @staticmethod
    def forward(ctx, x, mix, first, scratch):
        x, mix = x.contiguous(), mix.contiguous()
        B, T, C = x.shape
        y = torch.empty(mix.shape[0], B, T, C)
        _native().TokenShiftForward(
            B, T, C, mix.shape[0], native.pointer(x), native.pointer(mix),
            native.pointer(first), native.pointer(scratch), native.pointer(y))
        ctx.save_for_backward(x, mix)
        ctx.first, ctx.scratch = first, scratch
        return tuple(y.unbind(0))

    @staticmethod
    def backward(ctx, *gradients):
        x, mix = ctx.saved_tensors
        B, T, C = x.shape
        gradients = [g.contiguous() for g in gradients]
        addresses = (ctypes.c_void_p * len(gradients))(*[g.data_ptr() for g in gradients])
        dx, dmix = torch.empty_like(x), torch.empty_like(mix)
        _native().TokenShiftBackward(
            B, T, C, len(gradients), native.pointer(x), native.pointer(mix),
            native.pointer(ctx.first), native.pointer(ctx.scratch), addresses,
            native.pointer(dx), native.pointer(dmix))
        return dx, dmix, None, None


class Bf16Linear(torch.autograd.Function):
    """x W^T with all three products in bf16; x, W and the result are fp32."""

    @staticmethod
    def forward(ctx, x, weight):
        rows = x.reshape(-1, x.shape[-1]).bfloat16()
        weight = weight.bfloat16()
        ctx.save_for_backward(rows, weight)
        ctx.shape = x.shape
        return (rows @ weight.t()).float().view(*x.shape[:-1], -1)

    @staticmethod
    def backward(ctx, gradient):
        rows, weight = ctx.saved_tensors
        gradient = gradient.reshape(-1, gradient.shape[-1]).bfloat16()
        return (gradient @ weight).float().view(ctx.shape), (gradient.t() @ rows).float()


class HeadLoss(torch.autograd.Function):
    """The summed cross-entropy of hidden W^T, a few rows at a time.

    The gradients are made on the way forward, so that no [rows, vocabulary] tensor
    leaves the cache.
    """

    @staticmethod
    def forward(ctx, hidden, weight, targets):
        wants_gradient = any(ctx.needs_input_grad)
        loss = torch.zeros(())
        d_hidden, d_weight = torch.empty_like(hidden), torch.zeros_like(weight)
        columns = Linear.cast(weight)
        for start in range(0, len(targets), HEAD_ROWS):
            span = slice(start, start + HEAD_ROWS)
            rows, wanted = Linear.cast(hidden[span]), targets[span, None]
            log_p = F.log_softmax((rows @ columns.t()).float(), -1)
            loss -= log_p.gather(1, wanted).sum()
            if wants_gradient:
                d_logits = log_p.exp_()
                d_logits.scatter_add_(1, wanted, torch.full(wanted.shape, -1.0))
                d_logits = Linear.cast(d_logits)
                d_hidden[span] = d_logits @ columns
                d_weight += d_logits.t() @ rows
        ctx.save_for_backward(d_hidden, d_weight)
        return loss

    @staticmethod
    def backward(ctx, gradient):
        d_hidden, d_weight = ctx.saved_tensors
        return d_hidden * gradient, d_weight * gradient, None


class Linear(nn.Module):
    """A bias-free product with weight [out,in]; in bf16 while `fast` is set."""

    fast = True

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight)

    @staticmethod
    def cast(x: Tensor) -> Tensor:
        return x.bfloat16() if Linear.fast else x

    def forward(self, x: Tensor) -> Tensor:
        if Linear.fast:
            return Bf16Linear.apply(x, self.weight)
        return F.linear(x, self.weight)


def uniform(rows: int, columns: int, scale: float) -> Tensor:
    bound = scale / math.sqrt(columns)
    return torch.empty(rows, columns).uniform_(-bound, bound)


def orthogonal(rows: int, columns: int, scale: float) -> Tensor:
    gain = math.sqrt(rows / columns) if rows > columns else 1.0
    return nn.init.orthogonal_(torch.empty(rows, columns), gain=gain * scale)


def last_kept(x: Tensor, scratch: Tensor | None) -> Tensor:
    """The last row of each sequence that is no probe (the first may not be one)."""
    if scratch is None:
        return x[:, -1].detach().clone()
    positions = torch.arange(x.shape[1]).expand(x.shape[0], -1)
    last = torch.where(scratch.bool(), 0, positions).amax(1)
    return x[torch.arange(x.shape[0]), last].detach().clone()


class TimeMix(nn.Module):
    """The `att` block. Starting values follow BlinkDL's train_temp."""

    def __init__(self, shape: Shape, layer: int) -> None:
        super().__init__()
        C, L = shape.channels, shape.layers
        self.layer, self.heads = layer, C // HEAD_SIZE
        depth, height = layer / max(1, L - 1), 1 - layer / L
        channel = torch.arange(C).float()
        ramp = channel / C
        linear = channel / (C - 1) - 0.5
        zigzag = (channel % HEAD_SIZE - (HEAD_SIZE - 1) / 2) / ((HEAD_SIZE - 1) / 2)
        zigzag = zigzag * zigzag.abs()

        def row(values: Tensor) -> nn.Parameter:
            return nn.Parameter(values.view(1, 1, C))

        for name, power in zip("rwkvag", (0.2, 0.9, 0.7, 0.7, 0.9, 0.2)):
            self.register_parameter(f"x_{name}", row(1 - ramp ** (power * height)))
        decay = -6 + 6 * (channel / (C - 1)) ** (1 + depth ** 0.3)
        self.w0 = row(decay + 0.5 + 2.5 * zigzag)
        self.a0 = row(-0.19 + 0.3 * zigzag + 0.4 * linear)
        ranks = {"w": shape.decay_rank, "a": shape.rate_rank, "g": shape.gate_rank}
        if layer > 0:
            self.v0 = row(0.73 - 0.4 * linear)
            ranks["v"] = shape.value_rank
        for name, rank in ranks.items():
            self.register_parameter(f"{name}1", nn.Parameter(torch.zeros(C, rank)))
            self.register_parameter(f"{name}2", nn.Parameter(orthogonal(rank, C, 0.1)))
        self.k_k = row(0.71 - 0.1 * linear)
        self.k_a = row(torch.full((C,), 1.02))
        self.r_k = nn.Parameter(torch.full((self.heads, HEAD_SIZE), -0.04))
        self.receptance = Linear(uniform(C, C, 0.5))
        self.key = Linear(uniform(C, C, 0.05))
        self.value = Linear(uniform(C, C, 0.5))
        self.output = Linear(torch.zeros(C, C))
        self.ln_x = nn.GroupNorm(self.heads, C, eps=HEADS_NORM_EPSILON)
        nn.init.constant_(self.ln_x.weight, ((1 + layer) / L) ** 0.7)

    def forward(self, x: Tensor, v_first: Tensor | None, state: LayerState | None,
                scratch: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
        """Returns the block's output, the first layer's values and the last WKV state."""
        B, T, C = x.shape
        mixes = torch.cat([self.x_r, self.x_w, self.x_k, self.x_v, self.x_a, self.x_g], 1)[0]
        xr, xw, xk, xv, xa, xg = TokenShift.apply(
            x, mixes, state.att_shift if state else None, scratch)
        r, k, v = self.receptance(xr), self.key(xk), self.value(xv)
        w = torch.exp(-DECAY_SCALE * torch.sigmoid(
            self.w0 + torch.tanh(xw @ self.w1) @ self.w2))
        rate = torch.sigmoid(self.a0 + (xa @ self.a1) @ self.a2)
        gate = torch.sigmoid(xg @ self.g1) @ self.g2
        if v_first is None:
            v_first = v
        else:
            v = v + (v_first - v) * torch.sigmoid(self.v0 + (xv @ self.v1) @ self.v2)

        def heads(t: Tensor) -> Tensor:
            return t.view(B, T, self.heads, HEAD_SIZE)

        kk = F.normalize(heads(k * self.k_k), dim=-1)
        k = k * (1 + (rate - 1) * self.k_a)
        y, last = Wkv7.apply(
            heads(r), heads(w), heads(k), heads(v), -kk, kk * heads(rate),
            state.wkv if state else None, scratch)
        y = self.ln_x(y.view(B * T, C)).view(B, T, C)
        bonus = (heads(r) * heads(k) * self.r_k).sum(-1, keepdim=True) * heads(v)
        return self.output((y + bonus.view(B, T, C)) * gate), v_first, last


class ChannelMix(nn.Module):
    """The `ffn` block."""

    def __init__(self, shape: Shape, layer: int) -> None:
        super().__init__()
        C = shape.channels
        ramp = torch.arange(C).float() / C
        self.x_k = nn.Parameter((1 - ramp ** ((1 - layer / shape.layers) ** 4)).view(1, 1, C))
        self.key = Linear(uniform(4 * C, C, 0.5))
        self.value = Linear(torch.zeros(C, 4 * C))

    def forward(self, x: Tensor, state: LayerState | None, scratch: Tensor | None) -> Tensor:
        (xk,) = TokenShift.apply(x, self.x_k[0], state.ffn_shift if state else None, scratch)
        return self.value(torch.relu(self.key(xk)) ** 2)


class Block(nn.Module):
    def __init__(self, shape: Shape, layer: int) -> None:
        super().__init__()
        C = shape.channels
        if layer == 0:
            self.ln0 = nn.LayerNorm(C, eps=NORM_EPSILON)
        self.ln1 = nn.LayerNorm(C, eps=NORM_EPSILON)
        self.ln2 = nn.LayerNorm(C, eps=NORM_EPSILON)
        self.att = TimeMix(shape, layer)
        self.ffn = ChannelMix(shape, layer)


class Trunk(nn.Module):
    """Everything below the LM head."""

    def __init__(self, shape: Shape = Shape()) -> None:
        super().__init__()
        self.shape = shape
        self.emb = nn.Embedding(shape.vocabulary, shape.channels)
        nn.init.uniform_(self.emb.weight, -1e-4, 1e-4)
        self.blocks = nn.ModuleList(Block(shape, layer) for layer in range(shape.layers))
        self.ln_out = nn.LayerNorm(shape.channels, eps=NORM_EPSILON)

    def empty_state(self, batch: int) -> State:
        return [LayerState.zeros(batch, self.shape.channels) for _ in self.blocks]

    def forward(self, tokens: Tensor, state: State | None = None,
                scratch: Tensor | None = None) -> tuple[Tensor, State]:
        """Returns ln_out's rows [B,T,C] and the state after the last kept token.

        The returned state carries no gradient. `scratch` is uint8 [B,T].
        """
        x = self.blocks[0].ln0(self.emb(tokens))
        v_first, after = None, []
        for layer, block in enumerate(self.blocks):
            before = state[layer] if state else None
            att_in = block.ln1(x)
            out, v_first, wkv = block.att(att_in, v_first, before, scratch)
            x = x + out
            ffn_in = block.ln2(x)
            x = x + block.ffn(ffn_in, before, scratch)
            after.append(LayerState(
                last_kept(att_in, scratch), last_kept(ffn_in, scratch), wkv))
        return self.ln_out(x), after


class Generator(Trunk):
    """The language model: the trunk and an untied head."""

    def __init__(self, shape: Shape = Shape()) -> None:
        super().__init__(shape)
        self.head = Linear(orthogonal(shape.vocabulary, shape.channels, 0.5))

    def loss_sum(self, tokens: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Summed nats of tokens[:,1:] given what precedes them, and the new state."""
        hidden, after = self(tokens[:, :-1], state)
        return HeadLoss.apply(
            hidden.flatten(0, 1), self.head.weight, tokens[:, 1:].flatten()), after
