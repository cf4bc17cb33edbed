"""Holds a real server's Rerank and Embed to the procedure EmbeddingRWKV publishes.

Random models, bytes for tokens, float64: the text that is read, where the
end-of-text tokens stand, the reranker's one step, the heads.
"""

import argparse
import atexit
import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Dict, List, Optional, Sequence

import numpy as np

from read_weights import read_weights
from reference import sigmoid
from rwkv7 import Rwkv7

ERROR_MAX = 1e-4
UNREACHABLE = 69  # the exit code; a busy machine may not answer in time
TRIES = 10
END_OF_TEXT = 255  # the last of 256 tokens
RETRIEVE = "Given a query, retrieve documents that answer the query"
# Of texts in contexts of 48 tokens and chunks of 12: every border.
SIZES = (0, 11, 12, 44, 45, 48, 49, 100, 8 * 48 + 9)
QUERY = "who walks the dog?"
DOCUMENTS = [
    "The cat sat on the mat.\n",
    "The dog barks at the postman, who walks on",
    "",
    "\n",
    "Two lines\nof caf\u00e9 talk\n",
    "all work and no play " * 12,
]


class Server:
    """An oxbowd and the command line that talks to it."""

    def __init__(self, options: argparse.Namespace, flags: Sequence[str]):
        self._oxbow = options.oxbow
        self._process = subprocess.Popen(
            [options.oxbowd, "--listen=127.0.0.1:0", "--threads=1", *flags],
            stdout=subprocess.PIPE,
            text=True,
        )
        atexit.register(self._process.kill)  # If a comparison fails.
        line = self._process.stdout.readline()
        if not line.startswith("listening on "):
            raise ValueError(f"the server does not start: {line}")
        self._address = line.split()[-1]

    def ask(self, *arguments: str, text: str = "") -> List[Dict]:
        """The JSON lines that a command prints."""
        for _ in range(TRIES):
            done = subprocess.run(
                [self._oxbow, f"--server={self._address}", "--json", *arguments],
                input=text.encode(),
                stdout=subprocess.PIPE,
            )
            if done.returncode != UNREACHABLE:
                break
        done.check_returncode()
        return [json.loads(line) for line in done.stdout.splitlines()]

    def stop(self) -> None:
        """Drains the server."""
        self._process.terminate()
        if self._process.wait() != 0:
            raise ValueError("the server did not drain")


class Procedure:
    """What EmbeddingRWKV computes, in the words of its paper and evaluation code."""

    def __init__(self, embedder: Path, reranker: Path):
        self._embedder = read_weights(embedder)
        self._reranker = read_weights(reranker)
        self._reranker["emb.weight"] = self._reranker.pop("token.weight")
        self._layers: Optional[List[int]] = self._reranker.pop("reranker_layer_idx", None)

    def rank(self, text: bytes) -> float:
        """The logit of the state after a text and the end-of-text token."""
        embedder = Rwkv7(self._embedder)
        for token in [*text, END_OF_TEXT]:
            embedder.step(token)
        ranker = Rwkv7(self._reranker)
        layers = self._layers or list(range(ranker.layers))
        ranker.wkv = [embedder.wkv[layer].copy() for layer in layers]
        hidden = ranker.step(0)
        w0, b0 = self._reranker["head.0.weight"], ranker.vector("head.0.bias")
        return float(ranker.vector("head.2.weight") @ np.tanh(w0 @ hidden + b0))

    def embed(self, tokens: Sequence[int], ends: Sequence[int]) -> np.ndarray:
        """The head over the mean of the hidden rows at `ends`; of length 1."""
        embedder = Rwkv7(self._embedder)
        hidden = [embedder.step(token) for token in tokens]
        vector = embedder.embed("retr", np.mean([hidden[end] for end in ends], axis=0))
        return vector / np.linalg.norm(vector)

    def embed_text(self, text: bytes) -> np.ndarray:
        """One end-of-text token behind the text."""
        return self.embed([*text, END_OF_TEXT], [len(text)])

    def embed_long(self, text: bytes, context: int, chunk: int) -> np.ndarray:
        """The published protocol for texts of any length."""
        tokens: List[int] = []
        ends: List[int] = []
        count = context // chunk
        text = text[: 8 * context]

        def probe(piece: bytes) -> None:
            tokens.extend(piece)
            ends.append(len(tokens))
            tokens.append(END_OF_TEXT)

        def cut(part: bytes) -> None:
            size = max(1, math.ceil(len(part) / count))
            for i in range(count):
                probe(part[i * size : (i + 1) * size])

        if len(text) < chunk:
            for _ in range(count):
                probe(text)
        elif len(text) <= context - count:
            cut(text)
        else:
            parts = math.ceil(len(text) / context)
            size = math.ceil(len(text) / parts)
            for i in range(parts):
                cut(text[i * size : (i + 1) * size])
        return self.embed(tokens, ends)


def require(what: str, error: float) -> float:
    """Fails unless the error is small."""
    if not error <= ERROR_MAX:
        raise ValueError(f"{what} differs by {error:.2e}, at most {ERROR_MAX:.0e}")
    return error


def document_text(document: bytes, prefix: str) -> bytes:
    """All that is read up to the end of a query."""
    line_end = b"" if document.endswith(b"\n") else b"\n"
    return prefix.encode() + document + line_end + b"Query: " + QUERY.encode()


