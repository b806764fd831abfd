"""Building blocks of the schema: parts, quantities, texts, words and families.

Each block knows how to read what stands in a file, how to write it back, its
JSON Schema, and how to say in plain words what is wrong. Two kinds of mistake
are told apart: ``malformed`` (cannot be read as what it should be) and
``meaningless`` (reads well, but cannot be simulated).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar, get_args

from pydantic import (
    BaseModel,
    ConfigDict,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    SerializationInfo,
    ValidationError,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, InitErrorDetails, PydanticCustomError, core_schema

from stress.scenario import units
from stress.scenario.hints import did_you_mean, shown
from stress.scenario.units import Dimension

_MOST_DIGITS = 1e15
"""Whole numbers under it are written without exponent and decimals."""

MALFORMED = "malformed"
MEANINGLESS = "meaningless"

Where = tuple[str | int, ...]
Complaint = tuple[Where, str]
"""Keys from the part that complains down to the mistake, and what is wrong there."""


def malformed(message: str) -> PydanticCustomError:
    """Error of a value that cannot be read as what it should be."""
    return PydanticCustomError(MALFORMED, "{message}", {"message": message})


def meaningless(message: str) -> PydanticCustomError:
    """Error of a value that reads well and cannot be simulated."""
    return PydanticCustomError(MEANINGLESS, "{message}", {"message": message})


def _raise(title: str, errors: Iterable[tuple[Where, PydanticCustomError, Any]]) -> None:
    details = [InitErrorDetails(type=error, loc=where, input=value) for where, error, value in errors]
    if details:
        raise ValidationError.from_exception_data(title, details)


class Part(BaseModel):
    """A map of the scenario: frozen, without unknown keys, with plain-English errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", serialize_by_alias=True)

    @classmethod
    def prepare(cls, data: dict[Any, Any]) -> dict[Any, Any]:
        """Normal form of a map before its values are read (shorthands, names by default)."""
        return data

    @classmethod
    def salvage(cls, data: dict[Any, Any]) -> Iterator[Complaint]:
        """What can be said across the sound values of a map that has unsound ones."""
        return iter(())

    def check(self) -> Iterator[Complaint]:
        """Conditions between the values of this part."""
        return iter(())

    @model_validator(mode="wrap")
    @classmethod
    def _explain(cls, data: Any, handler: Callable[[Any], Self]) -> Self:
        if isinstance(data, dict):
            data = cls.prepare(data)
        try:
            part = handler(data)
        except ValidationError as error:
            found = list(cls._translated(error))
            if isinstance(data, dict):
                found += [(where, meaningless(message), None) for where, message in cls.salvage(data)]
            _raise(cls.__name__, found)
            raise
        _raise(cls.__name__, ((where, meaningless(message), None) for where, message in part.check()))
        return part

    @classmethod
    def keys(cls) -> list[str]:
        """Keys of this part as they are written in a file."""
        return [field.alias or name for name, field in cls.model_fields.items()]

    @classmethod
    def _translated(cls, error: ValidationError) -> Iterator[tuple[Where, PydanticCustomError, Any]]:
        for entry in error.errors(include_url=False):
            where = tuple(k for k in entry["loc"] if k != "[key]")
            kind, given = entry["type"], entry["input"]
            if kind == "default_factory_not_called":
                continue
            if kind == MEANINGLESS:
                yield where, meaningless(entry["msg"]), given
            elif kind == MALFORMED:
                yield where, malformed(entry["msg"]), given
            else:
                yield where, malformed(cls._plain_words(kind, where, given)), given

    @classmethod
    def _plain_words(cls, kind: str, where: Where, given: Any) -> str:
        """Message for the errors that pydantic finds by itself."""
        if kind == "extra_forbidden":
            return f"unknown key {where[-1]!r}" + did_you_mean(str(where[-1]), cls.keys())
        if kind == "missing" and len(where) == 1:
            return f"is missing: {cls._sentence(where[0])}"
        if kind == "missing":
            return "has too few entries"
        if kind in ("model_type", "model_attributes_type", "dict_type", "mapping_type"):
            keys = f" with the keys {', '.join(cls.keys())}" if not where else ""
            return f"expected a map{keys}, got {shown(given)}"
        if kind in ("tuple_type", "list_type"):
            return f"expected a list, got {shown(given)}"
        if kind == "too_short":
            return "needs at least one entry"
        if kind == "too_long":
            return "has too many entries"
        return f"cannot be read, got {shown(given)}"

    @classmethod
    def _sentence(cls, key: str | int) -> str:
        for name, field in cls.model_fields.items():
            if key in (name, field.alias):
                text = field.description or str(key)
                return text[:1].lower() + text[1:].rstrip(".") if text[1:2].islower() else text.rstrip(".")
        return str(key)


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
        bounds = (
            (number < self.least, f"at least {self._shown(self.least)}"),
            (number <= self.above, f"more than {self._shown(self.above)}"),
            (number > self.most, f"at most {self._shown(self.most)}"),
            (number >= self.below and number != math.inf, f"less than {self._shown(self.below)}"),
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


class Reader:
    """Base of the blocks that read one scalar by :meth:`read` and have a fixed JSON Schema."""

    def read(self, value: object) -> Any:
        """Value in memory, or an error in plain words."""
        raise NotImplementedError

    def schema(self) -> JsonSchemaValue:
        """JSON Schema of what may stand in a file."""
        raise NotImplementedError

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


@dataclass(frozen=True)
class Family:
    """A union of parts told apart by ``type``; a variant that needs nothing else may be a bare word.

    Used as ``Annotated[A | B, Family("model")]``: adding a variant means
    adding it to the union.
    """

    noun: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        variants = {v.model_fields["type"].annotation.__args__[0]: v for v in (get_args(source) or (source,))}
        bare = [word for word, v in variants.items() if not _required(v)]

        def read(value: Any, inner: object) -> Part:
            return self._read(value, variants, bare)

        schema = core_schema.no_info_wrap_validator_function(read, handler(source))
        schema["metadata"] = {"bare": bare}
        return schema

    def _read(self, value: Any, variants: dict[str, type[Part]], bare: list[str]) -> Part:
        if isinstance(value, Part) and type(value) in variants.values():
            return value
        if isinstance(value, str):
            value = {"type": value}
        if not isinstance(value, dict):
            words = f" or one of the words {', '.join(bare)}" if bare else ""
            raise malformed(f"expected a {self.noun}: a map with a type{words}, got {shown(value)}")
        if "type" not in value:
            raise _at("type", malformed(f"is missing: the kind of {self.noun}; known: {', '.join(variants)}"))
        word = value["type"]
        if not isinstance(word, str) or word not in variants:
            hint = did_you_mean(word, variants) if isinstance(word, str) else ""
            raise _at("type", malformed(f"unknown {self.noun} {shown(word)}{hint}"))
        return variants[word].model_validate(value)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        forms = handler(schema)
        bare = schema.get("metadata", {}).get("bare", [])
        options = list(forms.get("anyOf", [forms]))
        return {"anyOf": options + ([{"enum": bare}] if bare else [])}


def _required(variant: type[Part]) -> list[str]:
    return [name for name, field in variant.model_fields.items() if field.is_required() and name != "type"]


def _at(key: str, error: PydanticCustomError) -> ValidationError:
    return ValidationError.from_exception_data("Family", [InitErrorDetails(type=error, loc=(key,), input=None)])


P = TypeVar("P", bound=Part)


def attempt(kind: type[P], value: Any) -> P | None:
    """The part that ``value`` describes, None where it is unsound or missing."""
    try:
        return kind.model_validate(value)
    except ValidationError:
        return None
