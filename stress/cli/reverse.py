"""``tailstress reverse``: which event breaks a venue, and how likely it is."""

from __future__ import annotations

import shlex
import shutil
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from stress.cli.options import (
    Count,
    console,
    force_option,
    json_option,
    out_option,
    print_json,
    scenario_argument,
    seed_option,
    set_option,
    threads_option,
    verbosity_options,
)
from stress.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from stress.reverse import Answer, Priors, Question, Setting
    from stress.reverse.result import Told
    from stress.scenario import Loaded


@dataclass(frozen=True)
class Options:
    """What the command line asks for."""

    scenario: str
    target: str
    pool: str | None
    over: tuple[str, ...]
    faults: tuple[str, ...]
    markets: tuple[str, ...]
    recovery: str
    most: str
    least_depth: str
    lag: str
    priors: tuple[str, ...]
    evaluations: int
    overrides: tuple[str, ...]
    seed: int | None
    threads: int
    out: Path | None
    force: bool
    as_json: bool
    quiet: bool
    verbose: bool

    @property
    def words(self) -> list[str]:
        """The command line without its folder and what changes no result."""
        lists = (
            ("--over", self.over),
            ("--fault", self.faults),
            ("--market", self.markets),
            ("--prior", self.priors),
            ("--set", self.overrides),
        )
        singles = (
            ("--target", self.target, "fund_depleted"),
            ("--pool", self.pool, None),
            ("--recovery", self.recovery, "0%"),
            ("--most", self.most, "90%"),
            ("--least-depth", self.least_depth, "5%"),
            ("--lag", self.lag, "15m"),
            ("--evaluations", str(self.evaluations), "6000"),
        )
        words = ["tailstress", "reverse", self.scenario]
        words += [word for name, value, default in singles if value != default and value for word in (name, value)]
        words += [word for name, values in lists for value in values for word in (name, value)]
        return words + ([] if self.seed is None else ["--seed", str(self.seed)])


@click.command(
    "reverse",
    help="Search for the smallest and the most likely event that breaks a venue: price moves, loss of depth, faults of "
    "oracles. Both are written as scenario files that reproduce them and are put to the test: at 99% of its strength "
    "neither breaks it.",
    epilog="Example: tailstress reverse minimal --target fund_depleted",
)
@scenario_argument
@click.option(
    "--target",
    default="fund_depleted",
    show_default=True,
    metavar="WHAT",
    help="What must not happen: fund_depleted, adl, residual, loss=AMOUNT, layer=NAME.",
)
@click.option("--pool", metavar="NAME", help="The pool in which it must not happen; by default any.")
@click.option(
    "--over", multiple=True, metavar="TIME", help="Time that prices take; repeatable. Default: at once to a day."
)
@click.option(
    "--fault",
    "faults",
    multiple=True,
    type=click.Choice(["none", "lag", "outage", "spoof"]),
    help="Faults of oracles to search; repeatable. Default: all.",
)
@click.option(
    "--market", "markets", multiple=True, metavar="NAME", help="Markets to search; the others follow. Repeatable."
)
@click.option("--recovery", default="0%", show_default=True, metavar="SHARE", help="Share of the move that comes back.")
@click.option(
    "--most", default="90%", show_default=True, metavar="SHARE", help="Largest fall of a price that is tried."
)
@click.option("--least-depth", default="5%", show_default=True, metavar="SHARE", help="Least depth left that is tried.")
@click.option(
    "--lag", default="15m", show_default=True, metavar="TIME", help="How late oracles with the fault lag are."
)
@click.option(
    "--prior",
    "priors",
    multiple=True,
    metavar="NAME=VALUE",
    help="What makes depth and faults plausible: depth=1, lag=10%, outage=5%, spoof=2%, spoof_size=10%. Repeatable.",
)
@click.option(
    "--evaluations", type=Count(least=100), default=6000, show_default=True, help="About how many paths to try."
)
@out_option("Folder of the result; by default reverse/NAME-TARGET-DIGEST.")
@set_option
@seed_option
@threads_option
@force_option
@json_option
@verbosity_options
def command(**given: Any) -> None:
    """Read the question, search, write, print; see :class:`Options`."""
    from stress.reverse.page import write_page
    from stress.reverse.write import write_events
    from stress.scenario import load_scenario

    options = Options(**given)
    question = _question(options)
    loaded = load_scenario(options.scenario, options.overrides, seed=options.seed)
    folder = options.out or _default_folder(loaded, question)
    _prepare(folder, options.force)
    answer = _search(loaded, question, options)
    if answer.smallest is None and answer.most_likely is None:
        _say_nothing_found(answer, options)
    if not options.quiet:
        click.echo("playing what was found, and drawing what lies around it", err=True)
    told = write_events(answer, folder, options.words)
    page = write_page(answer, told, folder, options.words)
    _print(answer, told, folder, page, options)


def _question(options: Options) -> Question:
    """The question in numbers."""
    from stress.reverse import Question
    from stress.reverse.event import FAULTS
    from stress.scenario.units import Dimension

    over = tuple(_number(f"--over {text}", text, Dimension.DURATION) for text in options.over)
    shares = {
        name: _number(f"--{name.replace('_', '-')}", getattr(options, name), Dimension.FRACTION)
        for name in ("recovery", "most", "least_depth")
    }
    for name, (low, high) in {"recovery": (0.0, 1.0), "most": (0.01, 0.999), "least_depth": (0.001, 1.0)}.items():
        if not low <= shares[name] <= high:
            raise UsageError(f"--{name.replace('_', '-')}: must be from {low:.4g} to {high:.4g}, got {shares[name]:g}")
    return Question(
        target=options.target,
        pool=options.pool,
        over=over,
        faults=options.faults or FAULTS,
        markets=options.markets,
        lag=_number("--lag", options.lag, Dimension.DURATION),
        priors=_priors(options.priors),
        evaluations=options.evaluations,
        **shares,
    )


