"""Scalar values of the schema: quantities, texts, words, flags and files.

Each knows how to read what stands in a file, how to write it back, and its
JSON Schema. They are metadata: ``Annotated[float, Fraction(least=0.0)]``.
"""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, SerializationInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from stress.scenario import units
from stress.scenario.hints import did_you_mean, shown
from stress.scenario.parts import malformed, meaningless
from stress.scenario.units import Dimension

_MOST_DIGITS = 1e15
"""Whole numbers under it are written without exponent and decimals."""


_LARGEST = {
    Dimension.FRACTION: 1e3,
    Dimension.DURATION: 1e10,
    Dimension.MONEY: 1e18,
    Dimension.NUMBER: 1e9,
    Dimension.COUNT: 2.0**63,
}
"""Sizes beyond which a value is a slip of the pen, and would leave the finite numbers somewhere in a simulation."""
_SMALLEST = 1e-12
"""The same for values that divide: those that must be more than zero."""


@dataclass(frozen=True)
class Quantity:
    """A number with a dimension and bounds, for use in ``Annotated[float, Quantity(...)]``.

    ``least``/``most`` are closed bounds, ``above``/``below`` open ones;
    ``endless`` is the word that stands for infinity, if there is one. A
    duration in a file must carry its unit; a Python number is seconds.
    """

    dimension: Dimension
    least: float = -math.inf
    most: float = math.inf
    above: float = -math.inf
    below: float = math.inf
    endless: str | None = None
    unit: str | None = None

    def read(self, value: object) -> float | int:
        """Number that ``value`` stands for, within the bounds."""
        if isinstance(value, str) and self.endless is not None and value.strip() == self.endless:
            return math.inf
        if isinstance(value, str):
            number = self._from_text(value)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            number = self._from_number(value)
        else:
            raise malformed(f"expected {self._expected()}, got {shown(value)}")
        self._within(number)
        return number

    def _expected(self) -> str:
        return self.dimension.value + (f", or {self.endless}" if self.endless else "")

    def _from_text(self, value: str) -> float | int:
        try:
            return units.parse(value, self.dimension)
        except units.NotAQuantity as error:
            message = str(error)
            if self.endless:
                message = message.replace(self.dimension.value, self._expected(), 1)
            raise malformed(message) from None

    def _from_number(self, value: float) -> float | int:
        if value == math.inf and self.endless is not None:
            return value
        if not math.isfinite(value):
            raise malformed(f"expected {self._expected()}, got {value}; only finite numbers are allowed")
        if self.dimension is not Dimension.COUNT:
            return float(value)
        if value != int(value):
            raise malformed(f"expected {self.dimension.value}, got {value}")
        return int(value)

    def _within(self, number: float) -> None:
        largest = _LARGEST[self.dimension]
        bounds = (
            (number < self.least, f"at least {self._shown(self.least)}"),
            (number <= self.above, f"more than {self._shown(self.above)}"),
            (self.above == 0.0 and number < _SMALLEST, f"at least {self._shown(_SMALLEST)}"),
            (number < -largest, f"at least {self._shown(-largest)}"),
            (number > self.most, f"at most {self._shown(self.most)}"),
            (number >= self.below and number != math.inf, f"less than {self._shown(self.below)}"),
            (number > largest and number != math.inf, f"at most {self._shown(largest)}"),
        )
        for outside, words in bounds:
            if outside:
                hint = self._percent_hint(number)
                raise meaningless(f"must be {words}, got {self._shown(number)}{hint}")

    def _percent_hint(self, number: float) -> str:
        """``fee: 50`` means 5000 %: say how to write fifty per cent."""
        top = min(self.most, self.below)
        if self.dimension is Dimension.FRACTION and 1 <= top < number <= 100 * top:
            return f"; for {number:g} per cent write {number:g}%"
        return ""

    def _shown(self, number: float) -> str:
        return str(number) if math.isinf(number) else units.write(number, self.dimension)

    def write(self, number: float, info: SerializationInfo) -> float | str:
        """Form of ``number`` in canonical JSON, which has no infinity; with its unit where the context asks so."""
        if self.endless is not None and math.isinf(number):
            return self.endless
        if not info.context:
            return number
        if self.dimension in (Dimension.DURATION, Dimension.FRACTION):
            return units.write(number, self.dimension)
        return int(number) if number == int(number) and abs(number) < _MOST_DIGITS else number

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            self.read,
            serialization=core_schema.plain_serializer_function_ser_schema(self.write, info_arg=True, when_used="json"),
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        number: JsonSchemaValue = {"type": "integer" if self.dimension is Dimension.COUNT else "number"}
        if self.dimension is Dimension.DURATION:
            number["const"] = 0  # any other time needs its unit in a file
        bounds = {
            "minimum": self.least,
            "exclusiveMinimum": self.above,
            "maximum": self.most,
            "exclusiveMaximum": self.below,
        }
        number |= {key: bound for key, bound in bounds.items() if math.isfinite(bound)}
        forms = [number, {"type": "string", "pattern": units.pattern(self.dimension)}]
        if self.endless is not None:
            forms.append({"const": self.endless})
        return {"anyOf": forms} | ({"unit": self.unit} if self.unit else {})


