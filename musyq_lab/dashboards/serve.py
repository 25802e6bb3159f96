"""``musyq serve``: the platform for a browser, on this machine unless told otherwise.

What runs in a session is imported from the package, never defined in a served script: Panel wipes a script's globals
when a session closes, and a cached object of it would then fail in the next one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from musyq_lab.core.errors import InputError
from musyq_lab.dashboards._compute_result import clear_drafts
from musyq_lab.dashboards._extension import pn, ready
from musyq_lab.dashboards._page import WIDE
from musyq_lab.dashboards._security import Safety, limited
from musyq_lab.dashboards._shelf import Shelf
from musyq_lab.dashboards._start import start_page
from musyq_lab.dashboards.platform import menu, navigation, opened, page_classes

_TITLE = "MuSyQ Lab"


def serve(
    port: int = 5006,
    show: bool = True,
    folders: Iterable[str | Path] | None = None,
    address: str = "127.0.0.1",
    *,
    results: str | Path | None = None,
    prefix: str = "",
    safety: Safety | None = None,
) -> None:
    """Serve the start page and all pages until interrupted.

    Parameters
    ----------
    port : int
        Port to listen on.
    show : bool
        Whether to open a browser.
    folders : iterable of path, optional
        Folders of products and granules; those that the commands write in the working folder if not given.
    address : str
        Address to listen on; this machine only by default.
    results : path, optional
        Where results of the pages are put; ``musyq-results`` in the working folder if not given.
    prefix : str
        Path before every address, for use behind a proxy.
    safety : Safety, optional
        Who may connect, who must sign in, how much anybody may have.

    Raises
    ------
    InputError
        If a folder does not exist, a setting contradicts another, or the port is taken.
    """
    shelf, safety = Shelf(folders, results), safety or Safety()
    ready()
    options = safety.options(port, address)
    clear_drafts(shelf.results)  # of a server that was killed
    try:
        pn.serve(
            pages(shelf, safety.sessions),
            port=port,
            address=address,
            show=show,
            title=_TITLE,
            prefix=prefix,
            verbose=True,
            **options,
        )
    except OSError as error:
        raise InputError(f"Port {port} of {address} cannot be used: {error}. Choose another with --port.") from error


def pages(shelf: Shelf, sessions: int = Safety.sessions) -> dict[str, Callable[[], Any]]:
    """Return the pages by address.

    Parameters
    ----------
    shelf : Shelf
        What may be shown.
    sessions : int
        Pages open at once.
    """

    def start() -> Any:  # plain functions: Panel does not call partial objects
        return start_page(shelf, menu())

    made = {"/": start, **{address: _page(address, shelf) for address in page_classes()}}
    return {address: limited(page, sessions) for address, page in made.items()}


def _page(address: str, shelf: Shelf) -> Callable[[], Any]:
    def page() -> Any:
        return pn.Column(navigation(address), opened(address, shelf, asked()), **WIDE)

    return page


def asked() -> dict[str, str]:
    """Return what the address of this session asks for; of several values of one name the first."""
    arguments = pn.state.session_args or {}
    return {key: values[0].decode("utf-8", "replace") for key, values in arguments.items() if values}
