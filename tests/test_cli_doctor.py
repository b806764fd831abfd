"""The command that tells whether an installation can be trusted."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest

from stress.cli import doctor, main
from stress.kernels import jit, philox

Usage = namedtuple("Usage", "total used free")


def findings(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, dict[str, str | None]]]:
    code = main(["doctor", "--json", *arguments])
    report = json.loads(capsys.readouterr().out)
    assert report["healthy"] is (code == 0)
    return code, {finding["name"]: finding for finding in report["findings"]}


@pytest.fixture
def cold(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As if no kernel had been compiled yet, so that nothing is compiled to look at the rest."""
    monkeypatch.setattr(jit, "CACHE_FOLDER", tmp_path)
    monkeypatch.setattr(jit, "COMPILED", True)
    monkeypatch.setattr(tempfile, "gettempdir", lambda: "/elsewhere")


@pytest.mark.usefixtures("cold")
def test_a_healthy_installation(capsys: pytest.CaptureFixture[str]) -> None:
    code, found = findings(capsys)
    assert code == 0
    assert f"numpy {np.__version__}" in str(found["packages"]["value"])
    assert found["python"]["value"] == sys.version.split()[0]
    assert "not yet" in str(found["compiled"]["value"])


@pytest.mark.usefixtures("cold")
def test_text_and_json_find_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    _, found = findings(capsys)
    assert main(["doctor"]) == 0
    text = capsys.readouterr().out
    for name, finding in found.items():
        assert f"ok  {name}" in text
        assert str(finding["value"]).split(" GiB")[0] in text


@pytest.mark.usefixtures("cold")
def test_a_wrong_random_number_is_noticed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(philox, "philox", lambda *_words: (1, 2, 3, 4))
    code, found = findings(capsys)
    assert code == 1
    assert "(1, 2, 3, 4)" in str(found["generator"]["problem"])


@pytest.mark.usefixtures("cold")
def test_a_full_disk_is_noticed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: Usage(10, 9, 1))
    assert findings(capsys)[0] == 1
    assert main(["doctor"]) == 1
    assert "bad disk" in capsys.readouterr().out


@pytest.mark.usefixtures("cold")
def test_a_cache_that_does_not_last_is_noticed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path.parent))
    code, found = findings(capsys)
    assert code == 1
    assert "TAILSTRESS_CACHE_DIR" in str(found["cache"]["problem"])


@pytest.mark.usefixtures("cold")
def test_a_missing_package_is_noticed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_PACKAGES", ("numpy", "no-such-package"))
    code, found = findings(capsys)
    assert code == 1
    assert found["no-such-package"]["value"] == "missing"


@pytest.mark.skipif(not jit.COMPILED, reason="nothing to compile")
def test_warm_compiles_what_a_run_needs(capsys: pytest.CaptureFixture[str]) -> None:
    code, found = findings(capsys, "--warm")
    assert code == 0, found
    assert doctor._is_warm(jit.CACHE_FOLDER)
    assert "tiny simulation" in str(found["compiled"]["value"])
