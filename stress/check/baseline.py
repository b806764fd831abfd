"""The baseline: what a run was like, in one small file that is committed and read in a pull request.

It holds figures with their intervals, the numbers of the paths in each tail, what the worst of them lost and who paid
for it. Rules are not in it: they stand in the scenario, so that a refreshed baseline cannot loosen a limit.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from stress.check import layout
from stress.check.limit import mean_terms, probability_bounds, quantile_bounds
from stress.check.metrics import Sample, Statistic, read, statistic
from stress.check.regression import Paths, Tail, mean_tail, tail_above, tail_of, worst_first
from stress.check.statistics import Tally
from stress.errors import DamagedBaseline, UsageError
from stress.scenario.checks import REGRESSION, Check, rule_of
from stress.sizing.analysis import payments
from stress.sizing.estimate import CONFIDENCE, Floats
from stress.sizing.shortfall import hall_interval
from stress.store import replacing

if TYPE_CHECKING:
    from stress.store import Run

FORMAT = 1
MOST_BYTES = 100_000
"""A larger file would not be read by anybody; tails are cut until the file is smaller."""

_MOST_PATHS = 8_000
_MOST_VALUES = 500
"""Longest lists of a tail: numbers of paths, and what the worst of them lost."""

_STANDARD = ("required_fund", "bad_debt")
"""Metrics of every baseline, at the levels of the scenario's sizing."""


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Figure(_Record):
    """One statistic of a series."""

    level: float | None = None
    above: float | None = None
    shortfall: float | None = None
    value: float
    low: float | None = None
    high: float | None = None
    """Two-sided 95 % interval."""
    threshold: float
    beyond: int
    """Paths beyond the threshold: more than it, or of the quantile's tail."""
    weight: float | None = None
    square: float | None = None
    """Sums of the weights and squared weights of these paths; absent where all weigh 1. Of a mean what they lose beyond
    the threshold takes the place of the weight, or is multiplied by it."""
    heaviest: float | None = None
    """Largest of these."""

    def is_about(self, asked: Statistic) -> bool:
        """Whether it is the statistic asked for."""
        return (self.level, self.above, self.shortfall) == (asked.level, asked.above, asked.shortfall)

    @property
    def averaged(self) -> bool:
        """Whether it is a mean, of all paths or beyond a quantile."""
        return self.level is None and self.above is None


class Series(_Record):
    """One metric of one pool."""

    metric: str
    pool: str
    worse: str = "higher"
    figures: list[Figure]
    payers: dict[str, dict[str, float]] = {}
    """By level: what each layer paid on average over the tail's paths."""
    largest_weight: float | None = None
    worst_paths: list[int]
    """Numbers of the paths, the worst first."""
    worst_values: list[float]
    """What the first of them lost."""
    worst_weights: list[float] | None = None

    def is_about(self, asked: Statistic) -> bool:
        """Whether it is the metric, pool and direction asked for."""
        return (self.metric, self.pool, self.worse == "lower") == (asked.metric, asked.pool, asked.flipped)


class Versions(_Record):
    """What the run was made with."""

    tailstress: str
    kernels: str
    numba: str
    numpy: str
    cpu: str


class Baseline(_Record):
    """A baseline file."""

    format: int
    scenario: str
    reason: str
    date: str
    paths: int
    seed: int
    stream_layout: int
    versions: Versions
    scenario_digest: str
    sections: dict[str, str]
    content_hash: str
    series: list[Series]

    def find(self, asked: Statistic) -> tuple[Series, Figure] | None:
        """The series and figure of a statistic; None where the baseline has none."""
        for series in self.series:
            if series.is_about(asked):
                for figure in series.figures:
                    if figure.is_about(asked):
                        return series, figure
        return None

    def tail(self, series: Series, figure: Figure) -> Tail:
        """The paths beyond a figure's threshold, more being worse."""
        sign = -1.0 if series.worse == "lower" else 1.0
        weighed = series.largest_weight is not None
        beyond = Tally(
            figure.beyond,
            float(figure.beyond if figure.weight is None else figure.weight),
            float(figure.beyond if figure.square is None else figure.square),
            next(most for most in (figure.heaviest, series.largest_weight, 1.0) if most is not None),
        )
        if figure.beyond > len(series.worst_paths):
            return Tail(self.paths, sign * figure.threshold, beyond, None)
        weights = np.array(series.worst_weights[: figure.beyond]) if weighed and series.worst_weights else None
        numbers = np.array(series.worst_paths[: figure.beyond], dtype=np.int64)
        known = figure.beyond <= len(series.worst_values)
        values = sign * np.array(series.worst_values[: figure.beyond]) if known else None
        return Tail(self.paths, sign * figure.threshold, beyond, numbers, weights, values)


