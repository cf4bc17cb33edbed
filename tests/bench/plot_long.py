"""Draws what `oxbow-bench --load=long --json` measured as a picture.

    /usr/bin/python3 tests/bench/plot_long.py FIGURES.json.. PICTURE.png

One line a run: speed and the server's memory over the document, and how long
each place took to embed beside its distance to the nearest checkpoint.
"""

import json
import sys
from pathlib import Path
from typing import Any, Dict, List


def draw_speed(panel: Any, runs: List[Dict[str, Any]]) -> None:
    """Tokens a second of every window."""
    for run in runs:
        panel.plot(
            [window["token_end"] / 1e6 for window in run["windows"]],
            [window["tokens_per_second"] for window in run["windows"]],
            linewidth=0.8,
            label=f"last / first tenth: {run['ratio']:.3f}",
        )
    panel.set_ylim(bottom=0)
    panel.set_xlabel("million tokens read")
    panel.set_ylabel("tokens a second")
    panel.legend()


def draw_memory(panel: Any, runs: List[Dict[str, Any]]) -> None:
    """Memory of the server as every window ended, where it was sampled."""
    for run in runs:
        sampled = [w for w in run["windows"] if w["resident_bytes"] is not None]
        panel.plot(
            [window["token_end"] / 1e6 for window in sampled],
            [window["resident_bytes"] / 2**20 for window in sampled],
            linewidth=0.8,
        )
    panel.set_ylim(bottom=0)
    panel.set_xlabel("million tokens read")
    panel.set_ylabel("MiB of the server")


def draw_probes(panel: Any, runs: List[Dict[str, Any]]) -> None:
    """Answer times beside what they may take."""
    for run in runs:
        points = panel.scatter(
            [probe["distance_tokens"] for probe in run["probes"]],
            [probe["seconds"] for probe in run["probes"]],
            s=6,
        )
        bound = sorted((p["distance_tokens"], p["allowed_seconds"]) for p in run["probes"])
        panel.plot(
            [distance for distance, _ in bound],
            [seconds for _, seconds in bound],
            color=points.get_facecolor()[0],
            linewidth=0.8,
            linestyle="--",
        )
    panel.set_ylim(bottom=0)
    panel.set_xlabel("tokens from the nearest checkpoint")
    panel.set_ylabel("seconds to embed; dashed: 1.5 x reading + 20 ms")


def draw(runs: List[Dict[str, Any]], out: Path) -> None:
    """Three panels side by side."""
    import matplotlib

    matplotlib.use("Agg")  # no screen
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(1, 3, figsize=(18, 4.5))
    draw_speed(panels[0], runs)
    draw_memory(panels[1], runs)
    draw_probes(panels[2], runs)
    figure.tight_layout()
    figure.savefig(out, dpi=90)


def main() -> int:
    """Reads the figures and writes the picture."""
    if len(sys.argv) < 3:
        print(__doc__)
        return 2
    runs = [json.loads(Path(name).read_text())["long"] for name in sys.argv[1:-1]]
    try:
        draw(runs, Path(sys.argv[-1]))
    except ModuleNotFoundError:
        print("No picture: /usr/bin/python3 has no matplotlib (package python3-matplotlib)")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
