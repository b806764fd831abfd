"""``tailstress validate``: everything that can be said of a scenario before it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from stress.cli.options import (
    console,
    json_option,
    paths_option,
    print_json,
    scenario_argument,
    seed_option,
    set_option,
    threads_option,
)

if TYPE_CHECKING:
    from rich.table import Table

    from stress.scenario import Loaded


@click.command(
    "validate",
    help="Check a scenario and its book. All mistakes are named at once, by file, line and column.",
    epilog="Example: tailstress validate october-2025 --set run.paths=100_000",
)
@scenario_argument
@set_option
@seed_option
@paths_option
@threads_option
@click.option("--resolved", is_flag=True, help="Print the whole scenario as YAML: what it extends, and every default.")
@json_option
def command(
    scenario: str,
    overrides: tuple[str, ...],
    seed: int | None,
    paths: int | None,
    threads: int,
    resolved: bool,
    as_json: bool,
) -> None:
    """Load, look at the book, estimate the run and print; warnings go to stderr."""
    from stress.check.rules import require_sound
    from stress.scenario import load_scenario

    loaded = load_scenario(scenario, overrides, seed=seed, paths=paths)
    require_sound(loaded)
    found, warnings = _findings(loaded, threads)
    for sentence in warnings:
        click.echo(f"warning: {sentence}", err=True)
    if resolved and as_json:
        print_json(loaded.canonical)
    elif resolved:
        from stress.scenario.writing import to_yaml

        click.echo(to_yaml(loaded.scenario), nl=False)
    elif as_json:
        print_json(found | {"warnings": warnings})
    else:
        console(stderr=False).print(_table(found))


def _findings(loaded: Loaded, threads: int) -> tuple[dict[str, Any], list[str]]:
    """Figures of the scenario, its book and its run, ready for JSON; and what to beware of."""
    from stress.book import summary
    from stress.build import build
    from stress.estimate import estimate

    scenario = loaded.scenario
    plan = build(loaded)
    positions = plan.positions
    cost = estimate(scenario, accounts=positions.accounts, positions=len(positions.market), threads=threads)
    found = {
        "scenario": scenario.name,
        "file": str(loaded.file),
        "digest": loaded.digest,
        "paths": scenario.run.paths,
        "checks_per_path": scenario.run.checks,
        "steps_per_path": scenario.run.checks * scenario.run.substeps,
        "horizon_s": scenario.run.horizon,
        "markets": list(scenario.markets),
        "pools": {name: [layer.name for layer in pool.layers] for name, pool in scenario.pools.items()},
        "book": summary(positions, plan.terms),
        "estimate": {"threads": threads, "seconds": cost.seconds, "memory_bytes": cost.memory_bytes},
    }
    return found, list(plan.notes)


def _table(found: dict[str, Any]) -> Table:
    from rich.table import Table

    from stress.scenario.units import Dimension, write

    book, cost = found["book"], found["estimate"]
    interest = ", ".join(f"{name} {value:,.0f}" for name, value in book["open_interest"].items())
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in book["accounts_by_kind"].items() if count)
    breach = book["in_breach_at_start"]
    rows = {
        "scenario": f"{found['scenario']} is valid ({found['file']})",
        "run": f"{found['paths']:,} paths of {write(found['horizon_s'], Dimension.DURATION)}, "
        f"{found['checks_per_path']:,} checks and {found['steps_per_path']:,} steps each",
        "markets": ", ".join(found["markets"]),
        "pools": "; ".join(f"{name}: {' > '.join(layers) or 'no layers'}" for name, layers in found["pools"].items()),
        "accounts": f"{book['accounts']:,} ({kinds}), {book['positions']:,} positions",
        "open interest": interest,
        "in breach now": f"{breach['accounts']:,} of the accounts, notional {breach['notional']:,.0f}",
        **_initial_rows(book),
        "time": f"about {_rounded_time(cost['seconds'])} on {cost['threads']} threads",
        "memory": f"about {cost['memory_bytes'] / 2**20:,.0f} MiB",
        "digest": found["digest"][:16],
    }
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True, style="bold")
    table.add_column(overflow="fold")
    for label, text in rows.items():
        table.add_row(label, text)
    return table


def _initial_rows(book: dict[str, Any]) -> dict[str, str]:
    """What initial margin asks for and who has less, where there is any."""
    if not book["initial_margin"]:
        return {}
    rates = ", ".join(f"{name} {rate:.4g}" for name, rate in book["initial_margin"].items())
    short = book["under_initial_at_start"]
    return {
        "initial margin": f"{rates} of the notional, at the open interest of now",
        "under it now": f"{short['accounts']:,} of the accounts, notional {short['notional']:,.0f}",
    }


def _rounded_time(seconds: float) -> str:
    """Two digits are more than an estimate can hold."""
    for size, unit in ((3600.0, "h"), (60.0, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.2g} {unit}" if seconds < 100 * size else f"{seconds / size:,.0f} {unit}"
    return f"{max(seconds, 1.0):.2g} s"
