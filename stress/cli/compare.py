"""``tailstress compare``: two runs side by side."""

from __future__ import annotations

from pathlib import Path

import click

from stress.cli.options import console, json_option, out_option, print_json


def _levels(_ctx: click.Context, _param: click.Parameter, texts: tuple[str, ...]) -> tuple[float, ...] | None:
    """Levels written as in a scenario."""
    from stress.scenario.units import Dimension, NotAQuantity, parse

    try:
        levels = tuple(float(parse(text, Dimension.FRACTION)) for text in texts)
    except NotAQuantity as error:
        raise click.BadParameter(str(error)) from None
    if not all(0.0 < level < 1.0 for level in levels):
        raise click.BadParameter("a level lies between 0% and 100%.")
    return levels or None


@click.command(
    "compare",
    help="Compare two runs: losses and probabilities with the interval of their change. Runs of the same seed are "
    "compared path by path, even if their scenarios differ.",
    epilog="Example: tailstress compare runs/before runs/after -o comparison",
)
@click.argument("before", metavar="RUN", type=click.Path(path_type=Path))
@click.argument("after", metavar="RUN", type=click.Path(path_type=Path))
@click.option(
    "--level", "levels", multiple=True, callback=_levels, help="Quantile to compare, such as 99%; repeatable."
)
@out_option("Also write a page with charts side by side into this folder.")
@json_option
def command(before: Path, after: Path, levels: tuple[float, ...] | None, out: Path | None, as_json: bool) -> None:
    """Load both runs, compare, print, and write the page where asked to."""
    import stress
    from stress.check.compare import compare
    from stress.check.output.comparison import render
    from stress.report.comparison import write_comparison

    runs = stress.load(before), stress.load(after)
    compared = compare(*runs, levels)
    if as_json:
        print_json(compared.to_dict())
    else:
        console(stderr=False).print(render(compared))
    if out is not None:
        page = write_comparison(*runs, compared, out)
        click.echo(str(page), err=as_json)
