"""Okapi BM25, the yardstick of word search."""

import math
import re
from collections import Counter, defaultdict

import numpy as np

K1 = 1.2
B = 0.75
WORD = re.compile(r"[a-z0-9]+")
SUFFIXES = ("ing", "ed", "es", "s")
STEM_LETTERS_MIN = 3


def terms(text: str) -> list[str]:
    """Lower-case words without their commonest English endings."""
    stems = []
    for word in WORD.findall(text.lower()):
        for suffix in SUFFIXES:
            if word.endswith(suffix) and len(word) - len(suffix) >= STEM_LETTERS_MIN:
                word = word[:-len(suffix)]
                break
        stems.append(word)
    return stems


class Bm25:
    def __init__(self, documents: list[str]) -> None:
        postings: dict[str, list[tuple[int, int]]] = defaultdict(list)
        lengths = np.zeros(len(documents))
        for index, document in enumerate(documents):
            words = terms(document)
            lengths[index] = len(words)
            for word, count in Counter(words).items():
                postings[word].append((index, count))
        self._norm = K1 * (1 - B + B * lengths / lengths.mean())
        self._postings = {w: np.array(p, dtype=np.int64).T for w, p in postings.items()}

    def scores(self, query: str) -> np.ndarray:
        """The score of every document."""
        total = np.zeros(len(self._norm))
        for word in set(terms(query)):
            if word not in self._postings:
                continue
            holders, counts = self._postings[word]
            rarity = math.log(1 + (len(total) - len(holders) + 0.5) / (len(holders) + 0.5))
            total[holders] += rarity * counts * (K1 + 1) / (counts + self._norm[holders])
        return total
