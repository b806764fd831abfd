"""The section on fitted tails."""

from __future__ import annotations

from stress.report import figures
from stress.report.charts import gallery
from stress.report.document import Block, Bullets, Chart, Paragraph, Section
from stress.sizing.estimate import Estimate
from stress.sizing.result import METRICS, PoolSizing, Sizing
from stress.sizing.tail import Tail
from stress.sizing.words import money, percent

_TEXT = (
    "A generalised Pareto law is fitted to the largest losses, over the lowest threshold at which an Anderson-Darling "
    "test does not reject it (ForwardStop, false discovery rate 10%). Its intervals are those of the profile "
    "likelihood. It smooths what the paths say and looks a little further, down to one path expected beyond the "
    "level; it knows nothing of a worse kind of crash that no path has seen. Where 50 paths lie beyond a level, "
    "the order statistics need no law."
)


def tail_section(sizing: Sizing) -> Section:
    """What a fitted tail says, and where it must not be used."""
    blocks: list[Block] = [Paragraph(_TEXT)]
    for pool in sizing.pools:
        for tail in pool.tails:
            blocks += _blocks(sizing, pool, tail)
    return Section("How far does the tail reach?", tuple(blocks))


def _blocks(sizing: Sizing, pool: PoolSizing, tail: Tail) -> list[Block]:
    """One loss of one pool."""
    name = METRICS[tail.metric] + (f" of pool {pool.pool}" if len(sizing.pools) > 1 else "")
    blocks: list[Block] = []
    if tail.fitted:
        found = (
            f"{name}: beyond {money(tail.threshold)} lie {percent(tail.share)} of the paths ({tail.excesses:,}); shape "
            f"{_shape(tail.shape)}, scale {money(tail.scale)}, goodness of fit p = {tail.p_value or 0.0:.2f}."
        )
        picture = Chart(gallery.tail_picture(sizing, pool, tail))
        blocks += [Paragraph(found), picture, figures.tail_levels(sizing, pool, tail)]
    if tail.warnings:
        blocks.append(Bullets(tuple(f"{name}: {warning}." for warning in tail.warnings)))
    return blocks


def _shape(shape: Estimate) -> str:
    """0.31 (0.12 to 0.55)."""
    return f"{shape.value or 0.0:.2f} ({shape.low or 0.0:.2f} to {shape.high or 0.0:.2f})"
