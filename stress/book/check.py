"""What a book looks like before anything happens: netting, breaches, concentration."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

import numpy as np

from stress.book.margin import Terms, sum_by
from stress.book.positions import KINDS, Positions
from stress.kernels.structs import Floats

NETTING = 1e-9
"""Largest difference of longs and shorts, as a share of the larger side, that counts as none."""

_NAMED = 5
"""Markets named one by one in a note; the rest are counted."""


def sides(positions: Positions, prices: Floats, pool: int | None = None) -> tuple[Floats, Floats]:
    """Notional of the long and of the short side of each market [m], of one pool or of all."""
    markets = len(prices)
    signed = positions.quantity * prices[positions.market]
    if pool is not None:
        signed = np.where(positions.pool[positions.holder] == pool, signed, 0.0)
    longs = sum_by(positions.market, np.maximum(signed, 0.0), markets)
    shorts = sum_by(positions.market, np.maximum(-signed, 0.0), markets)
    return longs, shorts


def summary(positions: Positions, terms: Terms) -> dict[str, Any]:
    """Figures of a book at the first prices, ready for JSON.

    Keys
    ----
    accounts, isolated_accounts, owners, positions
        Counts; an account is a margin account.
    accounts_by_kind
        Counts of traders, market makers and hedges.
    open_interest, long, short
        Notional by market of both sides and of the larger one, quote currency.
    gross_notional, equity, leverage
        Sums over all accounts, quote currency, and their ratio (null when equity is not positive).
    collateral
        Value by asset of what accounts have posted, haircuts not taken off; part of the equity.
    top1_share, top10_share
        Share of the gross notional held by the largest owner and the ten largest.
    in_breach_at_start
        ``accounts`` and ``notional`` under maintenance margin, and the ``worst`` of them with its
        ``equity`` after haircuts and ``maintenance``.
    initial_margin, under_initial_at_start
        Rate by market at the open interest of now, where there are rules, and ``accounts`` and ``notional`` of those
        that could not open their positions.
    """
    longs, shorts = sides(positions, terms.prices)
    notional = positions.per_account(positions.notional(terms.prices))
    gross = float(notional.sum())
    equity = float(positions.equity(terms.prices).sum())
    contracts = np.flatnonzero(~terms.is_asset).tolist()
    rates = terms.initial_rates(np.maximum(longs, shorts))
    short = positions.cannot_open(terms, rates)
    by_owner = np.sort(sum_by(positions.owner, notional, len(positions.owner_names)))[::-1]
    return {
        "accounts": positions.accounts,
        "isolated_accounts": int(positions.isolated.sum()),
        "owners": len(positions.owner_names),
        "positions": len(positions.market),
        "accounts_by_kind": {kind: int((positions.kind == kind).sum()) for kind in KINDS},
        "open_interest": {terms.names[m]: float(max(longs[m], shorts[m])) for m in contracts},
        "long": {terms.names[m]: float(longs[m]) for m in contracts},
        "short": {terms.names[m]: float(shorts[m]) for m in contracts},
        "gross_notional": gross,
        "equity": equity,
        "leverage": gross / equity if equity > 0.0 else None,
        "collateral": _posted(positions, terms),
        "top1_share": float(by_owner[:1].sum()) / gross if gross else 0.0,
        "top10_share": float(by_owner[:10].sum()) / gross if gross else 0.0,
        "in_breach_at_start": _breaches(positions, terms, notional),
        "initial_margin": {name: float(rate) for name, rate in zip(terms.names, rates, strict=True) if rate > 0.0},
        "under_initial_at_start": {"accounts": int(short.sum()), "notional": float(notional[short].sum())},
    }


def _posted(positions: Positions, terms: Terms) -> dict[str, float]:
    """Value by asset of the collateral of all accounts."""
    _, market, units = positions.deposits
    value = sum_by(market, units * terms.prices[market], len(terms.names))
    return {terms.names[m]: float(value[m]) for m in terms.haircuts}


def _breaches(positions: Positions, terms: Terms, notional: Floats) -> dict[str, Any]:
    """Accounts under maintenance at the first prices; the worst lacks most."""
    breached = positions.breaches(terms)
    found: dict[str, Any] = {
        "accounts": int(breached.sum()),
        "notional": float(notional[breached].sum()),
        "worst": None,
    }
    if breached.any():
        equity = positions.margin_equity(terms)
        required = positions.maintenance(terms.prices, terms.tiers)
        worst = int(np.argmax(np.where(breached, required - equity, -np.inf)))
        found["worst"] = {
            "account": positions.account_names[worst],
            "equity": float(equity[worst]),
            "maintenance": float(required[worst]),
        }
    return found


def remarks(
    positions: Positions, terms: Terms, pool_names: tuple[str, ...], against_layers: Collection[str] = ()
) -> Iterator[str]:
    """Sentences on what is unusual in a book: sides that do not net, accounts in breach at the first prices.

    In the pools named by ``against_layers`` a layer holds the other side, and sides need not net.
    """
    for pool, name in enumerate(pool_names):
        if name not in against_layers:
            yield from _gaps(positions, terms, pool, name)
    found = _breaches(positions, terms, positions.per_account(positions.notional(terms.prices)))
    if found["worst"]:
        worst = found["worst"]
        yield (
            f"{_count(found['accounts'], 'account')} with positions of {found['notional']:,.0f} under maintenance "
            f"margin at the first prices; the worst is {worst['account']}, "
            f"equity {worst['equity']:,.2f} against {worst['maintenance']:,.2f}"
        )
    short = positions.cannot_open(terms, terms.initial_rates(np.maximum(*sides(positions, terms.prices)))).sum()
    if short:
        yield f"{_count(int(short), 'account')} with less than the initial margin: they may hold, but not add"


def _gaps(positions: Positions, terms: Terms, pool: int, name: str) -> Iterator[str]:
    """Markets of a pool whose longs and shorts differ, largest gap first."""
    longs, shorts = sides(positions, terms.prices, pool)
    gap = longs - shorts
    uneven = np.flatnonzero(np.abs(gap) > NETTING * np.maximum(longs, shorts))
    if not len(uneven):
        return
    largest = uneven[np.argsort(-np.abs(gap[uneven]), kind="stable")]
    said = [
        f"{terms.names[m]} {abs(gap[m]):,.0f} {'long' if gap[m] > 0 else 'short'}"
        f" ({abs(gap[m]) / max(longs[m], shorts[m]):.1%})"
        for m in largest[:_NAMED]
    ]
    more = f" and {len(largest) - _NAMED} more markets" if len(largest) > _NAMED else ""
    yield (
        f"pool {name}: contracts do not net to zero, traders outside the book hold the other side of "
        f"{', '.join(said)}{more}"
    )


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
