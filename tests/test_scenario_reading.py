"""Strict YAML with the place of every value."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from stress.errors import MalformedInput
from stress.scenario import reading
from stress.scenario.reading import Place, find, plain, read_file, read_text


def mistakes(text: str) -> str:
    with pytest.raises(MalformedInput) as caught:
        read_text(text, "f")
    return str(caught.value)


def test_scalars_stay_text_and_places_are_kept() -> None:
    root = read_text('a: no\nb:\n  - 1e6\n  - "on"\nc: {d: 2020-01-01, e: ~, f: ""}\n', "f")
    assert plain(root) == {"a": "no", "b": ["1e6", "on"], "c": {"d": "2020-01-01", "f": ""}}
    assert find(root, ("b", 1)) == Place("f", 4, 5)
    assert find(root, ("c", "d")) == Place("f", 5, 8)
    assert find(root, ("c", "missing")) == Place("f", 5, 1)
    assert find(root, ("b",)) == Place("f", 2, 1)
    assert find(root, ("b", 7, "x")) == Place("f", 2, 1)


@pytest.mark.parametrize("loader", [yaml.SafeLoader, getattr(yaml, "CSafeLoader", yaml.SafeLoader)])
def test_both_parsers_read_the_same(loader: type, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_LOADER", loader)
    root = read_text('a: &x [1, "", ~]\nb: *x\n"c": |\n  text\n', "f")
    assert plain(root) == {"a": ["1", "", None], "b": ["1", "", None], "c": "text\n"}
    assert find(root, ("c",)) == Place("f", 3, 6)
    with pytest.raises(MalformedInput, match=r"^f:2:1: is not YAML: a tab where YAML allows only spaces$"):
        read_text("a:\n\t- b", "f")


def test_json_numbers_and_flags_are_typed() -> None:
    root = read_text('{"a": 1.5, "b": 9007199254740993, "c": true, "d": "5%", "e": [1e-3, "1"]}', "f", typed=True)
    assert plain(root) == {"a": 1.5, "b": 9007199254740993, "c": True, "d": "5%", "e": [0.001, "1"]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "f:1:1: is empty"),
        ("# nothing\n", "f:1:1: is empty"),
        ("~", "f:1:1: is empty"),
        ("a: 1\nb: 2\na: 3\n", "f:3:1: key 'a' is given twice (line 1)"),
        ("a: 1\n---\nb: 2\n", "f:2:1: holds several documents; one scenario per file"),
        ("a: !!python/object:os.system x\n", "f:1:4: tags such as tag:yaml.org,2002:python/object:os.system"),
        ("a: !mine x\n", "f:1:4: tags such as !mine are not allowed"),
        ("<<: {a: 1}\n", "f:1:1: merge keys (<<) are not allowed"),
        ("? [a, b]\n: 1\n", "f:1:3: a key must be a plain word"),
        ("~: 1\n", "f:1:1: a key is empty"),
        ("a: *nowhere\n", "f:1:4: alias *nowhere has no anchor before it"),
        ("a: &x [*x]\n", "f:1:8: alias *x has no anchor before it"),
        ("a: [1, 2\nb: 3\n", "f:2:2: is not YAML"),
        ("a: 'b\n", "is not YAML: found unexpected end of stream"),
        ("a: 1\n\x07", "f:2:1: holds the control character U+0007"),
        (f"{'k' * 300}: 1\n", "f:1:1: a key has more than 200 characters"),
        ("a: " + "[" * 40 + "]" * 40, "is nested more than 32 deep"),
    ],
)
def test_what_is_refused(text: str, message: str) -> None:
    assert message in mistakes(text)


def test_all_duplicates_are_told_at_once() -> None:
    assert mistakes("a: 1\na: 2\nb: {c: 1, c: 2}\n").count("given twice") == 2


def test_aliases_are_followed_but_not_without_end() -> None:
    assert plain(read_text("a: &t [1, 2]\nb: *t\n", "f"))["b"] == ["1", "2"]
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    assert "holds more than 200_000 values, aliases followed" in mistakes("\n".join(lines))
    deep = ["a0: &a0 [x]", *(f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 60))]
    assert "is nested more than 32 deep" in mistakes("\n".join(deep))


def test_encodings(tmp_path: Path) -> None:
    file = tmp_path / "s.yaml"
    file.write_bytes(b"\xef\xbb\xbfa: \xc3\xa9\n")
    assert plain(read_file(file)) == {"a": "é"}
    file.write_bytes("a: 1".encode("utf-16"))
    with pytest.raises(MalformedInput, match="is encoded in UTF-16; save it as UTF-8"):
        read_file(file)
    file.write_bytes(b"a: 1\nbc: \xe9\n")
    with pytest.raises(MalformedInput, match=r"s\.yaml:2:5: is not UTF-8: byte 0xe9"):
        read_file(file)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(MalformedInput, match="cannot be read: No such file"):
        read_file(tmp_path / "nowhere.yaml")
    with pytest.raises(MalformedInput, match="cannot be read: Is a directory"):
        read_file(tmp_path)
    large = tmp_path / "large.yaml"
    large.write_bytes(b"#" * (reading.MOST_BYTES + 1))
    with pytest.raises(MalformedInput, match="is larger than 4 MiB"):
        read_file(large)
