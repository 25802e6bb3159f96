"""Commands that make something: recipes, simulated Earths, productions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from musyq_lab.cli.app import app, options_of, print_table


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

    options_of(ctx)["debug"] = debug = debug or bool(options_of(ctx).get("debug"))
    found = find_recipe(recipe)
    if parameters:
        print_table(found.table())
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
    print_table(made.table())
    typer.echo(str(made.folder))


@app.command()
def produce(
    products: Annotated[list[str], typer.Argument(help="Products to make, such as lai fpar gpp npp.")],
    period: Annotated[
        str | None,
        typer.Option(help="2015, 2015-07, 2015-07-01 or two of them, 2015-07/2015-09 [default: that of the granules]."),
    ] = None,
    inputs: Annotated[str, typer.Option(help="Catalog (or its folder) of granules and layers.")] = "demo",
    root: Annotated[
        Path | None,
        typer.Option(help="Folder of the data [default: musyq-simulation for demo].", show_default=False),
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
    algorithm: Annotated[
        list[Path] | None,
        typer.Option(help="Python file of an algorithm of your own, which PRODUCTS may name; may be repeated."),
    ] = None,
    scheduler: Annotated[str | None, typer.Option(help="Address of a dask scheduler, tcp://host:port.")] = None,
    workers: Annotated[int, typer.Option(help="Worker processes to start on this machine; 0 for threads.", min=0)] = 0,
    jobs: Annotated[
        int | None, typer.Option(help="Tasks at once [default: as many as fit].", min=1, show_default=False)
    ] = None,
    memory: Annotated[
        str | None,
        typer.Option(help="Memory a process may take, such as 2GB [default: what is free].", show_default=False),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be read, computed and written.")] = False,
) -> None:
    """Make products from granules and layers: resumable, and each file proves what it was made from."""
    from musyq_lab.production.chain.command import Request, show

    for file in algorithm or ():
        from musyq_lab.production.contract.own import use_algorithm

        use_algorithm(file)
    place = (inputs, root, edition, step, region, out)
    request = Request(tuple(products), period, *place, tuple(method or ()), scheduler, workers, jobs, memory)
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


@app.command("check-algorithm")
def check_algorithm_command(
    algorithm: Annotated[str, typer.Argument(help="Key of an installed algorithm, or a Python file of your own.")],
    quick: Annotated[bool, typer.Option("--quick", help="Leave out the lasting checks.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Check whether an algorithm keeps what production relies on."""
    from musyq_lab.production.contract.check import check_algorithm
    from musyq_lab.production.contract.own import load_algorithm

    made = load_algorithm(algorithm) if algorithm.endswith(".py") else algorithm
    report = check_algorithm(made, quick=quick)
    typer.echo(report.to_json() if as_json else repr(report))
    if not report.passed:
        raise typer.Exit(1)


def _place(text: str) -> str | tuple[float, float]:
    """Read a preset's name, or longitude and latitude."""
    try:
        longitude, latitude = map(float, text.split(","))
    except ValueError:
        return text
    return longitude, latitude
