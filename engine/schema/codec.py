"""Schema objects to JSON and back; every error of form names its field."""

import hashlib
import json
from functools import cache
from typing import Annotated, Any, TypeVar, get_args

from pydantic import Field, TypeAdapter, ValidationError

from engine.schema.configs import Config
from engine.schema.errors import InvalidConfig
from engine.schema.events import Event
from engine.schema.policy import LayerBits, Policy
from engine.schema.results import Result

T = TypeVar("T")

Json = dict[str, Any]  # Any: JSON's own values


_WHOLE = "config"  # names what has no fields around it

_EVENT: Any = Annotated[Event, Field(discriminator="kind")]  # Any: a typing form


def to_json(value: object) -> Json:
    """Return a schema object as plain JSON values."""
    kind: Any = type(value)  # Any: mypy doubts that every class can be hashed
    dumped: Json = _adapter(kind).dump_python(value, mode="json")
    return dumped


def to_line(value: object) -> str:
    """Return a schema object as one line of JSON."""
    return json.dumps(to_json(value), separators=(",", ":"), allow_nan=False)


def from_json(kind: type[T], data: object) -> T:
    """Build a schema object from JSON values.

    Raises:
        InvalidConfig: with the dotted path of the first field that does not fit.
    """
    known: Any = kind  # Any: as above
    try:
        value: T = _adapter(known).validate_python(data)
    except ValidationError as error:
        raise _invalid(error) from error
    return value


def config_from_json(data: object) -> Config:
    """Build a config, by its `kind`. Raises InvalidConfig naming the field."""
    if not isinstance(data, dict):
        raise InvalidConfig("config", f"must be a JSON object, got {type(data).__name__}")
    config: Config = _of_its_kind(Config, _as_written_today(data))
    return config


def result_from_json(data: object) -> Result:
    """Build a result from JSON values, by its `kind`. Raises InvalidConfig naming the field."""
    if not isinstance(data, dict):
        raise InvalidConfig("result", f"must be a JSON object, got {type(data).__name__}")
    result: Result = _of_its_kind(Result, data)
    return result


def event_from_json(data: object) -> Event:
    """Build an event from JSON values, by its `kind`."""
    event: Event = _adapter(_EVENT).validate_python(data)
    return event


def policy_from_json(data: object) -> Policy:
    """Read a policy file: {"model_hash": ..., "layers": {...}} or the bare map of layers.

    Raises:
        InvalidConfig: naming the layer that does not fit.
    """
    if not isinstance(data, dict):
        raise InvalidConfig("policy", f"must be a JSON object, got {type(data).__name__}")
    is_wrapped = isinstance(data.get("layers"), dict)
    layers = data["layers"] if is_wrapped else data
    model_hash = data.get("model_hash", "") if is_wrapped else ""
    return Policy(
        layers={name: _within(f"policy.{name}", LayerBits, bits) for name, bits in layers.items()},
        model_hash=_within("policy.model_hash", str, model_hash),
    )


def _as_written_today(data: Json) -> Json:
    """Read what runs of before were stored with: a width multiplier beside the space."""
    if data.get("kind") != "search" or "width" not in data or "shape" in data:
        return data
    others = {name: value for name, value in data.items() if name != "width"}
    return others | {"shape": {"width": data["width"]}}


def _of_its_kind(union: Any, data: Json) -> Any:  # Any: a union, and one of its classes
    """Build the class of a union whose `kind` the data name; where they name none, the first."""
    classes = get_args(union) or (union,)
    by_kind = {one.__dataclass_fields__["kind"].default: one for one in classes}
    kind = data.get("kind", next(iter(by_kind)))
    if kind not in by_kind:
        raise InvalidConfig("kind", f"{kind!r} is not known; choose one of {', '.join(by_kind)}")
    return from_json(by_kind[kind], data)


def _within(path: str, kind: type[T], data: object) -> T:
    """Build a part of something larger; an error names the part by its path."""
    try:
        return from_json(kind, data)
    except InvalidConfig as error:
        field = path if error.field == _WHOLE else f"{path}.{error.field}"
        raise InvalidConfig(field, error.message) from error


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:  # Any: a class or a union of classes
    return TypeAdapter(kind)


def digest(value: object) -> str:
    """Return a SHA-256 over a schema object's canonical JSON, in hex."""
    text = json.dumps(to_json(value), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


_PLAIN_WORDS = {
    "missing": "is required",
    "dataclass_type": "must be a JSON object",
    "unexpected_keyword_argument": "is not a field of this config; remove it",
}


def _invalid(error: ValidationError) -> InvalidConfig:
    first = error.errors(include_url=False)[0]
    path = ".".join(str(part) for part in first["loc"])
    message = _PLAIN_WORDS.get(first["type"]) or f"{first['msg']}, got {first['input']!r}"
    return InvalidConfig(path or _WHOLE, message)
