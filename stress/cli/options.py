"""Options and arguments that several commands share.

Each is a decorator for a click command; its docstring names the parameter
that the command's function receives.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from rich.console import Console

    NumberType = click.ParamType[int]
else:
    NumberType = click.ParamType

F = TypeVar("F", bound=Callable[..., Any])


class Count(NumberType):
    """A whole number of at least ``least``, also written 10_000 or 1e4."""

    name = "number"

    def __init__(self, least: int = 1, most: int = 2**63 - 1) -> None:
        self.least = least
        self.most = most

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number; fails as a usage error when it is not whole or out of range."""
        if isinstance(value, str):
            value = self._read(value, param, ctx)
        if not self.least <= value <= self.most:
            allowed = f"at least {self.least}" if value < self.least else f"at most {self.most}"
            self.fail(f"{value} is out of range, it must be {allowed}.", param, ctx)
        return int(value)

    def _read(self, text: str, param: click.Parameter | None, ctx: click.Context | None) -> int:
        try:
            return int(text)
        except ValueError:
            pass
        try:
            number = float(text)
            if number == int(number):
                return int(number)
        except (ValueError, OverflowError):
            pass
        self.fail(f"{text!r} is not a whole number.", param, ctx)


def available_threads() -> int:
    """Cores this process may use, which in a container are fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def scenario_argument(function: F) -> F:
    """``scenario: str``: a file or the name of a built-in scenario."""
    return click.argument("scenario", metavar="SCENARIO")(function)


def run_argument(function: F) -> F:
    """``run: Path``: folder of a run; whether it is one is for the store to say."""
    return click.argument("run", metavar="RUN", type=click.Path(path_type=Path))(function)


def set_option(function: F) -> F:
    """``overrides: tuple[str, ...]``: values of the scenario replaced on the command line."""
    return click.option(
        "--set",
        "overrides",
        metavar="PATH=VALUE",
        multiple=True,
        help="Replace a value of the scenario, e.g. run.horizon=48h; repeatable.",
    )(function)


def seed_option(function: F) -> F:
    """``seed: int | None``: replaces ``run.seed``."""
    return click.option("--seed", type=Count(least=0), help="Random seed, instead of the scenario's.")(function)


def paths_option(function: F) -> F:
    """``paths: int | None``: replaces ``run.paths``."""
    return click.option("--paths", type=Count(), help="Number of paths, instead of the scenario's.")(function)


def threads_option(function: F) -> F:
    """``threads: int``: worker threads, by default one per available core."""
    return click.option(
        "--threads",
        type=Count(most=1024),
        default=available_threads,
        show_default="cores",
        help="Worker threads; they never change the result.",
    )(function)


def out_option(help: str) -> Callable[[F], F]:
    """``out: Path | None``: where the command writes."""
    return click.option("-o", "--out", type=click.Path(path_type=Path), help=help)


def force_option(function: F) -> F:
    """``force: bool``: overwrite what is there."""
    return click.option("--force", is_flag=True, help="Overwrite what is there.")(function)


def json_option(function: F) -> F:
    """``as_json: bool``: machine-readable stdout."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout.")(function)


def quiet_option(function: F) -> F:
    """``quiet: bool``."""
    return click.option("-q", "--quiet", is_flag=True, help="Only errors on stderr.")(function)


def verbosity_options(function: F) -> F:
    """``quiet: bool`` and ``verbose: bool``."""
    return quiet_option(click.option("-v", "--verbose", is_flag=True, help="Say more.")(function))


def print_json(value: object) -> None:
    """Write a JSON document to stdout; infinity and NaN are refused, as JSON has neither."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False))


def console(*, stderr: bool = True) -> Console:
    """A rich console for messages (stderr) or tables (stdout) that honours NO_COLOR."""
    from rich.console import Console

    return Console(stderr=stderr, highlight=False)
