"""What the paths of a run with importance sampling are worth."""

from __future__ import annotations

from stress.report.document import Block, Bullets, Paragraph, table
from stress.sizing.result import METRICS, Sizing
from stress.sizing.sampling import MOST_ERRORS, Sampling
from stress.sizing.words import count, level, worth


def sampling_blocks(sizing: Sizing) -> list[Block]:
    """How the weights are meant, whether they can be trusted, and what the tails rest on.

    Of plain paths only why they are, where the scenario asks for others.
    """
    found = sizing.sampling
    if found is None:
        return [Paragraph(sizing.drawing)] if sizing.drawing else []
    blocks: list[Block] = [Paragraph(sizing.drawing)] if sizing.drawing else []
    blocks += [Paragraph(_meant(sizing, found)), Paragraph(_trusted(found))]
    if found.problems:
        blocks.append(Bullets(tuple(f"Caution: {problem}." for problem in found.problems)))
    pools = {tail.pool for tail in found.tails}
    rows = [
        [
            METRICS[tail.metric] + (f", pool {tail.pool}" if len(pools) > 1 else ""),
            level(tail.level),
            f"{tail.beyond:,}",
            worth(tail.kish),
            worth(tail.plain),
        ]
        for tail in found.tails
    ]
    headings = ["", "Beyond the quantile", "Paths", "Worth of equal weight", "Worth of a plain run"]
    notes = ("The last column: how many paths a plain run takes to know the probability beyond as well.",)
    return [*blocks, table("What the weighted paths are worth", headings, rows, notes)] if rows else blocks


def _meant(sizing: Sizing, found: Sampling) -> str:
    own = f", {found.components[0]:,} of them from the scenario's own" if found.components else ""
    return (
        f"The {count(sizing.paths, 'path')} were drawn by importance sampling, from a mixture of laws{own}: bad days "
        "come more often than the scenario says, and each path carries the weight that makes up for it. All figures "
        "and charts go by these weights; counts of paths do not. Where a note speaks of paths beyond a level, it means "
        "as many plain ones as know the same; intervals of probabilities and quantiles are taken at that number, and "
        "those of means are Hall's."
    )


def _trusted(found: Sampling) -> str:
    bound = "" if found.allowed is None else f", where the mixture allows {found.allowed:.3g}"
    return (
        f"The mean weight is {found.mean:.4f} with a standard error of {found.error:.4f}; it is 1 but for chance, and "
        f"more than {MOST_ERRORS:g} standard errors away the weights would not be trusted. The largest is "
        f"{found.largest:.3g}{bound}. Over all paths they are worth {worth(found.effective)} of equal weight: figures "
        "of ordinary days are known less well than by a plain run."
    )