def check_ranks(procedure: Procedure, ranked: List[Dict], texts: List[bytes]) -> float:
    """Order, logits and scores of `texts`, which are all that was read for each."""
    worst = 0.0
    want = [procedure.rank(text) for text in texts]
    if max(want) - min(want) < 0.1:
        raise ValueError("the reranker is dead: its logits hardly differ")
    if [hit["index"] for hit in ranked] != sorted(range(len(want)), key=lambda i: -want[i]):
        raise ValueError(f"the order is off: {ranked} for {want}")
    for hit in ranked:
        logit = want[hit["index"]]
        worst = max(worst, require("a logit", abs(hit["logit"] - logit)))
        require("a score", abs(hit["score"] - sigmoid(np.float64(logit))))
    return worst


def check_rerank(server: Server, procedure: Procedure) -> float:
    """Streams with the prefix, one without, one in its past."""
    prefix = f"Instruct: {RETRIEVE}\nDocument: "
    names, texts = [], []
    for i, document in enumerate(DOCUMENTS):
        server.ask("append", f"d{i}", "-", "--rerankable", "--chunk-bytes=7", text=document)
        names.append(f"d{i}")
        texts.append(document_text(document.encode(), prefix))
    server.ask("append", "plain", "-", text=DOCUMENTS[1])
    server.ask("append", "own", "-", "--rerankable-for=Find a dog", text=DOCUMENTS[1])
    names += ["plain", "d1@9", "own"]
    texts.append(document_text(DOCUMENTS[1].encode(), ""))
    texts.append(document_text(DOCUMENTS[1].encode()[:9], prefix))
    texts.append(document_text(DOCUMENTS[1].encode(), "Instruct: Find a dog\nDocument: "))
    ranked = server.ask("rerank", QUERY, *names)
    plain = [hit["stream"] for hit in ranked if hit["plain"]]
    if plain != ["plain"]:
        raise ValueError(f"{plain} are called plain")
    return check_ranks(procedure, ranked, texts)


def check_embed(server: Server, procedure: Procedure, sizes: Sequence[int]) -> float:
    """Instructions, and the protocol for texts of these sizes."""
    worst = 0.0

    def check(want: np.ndarray, text: bytes, *flags: str) -> None:
        nonlocal worst
        reply = server.ask("embed", "--text=-", *flags, text=text.decode())[0]
        if reply["raw"]:
            raise ValueError("a trained head's vector is called raw")
        error = float(np.abs(np.array(reply["values"]) - want).max())
        worst = max(worst, require(f"the vector of {len(text)} bytes, {flags}", error))

    query = QUERY.encode()
    check(procedure.embed_text(query), query)
    instructed = f"Instruct: {RETRIEVE}\nQuery: {QUERY}".encode()
    check(procedure.embed_text(instructed), query, "--query")
    own = f"Instruct: Find it\nQuery: {QUERY}".encode()
    check(procedure.embed_text(own), query, "--instruction=Find it")
    own_long = procedure.embed_long(own, 48, 12)
    long_flags = ["--long-text", "--context-tokens=48", "--chunk-tokens=12"]
    check(own_long, query, "--instruction=Find it", *long_flags)
    words = (b"the quick brown fox jumps over the lazy dog " * 12)[: 8 * 48 + 9]
    for size in sizes:
        check(procedure.embed_long(words[:size], 48, 12), words[:size], *long_flags)
    check(procedure.embed_long(words[:60], 2048, 512), words[:60], "--long-text")
    return worst


def check_raw(options: argparse.Namespace, generator: Path) -> None:
    """A plain language model's vectors are labelled, and nothing is asked of its head."""
    server = Server(
        options,
        [f"--model={generator}", "--tokenizer=bytes", f"--store={options.folder / 'raw'}"],
    )
    if not server.ask("embed", "--text=abc")[0]["raw"]:
        raise ValueError("a plain language model's vector is not called raw")
    server.stop()


def main() -> int:
    """Prints the errors of each pair of models; 1 if one is off."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("oxbowd", "oxbow", "folder", "embedder", "generator"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("rerankers", type=Path, nargs="+")
    options = parser.parse_args()
    for number, reranker in enumerate(options.rerankers):
        # By turns the embedder generates, too, or reads beside a generator.
        models = [f"--model={options.embedder}"]
        if number % 2:
            models = [
                f"--model={options.generator}",
                f"--embedder={options.embedder}",
                "--embedder-tokenizer=bytes",
            ]
        flags = [
            *models,
            "--tokenizer=bytes",
            f"--reranker={reranker}",
            f"--store={options.folder / f'store{number}'}",
            "--checkpoint-tokens=50",
        ]
        procedure = Procedure(options.embedder, reranker)
        server = Server(options, flags)
        rerank = check_rerank(server, procedure)
        embed = check_embed(server, procedure, SIZES if number == 0 else SIZES[-1:])
        names = [f"d{i}" for i in range(len(DOCUMENTS))]
        before = server.ask("rerank", QUERY, *names)
        server.stop()
        server = Server(options, flags)
        if server.ask("rerank", QUERY, *names) != before:
            raise ValueError("scores are others after a restart")
        server.stop()
        print(f"{reranker.name}: logits {rerank:.1e}  vectors {embed:.1e}")
    check_raw(options, options.generator)
    return 0


if __name__ == "__main__":
    sys.exit(main())