def versions(manifest: Mapping[str, Any]) -> Versions:
    """Versions of a run."""
    platform = manifest["platform"]
    features = " ".join(platform["cpu_features"])
    return Versions(
        tailstress=manifest["tool_version"],
        kernels=manifest["kernel_digest"][:16],
        numba=platform["numba"] if platform.get("compiled", True) else "interpreted",
        numpy=manifest["environment"]["numpy"],
        cpu=hashlib.sha256(features.encode()).hexdigest()[:16],
    )


def create(run: Run, checks: Sequence[Check], reason: str) -> Baseline:
    """The baseline of a run, with every figure that the regression rules among ``checks`` ask for.

    :raises UsageError: a rule asks for what the run does not have.
    """
    wanted = list(_wanted(run, checks))
    samples = {key: read(run, asked[0]) for key, asked in _by_series(wanted).items()}
    for most in (_MOST_PATHS, 4_000, 2_000, 1_000, 500, 250, 100, 10):
        series = [_series(run, asked, samples[key], most) for key, asked in _by_series(wanted).items()]
        baseline = Baseline(**_head(run, reason), series=series)
        if len(text(baseline).encode()) < MOST_BYTES:
            return baseline
    raise UsageError(f"the baseline would be larger than {MOST_BYTES:,} bytes: fewer rules, pools or levels")


def _head(run: Run, reason: str) -> dict[str, Any]:
    manifest = run.manifest
    return {
        "format": FORMAT,
        "scenario": manifest["scenario_name"],
        "reason": " ".join(reason.split()),
        "date": today().isoformat(),
        "paths": manifest["paths"],
        "seed": manifest["seed"],
        "stream_layout": manifest["stream_layout"],
        "versions": versions(manifest),
        "scenario_digest": manifest["scenario_digest"],
        "sections": {name: digest[:16] for name, digest in manifest["scenario_sections"].items()},
        "content_hash": manifest["content_hash"],
    }


def today() -> datetime.date:
    """The date in UTC, or that of SOURCE_DATE_EPOCH."""
    given = os.environ.get("SOURCE_DATE_EPOCH", "")
    if given.isdigit():
        return datetime.datetime.fromtimestamp(int(given), datetime.UTC).date()
    return datetime.datetime.now(datetime.UTC).date()


def _wanted(run: Run, checks: Sequence[Check]) -> Iterator[Statistic]:
    """Every statistic of the baseline: the standard ones, then those of the rules."""
    levels = run.scenario["sizing"]["levels"]
    for pool in run.manifest["pools"]:
        for metric in _STANDARD:
            if metric == "required_fund" and _lacks_fund(run, pool):
                continue
            yield from (Statistic(metric, pool, level) for level in levels)
    asked = (statistic(check, run) for check in checks if check.rule == REGRESSION)
    yield from (one for one in asked if one.above != math.inf)


def _lacks_fund(run: Run, pool: str) -> bool:
    try:
        read(run, Statistic("required_fund", pool))
    except UsageError:
        return True
    return False


_Key = tuple[str, str, bool]


def _by_series(wanted: Sequence[Statistic]) -> dict[_Key, list[Statistic]]:
    found: dict[_Key, list[Statistic]] = {}
    for asked in wanted:
        known = found.setdefault((asked.metric, asked.pool, asked.flipped), [])
        if asked not in known:
            known.append(asked)
    return found


def _series(run: Run, asked: Sequence[Statistic], sample: Sample, most: int) -> Series:
    """A series with at most so many paths in its list."""
    first, sign = asked[0], -1.0 if asked[0].flipped else 1.0
    figures = [_figure(one, sample) for one in asked]
    order = worst_first(sample)
    paid = payments(run, first.pool)
    kept = order[: min(most, max(figure.beyond for figure in figures))]
    worst = kept[:_MOST_VALUES]
    weights = None if sample.weights is None else [_short(weight) for weight in sample.weights[kept]]
    return Series(
        metric=first.metric,
        pool=first.pool,
        worse="lower" if first.flipped else "higher",
        figures=figures,
        payers={
            str(figure.level): payers(paid, order[: figure.beyond], sample.weights)
            for figure in figures
            if figure.level is not None
        },
        largest_weight=None if sample.weights is None else float(sample.weights.max()),
        worst_paths=[int(number) for number in kept],
        worst_values=[_short(sign * value) for value in sample.values[worst] + 0.0],
        worst_weights=weights,
    )