Fraction = partial(Quantity, Dimension.FRACTION)
Duration = partial(Quantity, Dimension.DURATION, least=0.0, unit="seconds")
Money = partial(Quantity, Dimension.MONEY, unit="quote currency")
Number = partial(Quantity, Dimension.NUMBER)
Count = partial(Quantity, Dimension.COUNT)


class Reader(ABC):
    """Base of the blocks that read one scalar by :meth:`read` and have a fixed JSON Schema."""

    @abstractmethod
    def read(self, value: object) -> Any:
        """Value in memory, or an error in plain words."""

    @abstractmethod
    def schema(self) -> JsonSchemaValue:
        """JSON Schema of what may stand in a file."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            self.read, serialization=core_schema.plain_serializer_function_ser_schema(_json_scalar, when_used="json")
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return self.schema()


def _json_scalar(value: Any) -> Any:
    return value.as_posix() if isinstance(value, Path) else value


@dataclass(frozen=True)
class Text(Reader):
    """Text, of a shape where ``pattern`` is given; ``rule`` says the shape in words."""

    pattern: str | None = None
    rule: str = "text"

    def read(self, value: object) -> str:
        """The text itself; numbers that YAML may have made of it are put back."""
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise malformed(f"expected {self.rule}, got {shown(value)}")
        text = str(value).strip()
        if self.pattern is not None and re.fullmatch(self.pattern, text) is None:
            raise malformed(f"expected {self.rule}, got {shown(value)}")
        return text

    def schema(self) -> JsonSchemaValue:
        """String with the pattern, or a number standing for its digits."""
        return {"type": "string"} if self.pattern is None else {"type": "string", "pattern": f"^(?:{self.pattern})$"}


@dataclass(frozen=True)
class Words(Reader):
    """One of a few words."""

    known: tuple[str, ...]

    def read(self, value: object) -> str:
        """The word, else the nearest known one in the message."""
        if isinstance(value, str) and value in self.known:
            return value
        if isinstance(value, str):
            raise malformed(f"unknown word {shown(value)}{did_you_mean(value, self.known)}")
        raise malformed(f"expected one of {', '.join(self.known)}, got {shown(value)}")

    def schema(self) -> JsonSchemaValue:
        """Enumeration of the words."""
        return {"enum": list(self.known)}


@dataclass(frozen=True)
class Flag(Reader):
    """``true`` or ``false``."""

    _words: ClassVar[dict[object, bool]] = {"true": True, "false": False}

    def read(self, value: object) -> bool:
        """The flag; words such as ``yes`` are refused, for files mix them up with text."""
        if isinstance(value, bool):
            return value
        if isinstance(value, str) and value in self._words:
            return self._words[value]
        raise malformed(f"expected true or false, got {shown(value)}")

    def schema(self) -> JsonSchemaValue:
        """Boolean."""
        return {"type": "boolean"}


@dataclass(frozen=True)
class File(Reader):
    """Path of a file; made absolute against the folder of the scenario before it gets here."""

    def read(self, value: object) -> Path:
        """The path."""
        if isinstance(value, Path):
            return value
        if isinstance(value, str) and value and "\0" not in value:
            return Path(value)
        raise malformed(f"expected the path of a file, got {shown(value)}")

    def schema(self) -> JsonSchemaValue:
        """String."""
        return {"type": "string"}
