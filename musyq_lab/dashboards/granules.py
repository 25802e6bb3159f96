"""The granule page: any raw scene before it is used, as a picture, numbers and words.

Of a scene of any size no more than about 600 x 600 pixels are read for a view (:mod:`._granules_thin`); what a tab
shows is read when the tab is opened.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from html import escape
from pathlib import Path
from typing import Any, ClassVar, Self

import holoviews as hv
import param
import xarray as xr

from musyq_lab.core.errors import InputError, NotFoundError, closest
from musyq_lab.core.sensor import CALIBRATIONS
from musyq_lab.dashboards import _granules_tables as tables
from musyq_lab.dashboards import _granules_view as view
from musyq_lab.dashboards._extension import here, pn, ready, stylesheet
from musyq_lab.dashboards._granules_thin import part
from musyq_lab.dashboards._granules_upload import Upload
from musyq_lab.dashboards._page import COLUMN, WIDE, Page, number_of, text
from musyq_lab.dashboards._shelf import Shelf
from musyq_lab.sensors._granule import Granule, find
from musyq_lab.sensors._open import open_granule, scene_grids

_NARROW: dict[str, Any] = {"width": COLUMN - 20, "description": None}
_TABS = ("Pixel", "Histograms", "Quality", "Geometry", "Metadata", "Response", "Grids", "Code")
_DEFAULT = "default"


class Granules(Page):
    """Look at raw scenes.

    Parameters
    ----------
    found : mapping of str to Granule
        What there is; the first is shown.
    granule : str, optional
        Name of the one to show first.
    band : str
        A band, or ``true colour``.
    calibration : {"reflectance", "radiance", "counts"}
        What numbers are shown.
    resolution : float, optional
        Grid in metres; the nominal one if not given.

    Raises
    ------
    InputError, NotFoundError
        If there is no granule, or none of that name.
    """

    title: ClassVar[str] = "Granules"
    summary: ClassVar[str] = "Look at a raw scene before you use it: picture, bands, histograms, quality, metadata."
    address: ClassVar[str] = "granules"

    granule: Any = param.Selector(label="Granule", doc="Name of the scene shown.")
    grid: Any = param.Selector(objects=[_DEFAULT], label="Grid", doc="Sampling distance.")
    calibration: Any = param.Selector(objects=list(CALIBRATIONS), label="Numbers", doc="What the numbers are.")
    band: Any = param.Selector(objects=[view.COLOURS], label="Picture", doc="Band shown, or true colour.")
    limits: Any = param.Range((1.0, 99.0), bounds=(0.0, 100.0), label="Stretch (%)", doc="Stretch.")
    pixel: Any = param.Parameter(None, doc="Row and column of the pixel chosen, None for none.")

    def __init__(
        self,
        found: Mapping[str, Granule],
        *,
        granule: str | None = None,
        band: str = view.COLOURS,
        calibration: str = "reflectance",
        resolution: float | None = None,
    ) -> None:
        if not found:
            raise InputError("There are no raw granules here. `musyq simulate` makes some.")
        if granule is not None and granule not in found:
            raise NotFoundError(f"There is no granule {granule!r} here.{closest(granule, found)}")
        if calibration not in CALIBRATIONS:
            raise InputError(f"calibration={calibration!r} is none of {', '.join(CALIBRATIONS)}.")
        self._found = dict(found)
        self.scene: xr.Dataset | None = None
        self._seen: set[str] = set()
        self._known_grids: dict[float, list[str]] = {}
        self._picture: Any = None
        self._quiet = False
        super().__init__()
        self.param.granule.objects = list(self._found)
        self.granule, self.calibration = granule or next(iter(self._found)), calibration
        self._arrange()
        self._open(band, self._grids(resolution))
        self.param.watch(self._chosen, ["granule", "grid", "calibration", "band", "limits", "pixel"])

    @classmethod
    def open(cls, shelf: Shelf, query: Mapping[str, str]) -> Self:
        """Make the page for what an address asks for."""
        wanted = {name: query[name] for name in ("granule", "band", "calibration") if name in query}
        page = cls(shelf.granules(), resolution=number_of(query, "resolution"), **wanted)
        if "row" in query and "column" in query:
            page.select(number_of(query, "column") or 0.0, number_of(query, "row") or 0.0)
        return page

    def __panel__(self) -> Any:
        """Return the page."""
        return self._layout

    def query(self) -> dict[str, str]:
        """Return the choices, as the part of an address behind ``?``."""
        told = {"granule": self.granule, "band": self.band, "calibration": self.calibration}
        told |= {} if self.grid == _DEFAULT else {"resolution": self.grid.removesuffix(" m")}
        told |= {} if self.pixel is None else {"row": str(self.pixel[0]), "column": str(self.pixel[1])}
        return told

    def code(self) -> str:
        """Return the lines that show this scene and bring it to a standard one."""
        found = self._found[self.granule]
        options = f', "{found.sensor.key}"'
        options += "" if self.grid == _DEFAULT else f", resolution={self.grid.removesuffix(' m')}"
        options += "" if self.calibration == "reflectance" else f', calibration="{self.calibration}"'
        shown = "ml.true_colour(scene)" if self.band == view.COLOURS else f'scene["{self.band}"].plot(robust=True)'
        lines = ["import musyq_lab as ml", "", f"scene = ml.open_scene({here(found.path)!r}{options})", shown]
        if self.calibration == "reflectance":
            lines.append("standard = ml.standardize(scene)")
        return "\n".join(lines)

    def select(self, x: float, y: float) -> Granules:
        """Choose a pixel, as a click does.

        Parameters
        ----------
        x, y : float
            Column and row, counted from 0 at the upper left.

        Raises
        ------
        InputError
            If it lies outside the scene.
        """
        if self.scene is None:
            raise InputError("No scene is shown, so there is no pixel to choose.")
        rows, columns = self.scene.sizes["y"], self.scene.sizes["x"]
        if not (0 <= x < columns and 0 <= y < rows):
            raise InputError(f"Column {x:g}, row {y:g} lies outside the scene of {rows} rows and {columns} columns.")
        self.pixel = (int(y), int(x))
        return self

    def add(self, granule: Granule) -> None:
        """Show a granule that was handed in."""
        self._found[granule.name] = granule
        self.param.granule.objects = list(self._found)
        self.granule = granule.name

    def _arrange(self) -> None:
        sheet = [stylesheet()]
        self.map = pn.pane.HoloViews(margin=0)
        self.panes = {name: text(stylesheets=sheet, **WIDE) for name in _TABS[:-1]}
        self._curves = {name: pn.pane.HoloViews(**WIDE, margin=0) for name in ("Histograms", "Response")}
        tabs = [(n, pn.Column(pane, *filter(None, [self._curves.get(n)]), **WIDE)) for n, pane in self.panes.items()]
        self.tabs = pn.Tabs(*tabs, ("Code", self.code_tab()), **WIDE)
        self.tabs.param.watch(lambda event: self._tell(_TABS[event.new]), "active")
        p = self.param
        chosen = [
            pn.widgets.Select.from_param(p[name], **_NARROW) for name in ("granule", "band", "grid", "calibration")
        ]
        stretch = pn.widgets.RangeSlider.from_param(p.limits, step=0.5, width=COLUMN - 30)
        self.upload = Upload(self.add, self.fail)
        body = pn.Row(self.map, self.tabs, **WIDE, margin=0)
        self._layout = self.framed(pn.Column(*chosen, stretch, self.upload.layout, margin=0), body)

    def _chosen(self, *events: Any) -> None:
        """Follow a choice, unless it is one of several that change together."""
        if self._quiet:
            return
        names = {event.name for event in events}
        if "granule" in names:
            self._open(view.COLOURS, self._grids(None))
        elif names & {"grid", "calibration"}:
            self._open(self.band)
        elif names & {"band", "limits"}:
            self._draw()
        else:
            self._tell("Pixel")

    @contextlib.contextmanager
    def _together(self) -> Iterator[None]:
        """Change choices that belong together, and look at none of them before all have changed."""
        self._quiet = True
        try:
            yield
        finally:
            self._quiet = False

    def _grids(self, resolution: float | None) -> str:
        """Offer the grids of another granule; return what is wrong with the one that is wanted."""
        found = self._found[self.granule]
        self._known_grids = {}
        with self.told():
            self._known_grids = scene_grids(found.path, found.sensor.key)
            words = [f"{metres:g} m" for metres in self._known_grids]
            with self._together():
                self.grid = _DEFAULT
                self.param.grid.objects = [_DEFAULT, *words]
                if resolution is not None and f"{resolution:g} m" in words:
                    self.grid = f"{resolution:g} m"
            if resolution is not None and self.grid == _DEFAULT:
                return f"The granule has no grid of {resolution:g} m. It has {', '.join(words)}."
        return ""

    def _open(self, band: str, problem: str = "") -> None:
        """Open the granule lazily and show it; where it cannot be, say why and show nothing of another."""
        found = self._found[self.granule]
        self.scene, self.map.object = None, None
        self._seen.clear()
        self.header.value = f"<h1>{escape(self.granule)}</h1><p>{escape(found.sensor.title)}</p>"
        for pane in self.panes.values():
            pane.value = ""
        with self.told():
            metres = None if self.grid == _DEFAULT else float(self.grid.removesuffix(" m"))
            self.scene = open_granule(found, resolution=metres, calibration=self.calibration)
            names = tables.bands(self.scene)
            if band not in (view.COLOURS, *names):
                problem, band = f"The scene has no band {band!r}.{closest(band, names)}", view.COLOURS
            with self._together():
                self.band = view.COLOURS
                self.param.band.objects = [view.COLOURS, *names]
                self.band, self.pixel = band, None
            self._draw()
            self._tell(_TABS[self.tabs.active])
            if problem:
                self.fail(problem)

    def _draw(self) -> None:
        """Build the picture anew: its kind belongs to the band."""
        if self.scene is None:
            return
        with self.told():
            self._picture = self._drawn()  # an error of the files shows here, not inside the plot
            image = hv.DynamicMap(self._image, streams=[hv.streams.RangeXY()] if self._large else [])
            self.tap = hv.streams.Tap(source=image)
            self.tap.add_subscriber(self._tapped)
            marker = hv.DynamicMap(_marker, streams={"pixel": self.param.pixel})
            self.map.object = (image.opts(**view.style(self.band)) * marker).opts(**view.frame(self.scene))
            self.changed()

    @property
    def _large(self) -> bool:
        return self.scene is not None and max(self.scene.sizes["y"], self.scene.sizes["x"]) > view.SIZE

    def _image(self, x_range: Any = None, y_range: Any = None) -> Any:
        with self.told():
            self._picture = self._drawn(x_range, y_range)
        return self._picture

    def _drawn(self, x_range: Any = None, y_range: Any = None) -> Any:
        scene = self.scene
        if scene is None:
            return self._picture
        rows, columns = view.window(scene, x_range, y_range)
        image, words = view.picture(scene, self.band, rows, columns, self.limits)
        thinned = f" Every {rows.step}th row and column is read; zoom in for all." if rows.step > 1 else ""
        self.header.value = f"<h1>{escape(str(scene.attrs.get('title', self.granule)))}</h1><p>{escape(words)}</p>"
        sizes = f"{scene.sizes['y']:,} rows x {scene.sizes['x']:,} columns"
        self.footer.value = f"<p>{escape(here(self._found[self.granule].path))} · {sizes}.{thinned}</p>"
        return image

    def _tapped(self, x: float | None = None, y: float | None = None) -> None:
        if x is not None and y is not None:
            with self.told():
                self.select(x, y)

    def _tell(self, tab: str) -> None:
        """Fill a tab, once for each scene; the pixel at each click."""
        if self.scene is None or tab == "Code" or (tab in self._seen and tab != "Pixel"):
            return
        with self.told():
            tell: Callable[[xr.Dataset], None] = getattr(self, f"_tell_{tab.lower()}")
            tell(self.scene)
            self._seen.add(tab)
            if tab == "Pixel":
                self.changed()

    def _tell_pixel(self, scene: xr.Dataset) -> None:
        if self.pixel is None:
            self.panes["Pixel"].value = "<p>Click the picture for all bands, angles and quality of a pixel.</p>"
            return
        row, column = self.pixel
        one = part(scene, range(row, row + 1), range(column, column + 1)).compute()
        self.panes["Pixel"].value = tables.pixel(one, row, column)

    def _thin(self, scene: xr.Dataset, names: list[str]) -> xr.Dataset:
        chosen = scene[[name for name in names if name in scene]]
        return part(chosen, *view.window(scene)).compute()

    def _tell_histograms(self, scene: xr.Dataset) -> None:
        names = tables.bands(scene)
        first = scene[names[0] if self.band == view.COLOURS else self.band].attrs.get("units")
        values = self._thin(scene, [name for name in names if scene[name].attrs.get("units") == first])
        self._curves["Histograms"].object = view.histograms({str(n): v for n, v in values.data_vars.items()})
        count = next(iter(values.data_vars.values())).size
        self.panes["Histograms"].value = f"<p>Of {count:,} pixels, evenly spread over the scene.</p>"

    def _tell_quality(self, scene: xr.Dataset) -> None:
        none = "<p>The granule has no quality layer.</p>"
        self.panes["Quality"].value = tables.shares(self._thin(scene, ["qa"])["qa"]) if "qa" in scene else none

    def _tell_geometry(self, scene: xr.Dataset) -> None:
        self.panes["Geometry"].value = tables.geometry(scene, self._thin(scene, list(tables.ANGLES)))

    def _tell_metadata(self, scene: xr.Dataset) -> None:
        found = self._found[self.granule]
        self.panes["Metadata"].value = tables.metadata(scene, found.files, found.sensor.quirks)

    def _tell_response(self, scene: xr.Dataset) -> None:
        curves, source = view.responses(self._found[self.granule].sensor, scene)
        self._curves["Response"].object = curves
        self.panes["Response"].value = f"<p>{escape(source)}</p>"

    def _tell_grids(self, scene: xr.Dataset) -> None:
        self.panes["Grids"].value = tables.grids(self._known_grids)


def _marker(pixel: tuple[int, int] | None) -> Any:
    """Return the mark of the chosen pixel."""
    points = [] if pixel is None else [(pixel[1] + 0.5, pixel[0] + 0.5)]
    return hv.Points(points, kdims=["column", "row"]).opts(
        marker="circle_cross", size=13, fill_alpha=0, line_color="#d0006f", line_width=2, tools=[]
    )


def look(path: str | Path, sensor: str | None = None, **options: Any) -> Granules:
    """Look at a raw granule of any sensor before using it.

    Parameters
    ----------
    path : str or pathlib.Path
        As for :func:`musyq_lab.open_scene`; or a folder with many granules, to choose among them.
    sensor : str, optional
        Key of the sensor where neither name nor content tells.
    **options
        ``band=``, ``calibration=``, ``resolution=``.

    Returns
    -------
    Granules
        Shows itself in a notebook.

    Raises
    ------
    NotFoundError, InputError, SceneError
        If there is nothing at the path, or nothing that a sensor knows.

    Examples
    --------
    >>> look("LC08_L1TP_123032_20190630_20190714_02_T1_MTL.txt", band="nir")  # doctest: +SKIP
    """
    ready()
    place = Path(path).expanduser()
    many = Shelf([place]).granules() if place.is_dir() and sensor is None else {}
    if many:
        return Granules(many, **options)
    found = find(place, sensor)
    return Granules({found.name: found}, **options)
