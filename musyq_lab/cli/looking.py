"""Commands that show what there is: lists, citations, the state of the installation."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from musyq_lab.cli.app import app, print_table

if TYPE_CHECKING:
    from collections.abc import Mapping


class Listing(enum.StrEnum):
    """What can be listed."""

    products = "products"
    recipes = "recipes"
    regions = "regions"
    sensors = "sensors"
    catalog = "catalog"


@app.command("list")
def list_command(what: Annotated[Listing, typer.Argument(help="What to list.")] = Listing.recipes) -> None:
    """List products, recipes, reporting regions, sensors or the catalog's entries."""
    table = {
        Listing.products: _products,
        Listing.recipes: _recipes,
        Listing.regions: _regions,
        Listing.sensors: _sensors,
        Listing.catalog: _catalog,
    }[what]()
    print_table(table)


@app.command()
def cite(what: Annotated[str, typer.Argument(help="Name of a recipe, or a folder that `musyq run` left.")]) -> None:
    """Show how to cite a recipe, a result or one of its figures."""
    from musyq_lab.production.citation import citation, cite_folder
    from musyq_lab.production.recipes import RECIPES, find_recipe

    if what in RECIPES or what.endswith((".yml", ".ipynb")) or not Path(what).exists():
        typer.echo(citation(find_recipe(what)), nl=False)
    else:
        typer.echo(cite_folder(Path(what)), nl=False)


@app.command()
def doctor() -> None:
    """Check this installation and say what to do about each fault."""
    from musyq_lab.production.doctor import examine

    faults = 0
    rows = [["check", "", "found", "what to do"]]
    for check in examine():
        faults += not check.passed
        rows.append([check.title, "ok" if check.passed else "FAULT", check.found, "" if check.passed else check.remedy])
    print_table(rows)
    typer.echo(f"{faults} of {len(rows) - 1} checks failed" if faults else f"All {len(rows) - 1} checks passed")
    raise typer.Exit(1 if faults else 0)


@app.command()
def serve(
    folders: Annotated[
        list[Path] | None,
        typer.Argument(help="Folders of products and granules [default: those that the commands write here]."),
    ] = None,
    port: Annotated[int, typer.Option(help="Port of this machine.", min=0, max=65535)] = 5006,
    show: Annotated[bool, typer.Option("--open/--no-open", help="Whether to open the browser.")] = True,
    address: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    results: Annotated[Path | None, typer.Option(help="Where results go [default: musyq-results].")] = None,
    prefix: Annotated[str, typer.Option(help="Path before every address, behind a proxy.")] = "",
    origin: Annotated[
        list[str] | None, typer.Option("--origin", help="Further host:port that may connect; may be repeated.")
    ] = None,
    basic_auth: Annotated[Path | None, typer.Option(help="JSON file of names and passwords, mode 600.")] = None,
    oauth: Annotated[str, typer.Option(help="OAuth provider that Panel knows, such as github.")] = "",
    redirect: Annotated[str, typer.Option(help="Address to which the OAuth provider sends people back.")] = "",
    sessions: Annotated[int, typer.Option(help="Pages open at once.")] = 200,
    upload: Annotated[str, typer.Option(help="Most that a visitor may hand in at once; 0 for nothing.")] = "20 MB",
) -> None:
    """Start the platform in the browser: explorer, change, compute, download, granules (this machine only)."""
    from musyq_lab.dashboards._security import Safety
    from musyq_lab.dashboards.serve import serve as start

    safety = Safety(tuple(origin or ()), basic_auth, oauth, redirect, sessions, upload)
    start(port, show, folders, address, results=results, prefix=prefix, safety=safety)


def _products() -> list[list[str]]:
    from musyq_lab.products._registry import PRODUCTS

    return PRODUCTS.table()


def _recipes() -> list[list[str]]:
    from musyq_lab.production.recipes import RECIPES

    return RECIPES.table()


def _sensors() -> list[list[str]]:
    from musyq_lab.sensors._registry import SENSORS

    return SENSORS.table()


def _regions() -> list[list[str]]:
    import yaml

    from musyq_lab.core.resources import resource

    regions = yaml.safe_load(resource("catalogs/regions.yml").read_text(encoding="utf-8"))["regions"]
    rows = [[key, entry["name"]["en"], entry["name"]["zh"], _members(entry)] for key, entry in regions.items()]
    return [["region", "name", "名称", "members"], *rows]


def _members(region: Mapping[str, Any]) -> str:
    if "members" in region:
        return f"{len(region['members'])} countries and areas"
    return f"union of {len(region.get('union', ()))} regions"


def _catalog() -> list[list[str]]:
    from musyq_lab.catalog.open import open_catalog

    return open_catalog().table()
