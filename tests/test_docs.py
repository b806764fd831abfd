"""Pages that are made from the code say what the code says."""

from __future__ import annotations

import runpy
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_the_page_of_rules_is_that_of_the_registries() -> None:
    made = runpy.run_path(str(ROOT / "docs" / "rules.py"))["page"]()
    written = (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")
    assert made == written, "run python docs/rules.py"
