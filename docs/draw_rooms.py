"""Draw the house: `python docs/draw_rooms.py` writes docs/pictures/rooms.svg from the rows that the tests keep."""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from test_layers import ROOMS, ROWS  # noqa: E402

SOURCE = ROOT / "src" / "isotropy"
PICTURE = Path(__file__).parent / "pictures" / "rooms.svg"
WIDTH, EDGE, GAP, LINE = 960, 12, 8, 17
STYLE = "rect{fill:none;stroke:#666}text{fill:#333}@media(prefers-color-scheme:dark){text{fill:#ccc}}"


def draw() -> str:
    """The rows from the ground up, each package as a box that lists its rooms."""
    parts: list[str] = []
    y = EDGE
    for row in sorted(ROWS, reverse=True):
        names = [name for name in ROWS[row].replace("<", " ").split() if _stands(name)]
        lines = {name: _lines(name) for name in names}
        height = (1 + max(map(len, lines.values()))) * LINE + GAP
        width = (WIDTH - 2 * EDGE - 30 - GAP * (len(names) - 1)) / len(names)
        parts.append(_text(EDGE, y + LINE, str(row), bold=True))
        for place, name in enumerate(names):
            x = EDGE + 30 + place * (width + GAP)
            parts.append(f"<rect x='{x:.0f}' y='{y}' width='{width:.0f}' height='{height}' rx='6'/>")
            parts.append(_text(x + GAP, y + LINE, name, bold=True))
            parts += [_text(x + GAP, y + (2 + i) * LINE, line) for i, line in enumerate(lines[name])]
        y += height + GAP
    head = (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {y + EDGE}' font-family='sans-serif' "
        "font-size='12' role='img' aria-label='Rooms of isotropy by row; a row imports from smaller ones only'>"
    )
    return "\n".join([head, f"<style>{STYLE}</style>", *parts, "</svg>"]) + "\n"


def _lines(name: str) -> list[str]:
    """Rooms of a package, from those that import to those that are imported."""
    floors = [floor.strip() for floor in ROOMS.get(name, "").split("<") if floor.strip()]
    return [room for floor in reversed(floors) for room in floor.split()]


def _stands(name: str) -> bool:
    """Whether there is such a package or file; some rows name what is planned, and the last what only starts it."""
    return name != "__main__" and any((SOURCE / end).exists() for end in (name, f"{name}.py"))


def _text(x: float, y: float, words: str, bold: bool = False) -> str:
    weight = " font-weight='bold'" if bold else ""
    return f"<text x='{x:.0f}' y='{y:.0f}'{weight}>{words}</text>"


if __name__ == "__main__":
    PICTURE.write_text(draw(), encoding="utf-8")
