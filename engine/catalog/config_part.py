"""Reading a JSON file of an unknown hand: every error names the place and what is wrong there."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from engine.schema.errors import InvalidConfig

Json = dict[str, Any]  # Any: JSON's own values

_LARGEST = 2**16  # channels, classes, pixels; far more than any network has


@dataclass(frozen=True, slots=True)
class Part:
    """An object within the file, and the dotted path that leads to it."""

    data: Json
    path: str = ""

    def at(self, key: object) -> str:
        """Return the path of something within it."""
        return f"{self.path}.{key}" if self.path else str(key)

    def part(self, key: str) -> "Part":
        """Return an object within it. Raises InvalidConfig."""
        return _part(self.data.get(key), self.at(key))

    def optional_part(self, key: str) -> "Part | None":
        """Return an object within it; None where it is null or absent. Raises InvalidConfig."""
        return None if self.data.get(key) is None else self.part(key)

    def parts(self, key: str, *, least: int = 1) -> list["Part"]:
        """Return a list of objects within it. Raises InvalidConfig."""
        path = self.at(key)
        return [
            _part(each, f"{path}.{index}")
            for index, each in enumerate(self.values(key, least=least))
        ]

    def values(self, key: str, *, least: int = 1) -> list[Any]:
        """Return a list within it. Raises InvalidConfig."""
        found = self.data.get(key)
        if not isinstance(found, list):
            raise InvalidConfig(self.at(key), f"must be a list, got {_short(found)}")
        if len(found) < least:
            raise InvalidConfig(self.at(key), f"needs at least {least} entries, got {len(found)}")
        return found

    def whole(self, key: str, default: int | None = None) -> int:
        """Return a whole number above zero. Raises InvalidConfig."""
        found = self.data.get(key, default)
        if isinstance(found, int) and not isinstance(found, bool) and 1 <= found <= _LARGEST:
            return found
        raise InvalidConfig(
            self.at(key), f"must be a whole number in 1 .. {_LARGEST}, got {_short(found)}"
        )

    def word(self, key: str, known: Mapping[str, object] | None = None) -> str:
        """Return a text, one of those known. Raises InvalidConfig."""
        found = self.data.get(key)
        if not isinstance(found, str) or (known is not None and found not in known):
            expected = "a text" if known is None else f"one of {', '.join(known)}"
            raise InvalidConfig(self.at(key), f"must be {expected}, got {_short(found)}")
        return found


def without(value: Any, keys: Collection[str]) -> Any:  # Any: JSON's own values
    """Return JSON without some keys, wherever they stand."""
    if isinstance(value, list):
        return [without(each, keys) for each in value]
    if not isinstance(value, dict):
        return value
    return {key: without(each, keys) for key, each in value.items() if key not in keys}


def require_same(
    given: object, expected: object, path: str, *, optional: Mapping[str, object]
) -> None:
    """Compare what was read with what the network that was understood is written as.

    `optional` are keys that may be missing, with what their absence means. Keys that are given
    but not expected must say nothing: null, zero or false.

    Raises:
        InvalidConfig: naming the first place where they differ.
    """
    if isinstance(expected, dict):
        _require_same_object(_part(given, path), expected, optional)
    elif isinstance(expected, list):
        if not isinstance(given, list) or len(given) != len(expected):
            found = f"{len(given)} entries" if isinstance(given, list) else _short(given)
            raise InvalidConfig(path, f"must be a list of {len(expected)} entries, got {found}")
        for index, (one, other) in enumerate(zip(given, expected, strict=True)):
            require_same(one, other, f"{path}.{index}", optional=optional)
    elif given != expected or isinstance(given, bool) != isinstance(expected, bool):
        raise InvalidConfig(
            path, f"must be {_short(expected)} in a network of this kind, got {_short(given)}"
        )


def _require_same_object(given: Part, expected: Json, optional: Mapping[str, object]) -> None:
    for key, value in expected.items():
        if key not in given.data and key not in optional:
            raise InvalidConfig(given.at(key), "is missing")
        found = given.data.get(key, optional.get(key))
        require_same(found, value, given.at(key), optional=optional)
    for key in given.data.keys() - expected.keys():
        if given.data[key]:
            raise InvalidConfig(given.at(key), "is not known for a network of this kind; remove it")


def _part(data: object, path: str) -> Part:
    if not isinstance(data, dict):
        raise InvalidConfig(path or "file", f"must be a JSON object, got {_short(data)}")
    return Part(data, path)


def _short(value: object) -> str:
    if isinstance(value, dict | list):
        return f"{'an object' if isinstance(value, dict) else 'a list'} of {len(value)} entries"
    text = "null" if value is None else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
