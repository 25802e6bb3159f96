"""The live figure: its layers, what clicks on it tell, what stays when data cannot be read, two maps tied together."""

from typing import Any

import holoviews as hv
import numpy as np
import param
import pytest
import xarray as xr
from dashboards.laid import layered, projected

from musyq_lab.core.errors import ArchiveError
from musyq_lab.dashboards import _view
from musyq_lab.dashboards._extension import ready
from musyq_lab.dashboards._figure import Figure, link
from musyq_lab.dashboards._places import box
from musyq_lab.dashboards._view import View


class Page(param.Parameterized):
    """What a figure needs of a page, noting what it is told."""

    places: Any = param.Parameter(())
    region: Any = param.Parameter(None)
    frame: Any = param.Integer(0)
    outlines = False

    def __init__(self) -> None:
        super().__init__()
        self.told: list = []

    def tapped(self, x=None, y=None) -> None:
        self.told.append(("tap", x, y))

    def boxed(self, bounds=None) -> None:
        self.told.append(("box", bounds))

    def circled(self, geometry=None) -> None:
        self.told.append(("lasso", geometry))

    def fail(self, message: str) -> None:
        self.told.append(("fail", message))


@pytest.fixture
def page() -> Page:
    ready()
    return Page()


def figure(page: Page, data=None, **options) -> Figure:
    return Figure(page, View(layered() if data is None else data, **options), page)


def layers(found: Figure) -> list[str]:
    overlay = found.object[()] if isinstance(found.object, hv.DynamicMap) else found.object
    return [type(part).__name__ for part in overlay]


def test_the_layers_are_picture_veil_coast_border_and_marks(page):
    assert layers(figure(page)) == ["Image", "Image", "Curve", "Path", "Points"]
    assert layers(figure(page, layered()[["a"]])) == ["Image", "Curve", "Path", "Points"], "no veil without companions"


def test_gestures_reach_the_page(page):
    found = figure(page)
    found.tap.event(x=1.0, y=2.0)
    found.box.event(bounds=(0, 1, 2, 3))
    outline = np.zeros((4, 2))
    found.lasso.event(geometry=outline)
    assert page.told[:2] == [("tap", 1.0, 2.0), ("box", (0, 1, 2, 3))]
    assert page.told[2][1] is outline


def test_each_draw_is_timed_and_handed_on(page):
    drawn = []
    found = Figure(page, View(layered()), page, lambda seconds, picture: drawn.append((seconds, picture)))
    picture = found.image()
    (seconds, handed) = drawn[0]
    assert handed is picture
    assert 0 <= seconds < 100


def broken(error: BaseException) -> Any:
    def picture(*ranges):
        raise error

    return picture


@pytest.mark.parametrize(
    ("error", "said"),
    [(ArchiveError("damaged"), "damaged"), (OSError("gone"), "gone"), (MemoryError(), "MemoryError")],
)
def test_what_cannot_be_read_is_told_and_the_last_picture_stays(page, monkeypatch, error, said):
    found = figure(page)
    first = found.image()
    monkeypatch.setattr(found._view, "picture", broken(error))
    assert found.image() is first
    assert page.told == [("fail", said)]


def test_a_fault_of_ours_is_not_hidden(page, monkeypatch):
    found = figure(page)
    monkeypatch.setattr(found._view, "picture", broken(ZeroDivisionError()))
    with pytest.raises(ZeroDivisionError):
        found.image()


CLASSES = {"flag_values": np.array([0, 1], "int8"), "flag_meanings": "land water"}


