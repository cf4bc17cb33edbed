"""RWKV-4 in float64, from its paper (arXiv 2305.13048)."""

from typing import List

import numpy as np

from read_weights import Weights
from reference import Reference, sigmoid


class Rwkv4(Reference):
    """The two sums of wkv as they are defined: no exponent is taken out."""

    def __init__(self, weights: Weights):
        super().__init__(weights)
        self._above = [np.zeros(self.width) for _ in range(self.layers)]
        self._below = [np.zeros(self.width) for _ in range(self.layers)]
        # The largest k so far, decayed like its weight: the exponent that
        # implementations take out of both sums.
        self._largest = [np.full(self.width, -np.inf) for _ in range(self.layers)]

    def _mixed(self, name: str, x: np.ndarray, last: np.ndarray) -> np.ndarray:
        mix = self.vector(name)
        return mix * x + (1.0 - mix) * last

    def time_mix(self, layer: int, x: np.ndarray) -> np.ndarray:
        """Token shift, the weighted mean of the past, and its gate."""
        att = f"blocks.{layer}.att."
        last, self.time_shift[layer] = self.time_shift[layer], x
        r = self._w[att + "receptance.weight"] @ self._mixed(att + "time_mix_r", x, last)
        k = self._w[att + "key.weight"] @ self._mixed(att + "time_mix_k", x, last)
        v = self._w[att + "value.weight"] @ self._mixed(att + "time_mix_v", x, last)
        w = np.exp(self.vector(att + "time_decay"))
        u = self.vector(att + "time_first")
        above, below = self._above[layer], self._below[layer]
        wkv = (above + np.exp(u + k) * v) / (below + np.exp(u + k))
        self._above[layer] = np.exp(-w) * above + np.exp(k) * v
        self._below[layer] = np.exp(-w) * below + np.exp(k)
        self._largest[layer] = np.maximum(self._largest[layer] - w, k)
        return self._w[att + "output.weight"] @ (sigmoid(r) * wkv)

    def channel_mix(self, layer: int, x: np.ndarray) -> np.ndarray:
        """The square of a ReLU, gated."""
        ffn = f"blocks.{layer}.ffn."
        last, self.channel_shift[layer] = self.channel_shift[layer], x
        return self.gated_channel_mix(
            ffn,
            self._mixed(ffn + "time_mix_k", x, last),
            self._mixed(ffn + "time_mix_r", x, last),
        )

    def wkv_state(self, layer: int) -> List[np.ndarray]:
        """aa, bb, pp."""
        scale = np.exp(-self._largest[layer])
        return [self._above[layer] * scale, self._below[layer] * scale, self._largest[layer]]
