"""The application: plain errors, and what every command prints with."""

from __future__ import annotations

import sys
import traceback
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

if TYPE_CHECKING:
    from collections.abc import Sequence


class _PlainErrors(TyperGroup):
    """Tells what went wrong in one plain message; ``--debug`` shows the traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except (typer.Exit, typer.Abort):
            raise
        except KeyboardInterrupt:
            complain("Stopped. Nothing half-made is left.")
            raise typer.Exit(130) from None
        except Exception as error:
            if type(error).__module__.startswith(("typer.", "click.")):
                raise  # wrong use of the command line, which typer explains itself
            debug = bool(options_of(ctx).get("debug"))
            if debug:
                traceback.print_exception(error)
            complain(_message(error, debug=debug))
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
    options_of(ctx)["debug"] = debug


def print_table(rows: Sequence[Sequence[str]]) -> None:
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


def options_of(ctx: Any) -> dict[str, Any]:
    """Return the options that hold for every command."""
    options: dict[str, Any] = ctx.find_root().ensure_object(dict)
    return options


def _message(error: Exception, *, debug: bool) -> str:
    from musyq_lab.core.errors import MusyqError

    if isinstance(error, MusyqError):
        return str(error)
    hint = "" if debug else " `musyq --debug ...` shows where."
    return f"Something went wrong that should not: {type(error).__name__}: {error}.{hint}"


def complain(message: str) -> None:
    """Write a message to stderr, in red where that shows."""
    from rich.console import Console
    from rich.text import Text

    Console(stderr=True, soft_wrap=True).print(Text(message, style="red"))
