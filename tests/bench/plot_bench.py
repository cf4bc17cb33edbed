"""Draws the figures of model_bench --json as a picture.

    /usr/bin/python3 tests/bench/plot_bench.py figures.json figures.png
"""

import json
import sys
from pathlib import Path
from typing import Any, Dict, List


def label(result: Dict[str, Any]) -> str:
    """What a bar stands for, in two lines."""
    rows = result["rows"]
    what = f"{rows} tokens" if result["name"] == "prefill" else f"{rows} stream{'s' * (rows > 1)}"
    return f"{result['name'].split(',')[0]}\n{what}"


def draw_panel(panel: Any, results: List[Dict[str, Any]]) -> None:
    """One bar a result: floor in grey, measured before it."""
    places = range(len(results))
    tokens = [result["tokens_per_second"] for result in results]
    panel.bar(
        places,
        [result["floor_tokens_per_second"]["median"] for result in results],
        color="0.85",
        label="what the machine can do",
    )
    panel.bar(places, [t["median"] for t in tokens], width=0.5, label="Oxbow")
    panel.errorbar(
        places,
        [t["median"] for t in tokens],
        yerr=[
            [t["median"] - t["low"] for t in tokens],
            [t["high"] - t["median"] for t in tokens],
        ],
        fmt="none",
        color="black",
    )
    for place, result in zip(places, results):
        panel.annotate(
            f"{100 * result['fraction']['median']:.0f} %",
            (place, result["tokens_per_second"]["median"]),
            ha="center",
            va="bottom",
        )
    panel.set_xticks(list(places), [label(result) for result in results])


def draw(results: List[Dict[str, Any]], target: str, out: Path) -> None:
    """One panel a thread count and kind: exact, int8, int4, fast."""
    import matplotlib

    matplotlib.use("Agg")  # no screen
    from matplotlib import pyplot

    threads = sorted({result["threads"] for result in results})
    kinds = list(dict.fromkeys(result["kind"] for result in results))
    figure, panels = pyplot.subplots(
        len(kinds),
        len(threads),
        figsize=(6 * len(threads), 4 * len(kinds)),
        sharey="row",
        squeeze=False,
    )
    for row, kind in zip(panels, kinds):
        for panel, count in zip(row, threads):
            draw_panel(
                panel,
                [r for r in results if r["threads"] == count and r["kind"] == kind],
            )
            panel.set_title(f"{kind}, {count} thread{'s' * (count > 1)}, {target}")
        row[0].set_ylabel("tokens a second")
    panels[0][0].legend()
    figure.tight_layout()
    figure.savefig(out, dpi=90)


def main() -> int:
    """Reads the figures and writes the picture."""
    if len(sys.argv) != 3:
        print(__doc__)
        return 2
    figures = json.loads(Path(sys.argv[1]).read_text())
    try:
        draw(figures["results"], figures["target"], Path(sys.argv[2]))
    except ModuleNotFoundError:
        print("No picture: /usr/bin/python3 has no matplotlib (package python3-matplotlib)")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
