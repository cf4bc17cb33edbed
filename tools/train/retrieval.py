"""Held-out search: questions, passages in a running stream, scores and recall."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm import tqdm

from bm25 import Bm25
from embedder import QUERY_TOKENS_MAX, Embedder, padded
from passages import Passage, Question, QuestionMaker
from rwkv7 import Trunk
from world_vocabulary import EMBEDDING_EOS, END_OF_DOCUMENT, Tokenizer

KINDS = ("heading", "sentence", "gloss", "words")
QUESTIONS_MAX = 400
HISTORY_TOKENS_MIN = 1000
BLOCK_TOKENS = 1024
BATCH_TEXTS = 64
RECIPROCAL_RANK_OFFSET = 60
SEED = 3


@dataclass(frozen=True)
class Search:
    """One kind of question over the whole held-out stream.

    texts: every passage, in stream order; those asked for are without the question.
    heads: the heading that stands before each passage, or "".
    queries, answers: the questions, and the index of the passage that answers each.
    documents: the document each passage belongs to.
    """

    kind: str
    texts: list[str]
    heads: list[str]
    documents: list[int]
    queries: list[str]
    answers: list[int]


def make_search(kind: str, documents: list[list[Passage]], maker: QuestionMaker) -> Search:
    rng = random.Random(SEED)
    order = list(range(len(documents)))
    rng.shuffle(order)
    texts, heads, owners, found = [], [], [], []
    seen: set[str] = set()
    for index in order:
        for passage in documents[index]:
            question = pick(kind, maker.questions(passage, rng))
            is_new = question is not None and seen.isdisjoint((question.query, question.text))
            if is_new:
                seen.update((question.query, question.text))
                found.append((question.query, len(texts)))
            hidden = is_new and kind in ("heading", "gloss")
            texts.append(question.text if is_new else passage.text)
            heads.append("" if hidden else passage.heading)
            owners.append(index)
    chosen = sorted(rng.sample(found, min(QUESTIONS_MAX, len(found))), key=lambda pair: pair[1])
    return Search(kind, texts, heads, owners,
                  [query for query, _ in chosen], [answer for _, answer in chosen])


def pick(kind: str, questions: list[Question]) -> Question | None:
    return next((question for question in questions if question.kind == kind), None)


@dataclass(frozen=True)
class Stream:
    """One row of tokens; passage i fills spans[i], and its probe (if any) follows."""

    tokens: np.ndarray
    spans: list[tuple[int, int]]


def make_stream(search: Search, tokenizer: Tokenizer, probes: bool) -> Stream:
    """All passages end to end, after HISTORY_TOKENS_MIN tokens of the last ones."""
    separator = tokenizer.encode(b"\n\n")
    rows = [np.array([END_OF_DOCUMENT])]
    size, index = 1, len(search.texts) - 1
    while size <= HISTORY_TOKENS_MIN:
        rows.append(np.concatenate([tokenizer.encode(search.texts[index].encode()), separator]))
        size += len(rows[-1])
        index -= 1
    spans, document = [], None
    for text, head, owner in zip(search.texts, search.heads, search.documents):
        if owner != document:
            rows.append(np.array([END_OF_DOCUMENT]))
            size += 1
        before = tokenizer.encode(f"{head}\n\n".encode()) if head else rows[0][:0]
        body = tokenizer.encode(text.encode())
        start = size + len(before)
        spans.append((start, start + len(body)))
        probe = [EMBEDDING_EOS] if probes else []
        rows.append(np.concatenate([before, body, probe, separator]))
        size += len(rows[-1])
        document = owner
    return Stream(np.concatenate(rows).astype(np.int64), spans)


@torch.no_grad()
def stream_rows(trunk: Trunk, stream: Stream, name: str) -> Tensor:
    """ln_out's rows over the whole stream, read in one pass."""
    state, rows = trunk.empty_state(1), []
    for start in tqdm(range(0, len(stream.tokens), BLOCK_TOKENS), desc=name):
        tokens = torch.from_numpy(stream.tokens[None, start:start + BLOCK_TOKENS])
        scratch = (tokens == EMBEDDING_EOS).to(torch.uint8)
        hidden, state = trunk(tokens, state, scratch)
        rows.append(hidden[0])
    return torch.cat(rows)


@torch.no_grad()
def embedded_texts(model: Embedder, tokenizer: Tokenizer, texts: list[str],
                   tokens_max: int | None = None) -> np.ndarray:
    parts = [tokenizer.encode(text.encode())[:tokens_max] for text in texts]
    return torch.cat([model.embed_texts(parts[i:i + BATCH_TEXTS])
                      for i in range(0, len(parts), BATCH_TEXTS)]).numpy()


