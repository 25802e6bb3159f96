"""Read a YAML file from a stranger: plain values only, bounded in size and depth, nothing said twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from musyq_lab.core.errors import CatalogError


class _PlainLoader(yaml.SafeLoader):
    """SafeLoader without aliases (they grow exponentially), duplicate keys (the last would win) or deep nesting."""

    limit = 12
    depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Refuse aliases and count the depth while nodes are composed."""
        if self.check_event(yaml.AliasEvent):
            raise CatalogError("it uses a YAML alias (*name). Write the value out in full.")
        self.depth += 1
        if self.depth > self.limit:
            raise CatalogError(f"it is nested deeper than {self.limit} levels. Flatten it.")
        try:
            return super().compose_node(parent, index)
        finally:
            self.depth -= 1

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        """Refuse merge keys, keys that are not texts or numbers, and keys given twice."""
        seen = set()
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge" or not isinstance(key_node, yaml.ScalarNode):
                raise CatalogError("it uses a merge key or a key that is not plain text. Write `key: value` lines.")
            if key_node.value in seen:
                raise CatalogError(f"it gives {key_node.value!r} twice in one mapping. Keep one.")
            seen.add(key_node.value)
        return super().construct_mapping(node, deep)


def read_plain_yaml(path: Path, *, limit_bytes: int = 1 << 20, limit_depth: int = 12) -> Any:
    """Return the plain values of a YAML file.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    limit_bytes, limit_depth : int
        Larger or deeper files are refused before they are parsed to the end.

    Raises
    ------
    CatalogError
        If it cannot be read, is not YAML of plain values, or is beyond a limit.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(limit_bytes + 1)
    except OSError as error:
        raise CatalogError(f"Catalog {path} cannot be read: {error.strerror or error}.") from error
    try:
        if len(raw) > limit_bytes:
            raise CatalogError(f"it is larger than {limit_bytes} bytes. Split it into several catalogs.")
        return _parse(raw.decode("utf-8"), limit_depth)
    except CatalogError as error:
        raise CatalogError(f"Catalog {path} is refused: {error}") from None
    except yaml.YAMLError as error:
        where = getattr(error, "problem_mark", None)
        line = f" (line {where.line + 1})" if where else ""
        problem = getattr(error, "problem", None) or "a value or tag that is not plain YAML"
        raise CatalogError(f"Catalog {path} is not plain YAML{line}: {problem}.") from error
    except (ValueError, RecursionError) as error:
        raise CatalogError(f"Catalog {path} is not plain YAML in UTF-8: {error}.") from error


def _parse(text: str, limit_depth: int) -> Any:
    loader = _PlainLoader(text)
    loader.limit = limit_depth
    try:
        return loader.get_single_data()
    finally:
        loader.dispose()
