"""``ml.tune("lai", scene)``: turn the knobs of a retrieval and see at once what they change.

Controls come from the retrieval's own signature: methods and named choices as lists, numbers as sliders, switches as
boxes. A small part of the scene is computed anew after each change, beside it the histogram and the difference from
the start. All is ipywidgets: the keyboard works as everywhere (Tab, arrows), nothing comes from the network.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from html import escape
from typing import Any, Literal, get_args, get_origin, get_type_hints

import ipywidgets as widgets
import numpy as np
import xarray as xr

from musyq_lab.archive import encode
from musyq_lab.core.errors import InputError, MusyqError, closest
from musyq_lab.dashboards._tune_pictures import difference_of, histogram_of, map_of
from musyq_lab.products._registry import RETRIEVALS
from musyq_lab.products._retrieval import Retrieval

SIDE = 128
"""Cells along each side of the part of the scene that is computed."""
_WAIT = 0.25
"""Seconds without a change before the part is computed anew."""
_AUTOMATIC = "automatic"
Ranges = Mapping[str, tuple[float, float]]
"""Ends of sliders."""
_STYLE = {"description_width": "130px"}
_LAYOUT = {"width": "330px"}


class Tuner(widgets.HBox):  # type: ignore[misc]  # ipywidgets has no types
    """Controls of a retrieval with a live preview; a widget that shows itself.

    Parameters
    ----------
    retrieval : Retrieval
        Whose parameters.
    scene : xarray.Dataset
        What it is given.
    ranges : mapping of str to tuple of float
        Ends of sliders.
    start : mapping of str to object
        Parameters to begin with, and inputs that the scene does not hold.
    """

    def __init__(
        self,
        retrieval: Retrieval,
        scene: xr.Dataset,
        ranges: Mapping[str, tuple[float, float]],
        start: Mapping[str, Any],
    ) -> None:
        self.retrieval, self.scene, self.computed = retrieval, scene, 0
        self._given = {name: value for name, value in start.items() if name not in (*retrieval.options, "method")}
        self._part = part_of(scene)
        self._cut_inputs = {n: part_of(v) if isinstance(v, xr.DataArray) else v for n, v in self._given.items()}
        self._timer: asyncio.TimerHandle | None = None
        self._first: xr.DataArray | None = None
        self._last: tuple[Any, ...] = ()
        self.controls = _controls(retrieval, ranges, start)
        self._begun = {name: control.value for name, control in self.controls.items()}
        self.shown = widgets.Dropdown(options=_variables(retrieval), description="shown", style=_STYLE, layout=_LAYOUT)
        self.status, self.code_box = widgets.HTML(), widgets.Textarea(disabled=True, rows=3, layout=_LAYOUT)
        self.again = widgets.Button(description="Back to the start", layout=_LAYOUT)
        self.map, self.difference = widgets.HTML(), widgets.HTML()
        self.histogram = widgets.HTML()
        self._arrange()
        self.update()

    def _arrange(self) -> None:
        for control in self.controls.values():
            control.observe(self._changed, "value")
        self.shown.observe(self._other_variable, "value")
        self.again.on_click(lambda _: self.reset())
        head = widgets.HTML(f"<b>{escape(self.retrieval.spec.title)}</b>")
        left = [head, *self.controls.values(), self.shown, self.again, self.status, self.code_box]
        pictures = widgets.HBox([self.map, self.difference])
        super().__init__([widgets.VBox(left), widgets.VBox([pictures, self.histogram])])

    @property
    def parameters(self) -> dict[str, Any]:
        """Parameters as they are set now, all of them."""
        return {name: _value(self.retrieval, name, control) for name, control in self.controls.items()}

    @property
    def changed_parameters(self) -> dict[str, Any]:
        """Those that differ from the retrieval's own."""
        own = {"method": next(iter(self.retrieval.spec.method_names), ""), **self.retrieval.options}
        return {name: value for name, value in self.parameters.items() if value != own[name]}

    def code(self) -> str:
        """Return the line of Python that retrieves with these parameters."""
        given = [f"{name}={name}" for name in self._given]
        chosen = [f"{name}={value!r}" for name, value in self.changed_parameters.items()]
        return f'ml.retrieve("{self.retrieval.spec.key}", {", ".join(["scene", *given, *chosen])})'.replace("'", '"')

    def retrieve(self) -> xr.Dataset:
        """Return the retrieval of the whole scene with these parameters, lazily where the scene is."""
        return self.retrieval(self.scene, **self._given, **self.changed_parameters)

    def reset(self) -> None:
        """Set all back to the start."""
        for name, value in self._begun.items():
            self.controls[name].value = value

    def update(self) -> None:
        """Compute the part with the parameters as they are, and show it; what fails is told, the last view stays."""
        state = (self.shown.value, tuple(self.parameters.items()))
        if state == self._last:
            return
        self._last, self.code_box.value = state, self.code()
        self.status.value = "Computing ..."
        started = time.perf_counter()
        try:
            layer = self._layer()
        except (MusyqError, OSError, MemoryError) as error:
            self.status.value = f"<span style='color:#b00020'>{escape(str(error) or type(error).__name__)}</span>"
            return
        self.computed += 1
        self._show(layer, time.perf_counter() - started)

    def _layer(self) -> xr.DataArray:
        wanted = None if self.shown.value is None else [self.shown.value]
        options = {"variables": wanted, "uncertainty": False, **self._cut_inputs, **self.changed_parameters}
        made = self.retrieval(self._part, **options)
        name = self.shown.value or next(iter(made.data_vars))
        layer = made[name].compute()
        pair = encode.spatial(made) or layer.dims[-2:]
        return layer.isel({d: layer.sizes[d] // 2 for d in layer.dims if d not in pair})

    def _show(self, layer: xr.DataArray, seconds: float) -> None:
        if self._first is None:
            self._first = layer
        first = self._first
        self.map.value = map_of(layer)
        self.difference.value = difference_of(layer, first)
        self.histogram.value = histogram_of(layer, first)
        good = int(np.isfinite(layer.values).sum())
        sizes = " × ".join(str(size) for size in layer.shape)
        self.status.value = f"{sizes} cells, {good:,} with a value, in {seconds:.2f} s"

    def _changed(self, _change: Any) -> None:
        """Wait until no more changes come; where no loop runs, as in a test, compute at once."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return self.update()
        if self._timer is not None:
            self._timer.cancel()
        self._timer = loop.call_later(_WAIT, self.update)
        return None

    def _other_variable(self, change: Any) -> None:
        """Begin the comparison anew: the start of another variable is what the parameters give now."""
        self._first = None
        self._changed(change)


def tune(algorithm: str, scene: xr.Dataset, *, ranges: Ranges | None = None, **start: Any) -> Tuner:
    """Return controls of a retrieval with a live preview, for a notebook.

    Parameters
    ----------
    algorithm : str
        Product key, also of an algorithm of your own.
    scene : xarray.Dataset
        What the retrieval is given; of a large one the middle is looked at.
    ranges : mapping of str to tuple of float, optional
        Ends of the sliders of numbers, where the usual ones do not fit.
    **start
        Parameters to begin with (``method="lut"``), and inputs that the scene does not hold.

    Returns
    -------
    Tuner
        A widget: ``code()`` is the line that repeats the retrieval, ``retrieve()`` runs it on the whole scene.

    Raises
    ------
    NotFoundError
        If there is no such algorithm.
    InputError
        If a parameter is unknown, or the scene is no Dataset.

    Examples
    --------
    >>> tuner = tune("evapotranspiration", scene, alpha=1.3)  # doctest: +SKIP
    """
    retrieval = RETRIEVALS[algorithm]
    if not isinstance(scene, xr.Dataset):
        raise InputError(f"tune({algorithm!r}, scene) needs a Dataset, got {type(scene).__name__}.")
    inputs = {name for item in retrieval.spec.inputs for name in (item.name, item.uncertainty_name)}
    known = {*retrieval.options, "method"}
    for name in (*start, *(ranges or {})):
        if name not in known | inputs:
            raise InputError(f"tune({algorithm!r}) has no parameter {name!r}.{closest(name, known)}")
    return Tuner(retrieval, scene, ranges or {}, start)


def part_of(data: Any) -> Any:
    """Return the middle of a map, so that a change is seen at once."""
    whole = data.to_dataset(name="part_of_a_scene") if isinstance(data, xr.DataArray) else data
    starts = {d: max(0, (data.sizes[d] - SIDE) // 2) for d in encode.spatial(whole) or ()}
    return data.isel({d: slice(start, start + SIDE) for d, start in starts.items()})


def _variables(retrieval: Retrieval) -> list[str]:
    spec = retrieval.spec
    names = [v.name for v in spec.variables if not v.classes]
    return sorted(names, key=lambda name: name not in spec.default)


def _controls(retrieval: Retrieval, ranges: Ranges, start: Mapping[str, Any]) -> dict[str, Any]:
    """Return a control for the method and for each option."""
    made: dict[str, Any] = {}
    if len(methods := retrieval.spec.method_names) > 1:
        made["method"] = _control("method", list(methods), start.get("method", methods[0]), None)
    hints = _hints(retrieval)
    for name, own in retrieval.options.items():
        choices = list(get_args(hints.get(name))) if get_origin(hints.get(name)) is Literal else []
        value = start.get(name, own)
        made[name] = _control(name, choices, value, ranges.get(name) or _ends(own, value))
    return made


def _hints(retrieval: Retrieval) -> dict[str, Any]:
    try:
        return get_type_hints(retrieval.body)
    except (NameError, TypeError):  # names that only a type checker sees
        return {}


def _control(name: str, choices: list[Any], value: Any, ends: tuple[float, float] | None) -> Any:
    common: dict[str, Any] = {"description": name.replace("_", " "), "style": _STYLE, "layout": _LAYOUT}
    if choices:
        if value not in choices:
            raise InputError(f"{name}={value!r} is none of {', '.join(map(str, choices))}.")
        return widgets.Dropdown(options=choices, value=value, **common)
    if isinstance(value, bool):
        return widgets.Checkbox(value=value, **common)
    if isinstance(value, int | float):
        return _number(name, value, ends, common)
    text = "" if value is None else str(value)
    return widgets.Text(value=text, placeholder=_AUTOMATIC, continuous_update=False, **common)


def _ends(own: Any, value: Any) -> tuple[float, float] | None:
    """Return the ends of a slider that reaches the retrieval's own value, the one to begin with, and beyond."""
    both = [float(number) for number in (own, value) if isinstance(number, int | float)]
    if not both:
        return None
    if min(both) >= 0 and max(both) <= 1:
        return 0.0, 1.0
    return min(0.0, 2 * min(both)), max(0.0, 2 * max(both))


def _number(name: str, value: float, ends: tuple[float, float] | None, common: Mapping[str, Any]) -> Any:
    low, high = ends or (value, value)
    if not low <= value <= high:
        raise InputError(
            f"{name}={value:g} lies outside its slider, {low:g} to {high:g}. Give ranges={{{name!r}: ...}}."
        )
    if isinstance(value, int):
        return widgets.IntSlider(value=value, min=int(low), max=int(high), **common)
    return widgets.FloatSlider(value=value, min=low, max=high, step=(high - low) / 200, readout_format=".4g", **common)


def _value(retrieval: Retrieval, name: str, control: Any) -> Any:
    """Return what a control stands for; an empty text is the retrieval's own value."""
    if not isinstance(control, widgets.Text):
        return control.value
    written, own = control.value.strip(), retrieval.options[name]
    if not written:
        return own
    if own is None:
        try:
            return float(written)
        except ValueError:
            return written
    return written
