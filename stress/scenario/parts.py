"""Parts of a scenario, families of them, and plain-English errors.

Two kinds of mistake are told apart: ``malformed`` (cannot be read as what it
should be) and ``meaningless`` (reads well, but cannot be simulated).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Self, get_args

from pydantic import (
    BaseModel,
    ConfigDict,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    TypeAdapter,
    ValidationError,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, InitErrorDetails, PydanticCustomError, core_schema

from stress.scenario.hints import did_you_mean, shown

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
class Family:
    """A union of parts told apart by ``type``; with ``bare``, a variant that needs nothing else may be a bare word.

    Used as ``Annotated[A | B, Family("model")]``: adding a variant means
    adding it to the union. ``key`` is what they are told apart by instead of
    ``type``, ``default`` the variant of a map that does not say.
    """

    noun: str
    bare: bool = False
    key: str = "type"
    default: str | None = None

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        variants = {v.model_fields[self.key].annotation.__args__[0]: v for v in (get_args(source) or (source,))}
        bare = [word for word, v in variants.items() if self.bare and not self._required(v)]

        def read(value: Any, inner: object) -> Part:
            return self._read(value, variants, bare)

        schema = core_schema.no_info_wrap_validator_function(read, handler(source))
        schema["metadata"] = {"bare": bare}
        return schema

    def _read(self, value: Any, variants: dict[str, type[Part]], bare: list[str]) -> Part:
        if isinstance(value, Part) and type(value) in variants.values():
            return value
        if isinstance(value, str) and self.default is None:
            value = {self.key: value}
        if not isinstance(value, dict):
            words = f" or one of the words {', '.join(bare)}" if bare else ""
            said = "" if self.default else f" with a {self.key}{words}"
            raise malformed(f"expected a {self.noun}: a map{said}, got {shown(value)}")
        if self.key not in value and self.default is None:
            raise _at(self.key, malformed(f"is missing: the kind of {self.noun}; known: {', '.join(variants)}"))
        word = value.get(self.key, self.default)
        if not isinstance(word, str) or word not in variants:
            hint = did_you_mean(word, variants) if isinstance(word, str) else ""
            raise _at(self.key, malformed(f"unknown {self._word()} {shown(word)}{hint}"))
        return variants[word].model_validate(value)

    def _word(self) -> str:
        """What a variant's name is the name of."""
        return self.noun if self.key == "type" else self.key

    def _required(self, variant: type[Part]) -> list[str]:
        return [name for name, field in variant.model_fields.items() if field.is_required() and name != self.key]

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        forms = handler(schema)
        bare = schema.get("metadata", {}).get("bare", [])
        options = list(forms.get("anyOf", [forms]))
        return {"anyOf": options + ([{"enum": bare}] if bare else [])}


def _at(key: str, error: PydanticCustomError) -> ValidationError:
    return ValidationError.from_exception_data("Family", [InitErrorDetails(type=error, loc=(key,), input=None)])


def attempt(kind: Any, value: Any) -> Any:
    """The part of a kind, or of a family of them, that ``value`` describes; None where it is unsound or missing."""
    try:
        return TypeAdapter(kind).validate_python(value)
    except ValidationError:
        return None
