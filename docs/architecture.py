"""Draws the rooms of docs/architecture.md from the import linter's contract and from the code.

    python docs/architecture.py            # brings the page up to date
    python docs/architecture.py --check    # exit code 1 if the page is out of date

In: the layers in pyproject.toml and the imports of the package. Out: the part of the page between
the two markers; the same code gives the same text.
"""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path
from typing import Any

import grimp

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "architecture.md"
BEGIN = "<!-- drawn by `make architecture` from here -->"
END = "<!-- to here -->"


def main() -> str | None:
    """Writes the page or, with --check, compares it. Returns the reason of a failure."""
    page = PAGE.read_text(encoding="utf-8")
    head, rest = page.split(BEGIN)
    tail = rest.split(END)[1]
    drawn = f"{head}{BEGIN}\n{draw()}\n{END}{tail}"
    if "--check" not in sys.argv:
        PAGE.write_text(drawn, encoding="utf-8")
    elif drawn != page:
        return "docs/architecture.md is out of date: run `make architecture`"
    return None


def draw() -> str:
    """Returns the contracts, the layers and the number of imports between the rooms."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    contracts = tomllib.loads(text)["tool"]["importlinter"]["contracts"]
    (layers,) = [found["layers"] for found in contracts if found["type"] == "layers"]
    rules = [f"- {found['name']}" for found in contracts]
    return "\n".join([*rules, "", *_stack(layers), "", *_imports(layers)])


def _stack(layers: list[str]) -> list[str]:
    """Draws the layers, highest first: each may import those below it."""
    rooms = [layer.replace("hertz.", "").replace("|", " ").split() for layer in layers]
    lines = ["```mermaid", "flowchart TB"]
    for number, names in enumerate(rooms):
        lines.append(f'  layer{number}["{" · ".join(names)}"]')
    lines += [f"  layer{number} --> layer{number + 1}" for number in range(len(rooms) - 1)]
    return [*lines, "```"]


def _imports(layers: list[str]) -> list[str]:
    """Returns a table of the imports: one row for each room that imports, one column for each."""
    rooms = [name for layer in layers for name in layer.replace("|", " ").split()]
    graph: Any = grimp.build_graph("hertz", cache_dir=None)
    names = [room.removeprefix("hertz.") for room in rooms]
    lines = ["Number of imports, from the room of the row to the room of the column:", ""]
    lines.append("| |" + "".join(f" {name} |" for name in names[1:]))
    lines.append("|:--|" + "--:|" * len(names[1:]))
    for room, name in zip(rooms[:-1], names, strict=False):
        counts = [_count(graph, room, other) for other in rooms[1:]]
        lines.append(f"| **{name}** |" + "".join(f" {count or ''} |" for count in counts))
    return lines


def _count(graph: Any, importer: str, imported: str) -> int:  # noqa: ANN401  grimp has no types
    """Returns how many imports of one module by another go from a room to another."""
    if importer == imported:
        return 0
    sources = {importer, *graph.find_descendants(importer)}
    targets = {imported, *graph.find_descendants(imported)}
    return sum(len(graph.find_modules_directly_imported_by(name) & targets) for name in sources)


if __name__ == "__main__":
    sys.exit(main())
