"""From price bars to model parameters: estimators, standard errors, goodness of fit, and a scenario fragment."""

from stress.calibrate.calibration import Calibrated, Calibration, Options, calibrate
from stress.calibrate.fragment import fragment
from stress.calibrate.prices import Period, Series, read_prices
from stress.calibrate.summary import as_dict
from stress.calibrate.write import write_calibration

__all__ = [
    "Calibrated",
    "Calibration",
    "Options",
    "Period",
    "Series",
    "as_dict",
    "calibrate",
    "fragment",
    "read_prices",
    "write_calibration",
]
