"""``musyq serve``: the explorer for a browser, on this machine unless told otherwise.

What runs in a session is imported from the package, never defined in a served script: Panel wipes a script's globals
when a session closes, and a cached object of it would then fail in the next one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

from musyq_lab.catalog.open import Catalog
from musyq_lab.core.errors import InputError, MusyqError
from musyq_lab.dashboards._data import samples
from musyq_lab.dashboards._extension import here, pn, ready, stylesheet
from musyq_lab.dashboards.explorer import OUTPUT, Explorer, finished

_TITLE = "MuSyQ Lab"
_CELL = "style='padding:4px 14px 4px 0;vertical-align:top;text-align:left'"


def serve(
    port: int = 5006,
    show: bool = True,
    root: Path | None = None,
    address: str = "127.0.0.1",
    *,
    origins: Sequence[str] = (),
    prefix: str = "",
) -> None:
    """Serve the start page and the explorer until interrupted.

    Parameters
    ----------
    port : int
        Port to listen on.
    show : bool
        Whether to open a browser.
    root : pathlib.Path, optional
        Folder of finished runs; ``musyq-output`` in the working folder if not given.
    address : str
        Address to listen on; this machine only by default.
    origins : sequence of str
        Further ``host:port`` from which a page may connect, for use behind a proxy. Compared whole, never by prefix.
    prefix : str
        Path before every address, for use behind a proxy.

    Raises
    ------
    InputError
        If the folder does not exist, an origin is no ``host:port``, or the port is taken.
    """
    if root is not None and not root.is_dir():
        raise InputError(f"There is no folder {root}. `musyq run solar_potential --out {root}` makes one.")
    ready()
    allowed = allowed_origins(port, address, origins)
    try:
        pn.serve(
            pages(root),
            port=port,
            address=address,
            show=show,
            title=_TITLE,
            websocket_origin=allowed,
            prefix=prefix,
            admin=False,
            verbose=True,
        )
    except OSError as error:
        raise InputError(f"Port {port} of {address} cannot be used: {error}. Choose another with --port.") from error


def allowed_origins(port: int, address: str, origins: Sequence[str] = ()) -> list[str]:
    """Return the hosts whose pages may open a connection: this server's own names, and those given.

    Raises
    ------
    InputError
        If one is a pattern or no ``host:port``: ``*`` would let any web page read what is served.
    """
    own = [f"{address}:{port}"]
    if address in ("127.0.0.1", "localhost", "::1"):
        own = [f"127.0.0.1:{port}", f"localhost:{port}"]
    for origin in origins:
        host, _, number = origin.rpartition(":")
        if not host or not number.isdigit() or any(c in origin for c in "*/ "):
            raise InputError(f"{origin!r} is no origin. Give host:port, such as 'lab.example.org:443', no wildcards.")
    return [*own, *origins]


def pages(root: Path | None = None) -> dict[str, Callable[[], Any]]:
    """Return the pages by address.

    Parameters
    ----------
    root : pathlib.Path, optional
        Folder of finished runs.
    """

    def start() -> Any:  # plain functions: Panel does not call partial objects
        return start_page(root)

    def explorer() -> Any:
        return explorer_page(root)

    return {"/": start, "explorer": explorer}


def start_page(root: Path | None = None) -> Any:
    """Return the page that says what is there: shipped samples and finished runs."""
    outputs = finished(root)
    runs = _rows([(title, f"explorer?run={quote(title)}", path.name) for title, path in outputs.items()])
    folder = here(root or Path(OUTPUT))
    none = f"<p>No finished run in <code>{escape(folder)}</code>. <code>musyq run solar_potential</code> makes one.</p>"
    return pn.Column(
        pn.pane.HTML(
            f"<h1>{_TITLE}</h1><p>Click a line to look at it on a map.</p>"
            f"<h2>Finished runs</h2>{runs or none}<h2>Samples</h2>{_rows(_sample_rows())}"
            "<p>In a notebook: <code>import musyq_lab as ml; ml.explore()</code></p>",
            stylesheets=[stylesheet()],
            sizing_mode="stretch_width",
        ),
        max_width=1000,
        margin=(10, 30),
    )


def explorer_page(root: Path | None = None) -> Any:
    """Return the explorer of what the address asks for; only what the start page lists can be asked for."""
    arguments = pn.state.session_args or {}
    wanted: dict[str, str] = {}
    for key in ("sample", "run"):
        if key in arguments:
            wanted[key] = arguments[key][0].decode("utf-8", "replace")
    back = pn.pane.HTML("<a href='./'>All data</a>", margin=(2, 10))
    try:
        return pn.Column(back, _explorer(wanted, finished(root)), sizing_mode="stretch_width")
    except (MusyqError, OSError) as error:
        return pn.Column(back, pn.pane.Alert(f"{error}", alert_type="danger", sizing_mode="stretch_width"))


def _explorer(wanted: dict[str, str], outputs: dict[str, Path]) -> Explorer:
    """Return the explorer with the wanted source first and all others to choose from."""
    sources: dict[str, Any] = {**outputs, **{entry.title: entry for _, entry in _maps()}}
    named = {name: entry.title for name, entry in _maps()}
    first = wanted.get("run") or named.get(wanted.get("sample", ""), wanted.get("sample"))
    if first is not None and first not in sources:
        raise InputError(f"There is nothing named {first!r} here. Go back to the list of all data.")
    chosen = first or next(iter(sources))
    return Explorer({chosen: sources[chosen], **sources})


def _maps() -> list[tuple[str, Any]]:
    """Return name and entry of the samples that are maps."""
    found = []
    for name, entry in samples().items():
        if not isinstance(entry, Catalog) and entry.spec.driver != "musyq_table":
            found.append((name, entry))
    return found


def _sample_rows() -> list[tuple[str, str, str]]:
    rows = []
    for name, entry in _maps():
        known = entry.metadata
        rows.append((entry.title, f"explorer?sample={quote(name)}", str(known.get("summary", ""))))
    return rows


def _rows(rows: Sequence[tuple[str, str, str]]) -> str:
    """Return titles as links, with a remark behind each; nothing if there are no rows."""
    lines = "".join(
        f"<tr><td {_CELL}><a href='./{escape(link)}'>{escape(title)}</a></td><td {_CELL}>{escape(remark)}</td></tr>"
        for title, link, remark in rows
    )
    return f"<table>{lines}</table>" if lines else ""
