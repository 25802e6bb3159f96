"""A folder of product files as a catalog."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from musyq_lab.archive.naming import FileName, parse
from musyq_lab.catalog._spec import CatalogSpec, EntrySpec
from musyq_lab.core.errors import NotFoundError


def folder_catalog(folder: Path) -> CatalogSpec:
    """Return the catalog of the product files in a folder and below it.

    Raises
    ------
    NotFoundError
        If it holds none.
    """
    found = [(path, name) for path in sorted(folder.rglob("*.h5")) if (name := parse(path.name))]
    if not found:
        raise NotFoundError(
            f"{folder} holds no product files (MuSyQ.<KEY>.<edition>.<tile>.<period>.<version>.h5). "
            "`musyq run solar_potential` makes some; open_catalog() without a path opens the samples."
        )
    often = Counter(name.product for _, name in found)
    entries: list[EntrySpec] = []
    taken: Counter[str] = Counter()
    for path, fields in found:
        key = _name(fields, often[fields.product] == 1)
        taken[key] += 1
        entries.append(_entry(key if taken[key] == 1 else f"{key}_{taken[key]}", path, fields))
    return CatalogSpec(str(folder), tuple(entries), folder.name, f"{len(entries)} product files in {folder.name}")


def _name(file: FileName, alone: bool) -> str:
    """Return the product's key, with edition, tile and period where there are several files of it."""
    return file.product if alone else f"{file.product}_{file.edition}_{file.tile}_{file.period}"


def _entry(name: str, path: Path, file: FileName) -> EntrySpec:
    key = file.product
    title, variables = _about(key)
    metadata = {
        "title": title,
        "product": key,
        "edition": file.edition,
        "resolution": file.edition.replace("0p25deg", "0.25 degree").replace("km", " km"),
        "period": file.period,
        "variables": variables,
        "keywords": [key, "product", file.tile, file.version],
    }
    # The path is an argument as it stands, not a template: a brace in a folder's name must stay a brace.
    args = {"urlpath": _literal(path.resolve())}
    return EntrySpec(name, "musyq_product", args, str(path.parent), title, (), metadata)


def _literal(path: Path) -> str:
    """Return a path in which intake's templates find nothing to replace."""
    text = str(path)
    return "{% raw %}" + text + "{% endraw %}" if "{" in text else text


def _about(key: str) -> tuple[str, list[str]]:
    """Return title and variables of a product of the registry; a user's own may not be installed here."""
    from musyq_lab.products._registry import PRODUCTS

    try:
        product = PRODUCTS[key]
    except LookupError:
        return key.replace("_", " "), []
    return product.title, [v.name for v in product.variables]
