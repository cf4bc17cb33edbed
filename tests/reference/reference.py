"""What the float64 references of all RWKV versions share.

Slow and plain on purpose: one token at a time, no batching, names as in the
papers. Each version is in a file of its own, line by line from its equations.
"""

from typing import Iterator, List

import numpy as np

from read_weights import Weights

LAYER_NORM_EPS = 1e-5
GROUP_NORM_EPS = 64e-5


def sigmoid(x: np.ndarray) -> np.ndarray:
    """1 / (1 + e^-x)."""
    return 1.0 / (1.0 + np.exp(-x))


def silu(x: np.ndarray) -> np.ndarray:
    """x / (1 + e^-x)."""
    return x * sigmoid(x)


def normalize(x: np.ndarray, eps: float) -> np.ndarray:
    """Mean 0 and variance 1 over the last axis."""
    mean = x.mean(-1, keepdims=True)
    return (x - mean) / np.sqrt(x.var(-1, keepdims=True) + eps)


class Reference:
    """A model and the state of one sequence: the parts that never changed."""

    def __init__(self, weights: Weights):
        self._w = weights
        self.width = weights["emb.weight"].shape[1]
        self.layers = 1 + max(int(n.split(".")[1]) for n in weights if n.startswith("blocks."))
        # The last inputs of time mixing and of channel mixing, a layer each.
        self.time_shift = [np.zeros(self.width) for _ in range(self.layers)]
        self.channel_shift = [np.zeros(self.width) for _ in range(self.layers)]

    def time_mix(self, layer: int, x: np.ndarray) -> np.ndarray:
        """What time mixing adds; advances the layer's state."""
        raise NotImplementedError

    def channel_mix(self, layer: int, x: np.ndarray) -> np.ndarray:
        """What channel mixing adds; advances the layer's state."""
        raise NotImplementedError

    def wkv_state(self, layer: int) -> List[np.ndarray]:
        """The state of the recurrence, in the engine's order and orientation."""
        raise NotImplementedError

    def state(self) -> Iterator[np.ndarray]:
        """All of the state but the hidden row, in the engine's order."""
        for layer in range(self.layers):
            yield from self.wkv_state(layer)
            yield self.time_shift[layer]
            yield self.channel_shift[layer]

    def step(self, token: int) -> np.ndarray:
        """Reads a token; the hidden row (output of ln_out)."""
        x = self.layer_norm(self._w["emb.weight"][token], "blocks.0.ln0")
        for layer in range(self.layers):
            block = f"blocks.{layer}."
            x = x + self.time_mix(layer, self.layer_norm(x, block + "ln1"))
            x = x + self.channel_mix(layer, self.layer_norm(x, block + "ln2"))
        return self.layer_norm(x, "ln_out")

    def logits(self, hidden: np.ndarray) -> np.ndarray:
        """[V]; needs head.weight."""
        return self._w["head.weight"] @ hidden

    def embed(self, head: str, hidden: np.ndarray) -> np.ndarray:
        """EmbeddingRWKV's trained head: LayerNorm(x + fc2(relu(fc1 x)))."""
        stem = f"head.{head}_head."
        between = np.maximum(self._w[stem + "fc1.weight"] @ hidden, 0.0)
        return self.layer_norm(hidden + self._w[stem + "fc2.weight"] @ between, stem + "norm")

    def vector(self, name: str) -> np.ndarray:
        """A tensor without its dimensions of 1."""
        return self._w[name].reshape(-1)

    def layer_norm(self, x: np.ndarray, name: str) -> np.ndarray:
        """LayerNorm with the scale and bias of this name."""
        scale, bias = self.vector(name + ".weight"), self.vector(name + ".bias")
        return normalize(x, LAYER_NORM_EPS) * scale + bias

    def group_norm(self, y: np.ndarray, att: str) -> np.ndarray:
        """ln_x of y[H,S]: each head by itself; [D]."""
        normed = normalize(y, GROUP_NORM_EPS).reshape(-1)
        return normed * self.vector(att + "ln_x.weight") + self.vector(att + "ln_x.bias")

    def initial_matrices(self, heads: int, size: int) -> List[np.ndarray]:
        """S [H, value, key] of each layer before the first token: 0, or tuned."""
        zeros = np.zeros((heads, size, size))
        return [
            self._w.get(f"blocks.{layer}.att.time_state", zeros) for layer in range(self.layers)
        ]

    def gated_channel_mix(self, ffn: str, xk: np.ndarray, xr: np.ndarray) -> np.ndarray:
        """The channel mixing of RWKV-4 to RWKV-6, of its two mixed inputs."""
        key = np.maximum(self._w[ffn + "key.weight"] @ xk, 0.0)
        value = self._w[ffn + "value.weight"] @ (key * key)
        return sigmoid(self._w[ffn + "receptance.weight"] @ xr) * value
