"""Training tokens as parallel lanes of continuous text.

Each epoch the documents, cut into runs of at most RUN_TOKENS_MAX, are shuffled
and laid end to end; lane i reads the i-th part from its start to its end. So a
state can be carried from one step to the next, and nothing is seen twice within
an epoch.
"""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from world_vocabulary import END_OF_DOCUMENT

RUN_TOKENS_MAX = 4096


def runs_of(tokens: np.ndarray) -> list[np.ndarray]:
    """Documents with their end marks, the long ones cut."""
    ends = np.flatnonzero(tokens == END_OF_DOCUMENT) + 1
    runs = []
    for start, end in zip(np.concatenate([[0], ends[:-1]]), ends):
        runs += [tokens[i:min(i + RUN_TOKENS_MAX, end)]
                 for i in range(start, end, RUN_TOKENS_MAX)]
    return runs


class TokenLanes:
    """Many lanes, a few of which are read in each step.

    With as many lanes as a step reads, consecutive steps would see the same few
    documents: measured at 0.6 M tokens, that costs 0.15 bits a byte. So all lanes
    are read once, in a random order, before any is read again.
    """

    def __init__(self, path: Path, lanes: int, step_lanes: int, step_tokens: int,
                 seed: int) -> None:
        self._runs = runs_of(np.fromfile(path, dtype=np.uint16))
        self._lanes, self._step_lanes = lanes, step_lanes
        self._step_tokens, self._seed = step_tokens, seed
        self._epoch = -1
        self._text = np.empty(0)
        tokens = sum(len(run) for run in self._runs)
        self._steps_per_round = lanes // step_lanes
        rounds = (tokens // lanes - 1) // step_tokens
        self.steps_per_epoch = rounds * self._steps_per_round

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """The lanes read in this step, and their tokens [lanes, step_tokens + 1].

        The last token of a row is the first one of that lane's next row.
        """
        epoch, place = divmod(step, self.steps_per_epoch)
        if epoch != self._epoch:
            self._lay_out(epoch)
        turn, group = divmod(place, self._steps_per_round)
        order = np.random.RandomState((self._seed, epoch, turn)).permutation(self._lanes)
        lanes = order[group * self._step_lanes:(group + 1) * self._step_lanes]
        start = turn * self._step_tokens
        tokens = self._text[lanes, start:start + self._step_tokens + 1]
        return torch.from_numpy(lanes), torch.from_numpy(tokens.astype(np.int64))

    def _lay_out(self, epoch: int) -> None:
        order = np.random.RandomState((self._seed, epoch)).permutation(len(self._runs))
        text = np.concatenate([self._runs[i] for i in order])
        width = len(text) // self._lanes
        self._text = text[:width * self._lanes].reshape(self._lanes, width)
        self._epoch = epoch
