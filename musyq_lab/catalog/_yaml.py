"""Read a YAML file from a stranger: plain values only, bounded in size, depth and number, nothing said twice.

The ordinary loader takes half a minute for a file of 1 MB made of short numbers, and more than a minute for a single
one in base 60. Here the events of libyaml are turned into values directly, and counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from musyq_lab.core.errors import CatalogError

_CORE = "tag:yaml.org,2002:"
_SCALARS = frozenset(_CORE + name for name in ("bool", "int", "float", "null", "timestamp"))
_LONGEST = 64  # letters of a number, date or truth value; anything longer is text


class _Builder(yaml.constructor.SafeConstructor, yaml.resolver.Resolver):
    """From events to values, without aliases (they grow exponentially), merge keys, doubles, tags or deep nesting."""

    def __init__(self, events: Iterator[Any], limit_depth: int, limit_nodes: int) -> None:
        yaml.constructor.SafeConstructor.__init__(self)
        yaml.resolver.Resolver.__init__(self)
        self.events, self.limit_depth, self.limit_nodes = events, limit_depth, limit_nodes
        self.count = 0

    def value(self, event: Any, depth: int = 1) -> Any:
        """Return the value that begins with an event."""
        self.count += 1
        if isinstance(event, yaml.AliasEvent):
            raise CatalogError("it uses a YAML alias (*name). Write the value out in full.")
        if depth > self.limit_depth:
            raise CatalogError(f"it is nested deeper than {self.limit_depth} levels. Flatten it.")
        if self.count > self.limit_nodes:
            raise CatalogError(f"it holds more than {self.limit_nodes} values. Split it into several catalogs.")
        if isinstance(event, yaml.ScalarEvent):
            return self.scalar(event)
        kind = "map" if isinstance(event, yaml.MappingStartEvent) else "seq"
        if event.tag not in (None, "!", _CORE + kind):
            raise CatalogError(f"it uses the tag {event.tag!r}. Write plain YAML.")
        return self.mapping(depth) if kind == "map" else self.sequence(depth)

    def scalar(self, event: Any) -> Any:
        """Return a text, number, truth value, date or nothing."""
        tag, text = event.tag, event.value
        if tag in (None, "!"):
            tag = self.tag(text, event.implicit)
        if tag == _CORE + "str":
            return text
        if tag == _CORE + "merge":
            raise CatalogError("it uses a merge key. Write `key: value` lines.")
        if tag not in _SCALARS or len(text) > _LONGEST:
            raise CatalogError(f"it uses the tag {tag!r}. Write plain YAML.")
        try:
            return self.construct_object(yaml.ScalarNode(tag, text, event.start_mark))
        except (AttributeError, KeyError, IndexError, TypeError):  # a tag that the text does not fit
            raise CatalogError(f"it says {tag!r} of {text[:40]!r}. Write plain YAML.") from None

    def tag(self, text: str, implicit: Any) -> str:
        """Return what a scalar without a tag is; the patterns of long ones are not tried."""
        if len(text) > _LONGEST:
            return _CORE + "str"
        return str(self.resolve(yaml.ScalarNode, text, implicit))  # type: ignore[no-untyped-call]

    def sequence(self, depth: int) -> list[Any]:
        """Return the list whose beginning was met."""
        made = []
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            made.append(self.value(event, depth + 1))
        return made

    def mapping(self, depth: int) -> dict[Any, Any]:
        """Return the mapping whose beginning was met; a key given twice is refused: the last would win."""
        made: dict[Any, Any] = {}
        seen = set()
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            if isinstance(event, yaml.SequenceStartEvent | yaml.MappingStartEvent):
                raise CatalogError("it uses a key that is not plain text. Write `key: value` lines.")
            key = self.value(event, depth + 1)
            if event.value in seen:
                raise CatalogError(f"it gives {event.value[:80]!r} twice in one mapping. Keep one.")
            seen.add(event.value)
            made[key] = self.value(next(self.events), depth + 1)
        return made


def read_plain_yaml(path: Path, *, limit_bytes: int = 1 << 20, limit_depth: int = 12, limit_nodes: int = 20_000) -> Any:
    """Return the plain values of a YAML file.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    limit_bytes, limit_depth, limit_nodes : int
        Larger or deeper files, and those of more values, are refused before they are parsed to the end.

    Raises
    ------
    CatalogError
        If it cannot be read, is not YAML of plain values, or is beyond a limit.
    """
    try:
        if path.exists() and not (path.is_file() or path.is_dir()):
            raise CatalogError(f"Catalog {path} is not a file.")  # a pipe would hold the reader forever
        with path.open("rb") as file:
            raw = file.read(limit_bytes + 1)
    except OSError as error:
        raise CatalogError(f"Catalog {path} cannot be read: {error.strerror or error}.") from error
    try:
        if len(raw) > limit_bytes:
            raise CatalogError(f"it is larger than {limit_bytes} bytes. Split it into several catalogs.")
        return _parse(raw.decode("utf-8"), limit_depth, limit_nodes)
    except CatalogError as error:
        raise CatalogError(f"Catalog {path} is refused: {error}") from None
    except yaml.YAMLError as error:
        where = getattr(error, "problem_mark", None)
        line = f" (line {where.line + 1})" if where else ""
        problem = getattr(error, "problem", None) or "a value or tag that is not plain YAML"
        raise CatalogError(f"Catalog {path} is not plain YAML{line}: {problem}.") from error
    except (ValueError, RecursionError) as error:
        raise CatalogError(f"Catalog {path} is not plain YAML in UTF-8: {error}.") from error


def _parse(text: str, limit_depth: int, limit_nodes: int = 20_000) -> Any:
    # libyaml where PyYAML has it, as its wheels do; the parser in Python gives the same events, a hundred times slower.
    events = yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    next(events)
    if isinstance(next(events), yaml.StreamEndEvent):
        return None
    value = _Builder(events, limit_depth, limit_nodes).value(next(events))
    next(events)
    if not isinstance(next(events), yaml.StreamEndEvent):
        raise CatalogError("it holds several documents (---). Keep one.")
    return value
