"""A calibration as files."""

from __future__ import annotations

import json
from pathlib import Path

from stress.calibrate.calibration import Calibration
from stress.calibrate.charts import file_name, write_charts
from stress.calibrate.fragment import fragment
from stress.calibrate.summary import as_dict
from stress.kernels.structs import Floats

FRAGMENT, NUMBERS = "fragment.yaml", "fit.json"


def write_calibration(calibration: Calibration, folder: Path, *, factors: bool = False) -> list[Path]:
    """Write fragment, numbers and charts into ``folder``; the fragment first."""
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / FRAGMENT, folder / NUMBERS]
    files[0].write_text(fragment(calibration, factors=factors), encoding="utf-8")
    numbers = json.dumps(as_dict(calibration), indent=2, ensure_ascii=False, allow_nan=False)
    files[1].write_text(numbers + "\n", encoding="utf-8")
    for one in calibration.markets:
        files += write_charts(one, folder)
        if one.fit.residuals is not None:
            files.append(write_residuals(one.fit.residuals, folder / f"residuals-{file_name(one.series.market)}.csv"))
    return files


def write_residuals(residuals: Floats, file: Path) -> Path:
    """Write standardised innovations in the order of time, in full precision."""
    lines = ["residual", *(repr(float(value)) for value in residuals)]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file
