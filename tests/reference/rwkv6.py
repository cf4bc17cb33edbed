"""RWKV-6 ("Finch") in float64, from its paper (arXiv 2404.05892, section 4.2)."""

from typing import List

import numpy as np

from read_weights import Weights
from reference import Reference, silu

# The inputs, in the order of time_maa_w1 and time_maa_w2.
INPUTS = "wkvrg"


class Rwkv6(Reference):
    """wkv[h] is [key, value], as in the paper."""

    def __init__(self, weights: Weights):
        super().__init__(weights)
        self.heads, self.head_size = weights["blocks.0.att.time_faaaa"].shape
        tuned = self.initial_matrices(self.heads, self.head_size)
        self.wkv = [matrices.transpose(0, 2, 1) for matrices in tuned]

    def _ddlerp(self, att: str, x: np.ndarray, change: np.ndarray) -> List[np.ndarray]:
        """ddlerp: each input leans by an amount of its own."""
        mixed = x + change * self.vector(att + "time_maa_x")
        low = np.tanh(mixed @ self._w[att + "time_maa_w1"]).reshape(len(INPUTS), -1)
        more = [z @ up for z, up in zip(low, self._w[att + "time_maa_w2"])]
        return [
            x + change * (self.vector(att + "time_maa_" + name) + added)
            for name, added in zip(INPUTS, more)
        ]

    def time_mix(self, layer: int, x: np.ndarray) -> np.ndarray:
        """As RWKV-5, with a decay that depends on the row."""
        att = f"blocks.{layer}.att."
        change = self.time_shift[layer] - x
        self.time_shift[layer] = x
        xw, xk, xv, xr, xg = self._ddlerp(att, x, change)
        low = np.tanh(xw @ self._w[att + "time_decay_w1"])
        d = self.vector(att + "time_decay") + low @ self._w[att + "time_decay_w2"]

        shape = (self.heads, self.head_size)
        w = np.exp(-np.exp(d)).reshape(shape)
        r = (self._w[att + "receptance.weight"] @ xr).reshape(shape)
        k = (self._w[att + "key.weight"] @ xk).reshape(shape)
        v = (self._w[att + "value.weight"] @ xv).reshape(shape)
        u = self._w[att + "time_faaaa"]
        kv = k[:, :, None] * v[:, None, :]
        y = (r[:, None, :] @ (u[:, :, None] * kv + self.wkv[layer]))[:, 0, :]
        self.wkv[layer] = w[:, :, None] * self.wkv[layer] + kv
        g = silu(self._w[att + "gate.weight"] @ xg)
        return self._w[att + "output.weight"] @ (self.group_norm(y, att) * g)

    def channel_mix(self, layer: int, x: np.ndarray) -> np.ndarray:
        """As in RWKV-4; the mixes are shares of the past."""
        ffn = f"blocks.{layer}.ffn."
        change = self.channel_shift[layer] - x
        self.channel_shift[layer] = x
        return self.gated_channel_mix(
            ffn,
            x + change * self.vector(ffn + "time_maa_k"),
            x + change * self.vector(ffn + "time_maa_r"),
        )

    def wkv_state(self, layer: int) -> List[np.ndarray]:
        """[H, S key, S value]."""
        return [self.wkv[layer]]
