"""RWKV-7 in float64, line by line from the published equations.

Slow and plain on purpose: one token, one head, no batching. The names are the
papers'; S[i, j] has value channel i and key channel j, as in the official code.
"""

from dataclasses import dataclass
from typing import List

import numpy as np

from read_weights import Weights

LAYER_NORM_EPS = 1e-5
GROUP_NORM_EPS = 64e-5


def sigmoid(x: np.ndarray) -> np.ndarray:
    """1 / (1 + e^-x)."""
    return 1.0 / (1.0 + np.exp(-x))


def normalize(x: np.ndarray, eps: float) -> np.ndarray:
    """Mean 0 and variance 1 over the last axis."""
    mean = x.mean(-1, keepdims=True)
    return (x - mean) / np.sqrt(x.var(-1, keepdims=True) + eps)


@dataclass
class LayerState:
    """What one layer remembers."""

    time_shift: np.ndarray  # [D]
    channel_shift: np.ndarray  # [D]
    wkv: np.ndarray  # [H, S value, S key]


class Rwkv7:
    """A model and the state of one sequence."""

    def __init__(self, weights: Weights):
        self._w = weights
        self.width = weights["emb.weight"].shape[1]
        self.heads, self.head_size = weights["blocks.0.att.r_k"].shape
        self.layers = 1 + max(int(n.split(".")[1]) for n in weights if n.startswith("blocks."))
        zeros = np.zeros(self.width)
        matrix = np.zeros((self.heads, self.head_size, self.head_size))
        self.state: List[LayerState] = [
            LayerState(zeros, zeros, matrix) for _ in range(self.layers)
        ]

    def _vector(self, name: str) -> np.ndarray:
        return self._w[name].reshape(-1)

    def _layer_norm(self, x: np.ndarray, name: str) -> np.ndarray:
        scale, bias = self._vector(name + ".weight"), self._vector(name + ".bias")
        return normalize(x, LAYER_NORM_EPS) * scale + bias

    def step(self, token: int) -> np.ndarray:
        """Reads a token; the hidden row (output of ln_out)."""
        x = self._layer_norm(self._w["emb.weight"][token], "blocks.0.ln0")
        self._v_first = np.zeros(0)
        for layer in range(self.layers):
            block = f"blocks.{layer}."
            x = x + self._time_mix(layer, self._layer_norm(x, block + "ln1"))
            x = x + self._channel_mix(layer, self._layer_norm(x, block + "ln2"))
        return self._layer_norm(x, "ln_out")

    def logits(self, hidden: np.ndarray) -> np.ndarray:
        """[V]; needs head.weight."""
        return self._w["head.weight"] @ hidden

    def embed(self, head: str, hidden: np.ndarray) -> np.ndarray:
        """EmbeddingRWKV's trained head: LayerNorm(x + fc2(relu(fc1 x)))."""
        stem = f"head.{head}_head."
        between = np.maximum(self._w[stem + "fc1.weight"] @ hidden, 0.0)
        return self._layer_norm(hidden + self._w[stem + "fc2.weight"] @ between, stem + "norm")

    def _time_mix(self, layer: int, x: np.ndarray) -> np.ndarray:
        att = f"blocks.{layer}.att."
        state = self.state[layer]
        change = state.time_shift - x
        state.time_shift = x

        def mixed(name: str) -> np.ndarray:
            return x + change * self._vector(att + "x_" + name)

        def low_rank(name: str, inner: np.ndarray) -> np.ndarray:
            return inner @ self._w[att + name + "2"]

        r = self._w[att + "receptance.weight"] @ mixed("r")
        k = self._w[att + "key.weight"] @ mixed("k")
        v = self._w[att + "value.weight"] @ mixed("v")
        w = self._vector(att + "w0") + low_rank("w", np.tanh(mixed("w") @ self._w[att + "w1"]))
        decay = np.exp(-np.exp(-0.5) * sigmoid(w))
        a = sigmoid(self._vector(att + "a0") + low_rank("a", mixed("a") @ self._w[att + "a1"]))
        g = low_rank("g", sigmoid(mixed("g") @ self._w[att + "g1"]))
        if layer == 0:
            self._v_first = v
        else:
            gate = self._vector(att + "v0") + low_rank("v", mixed("v") @ self._w[att + "v1"])
            v = v + (self._v_first - v) * sigmoid(gate)
        kk = k * self._vector(att + "k_k")
        k = k * (1.0 + (a - 1.0) * self._vector(att + "k_a"))

        shape = (self.heads, self.head_size)
        y = np.zeros(shape)
        bonus = np.zeros(shape)
        wkv = np.zeros_like(state.wkv)
        r_k = self._w[att + "r_k"].reshape(shape)
        by_head = (z.reshape(shape) for z in (r, k, v, decay, a, kk))
        for h, (rh, kh, vh, wh, ah, kkh) in enumerate(zip(*by_head)):
            kkh = kkh / max(np.sqrt(kkh @ kkh), 1e-12)
            u = state.wkv[h] @ -kkh
            wkv[h] = state.wkv[h] * wh + np.outer(u, kkh * ah) + np.outer(vh, kh)
            y[h] = wkv[h] @ rh
            bonus[h] = (rh * kh * r_k[h]).sum() * vh
        state.wkv = wkv
        y = normalize(y, GROUP_NORM_EPS).reshape(-1)
        y = y * self._vector(att + "ln_x.weight") + self._vector(att + "ln_x.bias")
        return self._w[att + "output.weight"] @ ((y + bonus.reshape(-1)) * g)

    def _channel_mix(self, layer: int, x: np.ndarray) -> np.ndarray:
        ffn = f"blocks.{layer}.ffn."
        state = self.state[layer]
        mixed = x + (state.channel_shift - x) * self._vector(ffn + "x_k")
        state.channel_shift = x
        key = np.maximum(self._w[ffn + "key.weight"] @ mixed, 0.0)
        return self._w[ffn + "value.weight"] @ (key * key)
