"""Commands of the archive: download, register, receipts, check, describe."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated, Any

import typer

from musyq_lab.cli.app import app, complain, print_table


class Metadata(enum.StrEnum):
    """Forms of metadata."""

    stac = "stac"
    datacite = "datacite"
    iso19115 = "iso19115"
    citation = "citation"
    datacore = "datacore"


@app.command()
def download(
    product: Annotated[str, typer.Argument(help="Product file or folder, entry of a catalog, or a key with --root.")],
    region: Annotated[
        str | None,
        typer.Option(help="Country or region, W,S,E,N, LONGITUDE,LATITUDE or a .geojson [default: all of the map]."),
    ] = None,
    period: Annotated[str | None, typer.Option(help="2015, 2015-07, 2015-07-01/2015-08-15 [default: all].")] = None,
    variable: Annotated[
        list[str] | None, typer.Option("--variable", help="A variable; may be repeated [default: all].")
    ] = None,
    file_format: Annotated[str, typer.Option("--format", help="NetCDF, HDF5, COG, Zarr or CSV.")] = "NetCDF",
    out: Annotated[Path, typer.Option(help="Folder to fill; a stopped download goes on.")] = Path(),
    filename: Annotated[str | None, typer.Option(help="Name of the file or folder [default: made].")] = None,
    root: Annotated[Path | None, typer.Option(help="Folder of product files.")] = None,
    catalog: Annotated[str | None, typer.Option(help="Catalog of the entry [default: the samples].")] = None,
    edition: Annotated[str | None, typer.Option(help="Edition, where the folder holds several.")] = None,
    limit: Annotated[str | None, typer.Option(help="Most that it may take, such as '500 MB'.")] = None,
    geometry: Annotated[bool, typer.Option(help="Whether a table holds the outline of each cell.")] = True,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what it would take and stop.")] = False,
    name: Annotated[str, typer.Option(help="Your name, with the first download.")] = "",
    organisation: Annotated[str, typer.Option(help="Your organisation, with the first download.")] = "",
    email: Annotated[str, typer.Option(help="Your address, if you like.")] = "",
    purpose: Annotated[str, typer.Option(help="What the data are for.")] = "",
) -> None:
    """Download a region and period of a product, with uncertainty, quality, checksums and attribution."""
    from musyq_lab.production.download.download import download as fetch
    from musyq_lab.production.download.download import estimate

    chosen: dict[str, Any] = {"variables": variable or None, "root": root, "catalog": catalog, "edition": edition}
    how: dict[str, Any] = {
        "format": file_format,
        "out": out,
        "filename": filename,
        "limit": limit,
        "geometry": geometry,
    }
    if dry_run:
        print_table(estimate(product, region, period, **chosen, **how).table())
        return
    person: dict[str, Any] = {"name": name, "organisation": organisation, "email": email, "purpose": purpose}
    print_table(fetch(product, region, period, **chosen, **how, **person).table())


@app.command()
def register(
    name: Annotated[str, typer.Argument(help="Your name.")],
    organisation: Annotated[str, typer.Option(help="Where you work.")] = "",
    email: Annotated[str, typer.Option(help="Address, if you like.")] = "",
    purpose: Annotated[str, typer.Option(help="What the data are for.")] = "",
) -> None:
    """Register once for downloads; it stays on this machine, in a file that only you can read."""
    from musyq_lab.production.download import registration

    registration.register(name, organisation, email, purpose)
    typer.echo(f"Registered, in {registration.home() / registration.FILE}")


@app.command()
def receipts() -> None:
    """List what was downloaded from this account."""
    from musyq_lab.production.download.registration import receipts as found

    print_table(found().table())


@app.command()
def check(
    path: Annotated[Path, typer.Argument(help="A product file, or a folder of them.")],
    cf: Annotated[bool, typer.Option("--cf/--no-cf", help="Run the compliance-checker (CF, ACDD).")] = True,
    fixity: Annotated[bool, typer.Option("--fixity/--no-fixity", help="Compare every checksum.")] = True,
    record: Annotated[bool, typer.Option("--record", help="Note the outcome in the folder.")] = False,
    notes: Annotated[bool, typer.Option("--notes", help="Show what is neither error nor warning, too.")] = False,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the whole report.", show_default=False)
    ] = None,
) -> None:
    """Check checksums, conformity with CF and ACDD, and the ten GEO data management principles."""
    from musyq_lab.archive.check.run import check_archive

    report = check_archive(path, fixity=fixity, cf=cf, record=record)
    typer.echo(report.text(notes=notes))
    if json_file is not None:
        report.to_json(json_file)
    raise typer.Exit(report.exit_code)


@app.command()
def describe(
    path: Annotated[Path, typer.Argument(help="A product file, or a folder of them.")],
    form: Annotated[Metadata, typer.Option("--as", help="Form of the metadata.")] = Metadata.stac,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the records [default: print them].", show_default=False)
    ] = None,
) -> None:
    """Make STAC, DataCite, ISO 19115, citation or Data-CORE metadata; musyq-publisher.yml says who publishes."""
    from musyq_lab.archive.metadata.describe import describe as make

    records = make(path, form.value, out=out)
    typer.echo(records.text.rstrip("\n") if out is None else "\n".join(str(out / name) for name in records.texts))
    for name, why in records.failed.items():
        complain(f"{name} was not described: {why}")
    raise typer.Exit(1 if records.failed else 0)


@app.command()
def overviews(
    paths: Annotated[list[Path], typer.Argument(help="Product files without overviews.")],
) -> None:
    """Add coarser maps to product files, for drawing them whole."""
    from musyq_lab.archive.overviews import add

    for path in paths:
        typer.echo(str(add(path)))
