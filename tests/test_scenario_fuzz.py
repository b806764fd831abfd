"""Whatever is done to a scenario, the answer is a scenario or a list of mistakes with their places."""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stress.errors import InvalidInput, Problem
from stress.scenario import Scenario, load_scenario
from stress.scenario.reading import plain, read_text
from tests.scenario_text import REFERENCE

DATA = REFERENCE.encode()
VALUES = [(match.start(1), match.end(1)) for match in re.finditer(rb": ([^,{}\[\]\n]+)", DATA)]
TOKENS = st.sampled_from(
    [
        *(b"null", b"[]", b"{}", b"-1", b"0", b"1e999", b"nan", b".inf", b"true", b"x", b"99999999999999999999999"),
        *(
            b"'",
            b'"',
            b"&a",
            b"*a",
            b"!!int 3",
            b"<<: ",
            b"- ",
            b": ",
            b"\t",
            b"\n",
            b"  ",
            b"#",
            b"|",
            b">",
            b"?",
            b"%",
        ),
        *(b"\xff", b"\0", b"\xef\xbb\xbf", b"---\n", b"...\n", b"\xe2\x80\xa8", b"[[", b"{a: ", b"}", b"]", b","),
        *(
            b"1e-400",
            b"-0",
            b"5%",
            b"10s",
            b"3bn",
            b"unlimited",
            b"none",
            b"[1, [2, {3: 4}]]",
            b"{type: }",
            b"{type: []}",
        ),
    ]
)
CANONICAL = Scenario.model_validate(plain(read_text(REFERENCE, "reference"))).model_dump(mode="json", exclude_none=True)
PLACES = st.integers(0, len(DATA) - 1)


def problems_of(file: Path) -> list[Problem]:
    """Mistakes of a scenario file, none where it is sound."""
    try:
        load_scenario(file)
    except InvalidInput as error:
        return error.problems or pytest.fail("an error without a mistake")
    return []


def load(data: bytes) -> None:
    """Load ``data``; anything but a scenario or located mistakes fails the test."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "scenario.yaml"
        file.write_bytes(data)
        problems = problems_of(file)
    breaks = sum(data.count(end) for end in (b"\n", b"\r", "\u0085".encode(), "\u2028".encode(), "\u2029".encode()))
    for problem in problems:
        assert problem.message
        assert problem.line is not None
        assert problem.line <= breaks + 2  # the end of the text counts as a line of its own


@given(
    st.lists(st.tuples(PLACES, st.integers(0, 20), st.one_of(TOKENS, st.binary(max_size=3))), min_size=1, max_size=3)
)
@settings(max_examples=150)
def test_damaged_bytes(edits: list[tuple[int, int, bytes]]) -> None:
    data = DATA
    for start, length, token in edits:
        data = data[:start] + token + data[start + length :]
    load(data)


@given(st.lists(st.tuples(st.sampled_from(VALUES), TOKENS), min_size=1, max_size=3, unique_by=lambda edit: edit[0]))
@settings(max_examples=200)
def test_swapped_values(edits: list[tuple[tuple[int, int], bytes]]) -> None:
    data = DATA
    for (start, end), token in sorted(edits, reverse=True):
        data = data[:start] + token + data[end:]
    load(data)


@given(PLACES, PLACES, st.integers(1, 40))
@settings(max_examples=60)
def test_exchanged_pieces(one: int, other: int, length: int) -> None:
    first, second = sorted((one, other))
    length = min(length, second - first)
    piece, target = DATA[first : first + length], DATA[second : second + length]
    load(DATA[:first] + target + DATA[first + length : second] + piece + DATA[second + length :])


@given(st.data())
@settings(max_examples=60)
def test_lost_lines(data: st.DataObject) -> None:
    lines = DATA.splitlines(keepends=True)
    kept = data.draw(st.lists(st.integers(0, len(lines) - 1), min_size=1, unique=True))
    load(b"".join(lines[n] for n in sorted(kept)))


@given(st.binary(min_size=1, max_size=60))
@settings(max_examples=60)
def test_mere_noise(data: bytes) -> None:
    load(data)


STEPS = st.sampled_from(
    [
        *("run", "paths", "markets", "BTC", "model", "type", "pools", "main", "layers", "0", "1", "book", "synthetic"),
        "x",
    ]
)


@given(
    st.lists(STEPS, min_size=1, max_size=5), st.one_of(TOKENS.map(lambda t: t.decode("latin-1")), st.text(max_size=8))
)
@settings(max_examples=150)
def test_any_override(steps: list[str], value: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "scenario.yaml"
        file.write_bytes(DATA)
        try:
            load_scenario(file, [f"{'.'.join(steps)}={value}"])
        except InvalidInput as error:
            messages = [str(problem) for problem in error.problems]
        else:
            return
    assert messages
    assert all(message.startswith(("--set: ", str(file))) for message in messages)


@given(st.data())
@settings(max_examples=60)
def test_damaged_resolved_scenario(data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "scenario.resolved.json"
        text = json.dumps(CANONICAL)
        start, length = data.draw(st.integers(0, len(text))), data.draw(st.integers(0, 10))
        file.write_text(text[:start] + data.draw(TOKENS).decode("latin-1") + text[start + length :], encoding="utf-8")
        assert all(problem.line is not None for problem in problems_of(file))
