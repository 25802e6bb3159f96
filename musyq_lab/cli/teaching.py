"""Commands of workshops: exercises, and a folder that installs without a network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from musyq_lab.cli.app import app, print_table

workshop = typer.Typer(help="Workshops: exercises, and a folder for rooms without a network.", no_args_is_help=True)
app.add_typer(workshop, name="workshop")


@workshop.command()
def pack(
    folder: Annotated[Path, typer.Argument(help="Folder to fill: new, empty, or begun; a stopped run goes on.")],
    wheels: Annotated[Path | None, typer.Option(help="Folder of wheels to take from [default: pip fetches].")] = None,
    data: Annotated[bool, typer.Option(help="Whether a small simulated Earth comes with it.")] = True,
    limit: Annotated[str, typer.Option(help="Most that may be fetched, such as '500 MB'.")] = "1 GB",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be fetched and stop.")] = False,
) -> None:
    """Make a folder with which a workshop installs and runs without a network."""
    from musyq_lab.training import pack as module

    if dry_run:
        typer.echo(str(module.pack_plan(folder)))
        return
    typer.echo(repr(module.pack(folder, wheels=wheels, data=data, limit=limit)))


@workshop.command()
def exercises() -> None:
    """List the exercises that `ml.check` knows."""
    from musyq_lab.training.check import check

    print_table(check().table())
