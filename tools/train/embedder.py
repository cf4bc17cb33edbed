"""The embedding model: EmbeddingRWKV's structure over our trunk.

A state dict of Embedder has the published names: rwkv.* and head.retr_head.*.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from rwkv7 import NORM_EPSILON, Linear, Shape, State, Trunk, orthogonal
from world_vocabulary import EMBEDDING_EOS

QUERY_TOKENS_MAX = 40


class RetrievalHead(nn.Module):
    """z = LayerNorm(x + fc2(relu(fc1 x)))."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc1 = Linear(orthogonal(channels, channels, 1.0))
        self.fc2 = Linear(torch.zeros(channels, channels))
        self.norm = nn.LayerNorm(channels, eps=NORM_EPSILON)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(x + self.fc2(torch.relu(self.fc1(x))))


class Embedder(nn.Module):
    def __init__(self, shape: Shape = Shape()) -> None:
        super().__init__()
        self.rwkv = Trunk(shape)
        self.head = nn.ModuleDict({"retr_head": RetrievalHead(shape.channels)})

    def vectors(self, hidden: Tensor) -> Tensor:
        """Unit vectors [n,C] of ln_out's rows at EOS tokens."""
        return F.normalize(self.head["retr_head"](hidden), dim=-1)

    def embed_texts(self, texts: list[np.ndarray]) -> Tensor:
        """Each text's vector, from the empty state: its tokens, then EOS.

        The shorter and the longer half run apart, so that less filling is computed.
        """
        order = np.argsort([len(text) for text in texts], kind="stable")
        halves = [half for half in np.array_split(order, 2) if len(half)]
        vectors = torch.cat([self._embed_padded([texts[i] for i in half]) for half in halves])
        return vectors[torch.from_numpy(np.argsort(order))]

    def _embed_padded(self, texts: list[np.ndarray]) -> Tensor:
        tokens, last = padded(texts)
        hidden, _ = self.rwkv(tokens)
        return self.vectors(hidden[torch.arange(len(texts)), last])

    def embed_probes(self, tokens: Tensor, scratch: Tensor, wanted: Tensor,
                     state: State) -> tuple[Tensor, State]:
        """The vectors of the wanted rows (a mask [B,T]) of running streams."""
        hidden, after = self.rwkv(tokens, state, scratch)
        return self.vectors(hidden[wanted]), after


def padded(texts: list[np.ndarray]) -> tuple[Tensor, Tensor]:
    """Token rows with EOS after each text (and as filling), and where its EOS is."""
    width = max(len(text) for text in texts) + 1
    tokens = torch.full((len(texts), width), EMBEDDING_EOS)
    for row, text in enumerate(texts):
        tokens[row, :len(text)] = torch.from_numpy(text.astype(np.int64))
    return tokens, torch.tensor([len(text) for text in texts])