@torch.no_grad()
def embedded_stream(model: Embedder, tokenizer: Tokenizer, search: Search) -> np.ndarray:
    """The vector of every passage of one running stream, by scratch probes."""
    stream = make_stream(search, tokenizer, probes=True)
    rows = stream_rows(model.rwkv, stream, f"{search.kind}: probes")
    return model.vectors(rows[[end for _, end in stream.spans]]).numpy()


def unit(rows: Tensor) -> np.ndarray:
    return F.normalize(rows, dim=-1).numpy()


@torch.no_grad()
def pooled_texts(trunk: Trunk, tokenizer: Tokenizer, texts: list[str]) -> dict[str, np.ndarray]:
    """Raw `last` and `mean` pooling of ln_out, each text from the empty state."""
    last, mean = [], []
    for start in range(0, len(texts), BATCH_TEXTS):
        batch = texts[start:start + BATCH_TEXTS]
        tokens, sizes = padded([tokenizer.encode(text.encode()) for text in batch])
        hidden, _ = trunk(tokens)
        for row, size in zip(hidden, sizes):
            last.append(row[size - 1])
            mean.append(row[:size].mean(0))
    return {"last": unit(torch.stack(last)), "mean": unit(torch.stack(mean))}


def pooled_stream(trunk: Trunk, tokenizer: Tokenizer, search: Search) -> dict[str, np.ndarray]:
    """The same pooling over the spans of one running stream."""
    stream = make_stream(search, tokenizer, probes=False)
    rows = stream_rows(trunk, stream, f"{search.kind}: pooling")
    return {"last": unit(torch.stack([rows[end - 1] for _, end in stream.spans])),
            "mean": unit(torch.stack([rows[start:end].mean(0) for start, end in stream.spans]))}


def bm25_scores(search: Search) -> np.ndarray:
    index = Bm25(search.texts)
    return np.stack([index.scores(query) for query in search.queries])


def z_sum(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Each query's scores made mean 0 and deviation 1, then added."""
    return sum((s - s.mean(1, keepdims=True)) / (s.std(1, keepdims=True) + 1e-6) for s in (a, b))


def reciprocal_ranks(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """1 / (60 + rank), added; the best rank is 1."""
    ranks = ((-s).argsort(1, kind="stable").argsort(1) + 1 for s in (a, b))
    return sum(1.0 / (RECIPROCAL_RANK_OFFSET + rank) for rank in ranks)


def recall(scores: np.ndarray, answers: list[int]) -> dict[str, float]:
    """Scores [queries, passages]; ties count half."""
    right = scores[np.arange(len(answers)), answers][:, None]
    ranks = (scores > right).sum(1) + ((scores == right).sum(1) - 1) / 2
    return {"recall@1": round(float((ranks < 1).mean()), 4),
            "recall@10": round(float((ranks < 10).mean()), 4)}


def both_pools(scores: np.ndarray, search: Search) -> dict[str, dict[str, float]]:
    """Recall among the answers of this kind alone, and among all passages."""
    return {"answers": recall(scores[:, search.answers], list(range(len(search.answers)))),
            "all": recall(scores, search.answers)}


def spread(texts: list[str], rows: np.ndarray, wanted: list[str]) -> np.ndarray:
    """The rows of the wanted texts, given those of all texts."""
    place = {text: index for index, text in enumerate(texts)}
    return rows[[place[text] for text in wanted]]


def different_texts(searches: list[Search]) -> list[str]:
    """Most passages are the same in every search: they need to be read but once."""
    return list(dict.fromkeys(text for search in searches for text in search.texts))


def embedding_scores(model: Embedder, tokenizer: Tokenizer,
                     searches: list[Search]) -> Iterator[dict[str, np.ndarray]]:
    """For each search, cosines of its queries with all passages, in both contexts."""
    texts = different_texts(searches)
    vectors = embedded_texts(model, tokenizer, texts)
    for search in searches:
        queries = embedded_texts(model, tokenizer, search.queries, QUERY_TOKENS_MAX)
        yield {"span": queries @ spread(texts, vectors, search.texts).T,
               "stream": queries @ embedded_stream(model, tokenizer, search).T}


def pooling_scores(trunk: Trunk, tokenizer: Tokenizer,
                   searches: list[Search]) -> Iterator[dict[str, np.ndarray]]:
    texts = different_texts(searches)
    rows = pooled_texts(trunk, tokenizer, texts)
    for search in searches:
        queries = pooled_texts(trunk, tokenizer, search.queries)
        streams = pooled_stream(trunk, tokenizer, search)
        scores = {}
        for pooling in ("last", "mean"):
            spans = spread(texts, rows[pooling], search.texts)
            scores[f"{pooling} span"] = queries[pooling] @ spans.T
            scores[f"{pooling} stream"] = queries[pooling] @ streams[pooling].T
        yield scores
