"""Make Panel ready without a network, whoever calls first."""

from __future__ import annotations

import builtins
from functools import cache
from pathlib import Path
from typing import Any

import holoviews as hv
import holoviews.plotting.bokeh
import panel
from bokeh.models.ui import UIElement
from panel.io import notebook

pn: Any = panel
"""Panel, which calls itself typed although its constructors are not."""

# Each pane is a shadow tree of its own, so its rules begin at the pane.
_CSS = """
:host h1 {font-size: 19px; margin: 0; line-height: 1.3}
:host h2 {font-size: 15px; margin: 14px 0 4px 0}
:host p {margin: 0 0 2px 0; line-height: 1.4}
:host(.musyq-small) p {font-size: 12px; opacity: 0.8}
:host td {border-bottom: 1px solid #8883}
"""


@cache
def ready() -> None:
    """Load Panel's JavaScript into the notebook itself, and choose Bokeh for HoloViews.

    By default a notebook fetches the JavaScript from two content networks; where there is no internet the output stays
    blank with no error. Inside a page that Panel serves, the server hands it out and nothing is to be done.
    """
    hv.Store.set_current_backend("bokeh")
    if pn.state.curdoc is None and hasattr(builtins, "__IPYTHON__"):
        pn.config.inline = True
        pn.extension(inline=True)


def inline_styles(view: Any, root: Any, changed: Any = None, old: Any = None) -> None:
    """Put style sheets into a notebook's page where Panel would name an address on a content network.

    A hook of a page (``pn.Column(..., hooks=[inline_styles])``): Panel inlines the sheets of the first display itself,
    but adds those of its theme to later ones after that step.
    """
    patch = getattr(notebook, "patch_inline_stylesheets", None)  # not part of Panel's documented interface
    document = root.document
    served = document is not None and document.session_context is not None
    if patch is None or served or not pn.config.inline:
        return
    for model in root.select({"type": UIElement}):
        patch(model)


def stylesheet() -> str:
    """Return the few style rules of our pages."""
    return _CSS


def here(path: Path) -> str:
    """Return a path as a person would type it: relative to the working folder where it lies in it."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)
