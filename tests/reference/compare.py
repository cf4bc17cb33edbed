"""Holds the engine to the float64 reference, at every position of a text.

Runs the C++ dump_model on a model file, then the same tokens through the
reference of its version.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import List, Optional, Tuple

import numpy as np

from read_weights import Weights, read_weights
from reference import Reference
from rwkv4 import Rwkv4
from rwkv5 import Rwkv5
from rwkv6 import Rwkv6
from rwkv7 import Rwkv7

LOGITS_ERROR_MAX = 1e-4  # absolute, in fp32's units
PARTS = ("hidden", "logits", "state", "embeddings")
STATE_ERROR_MAX = 1e-5  # relative to the largest number of the part


def run_engine(dump: Path, model: Path, tokens: List[int], rows: int) -> Tuple[np.ndarray, ...]:
    """PARTS as the engine has them; some may be empty."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        (out / "tokens").write_text(" ".join(map(str, tokens)))
        subprocess.run(
            [dump, f"--model={model}", f"--tokens={out / 'tokens'}", f"--out={out}",
             f"--rows={rows}"],
            check=True,
        )
        return tuple(np.fromfile(out / name, "<f4") for name in PARTS)


def make_reference(weights: Weights) -> Reference:
    """The reference of a file's version."""
    if "blocks.0.att.r_k" in weights:
        return Rwkv7(weights)
    if "blocks.0.att.time_maa_x" in weights:
        return Rwkv6(weights)
    if "blocks.0.att.ln_x.weight" in weights:
        return Rwkv5(weights)
    return Rwkv4(weights)


def state_error(model: Reference, hidden: np.ndarray, state: np.ndarray) -> float:
    """The largest error of a part of the state, relative to the part's size."""
    worst, at = 0.0, 0
    for part in [*model.state(), hidden]:
        got = state[at : at + part.size].reshape(part.shape)
        at += part.size
        # A part may be all zero: some public weights are.
        size = max(float(np.abs(part).max()), 1e-30)
        worst = max(worst, float(np.abs(got - part).max()) / size)
    if at != state.size:
        raise ValueError(f"the engine's state has {state.size} numbers, want {at}")
    return worst


def text_tokens(vocabulary_size: int, count: int) -> List[int]:
    """A fixed sequence that wanders and repeats itself, as text does."""
    random = np.random.default_rng(7)
    tokens: List[int] = []
    while len(tokens) < count:
        if len(tokens) > 40 and random.random() < 0.3:
            start = int(random.integers(0, len(tokens) - 10))
            tokens += tokens[start : start + int(random.integers(3, 10))]
        else:
            tokens.append(int(random.integers(0, vocabulary_size)))
    return tokens[:count]


def check_oracle(model: Reference, logits: np.ndarray, oracle: Path) -> str:
    """Compares with somebody else's logits as well (7 digits after the point)."""
    known = json.loads(oracle.read_text())
    error = max(
        float(np.abs(logits[position] - np.array(row)).max())
        for position, row in zip(known["positions"], known["logits"])
    )
    if error > LOGITS_ERROR_MAX:
        raise ValueError(f"{oracle.name}: logits differ by {error:.2e}")
    return f"  oracle {error:.1e}"


def embeddings_error(model: Reference, heads: List[str], hidden: np.ndarray, got: np.ndarray) -> float:
    """The largest error of the embedding heads."""
    want = np.concatenate([model.embed(head, hidden) for head in heads])
    return float(np.abs(got - want).max())


def compare(options: argparse.Namespace, path: Path) -> str:
    """One line of figures. ValueError if an error is too large."""
    oracle: Optional[Path] = options.oracle
    weights = read_weights(path)
    model = make_reference(weights)
    tokens = (
        json.loads(oracle.read_text())["tokens"]
        if oracle
        else text_tokens(weights["emb.weight"].shape[0], options.tokens)
    )
    hidden, logits, state, embeddings = run_engine(
        options.dump, options.engine_reads or path, tokens, options.rows
    )
    want_hidden = np.array([model.step(token) for token in tokens])
    hidden = hidden.reshape(want_hidden.shape)
    figures = [("hidden", float(np.abs(hidden - want_hidden).max()), LOGITS_ERROR_MAX)]
    note = ""
    if "head.weight" in weights:
        want = want_hidden @ weights["head.weight"].T
        logits = logits.reshape(want.shape)
        if np.std(want) < 0.1:
            raise ValueError("the model is dead: its logits hardly differ")
        figures.append(("logits", float(np.abs(logits - want).max()), LOGITS_ERROR_MAX))
        note = f"  (logits {want.min():.1f} .. {want.max():.1f})"
        if oracle:
            note += check_oracle(model, logits, oracle)
    heads = [head for head in ("retr", "sts", "cls") if f"head.{head}_head.fc1.weight" in weights]
    if heads:
        error = embeddings_error(model, heads, want_hidden[-1], embeddings)
        figures.append(("embeddings", error, LOGITS_ERROR_MAX))
    figures.append(("state", state_error(model, want_hidden[-1], state), STATE_ERROR_MAX))
    for name, error, limit in figures:
        if not error <= limit:
            raise ValueError(f"{path.name}: {name} differs by {error:.2e}, at most {limit:.0e}")
    errors = "  ".join(f"{name} {error:.1e}" for name, error, _ in figures)
    return f"{path.name}: {len(tokens)} tokens  {errors}{note}"


def main() -> int:
    """Compares each model given; 1 if one is off."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dump", type=Path, required=True, help="the dump_model binary")
    parser.add_argument("--oracle", type=Path, help="known logits, as tiny-rwkv7.json")
    parser.add_argument("--tokens", type=int, default=500, help="length of the text")
    parser.add_argument("--rows", type=int, default=37, help="rows of one step")
    parser.add_argument(
        "--engine_reads", type=Path, help="another file for the engine: must end in FAILED"
    )
    parser.add_argument("models", type=Path, nargs="+")
    options = parser.parse_args()
    failed = 0
    for path in options.models:
        try:
            print(compare(options, path), flush=True)
        except (ValueError, subprocess.CalledProcessError) as error:
            print(f"FAILED {error}")
            failed = 1
    return failed


if __name__ == "__main__":
    sys.exit(main())
