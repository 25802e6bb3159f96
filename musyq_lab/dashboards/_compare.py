"""The second map: another product, variable or time beside the first, or over it behind a curtain."""

from __future__ import annotations

from typing import Any

import param

from musyq_lab.core.errors import MusyqError
from musyq_lab.dashboards import _series
from musyq_lab.dashboards._extension import pn
from musyq_lab.dashboards._view import View

ONE, BESIDE, SWIPE = "One map", "Side by side", "Swipe"
WAYS = (ONE, BESIDE, SWIPE)
_WIDTH = 190


class Second(param.Parameterized):
    """Choices of the second map.

    Parameters
    ----------
    page : Explorer
        Whose data may be chosen.
    """

    source: Any = param.Selector(doc="Title of the data.")
    variable: Any = param.Selector(doc="Variable.")
    frame: Any = param.Integer(0, doc="Counts changes of the picture.")
    curtain: Any = param.Number(50, bounds=(0, 100), doc="Where the second map begins, in percent of the view.")
    changes: Any = param.Integer(0, doc="Counts changes of data or variable.")

    def __init__(self, page: Any) -> None:
        self._page = page
        self.view: View | None = None
        super().__init__()  # type: ignore[no-untyped-call]
        self.param.watch(self._new_source, "source")
        self.param.watch(self._new_variable, "variable")
        self._sliders = pn.Column(margin=0)
        self.widgets: Any = None

    def start(self) -> View:
        """Return the second map; the same data as the first until others are chosen."""
        if self.view is None:
            first = self._page.view
            self.view = View(first.cube, first.variable, first.classes, classed=first.classed, layers=first.layers)
            self.view.chosen = dict(first.chosen)
            with param.parameterized.discard_events(self):
                self.param.source.objects = list(self._page.sources)
                self.source = self._page.source
                self._offer()
        self.view.classed, self.view.layers = self._page.view.classed, self._page.view.layers
        return self.view

    def choose(self, source: str | None = None, variable: str | None = None, **steps: Any) -> None:
        """Choose data, variable and steps of the second map.

        Raises
        ------
        InputError, NotFoundError
            If there are none of these names.
        """
        view = self.start()
        if source is not None and source != self.source:
            view = View(self._page.sources[source], variable)
        elif variable is not None:
            view.map_variable(variable)
        view.choose(steps)
        self.view = view
        with param.parameterized.discard_events(self):
            self.source = source or self.source
            self._offer()
        self._slides()
        self.changes += 1

    def panel(self) -> Any:
        """Return the choices."""
        self.start()
        narrow = {"width": _WIDTH, "description": None}
        data = pn.widgets.Select.from_param(self.param.source, name="Second map: data", **narrow)
        data.visible = len(self.param.source.objects) > 1
        variable = pn.widgets.Select.from_param(self.param.variable, name="Second map: variable", **narrow)
        variable.visible = len(self.param.variable.objects) > 1
        self._slides()
        curtain = pn.widgets.IntSlider(name="Curtain (%)", start=0, end=100, step=5, width=_WIDTH)
        curtain.value = int(self.curtain)
        curtain.param.watch(lambda event: self.param.update(curtain=event.new), "value")
        curtain.visible = self._page.compared == SWIPE
        self._page.param.watch(lambda event: curtain.param.update(visible=event.new == SWIPE), "compared")
        return pn.Column(data, variable, self._sliders, curtain, margin=0)

    def _offer(self) -> None:
        assert self.view is not None
        self.param.variable.objects = self.view.cube.variables
        self.variable = self.view.variable

    def _slides(self) -> None:
        view = self.view
        assert view is not None
        sliders = []
        for dim, labels in view.cube.steps(view.variable).items():
            words = {text: at for at, text in enumerate(_series.texts(dim, labels))}
            if len(words) < 2:
                continue
            name = f"Second map: {dim}"
            slider = pn.widgets.DiscreteSlider(name=name, options=words, value=view.chosen[dim], width=_WIDTH)
            slider.param.watch(lambda event, dim=dim: self._slide(dim, event.new), "value")
            sliders.append(slider)
        self._sliders[:] = sliders

    def _slide(self, dim: str, position: int) -> None:
        assert self.view is not None
        self.view.chosen[dim] = position
        self.frame += 1

    def _new_source(self, event: Any) -> None:
        if self.view is None:
            return
        try:
            self.view = View(self._page.sources[event.new])
        except (MusyqError, OSError) as error:
            self._page.fail(str(error))
            return
        with param.parameterized.discard_events(self):
            self._offer()
        self._slides()
        self.changes += 1

    def _new_variable(self, event: Any) -> None:
        if self.view is None or event.new == self.view.variable:
            return
        with self._page.told():
            self.view.map_variable(event.new)
            self._slides()
            self.changes += 1
