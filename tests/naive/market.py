"""Sections 2 to 4 for one market: fundamental, book, oracle, mark, depth and the factor on maintenance margin."""

from __future__ import annotations

import math
from typing import Any

YEAR = 365 * 86_400.0


class Market:
    """Prices of one market at one step."""

    def __init__(self, rules: dict[str, Any], dt: float) -> None:
        self.rules, self.dt = rules, dt
        self.name = str(rules["name"])
        self.moved = 0.0
        """Log of the permanent impact so far."""
        self.x = 0.0
        self.gap = 0.0
        """EMA of the book price over the oracle."""
        self.fundamental = float(rules["price"][0])
        self.history = [self.fundamental]
        self.taken, self.taken_at = self.fundamental, 0
        self.oracle = self.fundamental * self._spoof(0)
        self.kappa, self.pending = 1.0, dict[int, float]()
        self.variance = 0.0
        self._start_margin()
        self.depth = self._depth_at(0)
        self.makers_low = 1.0
        self.low = self.price
        self.max_displacement = 0.0

    @property
    def price(self) -> float:
        """Book price P = F exp(x)."""
        return self.fundamental * math.exp(self.x)

    def begin(self, step: int) -> None:
        """Items 1 to 4 of a step, after which the marks can be asked for."""
        self.history[-1] = self.fundamental
        self.fundamental = float(self.rules["price"][step]) * math.exp(self.moved)
        half_life = self.rules.get("half_life")
        if half_life is not None:
            self.x = self.x * 2.0 ** (-self.dt / half_life) if half_life > 0.0 else 0.0
        self.depth = self._depth_at(step)
        self.history.append(self.fundamental)
        before = self.oracle
        self._advance_oracle(step)
        self._advance_gap()
        self._advance_margin(step, before)
        self.look()

    def look(self) -> None:
        """Remember the extremes."""
        self.low = min(self.low, self.price)
        self.max_displacement = max(self.max_displacement, abs(self.x))

    def _depth_at(self, step: int) -> float:
        depth = self.rules.get("reserve" if self.rules.get("liquidity") == "amm" else "depth")
        if depth is None:
            return math.inf
        units = float(depth[step] if isinstance(depth, list) else depth)
        drought = self.rules.get("drought")
        if drought:
            ratio = (self.rules["sigma"][step] / drought["sigma0"]) ** -drought["eta"]
            units *= min(drought.get("cap", math.inf), max(drought.get("floor", 0.0), ratio))
        for start, factor in self.rules.get("depth_shock", []):
            units *= factor if step >= start else 1.0
        return units

    def _spoof(self, step: int) -> float:
        factor = 1.0
        for start, end, times in self.rules.get("oracle", {}).get("spoof", []):
            factor *= times if start <= step * self.dt < end else 1.0
        return factor

    def _advance_oracle(self, step: int) -> None:
        """Take F(t - lag) unless frozen, when it is time or the price has moved; windows are open at their ends.

        Reading: the F of a step that has passed is the one after its rounds, with the impact they left.
        """
        rules = self.rules.get("oracle", {})
        candidate = self.history[max(0, step - math.ceil(rules.get("lag", 0.0) / self.dt))]
        frozen = any(start <= step * self.dt < end for start, end in rules.get("frozen", []))
        due = step - self.taken_at >= math.ceil(rules.get("heartbeat", 0.0) / self.dt)
        moved = abs(candidate / self.taken - 1.0) >= rules.get("deviation", 0.0)
        if not frozen and (due or moved):
            self.taken, self.taken_at = candidate, step
        self.oracle = self.taken * self._spoof(step)

    def _advance_gap(self) -> None:
        mark = self.rules.get("mark", {})
        if mark.get("type") == "median3":
            keep = 2.0 ** (-self.dt / mark["half_life"]) if mark["half_life"] > 0.0 else 0.0
            self.gap = keep * self.gap + (1.0 - keep) * (self.price - self.oracle)

    def mark(self) -> float:
        """What margin is computed on, now; ``noise`` tells whether rounding decides a case."""
        return self._mark() * float(self.rules.get("noise", 1.0))

    def _mark(self) -> float:
        rule = self.rules.get("mark", {"type": "index"})
        if rule["type"] == "index":
            return self.oracle
        if rule["type"] == "book":
            return self.price
        if rule["type"] == "blend":
            return float(rule["w_index"]) * self.oracle + (1.0 - float(rule["w_index"])) * self.price
        return sorted([self.oracle + self.gap, self.price, self.fundamental])[1]

    def _factor(self) -> float:
        rule = self.rules["dynamic_margin"]
        ratio = math.sqrt(self.variance) / rule["sigma_ref"]
        return float(min(max(ratio ** rule["gamma"], 1.0), rule["kappa_max"]))

    def _start_margin(self) -> None:
        if "dynamic_margin" in self.rules:
            self.variance = self.rules["dynamic_margin"]["sigma_init"] ** 2
            self.kappa = self._factor()
        elif "kappa" in self.rules:
            self.kappa = float(self.rules["kappa"][0])

    def _advance_margin(self, step: int, oracle_before: float) -> None:
        """Decide the factor at whole intervals; it comes into force ``notice`` later."""
        if "kappa" in self.rules:
            self.kappa = float(self.rules["kappa"][step])
        if "dynamic_margin" not in self.rules:
            return
        rule = self.rules["dynamic_margin"]
        keep = 2.0 ** (-self.dt / rule["half_life"])
        change = math.log(self.oracle / oracle_before) ** 2 / (self.dt / YEAR)
        self.variance = keep * self.variance + (1.0 - keep) * change
        if step % math.ceil(rule["interval"] / self.dt) == 0:
            self.pending[step + math.ceil(rule["notice"] / self.dt)] = self._factor()
        self.kappa = self.pending.pop(step, self.kappa)
