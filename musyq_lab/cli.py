"""``musyq``: the command line. Thin: each command imports what it needs, so that ``musyq --help`` is quick."""

from __future__ import annotations

import enum
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class _PlainErrors(TyperGroup):
    """Tells what went wrong in one plain message; ``--debug`` shows the traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except (typer.Exit, typer.Abort):
            raise
        except KeyboardInterrupt:
            _complain("Stopped. Nothing half-made is left.")
            raise typer.Exit(130) from None
        except Exception as error:
            if type(error).__module__.startswith(("typer.", "click.")):
                raise  # wrong use of the command line, which typer explains itself
            debug = bool(_options(ctx).get("debug"))
            if debug:
                traceback.print_exception(error)
            _complain(_message(error, debug=debug))
            raise typer.Exit(1) from None


app = typer.Typer(
    cls=_PlainErrors,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # drawing the help with rich takes 0.2 s longer
    help="MuSyQ Lab: multi-source synergized quantitative remote sensing. Begin with `musyq run solar_potential`.",
    epilog="Errors are told in a sentence; `musyq --debug COMMAND` shows the traceback.",
)


class Listing(enum.StrEnum):
    """What can be listed."""

    products = "products"
    recipes = "recipes"
    regions = "regions"
    sensors = "sensors"
    catalog = "catalog"


def _version(asked: bool) -> None:
    if asked:
        from musyq_lab.core.attributes import package_version

        typer.echo(f"musyq-lab {package_version()}")
        raise typer.Exit


@app.callback()
def _common(
    ctx: typer.Context,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    _options(ctx)["debug"] = debug


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
    _print_table(table)


@app.command()
def run(
    ctx: typer.Context,
    recipe: Annotated[str, typer.Argument(help="Name of a recipe, or the path of one of your own (.yml).")],
    out: Annotated[
        Path | None, typer.Option(help="Result folder [default: musyq-output/RECIPE].", show_default=False)
    ] = None,
    parameter: Annotated[
        list[str] | None,
        typer.Option(
            "-p",
            "--parameter",
            metavar="NAME=VALUE",
            help="A parameter; may be repeated. year=2013,2014 or year=2001..2012 runs each value on its own.",
        ),
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Begin anew: use nothing that an earlier run left.")] = False,
    keep_stages: Annotated[
        bool, typer.Option("--keep-stages", help="Leave the finished stages of a run that succeeded.")
    ] = False,
    jobs: Annotated[
        int | None,
        typer.Option(help="Runs of a sweep at once [default: what processors and memory allow].", show_default=False),
    ] = None,
    debug: Annotated[
        bool, typer.Option("--debug", help="Keep the notebook of a failed run, show the traceback.")
    ] = False,
    parameters: Annotated[bool, typer.Option("--parameters", help="Show the recipe's parameters and stop.")] = False,
) -> None:
    """Run a recipe: notebook, report, figures, tables, products and provenance in one folder."""
    from musyq_lab.production.parameters import parse_all
    from musyq_lab.production.recipes import find_recipe

    _options(ctx)["debug"] = debug = debug or bool(_options(ctx).get("debug"))
    found = find_recipe(recipe)
    if parameters:
        _print_table(found.table())
        return
    values = parse_all(found.parameters, parameter or (), found.key)
    from musyq_lab.production.run import run_recipe

    result = run_recipe(found, out=out, debug=debug, fresh=fresh, keep_stages=keep_stages, jobs=jobs, **values)
    typer.echo(str(result))
    if getattr(result, "failed", ()):
        raise typer.Exit(1)


@app.command()
def simulate(
    out: Annotated[Path, typer.Argument(help="Folder to fill; a stopped run goes on.")] = Path("musyq-simulation"),
    place: Annotated[str, typer.Option(help="Preset, or LONGITUDE,LATITUDE in degrees.")] = "huailai",
    start: Annotated[str, typer.Option(help="First day (UTC).")] = "2019-06-30",
    days: Annotated[int, typer.Option(help="Number of days.")] = 10,
    sensor: Annotated[
        list[str] | None, typer.Option("--sensor", help="A sensor; may be repeated [default: all].", show_default=False)
    ] = None,
    size: Annotated[
        float | None, typer.Option(help="Edge of the square, km [default: the place's own].", show_default=False)
    ] = None,
    resolution: Annotated[
        float | None, typer.Option(help="Cell of the truth, m [default: the place's own].", show_default=False)
    ] = None,
    cloudiness: Annotated[float, typer.Option(help="Cloud cover over that of the climate; 0 for none.")] = 1.0,
    seed: Annotated[int, typer.Option(help="Same seed, same Earth.")] = 0,
    members: Annotated[str, typer.Option(help="training, or scored: a set that no training may use.")] = "training",
    stationary_hour: Annotated[
        list[float] | None,
        typer.Option(
            "--stationary-hour",
            help="Hour (UTC) of geostationary images; may be repeated [default: 2, 6].",
            show_default=False,
        ),
    ] = None,
    three_hourly: Annotated[
        bool, typer.Option("--three-hourly", help="Also weather and true radiation of every three hours.")
    ] = False,
) -> None:
    """Make a simulated Earth: granules in the sensors' own files, and the truth beside them."""
    from musyq_lab.twin.simulate import STATIONARY_HOURS
    from musyq_lab.twin.simulate import simulate as make

    made = make(
        out,
        place=_place(place),
        start=start,
        days=days,
        sensors=sensor,
        size=size,
        resolution=resolution,
        cloudiness=cloudiness,
        seed=seed,
        members=members,  # type: ignore[arg-type]
        stationary_hours=tuple(stationary_hour) if stationary_hour else STATIONARY_HOURS,
        three_hourly=three_hourly,
    )
    _print_table(made.table())
    typer.echo(str(made.folder))


