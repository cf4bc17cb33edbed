"""Training material for the embedder: running streams with probes, and questions.

A lane reads document after document, passage after passage, as a server's stream
does. After each passage comes a probe: one EOS marked as scratch, whose vector must
find the passage's question. The other probes of the lane are the negatives that
share its history.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from embedder import QUERY_TOKENS_MAX
from passages import Passage, Question, QuestionMaker
from world_vocabulary import EMBEDDING_EOS, END_OF_DOCUMENT, Tokenizer

BLOCK_TOKENS = 512
RUN_PASSAGES_MAX = 32
HEADING_SHOWN_CHANCE = 0.3
LOWER_CASE_CHANCE = 0.3
TITLE_DROPPED_CHANCE = 0.3
KEPT_CHANCE = {"wordnet": 0.35, "bible": 0.5}
KIND_WEIGHTS = {"heading": 6.0, "entry": 6.0, "gloss": 4.0, "sentence": 3.0, "words": 1.0}
SEPARATOR = b"\n\n"


@dataclass
class Pair:
    query: np.ndarray
    passage: np.ndarray
    is_asked: bool


class Block(NamedTuple):
    """Rows [lanes, BLOCK_TOKENS]; `wanted` marks the probes, queries are in their order."""

    tokens: Tensor
    scratch: Tensor
    wanted: Tensor
    queries: list[np.ndarray]


def as_typed(question: Question, rng: random.Random) -> str:
    """People leave out the title, and capitals."""
    query = question.query
    if question.kind == "heading" and rng.random() < TITLE_DROPPED_CHANCE:
        query = query.split(": ", 1)[-1]
    return query.lower() if rng.random() < LOWER_CASE_CHANCE else query


class PassageLanes:
    def __init__(self, documents: list[list[Passage]], tokenizer: Tokenizer, lanes: int,
                 step_lanes: int, seed: int) -> None:
        self._tokenizer, self._step_lanes = tokenizer, step_lanes
        self._maker = QuestionMaker([p for passages in documents for p in passages])
        self._runs = [passages[i:i + RUN_PASSAGES_MAX] for passages in documents
                      for i in range(0, len(passages), RUN_PASSAGES_MAX)]
        self._random = random.Random(seed)
        self._order = list(range(lanes))
        self._lanes = [self._pieces(random.Random(seed + 1 + i)) for i in range(lanes)]
        self._held: list[tuple[np.ndarray, Pair] | None] = [None] * lanes

    def _encode(self, text: str) -> np.ndarray:
        return self._tokenizer.encode(text.encode())

    def _pair(self, passage: Passage, rng: random.Random) -> Pair:
        questions = self._maker.questions(passage, rng)
        if not questions:
            return Pair(np.empty(0, np.uint16), self._encode(passage.text), False)
        weights = [KIND_WEIGHTS[question.kind] for question in questions]
        question = rng.choices(questions, weights)[0]
        query = self._encode(as_typed(question, rng))[:QUERY_TOKENS_MAX]
        return Pair(query, self._encode(question.text), True)

    def _runs_forever(self, rng: random.Random) -> Iterator[list[Passage]]:
        while True:
            run = rng.choice(self._runs)
            if rng.random() < KEPT_CHANCE.get(run[0].source, 1.0):
                yield run

    def _pieces(self, rng: random.Random) -> Iterator[tuple[np.ndarray, Pair]]:
        """Endless (what stands before a passage, the passage)."""
        for run in self._runs_forever(rng):
            before = np.array([END_OF_DOCUMENT], np.uint16)
            for passage in run:
                shown = passage.heading and rng.random() < HEADING_SHOWN_CHANCE
                if shown:
                    before = np.concatenate([before, self._encode(passage.heading + "\n\n")])
                pair = self._pair(passage, rng)
                yield before, pair
                before = self._encode(SEPARATOR.decode())

    def stream_step(self) -> tuple[Tensor, Block]:
        """Some lanes and the next block of each."""
        if len(self._order) < self._step_lanes:
            self._order = list(range(len(self._lanes)))
        self._random.shuffle(self._order)
        chosen = [self._order.pop() for _ in range(self._step_lanes)]
        shape = (len(chosen), BLOCK_TOKENS)
        tokens = np.full(shape, EMBEDDING_EOS, np.int64)
        scratch, wanted = np.ones(shape, np.uint8), np.zeros(shape, bool)
        queries: list[np.ndarray] = []
        for row, lane in enumerate(chosen):
            self._fill(lane, tokens[row], scratch[row], wanted[row], queries)
        block = Block(torch.from_numpy(tokens), torch.from_numpy(scratch),
                      torch.from_numpy(wanted), queries)
        return torch.tensor(chosen), block

    def _fill(self, lane: int, tokens: np.ndarray, scratch: np.ndarray, wanted: np.ndarray,
              queries: list[np.ndarray]) -> None:
        """Whole passages only; what is left of the row stays filled with probes."""
        at = 0
        while True:
            before, pair = self._held[lane] or next(self._lanes[lane])
            text = np.concatenate([before, pair.passage])[:BLOCK_TOKENS - 1]
            if at + len(text) + 1 > BLOCK_TOKENS:
                self._held[lane] = (before, pair)
                return
            self._held[lane] = None
            tokens[at:at + len(text)] = text
            scratch[at:at + len(text)] = 0
            at += len(text)
            if pair.is_asked:
                wanted[at] = True
                queries.append(pair.query)
                at += 1

    def span_step(self, count: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Single passages for the empty state, and their queries."""
        passages, queries = [], []
        while len(passages) < count:
            run = next(self._runs_forever(self._random))
            pair = self._pair(self._random.choice(run), self._random)
            if pair.is_asked:
                passages.append(pair.passage)
                queries.append(pair.query)
        return passages, queries
