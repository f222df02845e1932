"""Draw the curves of `index_at_size.py` as one SVG.

Usage: python benchmarks/curves.py [FIGURES.json] [OUT.svg]
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent
WIDTH, HEIGHT, LEFT, TOP, GAP = 250, 190, 56, 44, 86
COLOURS = ("#0b6e99", "#c05621", "#4d7c0f")
Line = tuple[str, Callable[[dict[str, Any]], float]]
PANELS: tuple[tuple[str, tuple[Line, ...]], ...] = (
    (
        "ranking, ms",
        (
            ("a question", lambda one: one["rank_ms"]),
            ("of common words", lambda one: one["rank_common_words_ms"]),
            ("just after a save", lambda one: one["rank_after_a_save_ms"]),
        ),
    ),
    (
        "keeping up, ms",
        (
            ("built anew", lambda one: one["cold_build_ms"]),
            ("one memory more", lambda one: one["one_more_ms"]),
        ),
    ),
    (
        "memory held, MB",
        (
            ("all", lambda one: _mb(one, "all")),
            ("embeddings", lambda one: _mb(one, "embeddings")),
            ("words", lambda one: _mb(one, "words")),
        ),
    ),
)


def _mb(figures: dict[str, Any], part: str) -> float:
    return float(figures["bytes_per_memory"][part]) * figures["memories"] / 1e6


def write_curves(figures: dict[str, Any], path: Path) -> None:
    """Write one picture with a panel beside the other, both axes in powers of ten."""
    rows = figures["index"]
    parts = [
        _panel(LEFT + at * (WIDTH + GAP), title, lines, rows)
        for at, (title, lines) in enumerate(PANELS)
    ]
    width = LEFT + len(PANELS) * (WIDTH + GAP)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{TOP + HEIGHT + 50}" '
        'font-family="sans-serif" font-size="12">\n<rect width="100%" height="100%" fill="white"/>'
    )
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join([head, *parts, "</svg>"]) + "\n", encoding="utf-8")


def _panel(left: int, title: str, lines: Sequence[Line], rows: list[dict[str, Any]]) -> str:
    sizes = [one["memories"] for one in rows]
    values = [[max(get(one), 1e-3) for one in rows] for _, get in lines]
    low = math.floor(math.log10(min(map(min, values))))
    high = max(low + 1, math.ceil(math.log10(max(map(max, values)))))
    first, last = math.log10(sizes[0]), max(math.log10(sizes[-1]), math.log10(sizes[0]) + 1)

    def across(size: float) -> float:
        return left + (math.log10(size) - first) / (last - first) * WIDTH

    def down(value: float) -> float:
        return TOP + HEIGHT - (math.log10(value) - low) / (high - low) * HEIGHT

    found = [f'<text x="{left}" y="18" font-weight="bold">{title}</text>']
    for power in range(low, high + 1):
        y = down(10.0**power)
        found.append(f'<path d="M{left} {y:.1f}h{WIDTH}" stroke="#ddd"/>')
        found.append(
            f'<text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{10.0**power:g}</text>'
        )
    for size in sizes:
        x, y = across(size), TOP + HEIGHT + 18
        found.append(f'<text x="{x:.1f}" y="{y}" text-anchor="middle">{_short(size)}</text>')
    for at, ((name, _), line) in enumerate(zip(lines, values, strict=True)):
        points = " ".join(
            f"{across(x):.1f},{down(y):.1f}" for x, y in zip(sizes, line, strict=True)
        )
        colour = COLOURS[at]
        found.append(
            f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>'
        )
        label = (
            f'<text x="{left + 8 + 92 * at}" y="34" fill="{colour}" font-size="11">{name}</text>'
        )
        found.append(label)
    found.append(
        f'<text x="{left + WIDTH / 2}" y="{TOP + HEIGHT + 38}" text-anchor="middle">memories</text>'
    )
    return "\n".join(found)


def _short(size: int) -> str:
    return f"{size // 1_000_000}M" if size >= 1_000_000 else f"{size:,}"


def main() -> None:
    """Draw the figures of a run."""
    source = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "results/index_at_size.json"
    out = Path(sys.argv[2]) if len(sys.argv) > 2 else ROOT.parent / "docs/images/index_at_size.svg"
    write_curves(json.loads(source.read_text(encoding="utf-8")), out)


if __name__ == "__main__":
    main()
