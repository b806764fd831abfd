"""``tailstress book``: describe the book of a scenario, and write it as tables."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from stress.cli.options import console, force_option, json_option, print_json, scenario_argument, set_option

if TYPE_CHECKING:
    from rich.table import Table

_EPILOG = """\b
Examples:
  tailstress book october-2025
  tailstress book october-2025 -o book/ --format csv

What is written can be edited and read back as
  book: {accounts: book/positions.csv, balances: book/balances.csv}
"""


@click.command("book", help="Describe the book of a scenario, read or drawn, and write it as tables.", epilog=_EPILOG)
@scenario_argument
@set_option
@click.option("-o", "--out", type=click.Path(path_type=Path), help="Folder for the tables 'positions' and 'balances'.")
@click.option(
    "--format",
    "file_format",
    type=click.Choice(["csv", "parquet"]),
    default="parquet",
    show_default=True,
    help="Kind of the tables.",
)
@force_option
@json_option
def command(
    scenario: str, overrides: tuple[str, ...], out: Path | None, file_format: Any, force: bool, as_json: bool
) -> None:
    """Load the books of all pools, write them where asked to, print what they are."""
    from stress.book import load_books, summary, terms_of, write_book
    from stress.scenario import load_scenario

    loaded = load_scenario(scenario, overrides)
    positions, notes = load_books(loaded.scenario, loaded.locate)
    if out is not None:
        for path in write_book(positions, tuple(loaded.scenario.pools), out, file_format, overwrite=force):
            click.echo(f"wrote {path}", err=True)
    for note in notes:
        click.echo(f"note: {note}", err=True)
    found = summary(positions, terms_of(loaded.scenario.markets))
    if as_json:
        print_json({**found, "notes": notes})
    else:
        output = console(stderr=False)
        output.print(_markets(found))
        output.print(_totals(found))


def _markets(found: dict[str, Any]) -> Table:
    from rich.table import Table

    table = Table("market", title="Sides at the first prices", title_justify="left")
    for column in ("long", "short", "open interest"):
        table.add_column(column, justify="right")
    for name in found["open_interest"]:
        table.add_row(name, *(f"{found[key][name]:,.0f}" for key in ("long", "short", "open_interest")))
    return table


def _totals(found: dict[str, Any]) -> Table:
    from rich.table import Table

    breach = found["in_breach_at_start"]
    leverage = found["leverage"]
    table = Table("book", "", show_header=False)
    table.columns[1].justify = "right"
    for label, value in (
        ("margin accounts", f"{found['accounts']:,}"),
        ("  of them isolated", f"{found['isolated_accounts']:,}"),
        *((f"  of kind {kind.replace('_', ' ')}", f"{n:,}") for kind, n in found["accounts_by_kind"].items()),
        ("owners", f"{found['owners']:,}"),
        ("positions", f"{found['positions']:,}"),
        ("gross notional", f"{found['gross_notional']:,.0f}"),
        ("equity", f"{found['equity']:,.0f}"),
        *((f"  of it in {asset}", f"{value:,.0f}") for asset, value in found["collateral"].items()),
        ("leverage", "-" if leverage is None else f"{leverage:.2f}"),
        ("share of the largest owner", f"{found['top1_share']:.1%}"),
        ("share of the ten largest", f"{found['top10_share']:.1%}"),
        ("in breach at the first prices", f"{breach['accounts']:,} ({breach['notional']:,.0f})"),
    ):
        table.add_row(label, value)
    return table
