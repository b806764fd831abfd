"""Schema of a crisis file: a scenario, what was published of the day, and what is not known of it."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from stress.backtest.metrics import METRICS
from stress.errors import MalformedInput, MeaninglessInput, Problem, UsageError
from stress.scenario import Loaded, load_scenario, units
from stress.scenario.builtin import folders
from stress.scenario.hints import did_you_mean
from stress.scenario.markets import MarketName
from stress.scenario.parts import MALFORMED, Complaint, Part, malformed
from stress.scenario.pools import PoolName
from stress.scenario.reading import Node, find, plain, read_file
from stress.scenario.units import Dimension
from stress.scenario.values import Count, Duration, Flag, Number, Reader, Text, Words

KIND = "crises"
"""Folder of the built-in crises, beside those of the scenarios."""

UNIFORM, LOG_UNIFORM, INTEGER = "uniform", "log_uniform", "integer"

Line = Annotated[str, Text()]


@dataclass(frozen=True)
class Moment(Reader):
    """A time in UTC, or a day: ``2025-10-10 21:15``."""

    def read(self, value: object) -> datetime.datetime:
        """The time, aware."""
        try:
            return datetime.datetime.fromisoformat(str(value).strip()).replace(tzinfo=datetime.UTC)
        except ValueError:
            raise malformed(f"expected a time such as 2025-10-10 21:15, got {value!r}") from None

    def schema(self) -> dict[str, Any]:
        """String."""
        return {"type": "string"}


Time = Annotated[datetime.datetime, Moment()]


class Published(Part):
    """A figure that was published: a metric and the band in which it lay."""

    metric: Annotated[str, Words(tuple(METRICS))] = Field(description="What was measured.")
    market: MarketName | None = Field(default=None, description="Market it is of; all of them by default.")
    layer: Line | None = Field(default=None, description="Layer it is of; the pool's first fund by default.")
    pool: PoolName | None = Field(default=None, description="Pool it is of; all of them, or the only one, by default.")
    low: Line = Field(description="Lower end of the published band, in the metric's units.")
    high: Line | None = Field(default=None, description="Upper end; without one there is none.")
    source: Line = Field(description="Who published it.")
    date: Time = Field(description="Day of which it is.")
    note: Line = Field(default="", description="What must be known to compare it.")

    def check(self) -> Iterator[Complaint]:
        """The ends read in the metric's units and are in order."""
        for key, text in (("low", self.low), ("high", self.high)):
            if text is not None:
                try:
                    units.parse(text, METRICS[self.metric].dimension)
                except units.NotAQuantity as error:
                    yield (key,), str(error)
                    return
        low, high = self.band
        if high is not None and high < low:
            yield ("high",), "is under low"

    @property
    def band(self) -> tuple[float, float | None]:
        """Both ends as numbers."""
        dimension = METRICS[self.metric].dimension
        high = None if self.high is None else float(units.parse(self.high, dimension))
        return float(units.parse(self.low, dimension)), high

    @property
    def label(self) -> str:
        """The metric's words and what it is of."""
        whose = [word for word in (self.market, self.layer, self.pool) if word is not None]
        words = METRICS[self.metric].words
        return f"{words}, {', '.join(whose)}" if whose else words


class Unknown(Part):
    """A value of the scenario that nobody has published, and the law it is drawn from."""

    name: Line = Field(description="What it is, in a few words.")
    paths: tuple[Line, ...] = Field(min_length=1, description="Where it stands in the scenario; * is every entry.")
    draw: Annotated[Literal["uniform", "log_uniform", "integer"], Words((UNIFORM, LOG_UNIFORM, INTEGER))] = Field(
        description="Law: uniform, log_uniform, or integer for seeds."
    )
    low: Line = Field(description="Least value, with its unit.")
    high: Line = Field(description="Largest value, with its unit.")
    scale: Annotated[bool, Flag()] = Field(default=False, description="Multiplies what stands there, not replaces it.")
    source: Line = Field(description="Where the range is from.")

    def check(self) -> Iterator[Complaint]:
        """Both ends are of one unit, in order, and above zero where logarithms are taken."""
        try:
            (low, kind), (high, other) = quantity(self.low), quantity(self.high)
        except units.NotAQuantity as error:
            yield ("low",), str(error)
            return
        if kind is not other:
            yield ("high",), f"is not of the unit of low ({self.low})"
        elif high < low:
            yield ("high",), "is under low"
        elif self.draw == LOG_UNIFORM and low <= 0.0:
            yield ("low",), "must be above zero for log_uniform"


def quantity(text: str) -> tuple[float, Dimension]:
    """A number and the dimension that its unit says.

    Raises
    ------
    NotAQuantity
        It is no number with a known unit.
    """
    word = text.strip()
    if word.endswith(("%", "bp")):
        return float(units.parse(word, Dimension.FRACTION)), Dimension.FRACTION
    if word[-1:] in "smhdw" and word[-1:].isalpha():
        return float(units.parse(word, Dimension.DURATION)), Dimension.DURATION
    return float(units.parse(word, Dimension.MONEY)), Dimension.MONEY


class Bars(Part):
    """Recorded prices of a market in a folder of market data."""

    file: Line = Field(description="Parquet table with ts_ms and open, high, low, close; from the data folder.")
    symbols: dict[str, Annotated[float, Number(above=0.0)]] = Field(
        default={},
        description="Values of its column symbol and their weights in the mean of log prices; without it, all rows.",
    )
    bar: Annotated[float, Duration(above=0.0)] = Field(default=60.0, description="Length of a bar.")
    begin: Time = Field(description="Time that is the start of the scenario, UTC.")
    scaled: Annotated[bool, Flag()] = Field(
        default=False, description="Let the path begin at the scenario's price, as that of several symbols always does."
    )


