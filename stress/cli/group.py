"""A click group that imports a command only to use it."""

from __future__ import annotations

import importlib
import os
from dataclasses import dataclass
from difflib import get_close_matches

import click

COMMANDS: dict[str, str] = {
    "run": "Simulate a scenario and write a folder of results.",
    "size": "Size the fund from a run: quantiles, depletion, cost.",
    "sweep": "Vary values or switch rules off, and compare.",
    "reverse": "Search for the least event that breaks a venue.",
    "merge": "Merge the shards of a run.",
    "report": "Write the report of a run: HTML, Markdown, charts.",
    "check": "Put a scenario's rules to a run: limits, regressions.",
    "baseline": "Keep what a run was like, for check to compare with.",
    "calibrate": "Estimate a price model from price bars.",
    "backtest": "Replay crises against what was published.",
    "compare": "Compare two runs: figures with intervals, charts.",
    "validate": "Check a scenario and its book; estimate time and memory.",
    "schema": "Print the JSON Schema of scenario files.",
    "init": "Write a scenario to start from.",
    "scenarios": "List the built-in scenarios.",
    "book": "Draw a synthetic book, or describe one.",
    "import": "Turn exports of a venue into a book.",
    "doctor": "Check this installation; compile the kernels.",
}
"""Name and one-line help of every command, in the order of a first session."""


@dataclass
class Settings:
    """Options of the whole command line, carried as the object of the click context."""

    debug: bool = False


def _set_debug(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    settings = ctx.find_object(Settings)
    if value and settings is not None:
        settings.debug = True


def _set_no_color(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    if value:
        os.environ["NO_COLOR"] = "1"  # rich reads it wherever it writes
    if os.environ.get("NO_COLOR"):
        ctx.color = False


def global_options() -> list[click.Parameter]:
    """Options accepted before and after the name of the command."""
    return [
        click.Option(
            ["--debug"], is_flag=True, expose_value=False, callback=_set_debug, help="Show the traceback of a bug."
        ),
        click.Option(
            ["--no-color"], is_flag=True, expose_value=False, callback=_set_no_color, help="Plain text, as NO_COLOR."
        ),
    ]


class LazyGroup(click.Group):
    """Lists its commands from :data:`COMMANDS`; each lives in ``stress.cli.<name>`` as ``command``."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        if cmd_name not in self.commands:
            command: click.Command = importlib.import_module(f"stress.cli.{cmd_name}").command
            command.params.extend(global_options())
            self.commands[cmd_name] = command
        return self.commands[cmd_name]

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            near = get_close_matches(name, COMMANDS, n=1)
            hint = f"Did you mean '{near[0]}'?" if near else f"Commands are {', '.join(COMMANDS)}."
            raise click.UsageError(f"No such command '{name}'. {hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))
