"""Two runs on a terminal."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from stress.check.compare import HIGHER, LOWER, Compared, Moved
from stress.sizing.words import money, percent

_STYLES = {HIGHER: "red", LOWER: "cyan"}
MOST_DIFFERENCES = 20
"""Keys of the scenarios that are listed."""


def amount(moved: Moved, value: float | None) -> str:
    """A figure in its unit."""
    return percent(value, 3) if moved.probability else money(value)


def change(moved: Moved) -> str:
    """``+3.1% to +5.0%`` of the earlier figure, or amounts where that was zero."""
    if moved.low is None or moved.high is None:
        return "" if moved.p_value is None else "open"
    if moved.low == moved.high == 0.0:
        return "none"
    return f"{_signed(moved, moved.low)} to {_signed(moved, moved.high)}"


def _signed(moved: Moved, value: float) -> str:
    size = percent(abs(value / moved.before), 3) if moved.before else amount(moved, abs(value))
    return ("+" if value >= 0.0 else "-") + size


def basis(compared: Compared) -> str:
    """How the runs are held against each other."""
    if compared.identical:
        return "every number of the two runs is the same"
    if compared.paired:
        common = min(compared.paths)
        return f"same random numbers: {common:,} paths are compared each with itself"
    if compared.same_numbers:
        drawn = " and ".join("weighted" if weighted else "plain" for weighted in compared.weighted)
        return f"paths drawn otherwise ({drawn}): the runs are taken as independent, and less is decided"
    return "other random numbers: the runs are independent, and less is decided"


def render(compared: Compared) -> RenderableType:
    """What differs in the scenarios, then every figure of both runs."""
    first, second = (
        f"{name} ({scenario}, {paths:,} paths, seed {seed})"
        for name, scenario, paths, seed in zip(
            compared.names, compared.scenarios, compared.paths, compared.seeds, strict=True
        )
    )
    parts: list[RenderableType] = [Text(f"before  {first}"), Text(f"after   {second}"), Text(basis(compared))]
    parts += [Text(f"  {key}: {before} -> {after}") for key, before, after in shown_differences(compared)]
    several = len({moved.pool for moved in compared.figures}) > 1
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("", "before", "after", "change", ""):
        table.add_column(heading, justify="right" if heading in ("before", "after") else "left", no_wrap=True)
    for moved in compared.figures:
        label = f"{moved.label}, {moved.pool}" if several else moved.label
        verdict = Text(moved.verdict, _STYLES.get(moved.verdict, ""))
        table.add_row(Text(label), amount(moved, moved.before), amount(moved, moved.after), change(moved), verdict)
    return Group(*parts, Text(""), table)


def shown_differences(compared: Compared) -> list[tuple[str, str, str]]:
    """The first differences of the scenarios, and how many more there are."""
    shown = list(compared.differences[:MOST_DIFFERENCES])
    more = len(compared.differences) - len(shown)
    return [*shown, (f"and {more} more", "", "")] if more else shown
