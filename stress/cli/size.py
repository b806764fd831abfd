"""``tailstress size``: fund sizes, loss quantiles and probabilities of a run."""

from __future__ import annotations

from pathlib import Path

import click

from stress.cli.options import console, json_option, print_json, run_argument


def _fraction(_ctx: click.Context, _param: click.Parameter, text: str | None) -> float | None:
    """A probability written as in a scenario: 0.1%, 10bp or 0.001."""
    from stress.scenario.units import Dimension, NotAQuantity, parse

    if text is None:
        return None
    try:
        return float(parse(text, Dimension.FRACTION))
    except NotAQuantity as error:
        raise click.BadParameter(str(error)) from None


@click.command("size", help="Size the fund from a run: quantiles, depletion, cost.")
@run_argument
@click.option("--pool", help="Only this pool.")
@click.option("--depletion", callback=_fraction, help="Accepted probability of depletion, such as 0.1%.")
@click.option(
    "--times-a-year", type=click.FloatRange(min=0.0, min_open=True), help="How often the scenario comes within a year."
)
@click.option("--tail/--no-tail", default=True, help="Fit generalised Pareto tails too (the default).")
@json_option
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the figures into this file: JSON, or Parquet by its ending, one row per estimate.",
)
def command(
    run: Path,
    pool: str | None,
    depletion: float | None,
    times_a_year: float | None,
    tail: bool,
    as_json: bool,
    out: Path | None,
) -> None:
    """Load the run, size it, print a table or JSON; write JSON or Parquet."""
    import stress
    from stress.sizing import size
    from stress.sizing.table import render
    from stress.sizing.write import write_estimates
    from stress.store import write_json

    sizing = size(stress.load(run), pool, depletion, times_a_year=times_a_year, tails=tail)
    if out is not None and out.suffix == ".parquet":
        write_estimates(out, sizing)
    elif out is not None:
        write_json(out, sizing.to_dict())
    if as_json:
        print_json(sizing.to_dict())
    else:
        console(stderr=False).print(render(sizing))
