"""Tables of what went in: margin, liquidity, prices, liquidation, layers; as the scenario says it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from stress.report.document import Table, table
from stress.sizing.words import duration, money, price, rate

_Scenario = Mapping[str, Any]

_MATRIX_MOST = 8
"""Markets up to which a correlation matrix is printed whole."""


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,.10g}" if isinstance(value, float) else str(value).replace("_", " ")


_WRITERS: dict[str, Callable[[float], str]] = {
    **dict.fromkeys(
        (
            "above",
            "amount",
            "band",
            "capacity",
            "capital",
            "draw_cap",
            "equity_cap",
            "floor",
            "floor_price",
            "least",
            "most",
            "pace",
        ),
        money,
    ),
    **dict.fromkeys(
        (
            "cooldown",
            "delay",
            "every",
            "half_life",
            "latency",
            "volatility_half_life",
            "lag",
            "heartbeat",
            "interval",
            "notice",
            "window",
        ),
        duration,
    ),
    **dict.fromkeys(
        (
            *("cost", "deviation", "discount", "drift", "drop", "fee", "fund_share", "index", "initial"),
            *("jump_mean", "jump_std", "rate", "ratio", "share", "volatility", "within"),
        ),
        rate,
    ),
}
"""How the number under a key is written; others stand as they are."""


_ORDER = (
    *("capital", "floor", "share", "accept_negative", "equity_cap", "draw_cap", "partial", "adl_below_floor"),
    *("token", "units", "discount", "floor_price", "backing", "profit_cap", "guarantees_fills"),
    *("cap", "stop", "unwind", "hedge"),
    *("ratio", "delay", "cost", "band", "pace", "rank", "price", "within", "when", "by", "least", "most", "every"),
    *("volatility", "kappa", "theta", "xi", "rho", "v0", "jump_rate", "jump_mean", "jump_std", "drift", "scheme"),
)
"""Order in which a reader expects keys; the file has them by the alphabet. Unknown ones follow."""


def _ordered(values: Mapping[str, Any], without: Sequence[str] = ("type",)) -> list[str]:
    """Keys of a map in the reader's order."""
    keys = [key for key in values if key not in without]
    return sorted(keys, key=lambda key: (_ORDER.index(key) if key in _ORDER else len(_ORDER), key))


def shown(key: str, value: object) -> str:
    """One value of the scenario in words."""
    if value is None or value == {}:
        return "none"
    if key == "cap" and isinstance(value, Mapping):
        return ", ".join(f"{market} {money(most)}" for market, most in value.items())
    if key == "backing" and isinstance(value, Mapping):
        return ", ".join(f"{market} {rate(share)}" for market, share in value.items())
    if key == "profit_cap" and isinstance(value, Mapping):
        return _profit_cap(value)
    if key == "states" and isinstance(value, list | tuple):
        return ", ".join(f"{rate(state['volatility'])} for {_lasting(state['duration'])}" for state in value)
    if isinstance(value, list | tuple):
        return f"{len(value)} points" if len(value) > 1 else "none"
    if isinstance(value, Mapping):
        inner = ", ".join(f"{_name(k)} {shown(k, v)}" for k, v in ((k, value[k]) for k in _ordered(value)))
        return " ".join(filter(None, (str(value.get("type", "")).replace("_", " "), f"({inner})" if inner else "")))
    if isinstance(value, int | float) and not isinstance(value, bool) and key in _WRITERS:
        return _WRITERS[key](float(value))
    return _plain(value)


def _profit_cap(rule: Mapping[str, Any]) -> str:
    """When winners of a liquidity pool are closed, how far, and what they are paid at most."""
    most = rule.get("payout", "none")
    paid = "" if isinstance(most, str) or math.isinf(most) else f", paid {rate(most)} at most"
    return f"above {rate(rule['above'])} down to {rate(rule['to'])}{paid}, by {_name(rule['rank'])}"


def _lasting(seconds: float | str) -> str:
    """A duration that may be without end."""
    return seconds if isinstance(seconds, str) else duration(seconds)


def _name(key: str) -> str:
    return key.replace("_", " ")