def _number(option: str, text: str, dimension: Any) -> float:
    from stress.scenario.units import NotAQuantity, parse

    try:
        return float(parse(text, dimension))
    except NotAQuantity as error:
        raise UsageError(f"{option}: {error}") from None


def _priors(texts: tuple[str, ...]) -> Priors:
    """Priors with some of them replaced."""
    from stress.reverse import Priors
    from stress.scenario.units import Dimension

    known = Priors()
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or name not in Priors.__dataclass_fields__:
            raise UsageError(f"--prior {text}: expected one of {', '.join(Priors.__dataclass_fields__)} and =VALUE")
        number = _number(f"--prior {name}", value, Dimension.NUMBER if name == "depth" else Dimension.FRACTION)
        most = 1.0 if name in ("lag", "outage", "spoof") else 100.0
        if not 0.0 < number <= most:
            raise UsageError(f"--prior {text}: must be more than 0 and at most {most:g}")
        known = replace(known, **{name: number})
    return known


def _default_folder(loaded: Loaded, question: Question) -> Path:
    """``reverse/NAME-TARGET-DIGEST``: another scenario or question is another folder."""
    import hashlib
    import re

    asked = hashlib.sha256(repr((loaded.digest, question)).encode()).hexdigest()[:8]
    target = re.sub(r"[^A-Za-z0-9]+", "-", question.target).strip("-")
    return Path("reverse") / f"{loaded.scenario.name}-{target}-{asked}"


def _prepare(folder: Path, force: bool) -> None:
    """Make the folder this search's; what another one wrote there is removed with ``--force``."""
    from stress.reverse.write import CANDIDATES, FILES, RESULT, TABLES

    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file; -o names another folder")
    if not folder.is_dir() or not any(folder.iterdir()):
        return
    if not force:
        raise UsageError(f"{folder} is not empty: --force replaces what it holds, -o names another")
    if not (folder / RESULT).is_file():
        raise UsageError(f"{folder} holds other files than a search's; -o names another folder")
    for name in (RESULT, *FILES.values(), CANDIDATES, "report.html", "report.md"):
        (folder / name).unlink(missing_ok=True)
    for name in (TABLES, "charts"):
        shutil.rmtree(folder / name, ignore_errors=True)


def _search(loaded: Loaded, question: Question, options: Options) -> Answer:
    """Search under a progress display, on a thread of its own so that an interrupt is answered at once."""
    from stress.cli.progress import follow
    from stress.cli.run import leave_now
    from stress.reverse import find, setting_of
    from stress.workers import in_background, threads_left

    following: AbstractContextManager[Any] = nullcontext() if options.quiet else follow()
    try:
        with following as progress:

            def work() -> Answer:
                setting: Setting = setting_of(loaded, question)
                if progress is not None:
                    progress(0, question.evaluations)
                return find(setting, threads=options.threads, progress=progress)

            return in_background(work)
    except KeyboardInterrupt as stop:
        if threads_left():
            click.echo("\ninterrupted; nothing was written", err=True)
            leave_now(stop)
        raise


def _say_nothing_found(answer: Answer, options: Options) -> None:
    """Nothing within the bounds does it, which is no proof: inconclusive."""
    from stress.sizing.words import percent

    question = answer.setting.question
    sentence = (
        f"no event found in which {answer.setting.target.words}: {answer.evaluations:,} tried, with falls of up to "
        f"{percent(question.most)} and down to {percent(question.least_depth)} of the depth"
    )
    if options.as_json:
        print_json({"folder": None, "target": question.target, "evaluations": answer.evaluations, "events": {}})
    click.echo(sentence, err=True)
    raise click.exceptions.Exit(ExitCode.INCONCLUSIVE)


def _print(answer: Answer, told: list[Told], folder: Path, page: Path, options: Options) -> None:
    """The result as JSON into the folder, and as a table or JSON on stdout; the page is the last line."""
    from stress.reverse.table import render
    from stress.reverse.write import RESULT
    from stress.store import write_json

    setting = answer.setting
    result = {
        "scenario": setting.loaded.scenario.name,
        "seed": setting.plan.seed,
        "target": setting.target.text,
        "target_words": setting.target.words,
        "command": shlex.join(options.words),
        "evaluations": answer.evaluations,
        "spent": answer.spent,
        "horizon_s": setting.plan.loaded.scenario.run.horizon,
        "events": {each.key: each.to_dict() for each in told},
    }
    write_json(folder / RESULT, result)
    if options.as_json:
        print_json({"folder": str(folder), "report": str(page), **result})
    else:
        console(stderr=False).print(render(told))
        if options.verbose:
            click.echo(
                f"{answer.evaluations:,} paths tried, {len(answer.candidates):,} points of the boundary", err=True
            )
        click.echo(str(page))
    if not all(each.verified for each in told):
        click.echo("error: a found event did not stand the test of its file", err=True)
        raise click.exceptions.Exit(ExitCode.CHECK_FAILED)
