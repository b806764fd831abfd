"""Section 3: impact of a net quantity on the book, and the one price at which a round's orders clear."""

from __future__ import annotations

import math

from tests.naive.ledger import NOTHING
from tests.naive.market import Market
from tests.naive.orders import Order


class PowerLaw:
    """The book as it stands: g(u) = sign(u) y (|u|/D)^delta around the displacement x."""

    def __init__(self, market: Market) -> None:
        self.f, self.x, self.depth = market.fundamental, market.x, market.depth
        self.y, self.delta = float(market.rules.get("y", 0.01)), float(market.rules.get("delta", 1.0))
        self.u0 = 0.0
        if not math.isinf(self.depth):
            self.u0 = math.copysign(self.depth * (abs(self.x) / self.y) ** (1.0 / self.delta), self.x)

    def g(self, u: float) -> float:
        return math.copysign(self.y * (abs(u) / self.depth) ** self.delta, u)

    def integral(self, u: float) -> float:
        power = self.delta + 1.0
        return self.y * self.depth / power * (abs(u) / self.depth) ** power

    def log_vwap(self, n: float) -> float:
        """Mean log displacement over a net fill ``n``."""
        if n == 0.0 or math.isinf(self.depth):
            return self.x
        u1 = self.u0 + n
        if abs(n) < 1e-5 * abs(self.u0):
            return (self.g(self.u0) + 4.0 * self.g(self.u0 + 0.5 * n) + self.g(u1)) / 6.0
        return (self.integral(u1) - self.integral(self.u0)) / n

    def vwap(self, n: float) -> float:
        return self.f * math.exp(self.log_vwap(n))

    def move(self, n: float) -> float:
        """Change of displacement, before it is split into permanent and transient."""
        if n == 0.0 or math.isinf(self.depth):
            return 0.0
        return self.g(self.u0 + n) - self.g(self.u0)


class ConstantProduct:
    """A pool of reserve R exp(-x/2) at displacement x; a purchase of all it has, or more, has no price."""

    def __init__(self, market: Market) -> None:
        self.f, self.x = market.fundamental, market.x
        self.depth = market.depth * math.exp(-0.5 * market.x)

    def log_vwap(self, n: float) -> float:
        return self.x - math.log1p(-n / self.depth) if n < self.depth else math.inf

    def vwap(self, n: float) -> float:
        return self.f * math.exp(self.log_vwap(n))

    def move(self, n: float) -> float:
        return -2.0 * math.log1p(-n / self.depth)


class OracleFills:
    """No book: any quantity at the oracle's price."""

    def __init__(self, market: Market) -> None:
        self.f, self.depth = market.oracle, math.inf

    def log_vwap(self, n: float) -> float:
        return 0.0

    def vwap(self, n: float) -> float:
        return self.f

    def move(self, n: float) -> float:
        return 0.0


Book = PowerLaw | ConstantProduct | OracleFills


def book_of(market: Market) -> Book:
    if market.rules.get("liquidity") == "oracle":
        return OracleFills(market)
    return ConstantProduct(market) if market.rules.get("liquidity") == "amm" else PowerLaw(market)


def fill_book(market: Market, net: float) -> float:
    """Trade a net quantity without limits; average price, and the book moves."""
    price = book_of(market).vwap(net)
    push(market, net)
    return price


def push(market: Market, net: float) -> None:
    """Move book and fundamental by a net fill."""
    dx = book_of(market).move(net)
    phi = float(market.rules.get("phi", 0.0))
    market.moved += phi * dx
    market.fundamental *= math.exp(phi * dx)
    market.x += (1.0 - phi) * dx
    market.look()


def _willing(order: Order, price: float) -> int:
    """1: limit strictly better than the price, 0: equal, -1: worse."""
    if order.limit is None:
        return 1
    slack = price - order.limit if order.quantity < 0.0 else order.limit - price
    return (slack > 0.0) - (slack < 0.0)


def _between(book: Book, orders: list[Order], price: float) -> tuple[float, list[Order]]:
    """Net quantity that surely trades at ``price`` and the orders whose limit it is."""
    net = sum(order.quantity for order in orders if _willing(order, price) > 0)
    return net, [order for order in orders if _willing(order, price) == 0]


def clear(market: Market, orders: list[Order]) -> float:
    """Fill the orders of one round in one market; returns the price and moves the book.

    The net quantity falls and its average price rises with the price: the price at which they meet is either one of
    the limits, where part of the orders at it trades, or lies between two of them.
    """
    book = book_of(market)
    limits = sorted({order.limit for order in orders if order.limit is not None})
    below = -math.inf
    for limit in limits:
        net, marginal = _between(book, orders, limit)
        most = net + sum(order.quantity for order in marginal if order.quantity > 0.0)
        least = net + sum(order.quantity for order in marginal if order.quantity < 0.0)
        if book.vwap(most) < limit:
            price = _clear_inside(book, orders, _inside(below, limit))
            break
        if book.vwap(least) <= limit:
            price = limit
            _fill_better(orders, limit)
            _fill_marginal(book, marginal, net, least, most, limit)
            break
        below = limit
    else:
        price = _clear_inside(book, orders, _inside(below, math.inf))
    for order in orders:
        if abs(order.filled) < NOTHING:
            order.filled = 0.0
    push(market, sum(order.filled for order in orders))
    return price


def _inside(below: float, above: float) -> float:
    """A price strictly between two limits."""
    if math.isinf(below):
        return 0.0 if math.isinf(above) else above - abs(above) - 1.0
    return below + abs(below) + 1.0 if math.isinf(above) else 0.5 * (below + above)


def _fill_better(orders: list[Order], price: float) -> None:
    for order in orders:
        if _willing(order, price) > 0:
            order.filled = order.quantity


def _clear_inside(book: Book, orders: list[Order], inside: float) -> float:
    """Fill who trades at any price between two neighbouring limits, ``inside`` being one; their average price."""
    _fill_better(orders, inside)
    return book.vwap(sum(order.filled for order in orders))


def _fill_marginal(book: Book, marginal: list[Order], net: float, least: float, most: float, price: float) -> None:
    """Fill as much as can be of the orders at the limit, pro rata within a side, so that the average is the limit."""
    buys = sum(order.quantity for order in marginal if order.quantity > 0.0)
    sells = -sum(order.quantity for order in marginal if order.quantity < 0.0)
    bought, sold = buys, sells
    if not math.isinf(book.depth):
        flow = _flow_at(book, least, most, price) - net
        bought = min(buys, sells + flow)
        sold = bought - flow
    for order in marginal:
        side, filled = (buys, bought) if order.quantity > 0.0 else (sells, sold)
        order.filled = order.quantity * min(1.0, max(0.0, filled / side))


def _flow_at(book: Book, least: float, most: float, price: float) -> float:
    """Net quantity between two bounds whose average price is ``price``."""
    if book.vwap(0.0) == price and least <= 0.0 <= most:
        return 0.0
    wanted = math.log(price / book.f)
    while True:
        middle = 0.5 * (least + most)
        if middle in (least, most):
            return middle
        if book.log_vwap(middle) < wanted:
            least = middle
        else:
            most = middle
