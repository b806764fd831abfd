"""From a scenario to what the kernels read: canonical, and converted once."""

from __future__ import annotations

from dataclasses import dataclass

from stress.book import Positions, Terms, gathered, load_books, terms_of, together
from stress.build.book import book_of
from stress.build.layers import LayerNames, caps_of, counterparties, first_funds, goes_by_name, layers_of, waterfall
from stress.build.prices import models_of
from stress.build.traders import answers_calls, call_notes, makers_of
from stress.build.venue import clock_of, markets_of, pools_of
from stress.errors import InvalidInput
from stress.kernels.structs import Ints, Models, Venue
from stress.kernels.tilt import Tilt
from stress.scenario import Loaded

__all__ = ["Plan", "build"]


@dataclass(frozen=True, eq=False)
class Plan:
    """Everything a run reads."""

    loaded: Loaded
    """The scenario it was built from."""
    models: Models
    """Price models."""
    venue: Venue
    """Book, markets, pools and layers."""
    positions: Positions
    """The book as read or drawn, in its own order."""
    terms: Terms
    """First prices and margin tiers."""
    order: Ints
    """[i] where each account of ``venue.book`` stands in ``positions``."""
    owner_names: tuple[str, ...]
    """[o] names of the owners of each pool, pool by pool."""
    layer_names: LayerNames
    """[l] pool, name and kind of every layer."""
    notes: tuple[str, ...]
    """What a reader of the results should know of how the scenario was read."""
    tilt: Tilt | None = None
    """Laws that paths are drawn under, as :mod:`stress.sampling` finds them; None: the models' own."""

    @property
    def market_names(self) -> tuple[str, ...]:
        """[m] names of the markets."""
        return self.terms.names

    @property
    def pool_names(self) -> tuple[str, ...]:
        """[p] names of the pools."""
        return tuple(self.loaded.scenario.pools)

    @property
    def account_names(self) -> tuple[str, ...]:
        """[i] names of the accounts of ``venue.book``."""
        return tuple(self.positions.account_names[i] for i in self.order)

    @property
    def seed(self) -> int:
        """Seed of all random numbers."""
        return self.loaded.scenario.run.seed

    @property
    def paths(self) -> int:
        """Number of paths."""
        return self.loaded.scenario.run.paths


def build(loaded: Loaded) -> Plan:
    """Read the books of a scenario and lay everything out for the kernels.

    Raises
    ------
    InvalidInput
        With every mistake of the books and price files.
    """
    scenario = loaded.scenario
    clock = clock_of(scenario)
    terms = terms_of(scenario.markets)
    errors: list[InvalidInput] = []
    with gathered(errors):
        positions, book_notes = load_books(scenario, loaded.locate)
    with gathered(errors):
        models, price_notes = models_of(scenario, clock, loaded.locate)
    if errors:
        raise together(errors)
    layers = waterfall(list(scenario.pools.values()))
    pool_names = tuple(scenario.pools)
    by_name = answers_calls(scenario) or any(goes_by_name(layer) for _, _, layer in layers)
    book, order, owners = book_of(positions, terms, len(pool_names), by_name)
    makers = makers_of(scenario, positions, terms, order, loaded.locate)
    records = layers_of(layers, len(pool_names), clock, terms.names)
    venue = Venue(
        clock,
        book,
        markets_of(scenario, terms, clock, makers),
        pools_of(
            scenario,
            first_funds(layers, len(pool_names)),
            counterparties(layers, len(pool_names)),
            owners.first,
            clock,
        ),
        records,
        caps_of(layers, records["balance"], terms.names, terms.prices.tolist()),
        scenario.run.max_rounds,
        scenario.run.seed,
    )
    return Plan(
        loaded,
        models,
        venue,
        positions,
        terms,
        order,
        owners.names,
        tuple((pool_names[pool], layer.name, layer.type) for _, pool, layer in layers),
        (*book_notes, *call_notes(scenario, positions, terms), *price_notes),
    )
