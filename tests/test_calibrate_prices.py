"""Price bars: what is read, and every mistake with its row."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from stress.calibrate.prices import Period, read_prices
from stress.errors import InvalidInput, MalformedInput, MeaninglessInput, UsageError
from tests.histories import BEGIN, HOUR, series_of, write_csv

RISING = [(BEGIN + k * HOUR, 100.0 + k) for k in range(6)]


def message(rows: list[tuple[object, ...]], folder: Path, header: str = "time,close") -> str:
    with pytest.raises(InvalidInput) as error:
        read_prices([write_csv(folder / "prices.csv", rows, header)])
    return str(error.value).replace(str(folder) + "/", "")


def test_reads_closes_and_times(tmp_path: Path) -> None:
    (series,) = read_prices([write_csv(tmp_path / "BTC.csv", RISING)])
    assert (series.market, series.step, series.gaps, series.last_price) == ("BTC", HOUR, 0, 105.0)
    np.testing.assert_allclose(series.value, np.diff(np.log([100, 101, 102, 103, 104, 105])))
    np.testing.assert_allclose(series.time, [BEGIN + k * HOUR for k in range(1, 6)])


@pytest.mark.parametrize("form", ["2020-01-01T{h:02d}:00:00", "2020-01-01 {h:02d}:00", "2020-01-01T{h:02d}:00:00Z"])
def test_times_are_dates_too(form: str, tmp_path: Path) -> None:
    rows = [(form.format(h=k), 100 + k) for k in range(6)]
    (series,) = read_prices([write_csv(tmp_path / "prices.csv", rows)])
    np.testing.assert_allclose(series.time, [BEGIN + k * HOUR for k in range(1, 6)])


@pytest.mark.parametrize("zone", [None, "UTC", "Asia/Tokyo"])
def test_reads_parquet_with_time_stamps(zone: str | None, tmp_path: Path) -> None:
    times = pd.date_range("2020-01-01", periods=6, freq="h", tz="UTC").tz_convert(zone)
    frame = pd.DataFrame({"time": times, "price": np.arange(100.0, 106.0), "volume": 1.0})
    frame.to_parquet(tmp_path / "prices.parquet")
    (series,) = read_prices([tmp_path / "prices.parquet"])
    assert series.time[0] == BEGIN + HOUR


def test_reads_milliseconds_by_their_name(tmp_path: Path) -> None:
    rows = [(int(t * 1000), p) for t, p in RISING]
    (series,) = read_prices([write_csv(tmp_path / "prices.csv", rows, "ts_ms,close")])
    assert series.time[0] == BEGIN + HOUR


def test_markets_by_column_by_file_and_by_name(tmp_path: Path) -> None:
    rows = [(t, p * factor, name) for name, factor in (("BTC", 1.0), ("ETH", 0.1)) for t, p in RISING]
    both = write_csv(tmp_path / "both.csv", rows, "time,close,market")
    assert [one.market for one in read_prices([both])] == ["BTC", "ETH"]
    assert [one.market for one in read_prices([both], ["ETH"])] == ["ETH"]
    one, other = write_csv(tmp_path / "one.csv", RISING), write_csv(tmp_path / "other.csv", RISING)
    assert [s.market for s in read_prices([one, other])] == ["one", "other"]
    assert [s.market for s in read_prices([one, other], ["A", "B"])] == ["A", "B"]
    with pytest.raises(UsageError, match="no market 'ETC'"):
        read_prices([both], ["ETC"])
    with pytest.raises(UsageError, match="market BTC is in .*both.csv and in"):
        read_prices([both, both])


def test_a_period_includes_its_start_and_not_its_end(tmp_path: Path) -> None:
    file = write_csv(tmp_path / "prices.csv", RISING)
    (series,) = read_prices([file], period=Period(BEGIN + HOUR, BEGIN + 5 * HOUR))
    assert len(series.value) == 3


def test_times_that_repeat_or_go_back_name_their_lines(tmp_path: Path) -> None:
    rows = [*RISING[:3], RISING[2], RISING[1], *RISING[3:]]
    assert message(rows, tmp_path).splitlines()[:2] == [
        "prices.csv:5: time: the same time as the row before",
        "prices.csv:6: time: is before the time of the row before: sort the rows by time",
    ]


def test_gaps_are_refused_or_left_out(tmp_path: Path) -> None:
    rows = [*RISING[:3], *RISING[4:]]
    assert "prices.csv:5: time: comes after a gap: bars are 1h apart" in message(rows, tmp_path)
    (series,) = read_prices([tmp_path / "prices.csv"], skip_gaps=True)
    assert (series.gaps, len(series.value)) == (1, 3)


def test_bars_off_the_grid_are_not_gaps(tmp_path: Path) -> None:
    rows = [*RISING[:3], (RISING[3][0] + 7, 103.0), *RISING[4:]]
    assert "prices.csv:5: time: is not a whole number of bars of 1h after the row before" in message(rows, tmp_path)


def test_milliseconds_under_the_name_of_seconds(tmp_path: Path) -> None:
    found = message([(int(t * 1000), p) for t, p in RISING], tmp_path)
    assert "prices.csv:2: time: " in found
    assert "name a column of milliseconds ts_ms" in found


def test_seconds_under_the_name_of_milliseconds(tmp_path: Path) -> None:
    assert "a column of seconds is named time" in message(list(RISING), tmp_path, "ts_ms,close")


def test_row_numbers_are_no_times(tmp_path: Path) -> None:
    assert "the times are those of 1970" in message([(k, 100.0 + k) for k in range(6)], tmp_path)


def test_returns_are_no_prices(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    rows = [(BEGIN + k * HOUR, 0.01 * rng.standard_normal()) for k in range(20)]
    assert "expected prices; these look like returns" in message(rows, tmp_path)


def test_prices_must_be_positive_numbers(tmp_path: Path) -> None:
    rows: list[tuple[object, ...]] = [*RISING]
    rows[2] = (RISING[2][0], 0.0)
    assert message(rows, tmp_path) == "prices.csv:4: close: must be more than 0, got 0"
    rows[2], rows[4] = (RISING[2][0], "n/a"), (RISING[4][0], "")
    with pytest.raises(MalformedInput) as error:
        read_prices([write_csv(tmp_path / "prices.csv", rows)])
    assert [(p.line, p.message) for p in error.value.problems] == [
        (4, "expected a number, got 'n/a'"),
        (6, "missing"),
    ]


def test_a_time_that_is_none(tmp_path: Path) -> None:
    rows = [("2020-01-01T00:00", 1), ("yesterday", 2), ("2020-01-01T02:00", 3)]
    assert "prices.csv:3: time: expected a time such as 2025-10-10T21:20:00" in message(rows, tmp_path)


def test_a_price_in_another_unit(tmp_path: Path) -> None:
    rows = [(t, p * (1000.0 if k >= 3 else 1.0)) for k, (t, p) in enumerate(RISING)]
    assert "prices.csv:5: price: changes by more than a factor of 20" in message(rows, tmp_path)


def test_bars_that_contradict_themselves(tmp_path: Path) -> None:
    rows: list[tuple[object, ...]] = [(t, p, p + 1, p - 1, p) for t, p in RISING]
    rows[1] = (RISING[1][0], 101, 100, 99, 101)
    found = message(rows, tmp_path, "time,open,high,low,close")
    assert "prices.csv:3: high: is below open" in found


def test_columns_that_are_missing(tmp_path: Path) -> None:
    found = message([(1, 2)], tmp_path, "when,value")
    assert "needs one column of times" in found
    assert "needs one column of prices" in found


def test_flat_and_short_prices(tmp_path: Path) -> None:
    assert "never changes" in message([(t, 1.0) for t, _ in RISING], tmp_path)
    assert "has 2 rows in the period: too few" in message(list(RISING[:2]), tmp_path)
    with pytest.raises(MalformedInput, match="no rows"):
        read_prices([write_csv(tmp_path / "prices.csv", [])])


def test_mistakes_of_all_files_come_together(tmp_path: Path) -> None:
    one = write_csv(tmp_path / "one.csv", [(t, 1.0) for t, _ in RISING])
    other = write_csv(tmp_path / "other.csv", [*RISING[:3], RISING[2]])
    with pytest.raises(MeaninglessInput) as error:
        read_prices([one, other])
    assert {Path(problem.file).name for problem in error.value.problems} == {"one.csv", "other.csv"}


def test_longer_bars_are_sums_of_whole_ones() -> None:
    series = series_of(np.arange(80.0), HOUR)
    days = series.every(24 * HOUR)
    np.testing.assert_allclose(days.value, np.arange(72.0).reshape(3, 24).sum(axis=1))
    with pytest.raises(UsageError, match="bars of 1h do not make up 90m"):
        series.every(5400.0)