def _contracts(scenario: _Scenario, names: Sequence[str]) -> list[str]:
    """Markets in which contracts are traded."""
    return [name for name in names if scenario["markets"][name].get("instrument") != "spot"]


def collateral(scenario: _Scenario, names: Sequence[str]) -> Table | None:
    """Assets that accounts may post; None where margin is in the quote currency alone."""
    rows = []
    for name in names:
        market = scenario["markets"][name]
        if market.get("instrument") == "spot":
            sold = "sold into its book" if market.get("liquidity") else "held"
            rows.append([name, price(market["price"]), rate(market["haircut"]), sold])
    headings = ["Asset", "Price at the start", "Haircut", "By layers that unwind"]
    return table("Collateral", headings, rows, words=True) if rows else None


def margin(scenario: _Scenario, names: Sequence[str]) -> Table:
    """Maintenance rate by notional, one row per market."""
    rows = []
    for name in _contracts(scenario, names):
        tiers = scenario["markets"][name]["margin"]["tiers"]
        rates = "; ".join(
            f"{rate(tier['maintenance'])}" + (f" from {money(tier['from'])}" if tier["from"] else "") for tier in tiers
        )
        rows.append([name, price(scenario["markets"][name]["price"]), _leverage(tiers[0]["maintenance"]), rates])
    headings = ["Market", "Price at the start", "1 / lowest rate", "Rate by notional"]
    return table("Maintenance margin", headings, rows, words=True)


def initial_margin(scenario: _Scenario, names: Sequence[str], rates: Mapping[str, float]) -> Table | None:
    """What it takes to open positions; None where no market asks for more than maintenance."""
    rows = []
    for name in _contracts(scenario, names):
        rule = scenario["markets"][name]["margin"].get("initial")
        if rule is not None:
            scale = rule.get("open_interest")
            rise = [money(scale["lower"]), money(scale["upper"])] if scale else ["none", "none"]
            rows.append([name, rate(rule["rate"]), *rise, rate(rates[name]), _leverage(rates[name])])
    headings = ["Market", "Rate", "Rises from open interest", "100% at", "Rate at the start", "Most leverage"]
    return table("Initial margin", headings, rows, words=True) if rows else None


def margin_calls(scenario: _Scenario, pools: Sequence[str]) -> Table | None:
    """What owners do when their margin runs low; None where nobody answers a call."""
    rows = []
    for pool in pools:
        rule = scenario["pools"][pool].get("margin_calls")
        if rule is not None:
            levels = [f"{rule[key]:g} x maintenance" for key in ("under", "target")]
            rows.append([pool, *levels, *(_answer(rule.get(key)) for key in ("top_up", "deleverage"))])
    headings = ["Pool", "Called under", "Back to", "Cash added", "Positions reduced"]
    return table("Margin calls", headings, rows, words=True) if rows else None


def _answer(rule: Mapping[str, Any] | None) -> str:
    """Who answers a margin call, when, and with how much."""
    if rule is None:
        return "by nobody"
    most = f", at most {rate(rule['most'])} of the equity at the start" if "most" in rule else ""
    return f"by {rate(rule['probability'])} of owners after {duration(rule['delay'])}{most}"


def moving_margin(scenario: _Scenario, names: Sequence[str]) -> Table | None:
    """Funding and margin that changes on the way; None where every market keeps its terms."""
    rows = []
    for name in _contracts(scenario, names):
        market = scenario["markets"][name]
        funding, dynamic = market.get("funding"), market["margin"].get("dynamic")
        changes = market["margin"].get("changes") or ()
        if funding or dynamic or changes:
            paid = f"{rate(funding['rate'])} every {duration(funding['interval'])}" if funding else "none"
            told = "; ".join(f"{change['factor']:g}x from {duration(change['at'])}" for change in changes)
            rows.append([name, shown("dynamic", dynamic), told or "none", paid])
    headings = ["Market", "Margin by volatility", "Announced changes", "Funding, longs to shorts"]
    return table("Terms that move", headings, rows, words=True) if rows else None


def _leverage(rate: float) -> str:
    return f"{1.0 / rate:.3g}x" if rate else "none"


