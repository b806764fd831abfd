"""``tailstress calibrate``: model parameters from price bars."""

from __future__ import annotations

import datetime
import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from stress.cli.options import Count, console, force_option, json_option, out_option, print_json

if TYPE_CHECKING:
    from rich.console import Console

    from stress.calibrate import Calibrated, Calibration, Series

MODELS = ("gbm", "merton", "heston", "bates", "svcj", "garch", "regime")
"""Names of stress.calibrate.estimators.ESTIMATORS, which load numba."""


@dataclass(frozen=True)
class Asked:
    """What the command line asks for."""

    prices: tuple[Path, ...]
    model: str
    market: tuple[str, ...]
    begin: datetime.datetime | None
    end: datetime.datetime | None
    every: float | None
    gaps: str
    window: float | None
    states: int
    histories: int
    factors: bool
    out: Path | None
    force: bool
    as_json: bool


def _duration(_ctx: click.Context, _param: click.Parameter, text: str | None) -> float | None:
    """Seconds of a duration written as in a scenario: 1h, 1d."""
    from stress.scenario.units import Dimension, NotAQuantity, parse

    if text is None:
        return None
    try:
        seconds = float(parse(text, Dimension.DURATION))
    except NotAQuantity as error:
        raise click.BadParameter(str(error)) from None
    if seconds <= 0.0:
        raise click.BadParameter("must be more than 0")
    return seconds


@click.command(
    "calibrate",
    help="Estimate a price model from bars: a scenario fragment, standard errors, goodness of fit, charts. "
    "PRICES are CSV or Parquet tables with the columns time and close (or price); several files, or a column market, "
    "give the correlations too.",
    epilog="Example: tailstress calibrate btc-1h.csv --market BTC --model bates --from 2021-01-01",
)
@click.argument("prices", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--model", required=True, type=click.Choice(MODELS), help="Model to estimate.")
@click.option("--market", metavar="NAME", multiple=True, help="Market to take, or name for a file; repeatable.")
@click.option("--from", "begin", metavar="DATE", type=click.DateTime(), help="First time to take, UTC.")
@click.option("--to", "end", metavar="DATE", type=click.DateTime(), help="Time to stop before, UTC.")
@click.option(
    "--every", metavar="TIME", callback=_duration, help="Take a price this often, such as 1d, instead of every bar."
)
@click.option(
    "--gaps",
    type=click.Choice(["refuse", "skip"]),
    default="refuse",
    show_default=True,
    help="Missing bars: refuse the file, or leave out the returns across them.",
)
@click.option(
    "--window",
    metavar="TIME",
    callback=_duration,
    help="Time over which variance is measured; a day where there are enough.",
)
@click.option("--states", type=Count(least=2, most=6), default=2, show_default=True, help="States of a regime model.")
@click.option(
    "--histories",
    type=Count(least=0, most=10_000),
    default=20,
    show_default=True,
    help="Simulated histories that the data are compared with; 0 for none.",
)
@click.option("--factors", is_flag=True, help="Write correlations as one common factor instead of matrices.")
@out_option("Folder to write into; calibrations/MARKET-MODEL by default.")
@force_option
@json_option
def command(**given: Any) -> None:
    """Read, calibrate, write a folder, print a table or JSON; see :class:`Asked`."""
    from stress.calibrate import Options, as_dict, calibrate, write_calibration

    asked = Asked(**given)
    if 0 < asked.histories < 5:
        raise click.UsageError("--histories must be 0, or 5 and more: quantiles of fewer mean nothing.")
    series = _series(asked)
    folder = asked.out or Path("calibrations") / f"{'-'.join(one.market for one in series[:4])}-{asked.model}"
    _writable(folder, asked.force)
    with _telling() as tell:
        found = calibrate(series, asked.model, Options(asked.window, asked.states, asked.histories), tell)
    files = write_calibration(found, folder, factors=asked.factors)
    if asked.as_json:
        print_json(as_dict(found))
    else:
        _print(found, console(stderr=False))
        click.echo(str(files[0]))


def _series(asked: Asked) -> list[Series]:
    from stress.calibrate import Period, read_prices

    begin, end = (None if t is None else t.replace(tzinfo=datetime.UTC).timestamp() for t in (asked.begin, asked.end))
    period = Period(-math.inf if begin is None else begin, math.inf if end is None else end)
    series = read_prices(asked.prices, asked.market, period, skip_gaps=asked.gaps == "skip")
    return series if asked.every is None else [one.every(asked.every) for one in series]


def _writable(folder: Path, force: bool) -> None:
    from stress.errors import UsageError

    if folder.is_dir() and any(folder.iterdir()) and not force:
        raise UsageError(f"{folder} is not empty; --force overwrites what a calibration writes")


@contextmanager
def _telling() -> Iterator[Callable[[str], None]]:
    """A line on a terminal that says how far the fit is; nothing elsewhere but the first words of each market."""
    if sys.stderr.isatty():
        with console().status("") as status:
            yield status.update
        return
    told: set[str] = set()

    def tell(words: str) -> None:
        stage = words.rstrip("0123456789 of").rstrip()
        if stage not in told:
            told.add(stage)
            click.echo(words, err=True)

    yield tell


def _print(found: Calibration, screen: Console) -> None:
    for one in found.markets:
        _print_market(one, screen)
    if found.structure is not None:
        matrix = found.structure
        names = ", ".join(matrix.markets)
        screen.print(f"\ncorrelation of prices, of variances ({names}; ± {matrix.error:.2g})")
        for prices, variances in zip(matrix.prices, matrix.variances, strict=True):
            screen.print("  ".join(" ".join(f"{value:6.3f}" for value in row) for row in (prices, variances)))
    if found.common is not None:
        moved = zip(found.markets[1:], found.common.probability[1:], strict=True)
        words = ", ".join(f"{one.series.market} {share.value:.0%} ± {share.error or 0.0:.0%}" for one, share in moved)
        first = found.markets[0].series.market
        screen.print(f"\ncommon jumps: {found.common.rate:.3g} a year in {first}, with {words}")
    screen.print()


def _print_market(one: Calibrated, screen: Console) -> None:
    from stress.calibrate.fragment import described
    from stress.calibrate.summary import goodness_rows, parameter_rows
    from stress.scenario.units import Dimension, write

    screen.print(f"\n{described(one.series)}")
    _table(screen, (one.fit.model, "value", "standard error"), parameter_rows(one))
    for found in one.comparisons:
        horizon = write(found.horizon, Dimension.DURATION)
        heading = f"{len(found.simulated)} histories: median (5% to 95%)"
        _table(screen, (f"returns of {horizon}", "data", heading), goodness_rows(found))
    for note in one.fit.notes:
        screen.print(f"note: {note}", soft_wrap=True)
    if one.comparisons:
        screen.print("* the data lie outside of nine histories in ten", soft_wrap=True)


def _table(screen: Console, headings: tuple[str, ...], rows: list[tuple[str, str, str]]) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    table.add_column(headings[0])
    for heading in headings[1:]:
        table.add_column(heading, justify="right")
    for row in rows:
        table.add_row(*row)
    screen.print()
    screen.print(table)
