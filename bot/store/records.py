"""Dataclasses to JSON and back, whatever fields they have."""

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from pydantic import TypeAdapter

T = TypeVar("T")
_adapters: dict[Any, "TypeAdapter[Any]"] = {}


def to_json(record: Any) -> str:
    """A dataclass as JSON, with all that it holds."""
    return _adapter(type(record)).dump_json(record).decode()


def from_json(kind: type[T], text: str) -> T:
    """The dataclass again. Fields that it hasn't (of a later release) are dropped."""
    record: T = _adapter(kind).validate_json(text)
    return record


def _adapter(kind: Any) -> "TypeAdapter[Any]":
    """One a type: building it takes milliseconds."""
    from pydantic import TypeAdapter

    if kind not in _adapters:
        _adapters[kind] = TypeAdapter(kind)
    return _adapters[kind]