@app.command()
def produce(
    products: Annotated[list[str], typer.Argument(help="Products to make, such as lai fpar gpp npp.")],
    period: Annotated[
        str | None,
        typer.Option(help="2015, 2015-07, 2015-07-01 or two of them, 2015-07/2015-09 [default: that of the granules]."),
    ] = None,
    inputs: Annotated[Path, typer.Option(help="Catalog (or its folder) of granules and layers.")] = Path(
        "catalogs/demo.yml"
    ),
    root: Annotated[
        Path | None,
        typer.Option(help="Folder of the data [default: musyq-simulation for demo.yml].", show_default=False),
    ] = None,
    edition: Annotated[str, typer.Option(help="1km, 5km, 30m.")] = "1km",
    step: Annotated[str, typer.Option(help="5d; 3h and 1d for radiation.")] = "5d",
    region: Annotated[
        str | None,
        typer.Option(help="Region, country or west,south,east,north [default: that of the catalog's layers]."),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder of the products; a stopped run goes on.")] = Path("musyq-products"),
    method: Annotated[
        list[str] | None, typer.Option("--method", "-m", metavar="PRODUCT=METHOD", help="May be repeated.")
    ] = None,
    scheduler: Annotated[str | None, typer.Option(help="Address of a dask scheduler, tcp://host:port.")] = None,
    workers: Annotated[int, typer.Option(help="Worker processes to start on this machine; 0 for threads.", min=0)] = 0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be read, computed and written.")] = False,
) -> None:
    """Make products from granules and layers: resumable, and each file proves what it was made from."""
    from musyq_lab.production.chain.command import Request, show

    request = Request(
        tuple(products), period, str(inputs), root, edition, step, region, out, tuple(method or ()), scheduler, workers
    )
    code, text = show(request, dry_run=dry_run)
    typer.echo(text)
    raise typer.Exit(code)


@app.command()
def reproduce(
    file: Annotated[Path, typer.Argument(help="Product file that `musyq produce` made.")],
    inputs: Annotated[
        Path | None, typer.Option(help="Catalog of its inputs [default: the one it was made from].", show_default=False)
    ] = None,
    root: Annotated[Path | None, typer.Option(help="Folder of the data.", show_default=False)] = None,
) -> None:
    """Make a product file again from what its own record names, and say whether it is identical."""
    from musyq_lab.production.chain.reproduce import reproduce as again

    found = again(file, inputs=inputs, root=root)
    typer.echo(str(found))
    raise typer.Exit(0 if found.identical else 1)


@app.command()
def serve(
    port: Annotated[int, typer.Option(help="Port of this machine.", min=0, max=65535)] = 5006,
    show: Annotated[bool, typer.Option("--open/--no-open", help="Whether to open the browser.")] = True,
) -> None:
    """Start the explorer of maps and series in the browser (this machine only)."""
    from musyq_lab.dashboards.serve import serve as start

    start(port=port, show=show)


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
    _print_table(rows)
    typer.echo(f"{faults} of {len(rows) - 1} checks failed" if faults else f"All {len(rows) - 1} checks passed")
    raise typer.Exit(1 if faults else 0)


def main() -> None:
    """Run the command line (the entry point ``musyq``)."""
    app(prog_name="musyq")


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


def _print_table(rows: Sequence[Sequence[str]]) -> None:
    """Print a table for the eye in a terminal, separated by tabs for a pipe."""
    if not sys.stdout.isatty():
        typer.echo("\n".join("\t".join(cell.replace("\n", " ") for cell in row) for row in rows))
        return
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*rows[0], box=SIMPLE_HEAD)
    for row in rows[1:]:
        table.add_row(*(Text(cell, style="red" if cell == "FAULT" else "") for cell in row))
    Console().print(table)


def _place(text: str) -> str | tuple[float, float]:
    """Read a preset's name, or longitude and latitude."""
    try:
        longitude, latitude = map(float, text.split(","))
    except ValueError:
        return text
    return longitude, latitude


def _options(ctx: Any) -> dict[str, Any]:
    """Return the options that hold for every command."""
    options: dict[str, Any] = ctx.find_root().ensure_object(dict)
    return options


def _message(error: Exception, *, debug: bool) -> str:
    from musyq_lab.core.errors import MusyqError

    if isinstance(error, MusyqError):
        return str(error)
    hint = "" if debug else " `musyq --debug ...` shows where."
    return f"Something went wrong that should not: {type(error).__name__}: {error}.{hint}"


def _complain(message: str) -> None:
    from rich.console import Console
    from rich.text import Text

    Console(stderr=True, soft_wrap=True).print(Text(message, style="red"))


if __name__ == "__main__":
    main()
