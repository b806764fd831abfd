"""What a pilot decided, and how it is kept: the same file gives the same paths."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from stress.kernels.tilt import Tilt
from stress.sampling.laws import shares_of


@dataclass(frozen=True, eq=False)
class Decision:
    """How the paths of a run are drawn, and why."""

    tilt: Tilt | None
    """Laws of importance sampling; None where paths are drawn under the models' own law."""
    reason: str
    """A sentence: what the laws do, or why there are none."""
    figures: dict[str, Any]
    """What the pilot found, for the manifest."""

    def to_json(self) -> dict[str, Any]:
        """Everything, as plain JSON values."""
        fields = {} if self.tilt is None else {key: _plain(value) for key, value in self.tilt._asdict().items()}
        return {"method": self.method, "reason": self.reason, "figures": self.figures, "laws": fields}

    @property
    def method(self) -> str:
        """``importance`` or ``plain``."""
        return "plain" if self.tilt is None else "importance"

    def told(self) -> dict[str, Any]:
        """What the manifest says of it."""
        told: dict[str, Any] = {"method": self.method, "reason": self.reason, **self.figures}
        if self.tilt is not None:
            told["shares"] = shares_of(self.tilt).tolist()
        return told

    @classmethod
    def of_json(cls, stored: dict[str, Any]) -> Decision:
        """The decision that :meth:`to_json` wrote."""
        return cls(_tilt(stored["laws"]) if stored["laws"] else None, stored["reason"], stored["figures"])


def _plain(value: Any) -> Any:
    return {"shape": value.shape, "values": value.ravel().tolist()} if isinstance(value, np.ndarray) else value


def _tilt(fields: dict[str, Any]) -> Tilt:
    whole = {"turn", "driver", "every", "place"}
    arrays = {
        key: np.array(value["values"], dtype=np.int64 if key in whole else np.float64).reshape(value["shape"])
        for key, value in fields.items()
        if key != "level"
    }
    return Tilt(**arrays, level=float(fields["level"]))
