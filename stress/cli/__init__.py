"""The command line.

A command is a module ``stress.cli.<name>`` with a click command named
``command``, plus one line in :data:`stress.cli.group.COMMANDS`. It parses,
loads, calls one function and writes; errors become exit codes here, once.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

import click

import stress
from stress.cli.group import LazyGroup, Settings, global_options
from stress.errors import ExitCode, InvalidInput, TailstressError

_BROKEN_PIPE = 141
"""128 + SIGPIPE, what other programs end with when their reader goes away."""

_REFUSED_BY_THE_MACHINE = frozenset(
    {
        errno.EACCES,
        errno.EDQUOT,
        errno.EISDIR,
        errno.ENOENT,
        errno.ENOSPC,
        errno.ENOTDIR,
        errno.EPERM,
        errno.EROFS,
    }
)
"""Errors of the file system that the user can mend."""


class Terminated(KeyboardInterrupt):
    """SIGTERM, raised in the main thread so that what tidies up after Ctrl-C serves both."""


def _raise_terminated(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise Terminated


def _print_version(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    if value:
        click.echo(f"tailstress {stress.__version__}")
        ctx.exit()


cli = LazyGroup(
    name="tailstress",
    help="Monte Carlo tail-risk stress tests of derivatives venues.",
    epilog="SCENARIO is a file or the name of a built-in one: see 'tailstress scenarios'.",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    params=[
        *global_options(),
        click.Option(
            ["--version"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_print_version,
            help="Show the version and exit.",
        ),
    ],
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line, say on stderr what went wrong and return the exit code.

    A mistake of the user is one line each; anything unexpected is one line that
    begins with ``bug:``, followed by the traceback with ``--debug``.
    """
    if "_TAILSTRESS_COMPLETE" in os.environ:
        cli.main(prog_name="tailstress")  # answers the shell and exits
    settings = Settings()
    before = signal.signal(signal.SIGTERM, _raise_terminated)
    try:
        return _call(list(sys.argv[1:] if argv is None else argv), settings)
    except click.ClickException as error:
        error.show()
        return ExitCode.INVALID
    except TailstressError as error:
        click.echo(str(error) if isinstance(error, InvalidInput) else f"error: {error}", err=True)
        return int(error.exit_code)
    except (click.Abort, KeyboardInterrupt) as stop:
        click.echo("\ninterrupted", err=True)
        return ExitCode.TERMINATED if isinstance(stop, Terminated) else ExitCode.INTERRUPTED
    except BrokenPipeError:
        # What is left in the buffer would raise again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _BROKEN_PIPE
    except Exception as error:
        return _report_unexpected(error, settings)
    finally:
        signal.signal(signal.SIGTERM, before)


def _call(arguments: list[str], settings: Settings) -> int:
    try:
        with cli.make_context("tailstress", arguments, obj=settings) as ctx:
            cli.invoke(ctx)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    finally:
        sys.stdout.flush()
    return ExitCode.OK


def _report_unexpected(error: Exception, settings: Settings) -> int:
    if settings.debug:
        traceback.print_exception(error)
    if isinstance(error, OSError) and error.errno in _REFUSED_BY_THE_MACHINE:
        where = f"{error.filename}: " if error.filename else ""
        click.echo(f"error: {where}{error.strerror}", err=True)
        return ExitCode.INVALID
    text = " ".join(str(error).split())
    hint = "" if settings.debug else " (--debug shows the traceback)"
    click.echo(f"bug: {type(error).__name__}: {text}{hint}", err=True)
    return ExitCode.BUG
