"""RWKV-5 ("Eagle") in float64, from its paper (arXiv 2404.05892, section 4.1).

5.2 is the paper's. 5.1 has one decay and one bonus a head; 5.0 has no gate,
besides. The mixes of the files are shares of the present, the paper's mu of
the past.
"""

from typing import List

import numpy as np

from read_weights import Weights
from reference import Reference, silu


class Rwkv5(Reference):
    """wkv[h] is [key, value], as in the paper."""

    def __init__(self, weights: Weights):
        super().__init__(weights)
        self.heads = weights["blocks.0.att.time_decay"].shape[0]
        self.head_size = self.width // self.heads
        tuned = self.initial_matrices(self.heads, self.head_size)
        self.wkv = [matrices.transpose(0, 2, 1) for matrices in tuned]

    def _mixed(self, name: str, x: np.ndarray, last: np.ndarray) -> np.ndarray:
        mix = self.vector(name)
        return mix * x + (1.0 - mix) * last

    def _by_head(self, name: str) -> np.ndarray:
        """[H, S or 1, 1]: a number for each key channel, or for the head."""
        return self._w[name].reshape(self.heads, -1, 1)

    def _bonus(self, att: str) -> np.ndarray:
        """The older name holds a logarithm."""
        if att + "time_first" in self._w:
            return np.exp(self._by_head(att + "time_first"))
        return self._by_head(att + "time_faaaa")

    def time_mix(self, layer: int, x: np.ndarray) -> np.ndarray:
        """Token shift, the recurrence, GroupNorm and gate."""
        att = f"blocks.{layer}.att."
        last, self.time_shift[layer] = self.time_shift[layer], x

        def project(name: str, mix: str) -> np.ndarray:
            return self._w[f"{att}{name}.weight"] @ self._mixed(att + "time_mix_" + mix, x, last)

        shape = (self.heads, self.head_size)
        r = project("receptance", "r").reshape(shape)
        k = project("key", "k").reshape(shape)
        v = project("value", "v").reshape(shape)
        w = np.exp(-np.exp(self._by_head(att + "time_decay")))
        kv = k[:, :, None] * v[:, None, :]
        y = (r[:, None, :] @ (self._bonus(att) * kv + self.wkv[layer]))[:, 0, :]
        self.wkv[layer] = w * self.wkv[layer] + kv
        y = self.group_norm(y, att)
        if att + "gate.weight" in self._w:
            y = y * silu(project("gate", "g"))
        return self._w[att + "output.weight"] @ y

    def channel_mix(self, layer: int, x: np.ndarray) -> np.ndarray:
        """As in RWKV-4."""
        ffn = f"blocks.{layer}.ffn."
        last, self.channel_shift[layer] = self.channel_shift[layer], x
        return self.gated_channel_mix(
            ffn,
            self._mixed(ffn + "time_mix_k", x, last),
            self._mixed(ffn + "time_mix_r", x, last),
        )

    def wkv_state(self, layer: int) -> List[np.ndarray]:
        """[H, S key, S value]."""
        return [self.wkv[layer]]
