"""A byte n-gram model with interpolated Kneser-Ney smoothing, as a yardstick.

Counts are sorted arrays of packed grams: an order-n gram is n bytes of a uint64.
"""

import argparse
from pathlib import Path

import numpy as np

ORDER = 5
BYTES = 256


def packed_grams(text: np.ndarray, order: int) -> np.ndarray:
    """Every gram of `order` bytes, the last byte lowest."""
    grams = np.zeros(len(text) - order + 1, dtype=np.uint64)
    for i in range(order):
        grams = (grams << np.uint64(8)) | text[i:len(text) - order + 1 + i]
    return grams


class GramCounts:
    """One order: how often each gram was seen, and sums over its context."""

    def __init__(self, grams: np.ndarray, counts: np.ndarray) -> None:
        self._grams, self._counts = grams, counts.astype(np.float64)
        contexts = grams >> np.uint64(8)
        self._contexts, starts = np.unique(contexts, return_index=True)
        self._totals = np.add.reduceat(self._counts, starts)
        self._kinds = np.diff(np.append(starts, len(grams)))
        once, twice = (counts == 1).sum(), (counts == 2).sum()
        self._discount = once / (once + 2 * twice) if once else 0.5

    @staticmethod
    def _find(keys: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        return at, keys[at] == wanted

    def interpolate(self, wanted: np.ndarray, lower: np.ndarray) -> np.ndarray:
        """The probability of each gram's last byte, given that of the lower order."""
        at, seen = self._find(self._grams, wanted)
        count = np.where(seen, self._counts[at], 0.0)
        at, known = self._find(self._contexts, wanted >> np.uint64(8))
        total = np.where(known, self._totals[at], 1.0)
        kinds = np.where(known, self._kinds[at], 0.0)
        found = np.maximum(count - self._discount, 0.0) / total
        return np.where(known, found + self._discount * kinds / total * lower, lower)


class ByteNgram:
    def __init__(self, text: np.ndarray, order: int = ORDER) -> None:
        grams, counts = np.unique(packed_grams(text, order), return_counts=True)
        self._orders = [GramCounts(grams, counts)]
        # Below the top, a gram counts the different bytes that were seen before it.
        for shorter in range(order - 1, 0, -1):
            tail = grams & np.uint64((1 << (8 * shorter)) - 1)
            grams, counts = np.unique(tail, return_counts=True)
            self._orders.append(GramCounts(grams, counts))

    def bits_per_byte(self, text: np.ndarray) -> float:
        """Over one text; its first bytes are predicted from shorter contexts."""
        order = len(self._orders)
        padded = np.concatenate([np.zeros(order - 1, text.dtype), text])
        grams = packed_grams(padded, order)
        probability = np.full(len(grams), 1.0 / BYTES)
        for shorter, counts in enumerate(reversed(self._orders), 1):
            tail = grams & np.uint64((1 << (8 * shorter)) - 1)
            probability = counts.interpolate(tail, probability)
        return float(-np.log2(probability).mean())


def heldout_bits_per_byte(work: Path) -> float:
    """Trained on train.txt, measured on heldout.txt; documents are ended by zero bytes."""
    train = np.fromfile(work / "train.txt", dtype=np.uint8)
    heldout = np.fromfile(work / "heldout.txt", dtype=np.uint8)
    return ByteNgram(train).bits_per_byte(heldout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--work", type=Path, required=True, help="folder of train.txt")
    args = parser.parse_args()
    print(f"byte {ORDER}-gram: {heldout_bits_per_byte(args.work):.4f} bits/byte")


if __name__ == "__main__":
    main()
