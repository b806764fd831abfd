"""What layers take and give besides bad debt, and which owners cause losses and pay for those of others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stress.report.charts import gallery
from stress.report.document import Block, Chart, Table, table
from stress.report.figures import titled
from stress.sizing.owners import SHARES, Concentration, OwnerAmount, TailOwners, tail_owners
from stress.sizing.result import PoolSizing, Sizing
from stress.sizing.words import money, percent
from stress.weights import Weights

if TYPE_CHECKING:
    from stress.store import Run

OWNERS_TEXT = (
    "An owner's accounts in a pool count together. Owners pay for others by ADL haircuts, on balance over the path, "
    "and by shared losses; the fund's money is nobody's here. The Gini coefficient is 0 where all pay alike and near 1 "
    "where one pays everything; over all owners it counts those who pay nothing, too. In the tables of owners a path "
    "counts only where the owner is among its ten largest."
)

_DEALINGS = {
    "fees": "Liquidation fees",
    "received": "Equity taken over",
    "paid": "Bad debt borne",
    "paid_for_layers": "Debts of layers borne",
}
_COLLATERAL = {
    "collateral_end": "Collateral held at the end",
    "collateral_loss": "Lost on collateral",
}
"""Said of books in which accounts have posted some."""
_QUANTILES = {"5% quantile": 0.05, "Median": 0.5, "95% quantile": 0.95}


def dealings(run: Run, sizing: Sizing, pool: PoolSizing) -> list[Block]:
    """Means over all paths of what every layer took and gave; nothing for a pool without layers."""
    layers = run.layers[run.layers["pool"] == pool.pool]
    if layers.empty:
        return []
    words = _DEALINGS | (_COLLATERAL if run.manifest["book"].get("collateral") else {})
    weights = Weights.of(run.weights)
    if weights is not None:
        layers = layers.assign(**layers[list(words)].mul(weights.counts[layers["path"]], axis=0))
    means = layers.groupby("layer", sort=False)[list(words)].mean()
    rows = [[str(layer), *map(money, row)] for layer, row in zip(means.index, means.to_numpy().tolist(), strict=True)]
    return [table(titled("What layers take and give, on average", sizing, pool), ["Layer", *words.values()], rows)]


def owner_blocks(run: Run, sizing: Sizing, pool: PoolSizing) -> list[Block]:
    """Concentration of the payments, and the owners of the tail."""
    data = Concentration.of(run, pool.pool)
    blocks: list[Block] = [Chart(gallery.concentration_picture(data, sizing, pool))]
    if data.paid.size:
        blocks.append(_concentration(data, sizing, pool))
    return blocks + _tables(tail_owners(run, pool.pool), sizing, pool)


def _concentration(data: Concentration, sizing: Sizing, pool: PoolSizing) -> Table:
    """How unevenly owners pay, over the paths on which they do."""
    rows = [["Paid by owners", *(money(data.quantile("paid", at)) for at in _QUANTILES.values())]]
    payers = [data.quantile("payers", at, method="nearest") for at in _QUANTILES.values()]
    rows.append(["Owners who pay", *(f"{int(number):,}" for number in payers)])
    for name, label in SHARES.items():
        rows.append([f"Share of the {label}", *(percent(data.quantile(name, at)) for at in _QUANTILES.values())])
    for name, label in (("paid_gini", "Gini over those who pay"), ("paid_gini_all", "Gini over all owners")):
        rows.append([label, *(f"{data.quantile(name, at):.2f}" for at in _QUANTILES.values())])
    title = f"How unevenly owners pay, on {data.paid.size:,} of {data.paths:,} paths"
    return table(titled(title, sizing, pool), ["", *_QUANTILES], rows)


def _tables(tail: TailOwners, sizing: Sizing, pool: PoolSizing) -> list[Block]:
    """The owners that cause and pay most on the worst paths; those tables that have rows."""
    worst = f"{tail.paths:,} paths with the most bad debt"
    made: list[Block] = []
    for amounts, title, noun in (
        (tail.causing, "Owners that cause most of the bad debt", "bad debt"),
        (tail.paying, "Owners that pay most for others", "payments"),
    ):
        if amounts:
            headings = ["Owner", "Mean amount", f"Share of all {noun}", "Among the ten largest"]
            rows = [_row(amount, tail.paths) for amount in amounts]
            made.append(table(titled(f"{title}, over the {worst}", sizing, pool), headings, rows))
    return made


def _row(amount: OwnerAmount, paths: int) -> list[str]:
    return [amount.owner, money(amount.mean), percent(amount.share), f"{amount.listed:,} of {paths:,} paths"]
