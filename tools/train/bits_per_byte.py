"""Measures a language model on documents, each read whole from the empty state."""

import math
from collections.abc import Iterable

import numpy as np
import torch
import torch.nn.functional as F
from tqdm import tqdm

from rwkv7 import Generator
from world_vocabulary import END_OF_DOCUMENT

LANES = 8
BLOCK_TOKENS = 256
IGNORED = -100


def split_documents(tokens: np.ndarray) -> list[np.ndarray]:
    """The documents of a token file, without their end marks."""
    ends = np.flatnonzero(tokens == END_OF_DOCUMENT)
    starts = np.concatenate([[0], ends[:-1] + 1])
    return [tokens[start:end] for start, end in zip(starts, ends)]


@torch.no_grad()
def document_nats(model: Generator, documents: list[np.ndarray], quiet: bool = True) -> np.ndarray:
    """Summed nats of every document's tokens, the first one after END_OF_DOCUMENT."""
    nats = np.zeros(len(documents))
    order = sorted(range(len(documents)), key=lambda i: len(documents[i]))
    for start in tqdm(range(0, len(order), LANES), desc="bits per byte", disable=quiet):
        chosen = order[start:start + LANES]
        width = max(len(documents[i]) for i in chosen)
        inputs = torch.full((len(chosen), width), END_OF_DOCUMENT)
        targets = torch.full((len(chosen), width), IGNORED)
        for row, index in enumerate(chosen):
            ids = torch.from_numpy(documents[index].astype(np.int64))
            inputs[row, 1:len(ids)] = ids[:-1]
            targets[row, :len(ids)] = ids
        state = model.empty_state(len(chosen))
        for at in range(0, width, BLOCK_TOKENS):
            span = slice(at, at + BLOCK_TOKENS)
            hidden, state = model(inputs[:, span], state)
            loss = F.cross_entropy(
                model.head(hidden).flatten(0, 1), targets[:, span].flatten(),
                ignore_index=IGNORED, reduction="none")
            nats[chosen] += loss.view(len(chosen), -1).sum(1).double().numpy()
    return nats


def bits_per_byte(nats: Iterable[float], bytes_count: int) -> float:
    return float(sum(nats)) / math.log(2) / bytes_count