def liquidity(scenario: _Scenario, names: Sequence[str], open_interest: Mapping[str, float]) -> Table:
    """Depth, its law and how it comes and goes."""
    rows = []
    for name in names:
        law = scenario["markets"][name].get("liquidity")
        if law is None:
            continue
        if law["type"] == "oracle":
            rows.append([name, "no book: the oracle's price", "", *["none"] * 4])
            continue
        pool = law["type"] == "amm"
        size = law["reserve" if pool else "depth"]
        endless = isinstance(size, str) or math.isinf(size)
        depth = "unlimited" if endless else f"{money(size)} " + ("a side" if pool else f"at {rate(law['at'])}")
        times = "" if endless or not size else f"{open_interest.get(name, 0.0) / size:.3g}"
        rows.append(
            [
                name,
                depth,
                times,
                "constant product" if pool else f"{law['exponent']:g}",
                shown("half_life", law["half_life"]),
                "none" if pool else rate(law["permanent"]),
                _thinning(law),
            ]
        )
    headings = [
        *("Market", "Depth", "Open interest over depth", "Exponent of impact"),
        *("Half-life of impact", "Permanent share", "Drought"),
    ]
    return table("Liquidity", headings, rows, words=True)


def _thinning(law: Mapping[str, Any]) -> str:
    """How the depth falls: with volatility, and with the equity of those who quote it."""
    rule = law.get("makers")
    if not rule:
        return _drought(law.get("drought"))
    makers = f"makers' equity to the power {rule['elasticity']:g}, at least {rate(rule['floor'])}"
    return makers if not law.get("drought") else f"{_drought(law['drought'])}; {makers}"


def _drought(law: Mapping[str, Any] | None) -> str:
    """How the depth falls with volatility."""
    if law is None:
        return "none"
    base = "" if law.get("volatility") is None else f" over {rate(law['volatility'])}"
    cap = "" if isinstance(law["cap"], str) or math.isinf(law["cap"]) else f", at most {law['cap']:g}x"
    return f"volatility{base} to the power {-law['exponent']:g}, at least {rate(law['floor'])}{cap}"


def marks(scenario: _Scenario, names: Sequence[str]) -> Table:
    """What margin is computed on, and when it arrives."""
    rows = []
    for name in names:
        market = scenario["markets"][name]
        oracle = market["oracle"]
        delays = [shown(key, oracle[key]) for key in ("lag", "heartbeat", "deviation")]
        rows.append([name, shown("mark", market.get("mark", "index")), *delays])
    return table("Marks", ["Market", "Mark", "Oracle lag", "Heartbeat", "Deviation"], rows, words=True)


def disturbances(scenario: _Scenario, names: Sequence[str]) -> Table | None:
    """Outages and spoofs of the oracles; None without any."""
    rows = []
    for name in names:
        oracle = scenario["markets"][name]["oracle"]
        for what, windows in (("stands still", oracle.get("outages")), ("shows a false price", oracle.get("spoofs"))):
            for window in windows or ():
                factor = window.get("factor", 0.0) ** scenario.get("strength", 1.0)
                shown_price = f"{factor:.4g} times its own" if "factor" in window else "the last one taken"
                rows.append([name, what, duration(window["from"]), duration(window["to"]), shown_price])
    headings = ["Market", "Oracle", "From", "Until", "Price"]
    return table("Disturbed oracles", headings, rows, words=True) if rows else None


def models(scenario: _Scenario, names: Sequence[str]) -> Iterator[Table]:
    """One table per kind of price model, one row per market."""
    by_type: dict[str, list[str]] = {}
    for name in names:
        by_type.setdefault(scenario["markets"][name]["model"]["type"], []).append(name)
    for kind, members in by_type.items():
        keys = _ordered(scenario["markets"][members[0]]["model"])
        rows = []
        for name in members:
            model = scenario["markets"][name]["model"]
            rows.append([name, *(shown(key, model.get(key)) for key in keys)])
        yield table(f"Price model: {kind}", ["Market", *(_name(key) for key in keys)], rows, words=True)


