"""A synthetic book: accounts drawn from a few figures a venue publishes or an analyst assumes.

Definitions
-----------
open interest
    Notional of the larger side of a market at the first price. Market makers
    hold the difference of the sides, so that both are equal; without any it is
    held outside the book.
long share
    Share of the traders' positions that are long, by number, kept in every size
    class: in each market, positions in order of size are long or short by
    systematic sampling (Cochran 1977, *Sampling Techniques*, ch. 8), so that the
    share of notional follows it but for the few largest accounts.
hedged share
    Share of the accounts that belong to a pair of one owner with opposite
    positions; the second account of a pair is of kind ``hedge``.
leverage
    Gross notional over equity of a margin account, log-normal and clipped; lowered
    where equity would be under ``1.1`` times the maintenance margin or under the
    initial margin, so that nobody starts in breach or could not have opened.
entry spread
    Standard deviation of the log of entry over first price. Equity stays as drawn:
    an unrealised gain lowers the wallet, a loss raises it. Gains are cut where they
    would leave a wallet under a tenth of equity, which no initial margin allows.

All numbers are transforms of uniforms from counter-based streams keyed by the
seed and the quantity drawn: the book is the same on every platform, and a change
of leverage leaves sizes, sides and markets as they were.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from stress.book import posting
from stress.book.margin import Terms, maintenance, sum_by
from stress.book.positions import HEDGE, MARKET_MAKER, SMALLEST, TRADER, Positions
from stress.kernels.structs import Floats, Ints

if TYPE_CHECKING:
    from stress.scenario.pools import Synthetic

SOLVENCY = 1.1
"""Least equity of a drawn account over its maintenance margin."""

GAIN_CAP = 0.9
"""Largest unrealised gain over equity: the wallet keeps at least a tenth."""

_CHUNK = 1 << 13
"""Accounts whose markets are drawn together: with 162 markets 10 MB of keys, about the size of a last-level cache."""


class Stream(IntEnum):
    """Which quantity a uniform is for; the numbers are part of the book's definition."""

    SIZE = 0
    COUNT = 1
    MARKET = 2
    SPLIT = 3
    SIDE = 4
    LEVERAGE = 5
    ISOLATED = 6
    ENTRY = 7
    MAKER = 8
    COLLATERAL = 9


class Legs(NamedTuple):
    """Drawn positions, one leg each, before they are margined."""

    holder: Ints
    """[j] number of the account: traders, then hedges, then market makers."""
    market: Ints
    """[j] market."""
    notional: Floats
    """[j] signed notional at the first price."""
    entry_deviate: Floats
    """[j] standard normal deviate of the log entry price."""


class People(NamedTuple):
    """Who holds the accounts: traders, hedges, market makers."""

    names: list[str]
    owners: list[str]
    kinds: NDArray[np.str_]


def uniforms(seed: int, stream: Stream, count: int) -> Floats:
    """Uniforms in (0, 1) from raw words of Philox4x64, whose values NumPy guarantees over versions (NEP 19)."""
    return _open_unit(np.random.Philox(key=[seed, stream]).random_raw(count))


