"""RWKV-7 ("Goose") in float64, from its paper (arXiv 2503.14456).

S[i, j] has value channel i and key channel j, as in the official code.
"""

from typing import List

import numpy as np

from read_weights import Weights
from reference import Reference, sigmoid


class Rwkv7(Reference):
    """wkv[h] is [value, key]."""

    def __init__(self, weights: Weights):
        super().__init__(weights)
        self.heads, self.head_size = weights["blocks.0.att.r_k"].shape
        self.wkv = self.initial_matrices(self.heads, self.head_size)
        self._v_first = np.zeros(0)

    def time_mix(self, layer: int, x: np.ndarray) -> np.ndarray:
        """Lerp, projections, the delta rule, GroupNorm, bonus and gate."""
        att = f"blocks.{layer}.att."
        change = self.time_shift[layer] - x
        self.time_shift[layer] = x

        def mixed(name: str) -> np.ndarray:
            return x + change * self.vector(att + "x_" + name)

        def low_rank(name: str, inner: np.ndarray) -> np.ndarray:
            return inner @ self._w[att + name + "2"]

        r = self._w[att + "receptance.weight"] @ mixed("r")
        k = self._w[att + "key.weight"] @ mixed("k")
        v = self._w[att + "value.weight"] @ mixed("v")
        w = self.vector(att + "w0") + low_rank("w", np.tanh(mixed("w") @ self._w[att + "w1"]))
        decay = np.exp(-np.exp(-0.5) * sigmoid(w))
        a = sigmoid(self.vector(att + "a0") + low_rank("a", mixed("a") @ self._w[att + "a1"]))
        g = low_rank("g", sigmoid(mixed("g") @ self._w[att + "g1"]))
        if layer == 0:
            self._v_first = v
        else:
            gate = self.vector(att + "v0") + low_rank("v", mixed("v") @ self._w[att + "v1"])
            v = v + (self._v_first - v) * sigmoid(gate)
        shape = (self.heads, self.head_size)
        kk = (k * self.vector(att + "k_k")).reshape(shape)
        kk = kk / np.maximum(np.linalg.norm(kk, axis=-1, keepdims=True), 1e-12)
        k = k * (1.0 + (a - 1.0) * self.vector(att + "k_a"))

        # Per head: outer products are [value, 1] * [1, key].
        r, k, v, a, decay = (z.reshape(shape) for z in (r, k, v, a, decay))
        u = self.wkv[layer] @ -kk[:, :, None]
        self.wkv[layer] = (
            self.wkv[layer] * decay[:, None, :]
            + u * (kk * a)[:, None, :]
            + v[:, :, None] * k[:, None, :]
        )
        y = (self.wkv[layer] @ r[:, :, None])[:, :, 0]
        bonus = (r * k * self._w[att + "r_k"].reshape(shape)).sum(-1, keepdims=True) * v
        y = self.group_norm(y, att) + bonus.reshape(-1)
        return self._w[att + "output.weight"] @ (y * g)

    def channel_mix(self, layer: int, x: np.ndarray) -> np.ndarray:
        """The square of a ReLU, without a gate."""
        ffn = f"blocks.{layer}.ffn."
        mixed = x + (self.channel_shift[layer] - x) * self.vector(ffn + "x_k")
        self.channel_shift[layer] = x
        key = np.maximum(self._w[ffn + "key.weight"] @ mixed, 0.0)
        return self._w[ffn + "value.weight"] @ (key * key)

    def wkv_state(self, layer: int) -> List[np.ndarray]:
        """The engine keeps S transposed: [H, S key, S value]."""
        return [self.wkv[layer].transpose(0, 2, 1)]