def correlation(scenario: _Scenario, names: Sequence[str]) -> Table | None:
    """Correlation of the price shocks; None for one market, without any, or for too many to print."""
    matrix = (scenario.get("correlation") or {}).get("prices")
    if not matrix or not 1 < len(names) <= _MATRIX_MOST:
        return None
    # The rows are in the order of the scenario's markets, which is that of the run.
    rows = [[name, *(f"{value:.2f}" for value in row)] for name, row in zip(names, matrix, strict=True)]
    return table("Correlation of price shocks", ["", *names], rows)


def factors(scenario: _Scenario, names: Sequence[str]) -> Table | None:
    """Loadings of prices and variances on their common factors; None without any."""
    found = (scenario.get("correlation") or {}).get("factors")
    if not found:
        return None
    loads = (found.get("market") or {}, found.get("variance") or {})
    rows = [[name, *(f"{load.get(name, 0.0):g}" for load in loads)] for name in names]
    return table("Common factors", ["Market", "Price with its factor", "Variance with its factor"], rows)


def jumps(scenario: _Scenario) -> Table | None:
    """Common jumps; None without any. What none of them has gets no column."""
    sources = scenario.get("jumps") or ()
    excited = any(jump.get("self_excitation") for jump in sources)
    wild = any(mark.get("variance_jump") for jump in sources for mark in jump["marks"].values())
    rows = []
    for jump in sources:
        sets_off = [_excitation(jump.get("self_excitation"))] if excited else []
        for market, mark in jump["marks"].items():
            sizes = [rate(mark[key]) for key in ("mean", "std", "probability")]
            sizes += [f"{mark.get('variance_jump', 0.0):g}"] if wild else []
            rows.append(
                [jump["name"], f"{jump['rate']:g} a year", *sets_off, rate(jump["correlation"]), market, *sizes]
            )
    headings = ["Jump", "Rate", *["Sets off"] * excited, "Correlation of sizes", "Market", "Mean", "Deviation"]
    headings += ["Probability", *["Jump of variance"] * wild]
    return table("Common jumps of log prices", headings, rows, words=True) if rows else None


def _excitation(given: Mapping[str, Any] | None) -> str:
    """How many jumps one sets off, and for how long."""
    return "none" if not given else f"{given['branching']:g} more, half of them within {duration(given['half_life'])}"


def shocks(scenario: _Scenario) -> Table | None:
    """Deterministic events; None without any."""
    rows = []
    for shock in scenario.get("shocks") or ():
        jump = rate(shock["jump"]) if shock.get("jump") else "none"
        jump += f" over {duration(shock['over'])}" if shock.get("over") else ""
        factors = [_factor(shock.get(key)) for key in ("depth", "volatility")]
        rows.append([duration(shock["at"]), shock["market"], jump, *factors, duration(shock.get("duration"))])
    headings = ["After", "Market", "Price", "Depth", "Volatility", "For"]
    strength = scenario.get("strength", 1.0)
    title = "Shocks put in by hand" + ("" if strength == 1.0 else f", at {strength:g} times their strength")
    return table(title, headings, rows, words=True) if rows else None


def _factor(value: float | None) -> str:
    return "as before" if value is None or value == 1.0 else f"{value:g}x"


def liquidation(scenario: _Scenario, pools: Sequence[str]) -> Table:
    """How accounts are closed, one column per pool."""
    keys = ("size", "limit", "fee", "fund_share", "latency", "capacity", "takeover_when")
    rows = [[_name(key), *(shown(key, scenario["pools"][pool]["liquidation"][key]) for pool in pools)] for key in keys]
    return table("Liquidation", ["", *(f"Pool {pool}" for pool in pools)], rows, words=True)


def layers(scenario: _Scenario, pools: Sequence[str]) -> Table:
    """The waterfall of each pool."""
    rows = []
    for pool in pools:
        for place, layer in enumerate(scenario["pools"][pool]["layers"], 1):
            words = "; ".join(f"{_name(key)} {shown(key, layer[key])}" for key in _ordered(layer, ("type", "name")))
            rows.append([pool, str(place), layer["name"], _name(layer["type"]), words])
    return table("Waterfall: who is asked, in this order", ["Pool", "", "Layer", "Kind", "Rules"], rows, words=True)
