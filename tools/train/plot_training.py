"""Draws a training curve for each model whose log is in the work folder."""

import argparse
import json
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot  # noqa: E402  (the backend is chosen first)
from matplotlib.axes import Axes  # noqa: E402


def read_log(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def draw_generator(axes: Axes, log: list[dict[str, Any]], yardsticks: dict[str, float]) -> None:
    axes.plot([r["tokens"] / 1e6 for r in log],
              [r["heldout_sample_bits_per_byte"] for r in log], marker=".", color="#1f6f8b")
    for name, value in yardsticks.items():
        axes.axhline(value, linewidth=0.8, linestyle=":", color="#888888")
        axes.text(axes.get_xlim()[1], value, name, ha="right", va="bottom", fontsize=8)
    axes.set(title="Generator, held-out documents (a third)", xlabel="million tokens read",
             ylabel="bits per byte")


def draw_embedder(axes: Axes, log: list[dict[str, Any]]) -> None:
    axes.plot([r["pairs"] / 1e3 for r in log],
              [r["found_first_in_batch"] for r in log], marker=".", color="#99582a")
    start = log[-1]["started_from"].split(".")[0]
    axes.set(title="Embedder, training batches", xlabel=f"thousand pairs read since {start}",
             ylabel="share of queries whose passage came first", ylim=(0, 1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--work", type=Path, required=True, help="folder of the logs")
    parser.add_argument("--models", type=Path, required=True, help="folder to write into")
    args = parser.parse_args()
    evaluation = json.loads((args.models / "evaluation.json").read_text(encoding="utf-8"))
    for name in ("generator", "embedder"):
        path = args.work / f"{name}.log.jsonl"
        if not path.exists():
            continue
        figure, axes = pyplot.subplots(figsize=(5, 4), dpi=100)
        if name == "generator":
            draw_generator(axes, read_log(path), evaluation["yardsticks_bits_per_byte"])
        else:
            draw_embedder(axes, read_log(path))
        axes.grid(alpha=0.3)
        figure.tight_layout()
        picture = args.models / f"training_curve_{name}.png"
        figure.savefig(picture)
        print(picture)


if __name__ == "__main__":
    main()