def _open_unit(words: NDArray[np.uint64]) -> Floats:
    return ((words >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53


def faults(spec: Synthetic, terms: Terms) -> Iterator[tuple[tuple[str, ...], str]]:
    """What makes a specification impossible to draw, as (keys, sentence) pairs."""
    yield from posting.faults(spec, terms)
    traded = sum(spec.open_interest.get(name, 0.0) > 0.0 for name in terms.names)
    if not traded:
        yield ("open_interest",), "no market has open interest"
    for name, interest in spec.open_interest.items():
        if 0.0 < interest < SMALLEST:
            yield ("open_interest", name), f"expected at least {SMALLEST:g}, got {interest:g}"
    traders = spec.accounts - _pairs(spec)
    if traders < traded:
        yield (
            ("accounts",),
            f"{traders} accounts that are not hedges cannot trade {traded} markets: at least one for each",
        )


def draw(
    spec: Synthetic, terms: Terms, pool: int = 0, prefix: str = "", venue_interest: Floats | None = None
) -> Positions:
    """Draw one pool's book.

    Parameters
    ----------
    spec : Synthetic
        What to draw; :func:`faults` must find nothing in it.
    terms : Terms
        Names, first prices and margin tiers of the markets.
    pool : int
        Number of the pool.
    prefix : str
        Put before every account name, to tell the accounts of several pools apart.
    venue_interest : float64 [m], optional
        Open interest of the whole venue, which initial margin may follow; the pool's by default.

    Returns
    -------
    Positions
        The larger side of each market equals the open interest; with market makers contracts sum to zero within
        rounding.
    """
    interest = np.array([spec.open_interest.get(name, 0.0) for name in terms.names])
    legs = _scaled(_hedged(_trader_legs(spec, interest), spec), interest)
    rates = terms.initial_rates(interest if venue_interest is None else venue_interest)
    return _margined(_with_makers(legs, spec, len(interest)), _people(spec, prefix), spec, terms, pool, rates)


def _pairs(spec: Synthetic) -> int:
    """Hedges, each of a trader of its own: of an odd number of accounts one is left over."""
    return min(round(spec.hedged_share * spec.accounts / 2), spec.accounts // 2)


def _trader_legs(spec: Synthetic, interest: Floats) -> Legs:
    """Sizes, markets, splits and sides of the traders, in units that are scaled per market afterwards."""
    traders = spec.accounts - _pairs(spec)
    holder, market = _choose_markets(spec, traders, interest)
    size = uniforms(spec.seed, Stream.SIZE, traders) ** (-1.0 / spec.pareto)
    weight = -np.log(uniforms(spec.seed, Stream.SPLIT, len(holder)))
    share = weight / sum_by(holder, weight, traders)[holder]
    notional = size[holder] * share
    side = _sides(market, notional, spec.long_share, uniforms(spec.seed, Stream.SIDE, len(interest)))
    return Legs(holder, market, notional * side, ndtri(uniforms(spec.seed, Stream.ENTRY, len(holder))))


def _choose_markets(spec: Synthetic, traders: int, interest: Floats) -> tuple[Ints, Ints]:
    """Markets of every trader, drawn without replacement in proportion to open interest (Efraimidis, Spirakis 2006).

    The first traders are given one market each, so that no market is left without a trader.
    """
    traded = np.flatnonzero(interest)
    choices = np.array(sorted(spec.markets_per_account))
    chances = np.cumsum([spec.markets_per_account[int(k)] for k in choices])
    drawn = np.searchsorted(chances, uniforms(spec.seed, Stream.COUNT, traders) * chances[-1])
    count = np.minimum(choices[drawn], len(traded))
    words = np.random.Philox(key=[spec.seed, Stream.MARKET])
    widest = int(count.max())
    parts = []
    for begin in range(0, traders, _CHUNK):
        end = min(begin + _CHUNK, traders)
        keys = _open_unit(words.random_raw((end - begin) * len(traded))).reshape(-1, len(traded))
        keys = -np.log(keys) / interest[traded]
        own = np.arange(begin, min(end, len(traded)))
        keys[own - begin, own] = 0.0
        nearest = np.argpartition(keys, widest - 1, axis=1)[:, :widest]
        nearest = np.take_along_axis(nearest, np.take_along_axis(keys, nearest, axis=1).argsort(axis=1), axis=1)
        chosen = np.where(np.arange(widest) < count[begin:end, None], nearest, len(traded))
        parts.append(np.sort(chosen, axis=1))
    table = np.concatenate(parts)
    holder, place = np.nonzero(table < len(traded))
    return holder, traded[table[holder, place]]


def _sides(market: Ints, notional: Floats, long_share: float, start: Floats) -> Floats:
    """+1 or -1 for each position: systematic sampling down the sizes of its market, from a random start [m]."""
    order = np.lexsort((-notional, market))
    count = np.bincount(market, minlength=len(start))
    rank = np.empty(len(market))
    rank[order] = np.arange(len(market)) - np.repeat(np.cumsum(count) - count, count)
    place = rank * long_share + start[market]
    return np.where(np.floor(place + long_share) > np.floor(place), 1.0, -1.0)


def _hedged(legs: Legs, spec: Synthetic) -> Legs:
    """Add the mirror of the last traders' legs, held by the hedge accounts."""
    pairs = _pairs(spec)
    traders = spec.accounts - pairs
    mirrored = legs.holder >= traders - pairs
    return Legs(
        np.concatenate([legs.holder, legs.holder[mirrored] + pairs]),
        np.concatenate([legs.market, legs.market[mirrored]]),
        np.concatenate([legs.notional, -legs.notional[mirrored]]),
        np.concatenate([legs.entry_deviate, legs.entry_deviate[mirrored]]),
    )


def _scaled(legs: Legs, interest: Floats) -> Legs:
    """Scale each market so that its larger side is the open interest."""
    markets = len(interest)
    longs = sum_by(legs.market, np.maximum(legs.notional, 0.0), markets)
    shorts = sum_by(legs.market, np.maximum(-legs.notional, 0.0), markets)
    larger = np.maximum(longs, shorts)
    scale = np.divide(interest, larger, out=np.zeros(markets), where=larger > 0.0)
    return legs._replace(notional=legs.notional * scale[legs.market])


def _with_makers(legs: Legs, spec: Synthetic, markets: int) -> Legs:
    """Add market makers, who hold what the traders leave open, in unequal parts; without any it stays open."""
    makers = spec.market_makers.count
    if makers == 0:
        return legs
    rest = -sum_by(legs.market, legs.notional, markets)
    gross = sum_by(legs.market, np.abs(legs.notional), markets)
    # Under 1e-12 of the market the rest is rounding of hedged pairs, not a position.
    open_markets = np.flatnonzero(np.abs(rest) > 1e-12 * gross)
    parts = 0.5 + uniforms(spec.seed, Stream.MAKER, 2 * makers * markets)
    weight, deviate = parts.reshape(2, makers, markets)[:, :, open_markets]
    held = weight / weight.sum(axis=0) * rest[open_markets]
    held[-1] = rest[open_markets] - held[:-1].sum(axis=0)
    holder = spec.accounts + np.repeat(np.arange(makers), len(open_markets))
    return Legs(
        np.concatenate([legs.holder, holder]),
        np.concatenate([legs.market, np.tile(open_markets, makers)]),
        np.concatenate([legs.notional, held.ravel()]),
        np.concatenate([legs.entry_deviate, ndtri(deviate.ravel() - 0.5)]),
    )


def _people(spec: Synthetic, prefix: str) -> People:
    """Name, owner and kind of every account; a hedge has the owner of the trader whose legs it mirrors."""
    pairs, makers = _pairs(spec), spec.market_makers.count
    traders = spec.accounts - pairs
    width = max(3, len(str(spec.accounts)))
    names = [f"{prefix}t-{k:0{width}d}" for k in range(1, traders + 1)]
    owners = names + names[traders - pairs :]
    names += [f"{prefix}h-{k:0{width}d}" for k in range(traders - pairs + 1, traders + 1)]
    people = [f"{prefix}mm-{k:03d}" for k in range(1, makers + 1)]
    kinds = np.repeat([TRADER, HEDGE, MARKET_MAKER], [traders, pairs, makers])
    return People(names + people, owners + people, kinds)


def _isolated(spec: Synthetic) -> NDArray[np.bool_]:
    """Which of the traders' and hedges' accounts are isolated: exactly the share asked for, market makers never."""
    order = uniforms(spec.seed, Stream.ISOLATED, spec.accounts).argsort(kind="stable")
    isolated = np.zeros(spec.accounts + spec.market_makers.count, dtype=np.bool_)
    isolated[order[: round(spec.isolated_share * spec.accounts)]] = True
    return isolated


def _leverage(spec: Synthetic) -> Floats:
    """Leverage of every account, market makers' last."""
    law = spec.leverage
    deviate = ndtri(uniforms(spec.seed, Stream.LEVERAGE, spec.accounts))
    with np.errstate(over="ignore"):
        drawn = law.median * np.exp(law.sigma * deviate)
    makers = np.full(spec.market_makers.count, spec.market_makers.leverage)
    return np.concatenate([np.clip(drawn, law.min, law.max), makers])


def _margined(legs: Legs, people: People, spec: Synthetic, terms: Terms, pool: int, rates: Floats) -> Positions:
    """Gather legs into margin accounts and give each its equity, wallet and entry prices.

    ``rates`` [m] are those of initial margin.
    """
    order = np.lexsort((legs.market, legs.holder))
    holder, market = legs.holder[order], legs.market[order]
    notional, deviate = legs.notional[order], legs.entry_deviate[order]
    alone = _isolated(spec)[holder]
    begins = alone | (np.diff(holder, prepend=-1) != 0)
    account = np.cumsum(begins) - 1
    first = np.append(np.flatnonzero(begins), len(holder))
    who = holder[first[:-1]]
    accounts = len(who)

    gross = sum_by(account, np.abs(notional), accounts)
    required = sum_by(account, maintenance(np.abs(notional), market, terms.tiers), accounts)
    asked = sum_by(account, rates[market] * np.abs(notional), accounts)
    equity = np.maximum(gross / _leverage(spec)[who], np.maximum(SOLVENCY * required, asked))
    offset = np.expm1(spec.entry_spread * deviate)
    gain = sum_by(account, -notional * offset, accounts)
    kept = np.divide(GAIN_CAP * equity, gain, out=np.ones_like(gain), where=gain > GAIN_CAP * equity)

    price = terms.prices[market]
    owners, owner = np.unique(np.array(people.owners)[who], return_inverse=True)
    isolated = alone[first[:-1]]
    positions = Positions(
        market_names=terms.names,
        account_names=tuple(
            f"{people.names[k]}:{terms.names[m]}" if single else people.names[k]
            for k, m, single in zip(who.tolist(), market[first[:-1]].tolist(), isolated.tolist(), strict=True)
        ),
        owner_names=tuple(owners.tolist()),
        owner=owner.astype(np.int64),
        pool=np.full(accounts, pool, dtype=np.int64),
        kind=people.kinds[who],
        isolated=isolated,
        wallet=equity - gain * kept,
        first=first.astype(np.int64),
        market=market,
        quantity=notional / price,
        entry=price * (1.0 + offset * kept[account]),
    )
    if not spec.collateral:
        return positions
    return posting.post(spec, terms, positions, uniforms(spec.seed, Stream.COLLATERAL, len(people.names))[who])
