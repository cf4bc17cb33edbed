"""Draws the figures of model_bench --json as a picture, and prints them as a
table in Markdown.

    /usr/bin/python3 tests/bench/plot_bench.py figures.json figures.png
"""

import json
import sys
from pathlib import Path
from typing import Any, Dict, List, Tuple


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


def models_of(results: List[Dict[str, Any]]) -> List[Tuple[str, str]]:
    """Shapes and kinds, as they came."""
    return list(dict.fromkeys((r["shape"], r["kind"]) for r in results))


def of_model(results: List[Dict[str, Any]], shape: str, kind: str) -> List[Dict[str, Any]]:
    """The results of one shape and kind."""
    return [r for r in results if r["shape"] == shape and r["kind"] == kind]


def cell(results: List[Dict[str, Any]], name: str, rows: int) -> str:
    """Tokens a second and fraction of the floor, one thread count after the other."""
    figures = [
        f"{r['tokens_per_second']['median']:.{0 if r['tokens_per_second']['median'] >= 20 else 1}f}, "
        f"{100 * r['fraction']['median']:.0f} %"
        for r in sorted(results, key=lambda r: r["threads"])
        if r["name"] == name and r["rows"] == rows
    ]
    return " | ".join(figures)


def print_table(results: List[Dict[str, Any]]) -> None:
    """One table a shape: a row a load, a column a kind and thread count."""
    threads = len({r["threads"] for r in results})
    loads = list(dict.fromkeys((r["name"], r["rows"]) for r in results))
    for shape in dict.fromkeys(r["shape"] for r in results):
        kinds = [kind for of, kind in models_of(results) if of == shape]
        print(f"\n| {shape} | " + " | ".join(k + " |" * (threads - 1) for k in kinds) + " |")
        print("|" + "---|" * (1 + threads * len(kinds)))
        for name, rows in loads:
            what = f"prefill, {rows} tokens" if name == "prefill" else f"decode, {rows}"
            cells = [cell(of_model(results, shape, kind), name, rows) for kind in kinds]
            print(f"| {what} | " + " | ".join(cells) + " |")


def draw(results: List[Dict[str, Any]], target: str, out: Path) -> None:
    """One panel a thread count, shape and kind: exact, int8, int4, fast."""
    import matplotlib

    matplotlib.use("Agg")  # no screen
    from matplotlib import pyplot

    threads = sorted({result["threads"] for result in results})
    models = models_of(results)
    figure, panels = pyplot.subplots(
        len(models),
        len(threads),
        figsize=(6 * len(threads), 4 * len(models)),
        sharey="row",
        squeeze=False,
    )
    for row, (shape, kind) in zip(panels, models):
        for panel, count in zip(row, threads):
            draw_panel(
                panel,
                [r for r in of_model(results, shape, kind) if r["threads"] == count],
            )
            panel.set_title(f"{shape} {kind}, {count} thread{'s' * (count > 1)}, {target}")
        row[0].set_ylabel("tokens a second")
    panels[0][0].legend()
    figure.tight_layout()
    figure.savefig(out, dpi=90)


def main() -> int:
    """Reads the figures, prints the table and writes the picture."""
    if len(sys.argv) != 3:
        print(__doc__)
        return 2
    figures = json.loads(Path(sys.argv[1]).read_text())
    print_table(figures["results"])
    try:
        draw(figures["results"], figures["target"], Path(sys.argv[2]))
    except ModuleNotFoundError:
        print("No picture: /usr/bin/python3 has no matplotlib (package python3-matplotlib)")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
