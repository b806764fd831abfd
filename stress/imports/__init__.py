"""Exports of venues, turned into books."""

from stress.imports.assemble import assemble, balanced, with_known_markets
from stress.imports.export import Export, Imported
from stress.imports.figures import figures
from stress.imports.formats import FORMATS, Options, read_exports
from stress.imports.fragment import fragment
from stress.imports.write import write_import

__all__ = [
    "FORMATS",
    "Export",
    "Imported",
    "Options",
    "assemble",
    "balanced",
    "figures",
    "fragment",
    "read_exports",
    "with_known_markets",
    "write_import",
]
