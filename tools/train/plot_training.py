"""Draws the generator's and the embedder's training curves."""

import argparse
import json
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot  # noqa: E402  (the backend is chosen first)


def read_log(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--work", type=Path, required=True, help="folder of the logs")
    parser.add_argument("--models", type=Path, required=True, help="folder to write into")
    args = parser.parse_args()
    yardsticks = json.loads((args.models / "evaluation.json").read_text())
    generator = read_log(args.work / "generator.log.jsonl")
    embedder = read_log(args.work / "embedder.log.jsonl")

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(10, 4), dpi=100)
    left.plot([r["tokens"] / 1e6 for r in generator],
              [r["heldout_sample_bits_per_byte"] for r in generator], marker=".", color="#1f6f8b")
    for name, value in yardsticks["yardsticks_bits_per_byte"].items():
        left.axhline(value, linewidth=0.8, linestyle=":", color="#888888")
        left.text(left.get_xlim()[1], value, name, ha="right", va="bottom", fontsize=8)
    left.set(title="Generator, held-out documents (a third)", xlabel="million tokens read",
             ylabel="bits per byte")
    right.plot([r["pairs"] / 1e3 for r in embedder],
               [r["found_first_in_batch"] for r in embedder], marker=".", color="#99582a")
    right.set(title="Embedder, training batches", xlabel="thousand pairs read",
              ylabel="share of queries whose passage came first", ylim=(0, 1))
    for axes in (left, right):
        axes.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(args.models / "training_curve.png")
    print(args.models / "training_curve.png")


if __name__ == "__main__":
    main()