def _figure(asked: Statistic, sample: Sample) -> Figure:
    sign = -1.0 if asked.flipped else 1.0
    natural = sign * sample.values
    if asked.averaged:
        return _mean_figure(asked, sample, sign)
    if asked.above is not None:
        tail = tail_above(sample, sign * asked.above)
        value, low, high = probability_bounds(natural > asked.above, sample.weights, (1.0 - CONFIDENCE) / 2.0)
        bounds: tuple[float | None, float | None] = low, high
    else:
        tail = tail_of(sample, asked.tail_level)
        value, *ends = quantile_bounds(natural, asked.level or 0.5, sample.weights, (1.0 - CONFIDENCE) / 2.0)
        if not math.isfinite(value) or not math.isfinite(tail.threshold):
            raise UsageError(f"{asked.label} of pool {asked.pool} has no number: it never happens on so many paths")
        bounds = finite(ends[0]), finite(ends[1])
    weighted = sample.weights is not None
    return Figure(
        level=asked.level,
        above=asked.above,
        value=_short(value),
        low=None if bounds[0] is None else _short(bounds[0]),
        high=None if bounds[1] is None else _short(bounds[1]),
        threshold=sign * tail.threshold + 0.0,
        beyond=tail.beyond.paths,
        weight=tail.beyond.weight if weighted else None,
        square=tail.beyond.square if weighted else None,
        heaviest=tail.beyond.largest if weighted else None,
    )


def _mean_figure(asked: Statistic, sample: Sample, sign: float) -> Figure:
    """A mean, of all paths or beyond a quantile, with Hall's bounds."""
    level = 0.0 if asked.shortfall is None else asked.tail_level
    tail = mean_tail(sample, level)
    terms = mean_terms(sample, level)
    value = float(terms.mean())
    low, high = hall_interval(terms, value, CONFIDENCE)
    if not math.isfinite(value):
        raise UsageError(f"{asked.label} of pool {asked.pool} has no number: it never happens on some paths")
    ends = sorted(_short(sign * end) + 0.0 for end in (low, high))
    return Figure(
        shortfall=asked.shortfall,
        value=_short(sign * value),
        low=ends[0],
        high=ends[1],
        threshold=sign * tail.threshold + 0.0,
        beyond=0 if tail.numbers is None else tail.numbers.size,
        weight=tail.beyond.weight,
        square=tail.beyond.square,
        heaviest=tail.beyond.largest,
    )


def finite(value: float | None) -> float | None:
    """A bound that JSON has."""
    return value if value is not None and math.isfinite(value) else None


def payers(paid: Sequence[tuple[str, str, Floats]], paths: Paths, weights: Floats | None = None) -> dict[str, float]:
    """What each layer paid on average over some paths.

    ``paid`` is layer, kind and [w] what it paid, ``weights`` [w] are those of all paths.
    """
    if paths.size == 0:
        return {}
    chosen = None if weights is None else weights[paths]
    return {layer: _short(float(np.average(amounts[paths], weights=chosen))) for layer, _, amounts in paid}


def _short(value: float) -> float:
    """Eleven digits: enough for a comparison to one part in a billion."""
    return float(f"{value:.11g}")


# --- the file --------------------------------------------------------------------------------------------------------


def text(baseline: Baseline) -> str:
    """The file: JSON, one figure a line, lists wrapped, the digest of all of it last."""
    content = baseline.model_dump(mode="json", exclude_none=True)
    return layout.dump(content | {"checksum": _checksum(content)})


def _checksum(content: Mapping[str, Any]) -> str:
    compact = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(compact.encode()).hexdigest()


def write(file: Path, baseline: Baseline) -> None:
    """Write the file, or leave the one that is there whole."""
    with replacing(file) as temporary:
        temporary.write_text(text(baseline), encoding="utf-8", newline="\n")


def load(file: Path) -> Baseline:
    """Read a baseline file.

    :raises UsageError: there is no such file.
    :raises DamagedBaseline: it is not JSON, not a baseline, of a newer format, or not as it was written.
    """
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(f"{file}: no such baseline; baseline create writes one") from None
    except json.JSONDecodeError as error:
        raise DamagedBaseline(f"{file}:{error.lineno}:{error.colno}: damaged baseline: {error.msg}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise DamagedBaseline(f"{file}: cannot be read: {error}") from None
    if not isinstance(content, dict) or "content_hash" not in content:
        raise DamagedBaseline(f"{file}: not a baseline of tailstress")
    if not isinstance(content.get("format"), int) or content["format"] > FORMAT:
        raise DamagedBaseline(f"{file}: format {content.get('format')!r} is not known; this version reads {FORMAT}")
    if content.pop("checksum", None) != _checksum(content):
        raise DamagedBaseline(f"{file}: damaged or edited by hand; baseline update writes a new one")
    try:
        return Baseline.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise DamagedBaseline(f"{file}: damaged baseline: {where}: {first['msg']}") from None


def checks_of(run: Run) -> tuple[Check, ...]:
    """The rules that the run's own scenario holds."""
    return tuple(rule_of(value) for value in run.scenario.get("checks", ()))
