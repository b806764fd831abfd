"""Writes the found events as scenario files that stand on their own."""

from __future__ import annotations

import shlex
import shutil
import textwrap
from collections.abc import Sequence
from pathlib import Path

import pyarrow.parquet as pq

import stress
from stress.reverse.event import staged
from stress.reverse.find import Answer
from stress.reverse.play import WEAKER, WHOLE, Played, play
from stress.reverse.result import (
    TITLES,
    Told,
    candidates_table,
    depth_words,
    fault_words,
    odds_words,
    price_words,
)
from stress.reverse.setting import Setting
from stress.scenario import Scenario
from stress.scenario.writing import to_yaml
from stress.store import replacing

FILES = {"smallest": "smallest.yaml", "most_likely": "most-likely.yaml"}
CANDIDATES = "candidates.parquet"
RESULT = "reverse.json"
TABLES = "tables"
_WIDTH = 118


def write_events(answer: Answer, folder: Path, command: Sequence[str]) -> list[Told]:
    """Write both scenario files, play each at full strength and one percent weaker, and write every candidate.

    :param command: the command line that searched, for the head of the files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    setting = answer.setting
    quiet = _with_tables(setting.plan.loaded.scenario, folder)
    told = []
    for key, found in (("smallest", answer.smallest), ("most_likely", answer.most_likely)):
        if found is None:
            continue
        file = folder / FILES[key]
        scenario = staged(quiet, found.event)
        draft = Told(key, FILES[key], found.event, setting, ())
        body = to_yaml(_named(scenario, draft))
        file.write_text(body, encoding="utf-8")
        played = tuple(play(file, strength, setting.target) for strength in (WHOLE, WEAKER))
        each = Told(key, FILES[key], found.event, setting, played)
        file.write_text(_head(each, command) + body, encoding="utf-8")
        told.append(each)
    with replacing(folder / CANDIDATES) as temporary:
        table = candidates_table(answer)
        pq.write_table(table.replace_schema_metadata(_origin(setting, command)), temporary, compression="zstd")
    return told


def _origin(setting: Setting, command: Sequence[str]) -> dict[str, str]:
    return {
        "tool_version": stress.__version__,
        "scenario_name": setting.loaded.scenario.name,
        "scenario_digest": setting.loaded.digest,
        "command": shlex.join(command),
    }


def _with_tables(quiet: Scenario, folder: Path) -> Scenario:
    """The scenario with copies of its tables of positions, which then lie beside it."""
    pools = {}
    for name, pool in quiet.pools.items():
        update = {}
        for key in ("accounts", "balances"):
            table = getattr(pool.book, key)
            if table is not None:
                place = Path(TABLES) / f"{name}-{key}{table.suffix}"
                (folder / TABLES).mkdir(exist_ok=True)
                shutil.copyfile(table, folder / place)
                update[key] = place
        pools[name] = pool.model_copy(update={"book": pool.book.model_copy(update=update)})
    return quiet.model_copy(update={"pools": pools})


def _named(scenario: Scenario, told: Told) -> Scenario:
    """The scenario under a name of its own."""
    setting, which = told.setting, TITLES[told.key]
    title = f"The {which} event that breaks {setting.loaded.scenario.name}"
    description = (
        f"Prices: {price_words(told)}. Depth: {depth_words(told.event)}. Oracles: "
        f"{fault_words(told.event, setting.plan.market_names)}. Then {setting.target.words}; with "
        "`--set strength=0.99` it is not so. Prices follow the shocks and nothing else: the run has one path."
    )
    sentence = (
        "The event was found by search and is no forecast; volatilities, which depth may follow, are the means that "
        f"the price models of {setting.loaded.scenario.name} expect."
    )
    update = {
        "name": f"{setting.loaded.scenario.name}-{told.key.replace('_', '-')}",
        "title": title,
        "description": description,
        "assumptions": (*scenario.assumptions, sentence),
    }
    return scenario.model_copy(update=update)


def _head(told: Told, command: Sequence[str]) -> str:
    """Comment that says how the file was found and what it does."""
    setting, event = told.setting, told.event
    odds = odds_words(told.nats, setting.plan.loaded.scenario.run.horizon)
    lines = [
        f"The {TITLES[told.key]} event found that breaks {setting.loaded.scenario.name}: {setting.target.words}.",
        f"Prices: {price_words(told)}; depth: {depth_words(event)}; oracles: "
        f"{fault_words(event, setting.plan.market_names)}.",
        f"Plausibility by the price models and the stated priors: {told.nats:.2f} nats, {odds}.",
        f"Played at strength 1: {_outcome(told.played[0])}; at strength 0.99: {_outcome(told.played[1])}.",
    ]
    commands = [
        f"{shlex.join(command)}   (found by tailstress {stress.__version__})",
        f"tailstress run {told.file}",
        f"tailstress run {told.file} --set strength=0.99",
    ]
    wrapped = [part for line in lines for part in textwrap.wrap(line, _WIDTH)]
    return "".join(f"# {line}\n" for line in [*wrapped, *(f"  {line}" for line in commands)])


def _outcome(played: Played) -> str:
    """Whether it happened, in two words."""
    return "it happens" if played.met else "it does not happen"
