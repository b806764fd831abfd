"""``tailstress import``: a book from the exports of a venue."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from stress.cli.options import console, force_option, json_option, print_json

if TYPE_CHECKING:
    from rich.console import Console

    from stress.imports import Imported
    from stress.scenario import Scenario

FORMATS = ("hyperliquid", "dydx", "positions")
"""Names of stress.imports.formats.FORMATS, which load pandas."""

_EPILOG = """\b
Examples:
  tailstress import states.jsonl
  tailstress import states.jsonl -o book/ --venue hyperliquid --scenario book/venue.yaml
  tailstress import positions.csv --column account=uid --rename BTCUSDT=BTC --balance -o book.csv

docs/import.md says what each format holds.
"""


@dataclass(frozen=True)
class Asked:
    """What the command line asks for."""

    files: tuple[Path, ...]
    format: str | None
    columns: dict[str, str]
    names: dict[str, str]
    prices: dict[str, str]
    venue: str | None
    unknown: str
    balance: bool
    maker_leverage: float
    out: Path | None
    scenario: Path | None
    force: bool
    as_json: bool


def _pairs(_ctx: click.Context, param: click.Parameter, given: tuple[str, ...]) -> dict[str, str]:
    """NAME=VALUE, repeatable."""
    found = dict[str, str]()
    for text in given:
        name, equals, value = (part.strip() for part in text.partition("="))
        if not name or not equals or not value:
            raise click.BadParameter(f"expected {param.metavar}, got {text!r}")
        if name in found:
            raise click.BadParameter(f"{name} is given twice")
        found[name] = value
    return found


@click.command(
    "import",
    help="Turn exports of a venue into a book: states of Hyperliquid's clearinghouse (.json, .jsonl), subaccounts of "
    "dYdX (--format dydx), or a table of positions (.csv, .parquet). Prints what was read; -o writes the book, "
    "--scenario a scenario around it.",
    epilog=_EPILOG,
)
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--format", type=click.Choice(FORMATS), help="Format of the files; by default by their ending.")
@click.option(
    "--column",
    "columns",
    metavar="FIELD=NAME",
    multiple=True,
    callback=_pairs,
    help="Column of a field, such as account=uid; repeatable.",
)
@click.option(
    "--rename",
    "names",
    metavar="EXPORT=MARKET",
    multiple=True,
    callback=_pairs,
    help="Name of a market in the scenario, such as BTCUSDT=BTC; repeatable.",
)
@click.option(
    "--price",
    "prices",
    metavar="MARKET=PRICE",
    multiple=True,
    callback=_pairs,
    help="Price of a market, instead of the export's marks; repeatable.",
)
@click.option("--venue", metavar="SCENARIO", help="Scenario with the rules and markets: a file or a built-in one.")
@click.option(
    "--unknown",
    type=click.Choice(["refuse", "leave-out"]),
    default="refuse",
    show_default=True,
    help="Markets that the venue does not have: refuse the export, or close their positions at the mark.",
)
@click.option("--balance", is_flag=True, help="Add a market maker that holds what longs and shorts differ by.")
@click.option(
    "--maker-leverage",
    type=click.FloatRange(min=0.001, max=1e4),
    default=3.0,
    show_default=True,
    help="Leverage of that market maker.",
)
@click.option(
    "-o", "--out", type=click.Path(path_type=Path), help="Book to write: NAME.csv, NAME.parquet, or a folder (Parquet)."
)
@click.option("--scenario", type=click.Path(path_type=Path), help="Scenario to write around the book; needs -o.")
@force_option
@json_option
def command(**given: Any) -> None:
    """Read, assemble, write, print what was read; see :class:`Asked`."""
    from stress.imports import figures

    asked = Asked(**given)
    if asked.scenario is not None and asked.out is None:
        raise click.UsageError("--scenario names the book that -o writes; give both.")
    rules = _rules(asked.venue)
    imported = _imported(asked, rules)
    if asked.out is not None:
        _write(imported, asked.out, asked, rules)
    found = figures(imported)
    if asked.as_json:
        print_json(found)
    else:
        _print(found, console(stderr=False))


def _rules(venue: str | None) -> Scenario | None:
    from stress.scenario import load_scenario

    return None if venue is None else load_scenario(venue).scenario


def _imported(asked: Asked, rules: Scenario | None) -> Imported:
    from stress.imports import Options, assemble, balanced, read_exports, with_known_markets

    export = read_exports(asked.files, asked.format, Options(asked.columns))
    export.renamed(asked.names)
    source = ", ".join(str(path) for path in asked.files)
    prices = {name: _price(name, text, set(export.market)) for name, text in asked.prices.items()}
    if rules is not None:
        contracts = [name for name, market in rules.markets.items() if market.instrument != "spot"]
        leave_out = asked.unknown == "leave-out"
        export = with_known_markets(export, contracts, leave_out=leave_out, file=source)
        if not export.marks_known:
            prices = {name: market.price for name, market in rules.markets.items()} | prices
    imported = assemble(export, prices, source)
    return balanced(imported, asked.maker_leverage) if asked.balance else imported


def _price(name: str, text: str, known: set[str]) -> float:
    from stress.scenario.hints import did_you_mean

    if name not in known:
        raise click.UsageError(f"--price: the export has no market {name!r}{did_you_mean(name, known)}")
    try:
        price = float(text)
    except ValueError:
        price = -1.0
    if not 0.0 < price < 1e18:
        raise click.UsageError(f"--price {name}: expected a price above zero, got {text!r}")
    return price


def _write(imported: Imported, out: Path, asked: Asked, rules: Scenario | None) -> None:
    from stress.errors import UsageError
    from stress.imports import fragment, write_import

    if asked.scenario is not None and asked.scenario.exists() and not asked.force:
        raise UsageError(f"{asked.scenario} would be overwritten; --force allows it")
    tables = write_import(imported, out, overwrite=asked.force)
    written = list(tables)
    if asked.scenario is not None:
        asked.scenario.parent.mkdir(parents=True, exist_ok=True)
        text = fragment(imported, asked.scenario, tables, asked.venue, rules)
        asked.scenario.write_text(text, encoding="utf-8")
        written.append(asked.scenario)
    for path in written:
        click.echo(f"wrote {path}", err=True)


_SHOWN = 20
"""Markets in the table; the rest are one row."""


def _print(found: dict[str, Any], screen: Console) -> None:
    from rich.table import Table

    markets = sorted(found["markets"].items(), key=lambda item: -max(item[1]["long"], item[1]["short"]))
    table = Table("market", box=None, padding=(0, 2, 0, 0))
    for heading in ("price", "long", "short", "long less short"):
        table.add_column(heading, justify="right")
    for name, one in markets[:_SHOWN]:
        gap = one["long"] - one["short"]
        sides = (f"{value:,.0f}" for value in (one["long"], one["short"], gap if abs(gap) >= 0.5 else 0.0))
        table.add_row(name, f"{one['price']:,.6g}" if one["price"] < 1e6 else f"{one['price']:,.0f}", *sides)
    if len(markets) > _SHOWN:
        rest = [one for _, one in markets[_SHOWN:]]
        longs, shorts = (sum(one[side] for one in rest) for side in ("long", "short"))
        table.add_row(f"{len(rest)} more", "", f"{longs:,.0f}", f"{shorts:,.0f}", f"{longs - shorts:,.0f}")
    screen.print(table)
    screen.print()
    screen.print(_totals(found))
    for reason, count in found["left_out"].items():
        screen.print(f"left out: {count:,} x {reason}", soft_wrap=True)
    for note in found["notes"]:
        screen.print(f"note: {note}", soft_wrap=True)
    if any(abs(one["long"] - one["short"]) > 1e-9 * max(one["long"], one["short"]) for _, one in markets):
        words = (
            "note: longs and shorts differ; traders outside the book hold the rest, or a market maker with --balance"
        )
        screen.print(words, soft_wrap=True)


def _totals(found: dict[str, Any]) -> Any:
    from rich.table import Table

    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column()
    table.add_column(justify="right")
    for label, value in (
        ("margin accounts", f"{found['accounts']:,}"),
        ("  of them isolated positions", f"{found['isolated_accounts']:,}"),
        ("  without equity", f"{found['without_equity']:,}"),
        ("owners", f"{found['owners']:,}"),
        ("positions", f"{found['positions']:,}"),
        ("gross notional", f"{found['gross_notional']:,.0f}"),
        ("equity", f"{found['equity']:,.0f}"),
        *((f"leverage at {level} of the accounts", f"{value:.2f}") for level, value in found["leverage"].items()),
        ("share of the ten largest owners", f"{found['top10_share']:.1%}"),
    ):
        table.add_row(label, value)
    return table