@pytest.mark.parametrize("kind", ["classed", "continuous", "named"])
def test_where_nothing_was_ever_read_the_empty_map_has_the_layers_of_a_full_one(page, monkeypatch, kind):
    data = layered()[["a"]]
    if kind == "named":
        data["a"] = (data["a"].dims, np.zeros((3, 6, 8), "int8"), CLASSES)
    found = figure(page, data, classed=kind != "continuous")
    full = found._view.picture()
    monkeypatch.setattr(found._view, "picture", broken(OSError("gone")))
    empty = found.image()
    assert type(empty) is type(full)
    assert [d.name for d in empty.vdims] == [d.name for d in full.vdims]
    assert np.isnan(empty.dimension_values(2)).all()
    for axis in ("x", "y"):
        assert empty.range(axis)[0] <= full.range(axis)[0] + 0.5
        assert empty.range(axis)[1] >= full.range(axis)[1] - 0.5


def test_a_veil_that_cannot_be_read_is_clear(page, monkeypatch):
    found = figure(page)
    monkeypatch.setattr(found._view, "veil", broken(OSError("gone")))
    assert not found.veil().dimension_values("veil").any()
    assert page.told == [], "the picture itself says it once"


def test_only_large_maps_are_drawn_anew_when_they_are_moved(page, monkeypatch):
    assert figure(page).ranges is None
    monkeypatch.setattr(_view, "CELLS", 10)
    assert isinstance(figure(page).ranges, hv.streams.RangeXY)


def test_the_part_in_view_is_drawn(page):
    part = figure(page).image(x_range=(102.0, 103.5), y_range=(39.0, 40.0))
    assert part.dimension_values("x").min() >= 101.5
    assert part.dimension_values("y").min() >= 38.5


def test_marks_and_border_follow_the_page(page):
    found = figure(page)
    page.places = ((101.0, 39.0), (102.0, 38.0))
    page.region = box(100.5, 38.0, 102.0, 39.5)
    parts = list(found.object[()])
    np.testing.assert_array_equal(parts[-1].dimension_values("x"), [101.0, 102.0])
    np.testing.assert_array_equal(parts[-1].dimension_values("y"), [39.0, 38.0])
    border = parts[-2]
    assert (border.range("x"), border.range("y")) == ((100.5, 102.0), (38.0, 39.5))
    page.places, page.region = (), None
    parts = list(found.object[()])
    assert len(parts[-1]) == 0
    assert len(parts[-2]) == 0


def test_a_new_frame_draws_the_new_step(page):
    found = figure(page)

    def corner() -> float:
        return float(next(iter(found.object[()])).dimension_values("value", flat=False)[-1, 0])

    assert corner() == 1
    found._view.chosen = {"time": 2}
    assert corner() == 1, "not before the page says so"
    page.frame += 1
    assert corner() == 201


def rendered(found: Figure) -> Any:
    return hv.renderer("bokeh").get_plot(found.object).state


def test_two_maps_pan_and_zoom_as_one(page):
    one, two = figure(page), figure(page)
    link(one, two)
    first, second = rendered(one), rendered(two)

    def followers(model) -> list:
        return [call.args["other"] for calls in model.js_property_callbacks.values() for call in calls]

    for name in ("x_range", "y_range"):
        ends = getattr(first, name), getattr(second, name)
        assert followers(ends[0]) == [ends[1], ends[1]], "its start and its end"
        assert followers(ends[1]) == [ends[0], ends[0]]


def test_a_map_of_gaps_is_rendered_and_one_alone_is_tied_to_none(page):
    shown = rendered(figure(page, xr.full_like(layered()[["a"]], np.nan)))
    assert page.told == []
    assert not shown.x_range.js_property_callbacks
    assert not shown.y_range.js_property_callbacks


@pytest.mark.parametrize("data", [projected(4, 3), layered(1, 1).isel(time=[0]), layered(2, 1)])
def test_maps_of_any_size_are_rendered(page, data):
    found = figure(page, data)
    assert rendered(found) is not None
    assert page.told == []


def test_figures_of_two_pages_hear_their_own_clicks_alone():
    ready()
    one, two = Page(), Page()
    first, _ = figure(one), figure(two)
    first.tap.event(x=1.0, y=1.0)
    assert one.told
    assert not two.told
