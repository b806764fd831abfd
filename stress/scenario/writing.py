"""Scenarios as text: the complete YAML of one, the JSON Schema of all, and one to start from."""

from __future__ import annotations

import math
import re
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from stress.errors import UsageError
from stress.scenario import units
from stress.scenario.builtin import built_ins
from stress.scenario.hints import did_you_mean
from stress.scenario.instruments import Market
from stress.scenario.loading import load_scenario
from stress.scenario.markets import PowerLaw
from stress.scenario.schema import Scenario
from stress.scenario.units import Dimension

_WIDTH = 120


def to_yaml(scenario: Scenario) -> str:
    """A scenario with everything it extends and every default written out, units in the values."""
    written = scenario.model_dump(mode="json", exclude_none=True, context={"units": True})
    return yaml.dump(written, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_WIDTH)


class _Dumper(yaml.SafeDumper):
    """Block style down to lists and maps of mere scalars, which take one line."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def represent_sequence(self, tag: str, sequence: Any, flow_style: bool | None = None) -> yaml.SequenceNode:
        flat = all(not isinstance(entry, dict | list) and " " not in str(entry) for entry in sequence)
        return super().represent_sequence(tag, sequence, flow_style=flat or flow_style)

    def represent_mapping(self, tag: str, mapping: Any, flow_style: bool | None = None) -> yaml.MappingNode:
        flat = all(not isinstance(entry, dict | list) for entry in mapping.values()) and "format" not in mapping
        return super().represent_mapping(tag, mapping, flow_style=flat or flow_style)


def json_schema() -> dict[str, Any]:
    """JSON Schema of scenario files, for editors.

    A file may take any key from one that it extends, so the schema asks for
    ``format`` and ``name`` only; `tailstress validate` says what is missing in
    the end.
    """
    schema = Scenario.model_json_schema(mode="validation")
    properties = schema["properties"]
    extends = {
        "description": "Scenarios this one is laid over: files beside it, or built-in ones.",
        "anyOf": [{"type": "array", "items": {"type": "string"}}, {"type": "string"}],
    }
    for key in ("markets", "pools"):  # an empty value drops an inherited one
        entries = properties[key]["patternProperties"]
        properties[key]["patternProperties"] = {
            name: {"anyOf": [form, {"type": "null"}]} for name, form in entries.items()
        }
    order = ["format", "name", "title", "description", "extends"]
    properties["extends"] = extends
    schema["properties"] = {key: properties[key] for key in [*order, *(k for k in properties if k not in order)]}
    schema = _for_files(schema)
    schema["required"] = ["format", "name"]
    schema["title"] = "tailstress scenario"
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _for_files(form: Any) -> Any:
    """A schema without what every complete scenario must have, made-up titles, and defaults that JSON cannot say."""
    if isinstance(form, list):
        return [_for_files(entry) for entry in form]
    if not isinstance(form, dict):
        return form
    dropped = {"title": str, "required": list, "default": dict | None}
    kept = {key: _for_files(entry) for key, entry in form.items() if not isinstance(entry, dropped.get(key, ()))}
    if kept.get("default") == math.inf:
        kept["default"] = next(option["const"] for option in form["anyOf"] if isinstance(option.get("const"), str))
    return kept


def template(venue: str | None, name: str) -> str:
    """Commented scenario to start from: complete, or on top of a built-in venue.

    Raises
    ------
    UsageError
        There is no such venue.
    """
    venues = [known.name for known in built_ins() if known.kind == "venues"]
    if venue is not None and venue not in venues:
        raise UsageError(f"no built-in venue {venue!r}{did_you_mean(venue, venues)}")
    file = "complete.yaml" if venue is None else "venue.yaml"
    text = (resources.files("stress.scenario") / "templates" / file).read_text(encoding="utf-8")
    return _filled(text, {"NAME": name, **({} if venue is None else _words_of(venue))})


def _words_of(venue: str) -> dict[str, str]:
    """What a scenario on top of a venue takes up from it: its time grid, and its first market and pool to vary."""
    scenario = load_scenario(venue).scenario
    market, pool = next(iter(scenario.markets)), next(iter(scenario.pools))
    return {
        "VENUE": venue,
        "MARKET": market,
        "POOL": pool,
        "OWN": _own_rule(scenario.markets[market]),
        "PRICE": f"{scenario.markets[market].price:_.10g}",
        "HORIZON": units.write(scenario.run.horizon, Dimension.DURATION),
        "STEP": units.write(scenario.run.step, Dimension.DURATION),
    }


def _own_rule(market: Market) -> str:
    """A rule of a market that a scenario may vary: its depth, or where it has no book its oracle."""
    return "liquidity: {depth: 20_000_000}" if isinstance(market.liquidity, PowerLaw) else "oracle: {lag: 1m}"


def _filled(text: str, words: dict[str, str]) -> str:
    """The text with its words in capitals filled in; none is looked for in what another has put in."""
    return re.sub(r"\b(?:" + "|".join(words) + r")\b", lambda found: words[found[0]], text)


def name_from(file: Path) -> str:
    """Name of a scenario after its file: ``My Stress.yaml`` becomes ``my-stress``."""
    letters = "".join(c if c.isascii() and c.isalnum() else "-" for c in file.stem.lower())
    return "-".join(part for part in letters.split("-") if part) or "scenario"
