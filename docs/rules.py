"""Write ``docs/rules.md`` from the registries: ``python docs/rules.py``."""

from __future__ import annotations

from pathlib import Path

from stress.kernels.instruments import INSTRUMENTS
from stress.kernels.layers import HEDGE, LAYERS, PROFIT_CAP, UNWINDS
from stress.kernels.limits import LIMITS
from stress.kernels.liquidity import LIQUIDITY
from stress.kernels.marks import MARKS
from stress.kernels.models import MODELS
from stress.kernels.oracle import DISTURBANCES, ORACLE
from stress.kernels.ranks import RANKS
from stress.kernels.registry import Parameter, Rule
from stress.kernels.sizes import SIZES
from stress.kernels.traders import TRADERS

PAGE = Path(__file__).with_name("rules.md")

FAMILIES: tuple[tuple[str, str, tuple[Rule, ...]], ...] = (
    (
        "Price models",
        "`markets.NAME.model.type`; `merton`, `bates` and `svcj` are `gbm` and `heston` with jumps of their own. "
        "[models.md](models.md) says more.",
        MODELS,
    ),
    ("Instruments", "`markets.NAME.instrument`", INSTRUMENTS),
    ("Books", "`markets.NAME.liquidity.type`", LIQUIDITY),
    ("Marks", "`markets.NAME.mark.type`", MARKS),
    ("Disturbances of oracles", "`markets.NAME.oracle.outages[]`, `markets.NAME.oracle.spoofs[]`", DISTURBANCES),
    ("Sizes of liquidation orders", "`pools.NAME.liquidation.size.type`", SIZES),
    ("Limits of liquidation orders", "`pools.NAME.liquidation.limit.type`", LIMITS),
    ("Layers", "`pools.NAME.layers[].type`", LAYERS),
    ("Unwinding of inventory", "`pools.NAME.layers[].unwind.type`", UNWINDS),
    ("Ranks of auto-deleveraging", "`pools.NAME.layers[].rank`, `pools.NAME.layers[].profit_cap.rank`", RANKS),
    (
        "What traders do",
        "`pools.NAME.margin_calls.top_up`, `pools.NAME.margin_calls.deleverage`, `markets.NAME.liquidity.makers`; "
        "all off unless written.",
        TRADERS,
    ),
)
"""Heading, where a scenario names the member, and the registry."""

HEAD = """\
# Rules

Every rule a scenario can name, from the registries the kernels choose by. `tailstress schema` has every key with its
unit and default; [scenario-file.md](scenario-file.md) shows how they are written.
"""


def parameters(given: tuple[Parameter, ...]) -> str:
    """Parameters as a list, nothing where there are none."""
    return "".join(f"\n  - `{name}` ({unit}): {sentence}" for name, unit, sentence in given)


def entry(rule: Rule) -> str:
    """One rule: name, sentence, source, parameters."""
    return f"- **`{rule.name}`** — {rule.sentence} *Source: {rule.source.rstrip('.')}.*{parameters(rule.parameters)}\n"


def page() -> str:
    """The whole page."""
    parts = [HEAD]
    for heading, place, rules in FAMILIES:
        parts.append(f"\n## {heading}\n\n{place}\n\n" + "".join(map(entry, rules)))
    parts.append("\n## Hedging of inventory\n\n`pools.NAME.layers[].hedge`\n")
    parts.append(parameters(HEDGE).replace("\n  - ", "\n- ") + "\n")
    parts.append("\n## Profit caps of liquidity pools\n\n`pools.NAME.layers[].profit_cap`\n")
    parts.append(parameters(PROFIT_CAP).replace("\n  - ", "\n- ") + "\n")
    parts.append("\n## Oracle\n\n`markets.NAME.oracle`\n" + parameters(ORACLE).replace("\n  - ", "\n- ") + "\n")
    return "".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
