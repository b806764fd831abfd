"""Books: who holds what, read from tables or drawn, checked, summarised and written."""

from stress.book.check import remarks, summary
from stress.book.findings import gathered, together
from stress.book.loading import load_books, terms_of
from stress.book.margin import Terms, Tiers, maintenance, stack_tiers
from stress.book.positions import KINDS, MARKET_MAKER, Positions, join
from stress.book.write import write_book

__all__ = [
    "KINDS",
    "MARKET_MAKER",
    "Positions",
    "Terms",
    "Tiers",
    "gathered",
    "join",
    "load_books",
    "maintenance",
    "remarks",
    "stack_tiers",
    "summary",
    "terms_of",
    "together",
    "write_book",
]