class Depth(Part):
    """Recorded depth of a market's book in a folder of market data."""

    file: Line = Field(description="Parquet table with ts_ms, percentage and notional; from the data folder.")
    begin: Time = Field(description="First time to take, UTC.")
    end: Time = Field(description="Time to stop before, UTC.")


class Told(Part):
    """A published course of events: how much of the day's total had come by when."""

    series: Annotated[str, Words(("liquidated_notional", "adl_notional"))] = Field(description="What it is of.")
    points: tuple[tuple[Annotated[float, Duration()], Annotated[float, Number(least=0.0, most=1.0)]], ...] = Field(
        min_length=2, description="Pairs of time since the start and share of the total."
    )
    source: Line = Field(description="Who recorded it.")


class Crisis(Part):
    """A crisis and what the model is held against."""

    format: Annotated[int, Count(least=1, most=1)] = Field(description="Version of this format: 1.")
    name: Annotated[str, Text(r"[a-z0-9][a-z0-9-]*", "a name of small letters, digits and hyphens")] = Field(
        description="Name of the crisis."
    )
    title: Line = Field(description="Title in the table and the report.")
    description: Line = Field(default="", description="What happened.")
    scenario: Line = Field(description="Scenario that replays it: a built-in name, or a file beside this one.")
    set: tuple[Line, ...] = Field(default=(), description="Values put over the scenario's, as --set takes them.")
    seed: Annotated[int, Count(least=0, most=2**32 - 1)] = Field(default=1, description="Seed of the draws.")
    published: tuple[Published, ...] = Field(min_length=1, description="What it is held against.")
    unknown: tuple[Unknown, ...] = Field(default=(), description="What is drawn for every replicate.")
    assumed: tuple[Line, ...] = Field(default=(), description="What is taken as given without being known.")
    prices: dict[MarketName, Bars] = Field(default={}, description="Recorded prices, where a data folder has them.")
    depth: dict[MarketName, Depth] = Field(default={}, description="Recorded depth likewise.")
    timeline: tuple[Told, ...] = Field(default=(), description="Published courses of events for the chart.")

    def check(self) -> Iterator[Complaint]:
        """Unknowns can be told apart."""
        names = [unknown.name for unknown in self.unknown]
        for n, name in enumerate(names):
            if name in names[:n]:
                yield ("unknown", n, "name"), f"another one is called {name!r} already"


@dataclass(frozen=True)
class Found:
    """A crisis and the file it came from."""

    crisis: Crisis
    file: Path
    tree: Node

    @property
    def source(self) -> str | Path:
        """The scenario: a file beside this one, or a built-in name."""
        beside = self.file.parent / self.crisis.scenario
        return beside if beside.is_file() else self.crisis.scenario

    def problem(self, path: tuple[str | int, ...], message: str) -> Problem:
        """A mistake at a place of the file."""
        place = find(self.tree, path)
        return Problem(place.file, place.line, place.column, ".".join(map(str, path)), message)

    def scenario(self, overrides: tuple[str, ...] = ()) -> Loaded:
        """The scenario with the crisis' own values over it, one path of it."""
        return load_scenario(self.source, [*self.crisis.set, *overrides], paths=1)


def built_in_crises() -> list[Path]:
    """Files of the crises that come with the package, by name."""
    return sorted((path for folder in folders() for path in (folder / KIND).glob("*.yaml")), key=lambda path: path.stem)


def load_crisis(word: str | Path) -> Found:
    """Read a crisis file, or a built-in one by name, and hold it against its scenario.

    Raises
    ------
    UsageError
        There is neither.
    InvalidInput
        With every mistake of the file, or of the scenario.
    """
    file = _file(word)
    root = read_file(file)
    found = Found(_validated(root), file, root)
    problems = list(_against_scenario(found))
    if problems:
        raise MeaninglessInput(problems)
    return found


def _file(word: str | Path) -> Path:
    if Path(word).is_file():
        return Path(word)
    known = {path.stem: path for path in built_in_crises()}
    if str(word) in known:
        return known[str(word)]
    hint = did_you_mean(str(word), list(known)) or f"; known: {', '.join(known)}"
    raise UsageError(f"{word}: no such file, nor a built-in crisis{hint}")


def _validated(root: Node) -> Crisis:
    try:
        return Crisis.model_validate(plain(root))
    except ValidationError as error:
        entries = error.errors(include_url=False, include_input=False)
    problems = []
    for entry in entries:
        place = find(root, entry["loc"])
        where = ".".join(map(str, entry["loc"]))
        problems.append(Problem(place.file, place.line, place.column, where, entry["msg"]))
    unreadable = any(entry["type"] == MALFORMED for entry in entries)
    raise (MalformedInput if unreadable else MeaninglessInput)(problems)


def _against_scenario(found: Found) -> Iterator[Problem]:
    """Names of markets, pools and layers that the scenario does not have."""
    scenario = found.scenario().scenario
    markets, pools = list(scenario.markets), list(scenario.pools)
    layers = [layer.name for pool in scenario.pools.values() for layer in pool.layers]
    for n, entry in enumerate(found.crisis.published):
        for key, word, known in (
            ("market", entry.market, markets),
            ("pool", entry.pool, pools),
            ("layer", entry.layer, layers),
        ):
            if word is not None and word not in known:
                yield found.problem(
                    ("published", n, key), f"the scenario has no {key} {word!r}{did_you_mean(word, known)}"
                )
    for key in ("prices", "depth"):
        for name in getattr(found.crisis, key):
            if name not in markets:
                yield found.problem((key, name), f"the scenario has no market {name!r}{did_you_mean(name, markets)}")
