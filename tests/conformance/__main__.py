"""``python -m tests.conformance CASE.json...``: one JSON object per case, a line each."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tests.conformance import Unsupported, play


def main(arguments: list[str]) -> int:
    """Print the result of every case; 2 when one cannot be read or asks for a rule that does not exist."""
    if not arguments:
        print("usage: python -m tests.conformance CASE.json...", file=sys.stderr)
        return 2
    status = 0
    for name in arguments:
        try:
            case = json.loads(Path(name).read_text())
            print(json.dumps(play(case["input"])))
        except (OSError, ValueError, KeyError, Unsupported) as error:
            print(f"{name}: {type(error).__name__}: {error}", file=sys.stderr)
            status = 2
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
