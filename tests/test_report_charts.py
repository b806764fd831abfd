"""Charts: what is drawn is what the data say."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from stress.report.charts import style
from stress.report.charts.concentration import concentration
from stress.report.charts.exceedance import Losses, loss_exceedance
from stress.report.charts.fund_curve import fund_curve
from stress.report.charts.markets import MOST_ROWS, MarketRow, adl_probability, open_interest
from stress.report.charts.timeline import MarketTrace, PoolTrace, Timeline, timeline
from stress.report.charts.who_pays import Bar, Waterfall, who_pays
from stress.report.verdict import judgement
from stress.sizing.fund import FundSizing, depletion_curve, depletion_probability, fund_size
from stress.sizing.owners import SHARES, Concentration
from stress.sizing.proportions import probability


def axes_texts(figure: Figure) -> str:
    """All words of a figure."""
    return " | ".join(text.get_text() for axes in figure.axes for text in axes.texts)


def test_exceedance_is_the_share_of_paths_that_lose_as_much() -> None:
    figure = Figure()
    ordered = np.sort(np.append(np.zeros(900), np.arange(1.0, 101.0)))
    _, line = loss_exceedance(figure.subplots(), [Losses("loss", ordered, style.BLUE)], [0.95, 0.999], 0.95)
    amount, share = line.get_data()  # type: ignore[attr-defined]
    assert (amount[-1], share[-1]) == (100.0, 0.001)
    assert share[amount == 51.0] == pytest.approx(0.05)
    assert share[0] == pytest.approx(0.1)
    # The level that has ten paths beyond it is marked, the other is not.
    assert "95%" in axes_texts(figure)
    assert "99.9%" not in axes_texts(figure)


def test_equal_losses_are_one_step() -> None:
    figure = Figure()
    ordered = np.sort(np.append(np.zeros(50), np.full(50, 7.0)))
    _, line = loss_exceedance(figure.subplots(), [Losses("loss", ordered, style.BLUE)], [], 0.95)
    amount, share = line.get_data()  # type: ignore[attr-defined]
    assert set(share) == {0.5}
    assert amount[-1] == 7.0


@pytest.mark.parametrize(("paths", "words"), [(100, "No loss in 100 paths."), (1, "No loss in 1 path.")])
def test_exceedance_without_losses_says_so(paths: int, words: str) -> None:
    figure = Figure()
    assert loss_exceedance(figure.subplots(), [Losses("loss", np.zeros(paths), style.BLUE)], [0.9], 0.95) == []
    assert words in axes_texts(figure)


def test_a_loss_too_small_for_the_axis_is_left_out() -> None:
    ordered = np.linspace(1.0, 1e6, 500)
    both = [Losses("loss", ordered, style.BLUE), Losses("dust", ordered * 1e-7, style.RED)]
    assert len(loss_exceedance(Figure().subplots(), both, [0.9], 0.95)) == 2


def paying(paths: int) -> Concentration:
    """The largest of ``paths`` pays ever less of ever more."""
    paid = np.geomspace(1e3, 1e6, paths) if paths else np.zeros(0)
    falling = np.linspace(0.9, 0.3, paths)
    measures = {name: np.minimum(1.0, k * falling) for k, name in enumerate(SHARES, 1)}
    return Concentration(1_000, paid, measures)


def test_concentration_shows_medians_of_groups_of_paths() -> None:
    figure = Figure()
    artists = concentration(figure.subplots(), paying(1_000))
    amount, share = artists[1].get_data()  # type: ignore[attr-defined]
    assert len(amount) == 16
    assert (share[0], share[-1]) == (pytest.approx(0.9, abs=0.03), pytest.approx(0.3, abs=0.03))
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == list(SHARES.values())


def test_few_paths_with_payers_are_dots_and_none_is_said() -> None:
    figure = Figure()
    dots = concentration(figure.subplots(), paying(10))
    assert len(dots) == len(SHARES)
    assert len(dots[0].get_data()[0]) == 10  # type: ignore[attr-defined]
    empty = Figure()
    assert concentration(empty.subplots(), paying(0)) == []
    assert "No owner pays" in axes_texts(empty)


def sized(required: np.ndarray, current: float | None, depletion: float = 0.01) -> FundSizing:
    depleted = None if current is None else depletion_probability(required, current)
    return FundSizing(
        "fund", "insurance_fund", current, depleted, fund_size(required, depletion), None, depletion_curve(required)
    )


REQUIRED = np.sort(np.random.default_rng(1).exponential(10.0, 5000))


def test_fund_curve_marks_target_and_current_fund() -> None:
    figure = Figure()
    axes = figure.subplots()
    fund = sized(REQUIRED, 20.0)
    fund_curve(axes, fund, REQUIRED.size)
    assert "current fund $20" in axes_texts(figure)
    assert "for 1 in 100" in axes_texts(figure)
    left, right = axes.get_xlim()
    assert left > right
    assert axes.get_ylim()[1] > max(point.high for point in fund.curve)


@pytest.mark.parametrize(
    ("current", "depletion", "words"),
    [
        (None, 0.01, "unlimited"),
        (1e6, 0.01, "above the chart"),
        (20.0, 0.0001, "needs 100,000"),
    ],
)
def test_fund_curve_says_what_it_cannot_draw(current: float | None, depletion: float, words: str) -> None:
    figure = Figure()
    axes = figure.subplots()
    fund_curve(axes, sized(REQUIRED, current, depletion), REQUIRED.size)
    assert words in axes_texts(figure)
    assert axes.get_ylim()[1] < 200.0


@pytest.mark.parametrize(
    ("required", "words"), [(np.zeros(1000), "No path needs a fund"), (np.ones(15), "Too few paths")]
)
def test_fund_curve_of_nothing_says_why(required: np.ndarray, words: str) -> None:
    figure = Figure()
    assert fund_curve(figure.subplots(), sized(required, 1.0), required.size) == []
    assert words in axes_texts(figure)


def test_bars_are_shares_of_their_total() -> None:
    figure = Figure()
    payers = (("fund", "insurance_fund"), ("vault", "insurance_fund"), ("adl", "adl"))
    bars = (Bar("mean", (6.0, 0.0, 2.0)), Bar("at 99%", None), Bar("worst", (1.0, 1.0, 2.0)))
    patches = who_pays(figure.subplots(), Waterfall(payers, bars))
    assert [(p.get_x(), p.get_width()) for p in patches] == [  # type: ignore[attr-defined]
        *((0.0, 0.75), (0.75, 0.25)),
        *((0.0, 0.25), (0.25, 0.25), (0.5, 0.5)),
    ]
    assert "too few paths" in axes_texts(figure)
    # A second layer of a kind is told apart from the first.
    assert len({p.get_facecolor() for p in patches}) == 3  # type: ignore[attr-defined]


def test_labels_contrast_with_their_bars() -> None:
    assert style.readable_on("#ffffff") == "#000000"
    assert style.readable_on("#000000") == "#ffffff"
    assert style.readable_on(style.LAYER_COLOURS["adl"]) == "#000000"
    assert style.readable_on(style.LAYER_COLOURS["insurance_fund"]) == "#ffffff"


def test_markets_are_ordered_and_the_rest_counted() -> None:
    figure = Figure()
    rows = [MarketRow(f"M{k}", probability(k, 1000)) for k in range(40)]
    axes = figure.subplots()
    adl_probability(axes, rows, 1000)
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names[:2] == ["M39", "M38"]
    assert len(names) == MOST_ROWS
    assert "15 more in the table" in axes_texts(figure)
    empty = Figure()
    assert adl_probability(empty.subplots(), [MarketRow("M", probability(0, 1000))], 1000) == []
    assert "under 0.37%" in axes_texts(empty)


def test_open_interest_names_amount_and_share() -> None:
    figure = Figure()
    patches = open_interest(figure.subplots(), {"A": 1e9, "B": 3e9, "C": 0.0})
    assert [p.get_width() for p in patches] == [3e9, 1e9]  # type: ignore[attr-defined]
    assert "$3.00bn, 75%" in axes_texts(figure)
    assert open_interest(Figure().subplots(), {"A": 0.0}) == []


def trace(time: np.ndarray, fund: bool = True) -> Timeline:
    price = np.linspace(100.0, 80.0, time.size)
    market = MarketTrace(price, price * 1.01, np.full(time.size, 1e9), 100.0)
    pool = PoolTrace(price if fund else None, time * 2.0, time * 3.0)
    return Timeline(time, {"A": market, "B": market}, {"main": pool, "alts": pool}, ((time[1], "first liquidation"),))


@pytest.mark.parametrize(
    ("span", "words", "last"),
    [(86_400.0, "hours", "24"), (600.0, "minutes", "10"), (30 * 86_400.0, "days", "30"), (30.0, "seconds", "30")],
)
def test_time_axis_has_few_ticks_in_a_sensible_unit(span: float, words: str, last: str) -> None:
    figure = Figure()
    panels = list(figure.subplots(5, 1))
    timeline(panels, trace(np.linspace(0.0, span, 61)))
    assert panels[-1].get_xlabel() == f"{words} since the start"
    labels = [label.get_text() for label in panels[-1].get_xticklabels()]
    assert last in labels
    assert len(labels) <= 12


def test_timeline_adds_up_pools_and_leaves_out_missing_funds() -> None:
    time = np.linspace(0.0, 3600.0, 61)
    figure = Figure()
    panels = list(figure.subplots(4, 1))
    timeline(panels, trace(time, fund=False))
    debt = panels[-1].lines[0].get_ydata()
    assert np.asarray(debt)[-1] == 2 * 2.0 * 3600.0
    assert np.asarray(panels[1].lines[0].get_ydata())[-1] == pytest.approx(-0.2)
    assert "0:01 first liquidation" in axes_texts(figure)


def test_closer_look_holds_the_checks_in_which_bad_debt_comes_about() -> None:
    time = np.arange(1441) * 60.0
    debt = np.clip((time - 36_000.0) / 600.0, 0.0, 1.0) * 1e6
    price = np.linspace(100.0, 80.0, time.size)
    market = MarketTrace(price, price, price, 100.0)
    marks = ((600.0, "first liquidation"), (36_060.0, "fund depleted"))
    whole = Timeline(time, {"A": market}, {"main": PoolTrace(None, debt, debt)}, marks)
    closer = whole.closer()
    assert closer is not None
    assert 24 <= closer.time_s.size < 60
    assert closer.time_s[0] < 36_000.0
    assert closer.time_s[-1] > 36_600.0
    assert closer.marks == ((36_060.0, "fund depleted"),)
    assert closer.markets["A"].start == 100.0
    assert closer.markets["A"].price[0] == price[np.searchsorted(time, closer.time_s[0])]
    figure = Figure()
    panels = list(figure.subplots(4, 1))
    timeline(panels, closer)
    assert "10:00" in [label.get_text() for label in panels[-1].get_xticklabels()]
    at_once = np.where(time >= 36_000.0, 1e6, 0.0)
    sudden = Timeline(time, {"A": market}, {"main": PoolTrace(None, at_once, debt)}, marks).closer()
    assert sudden is not None
    assert sudden.time_s[sudden.time_s.size // 2] == 36_000.0
    slow = Timeline(time, {"A": market}, {"main": PoolTrace(None, time, time)}, ())
    calm = Timeline(time, {"A": market}, {"main": PoolTrace(None, 0.0 * time, time)}, ())
    assert slow.closer() is None
    assert calm.closer() is None


@pytest.mark.parametrize(
    ("current", "words"),
    [(1.0, "too small, $46 short"), (46.0, "cannot tell"), (1000.0, "large enough")],
)
def test_judgement_waits_for_the_interval(current: float, words: str) -> None:
    fund = sized(REQUIRED, current)
    assert fund.depleted is not None
    assert words in judgement(fund, fund.depleted)


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "$0"), (5e7, "$50M"), (2.5e6, "$2.5M"), (1e9, "$1bn"), (1e5, "$100k"), (-2e7, "-$20M")]
)
def test_money_on_an_axis_is_short(value: float, text: str) -> None:
    assert style.plain(value) == text
