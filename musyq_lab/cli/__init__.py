"""``musyq``: the command line. Thin: each command imports what it needs, so that ``musyq --help`` is quick."""

from musyq_lab.cli import keeping, looking, making, teaching
from musyq_lab.cli.app import app

__all__ = ["app", "keeping", "looking", "main", "making", "teaching"]


def main() -> None:
    """Run the command line (the entry point ``musyq``)."""
    app(prog_name="musyq")
