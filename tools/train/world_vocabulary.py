"""Vocabularies in the World file format: one `ID LITERAL BYTES` a line.

Ids 1..256 are the single bytes. Id 0 ends a document and is in no file; nor is
the highest id of a model, which the embedder uses as its end-of-text mark.
"""

import argparse
import ast
import ctypes
from pathlib import Path

import numpy as np

import native

END_OF_DOCUMENT = 0
VOCABULARY_SIZE = 4096
EMBEDDING_EOS = VOCABULARY_SIZE - 1
PIECE_BYTES_MAX = 32


def literal(piece: bytes) -> str:
    """A Python literal: a str where every reader agrees on it, else a bytes one."""
    return repr(piece.decode("ascii")) if piece.isascii() else repr(piece)


def write(path: Path, pieces: list[bytes]) -> None:
    """Writes the pieces as ids 1, 2, ..."""
    lines = [f"{index} {literal(piece)} {len(piece)}\n" for index, piece in enumerate(pieces, 1)]
    path.write_text("".join(lines), encoding="ascii")


def read(path: Path) -> dict[int, bytes]:
    """Returns id -> bytes. Raises ValueError on a line whose length is wrong."""
    pieces = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        left, right = line.index(" "), line.rindex(" ")
        value = ast.literal_eval(line[left + 1:right])
        piece = value if isinstance(value, bytes) else value.encode()
        if len(piece) != int(line[right:]):
            raise ValueError(f"{path}: the length is wrong in line {line!r}")
        pieces[int(line[:left])] = piece
    return pieces


def learn(text: bytes, pieces_count: int) -> list[bytes]:
    """Learns pieces of two or more bytes from text (see learn_vocabulary.cc)."""
    out = ctypes.create_string_buffer(pieces_count * (PIECE_BYTES_MAX + 1))
    size = native.load().LearnPieces(text, len(text), pieces_count, out)
    raw, pieces, at = out.raw[:size], [], 0
    while at < size:
        end = at + 1 + raw[at]
        pieces.append(raw[at + 1:end])
        at = end
    return pieces


class Tokenizer:
    """Greedy longest match, as the server does it."""

    def __init__(self, path: Path) -> None:
        self.pieces = read(path)
        self._native = native.load()
        self._trie = self._native.TrieNew()
        for index, piece in self.pieces.items():
            self._native.TrieAdd(self._trie, piece, len(piece), index)

    def __del__(self) -> None:
        self._native.TrieDelete(self._trie)

    def encode(self, text: bytes) -> np.ndarray:
        """Returns uint16 ids; a zero byte becomes END_OF_DOCUMENT."""
        ids = np.empty(max(1, len(text)), dtype=np.uint16)
        count = self._native.TrieEncode(
            self._trie, text, len(text), ids.ctypes.data_as(ctypes.c_void_p))
        return ids[:count].copy()

    def decode(self, ids: np.ndarray) -> bytes:
        return b"".join(self.pieces.get(int(index), b"\0") for index in ids)


def main() -> None:
    parser = argparse.ArgumentParser(description="Learns the vocabulary and encodes both parts.")
    parser.add_argument("--work", type=Path, required=True, help="folder with train.txt")
    args = parser.parse_args()
    path = args.work / "world.vocab"
    train = (args.work / "train.txt").read_bytes()
    learnt = learn(train, VOCABULARY_SIZE - 2 - 256)
    write(path, [bytes([byte]) for byte in range(256)] + learnt)
    tokenizer = Tokenizer(path)
    for name in ("train", "heldout"):
        text = (args.work / f"{name}.txt").read_bytes()
        ids = tokenizer.encode(text)
        if tokenizer.decode(ids) != text:
            raise RuntimeError(f"{name}: decoding the encoded text does not give it back")
        ids.tofile(args.work / f"{name}.tokens")
        print(f"{name:8} {len(text):9} bytes {len(ids):9} tokens "
              f"{len(text) / len(ids):.3f} bytes/token")


if __name__ == "__main__":
    main()
