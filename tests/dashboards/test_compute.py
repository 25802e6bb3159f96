"""The compute page without a browser: preview, verdict, job, result on the shelf; bad input is a message."""

from pathlib import Path

import dask.array as da
import numpy as np
import pytest
import xarray as xr

from musyq_lab.archive.open import open_product
from musyq_lab.archive.write import write_product
from musyq_lab.core.errors import InputError, MusyqError
from musyq_lab.core.spec import Input, Product, Variable
from musyq_lab.dashboards import compute as module
from musyq_lab.dashboards._compute_help import completed, suggestions
from musyq_lab.dashboards._compute_inputs import Inputs, region_of
from musyq_lab.dashboards._compute_preview import tile
from musyq_lab.dashboards._compute_result import clear_drafts, drafts_of, labels
from musyq_lab.dashboards._compute_tasks import checked_name
from musyq_lab.dashboards._compute_verdict import largest_chunk, verdict
from musyq_lab.dashboards._jobs import JobLimits, Jobs, State
from musyq_lab.dashboards._shelf import Shelf
from musyq_lab.dashboards.compute import ALGORITHM, EXPRESSION, Compute, compute
from musyq_lab.products._registry import PRODUCTS, RETRIEVALS
from musyq_lab.products._retrieval import algorithm

SAMPLE = "Global horizontal irradiance climatology of MERRA-2, 2011-2015, 3 degrees"
SPEC = Product("bucket_water", "Water", (Variable("water", "water", "kg m-2", dtype="float32"),), ())
TIMES = ("2015001", "2015006", "2015011")


@pytest.fixture(autouse=True)
def jobs(monkeypatch):
    made = Jobs()
    monkeypatch.setattr(module, "JOBS", made)
    yield made
    made.close(20)


def field(times=3, rows=4, columns=5):
    values = np.arange(float(times * rows * columns)).reshape(times, rows, columns) + 1
    axes = {"latitude": np.arange(rows, 0, -1.0), "longitude": 10.0 + np.arange(columns)}
    return xr.DataArray(values, dims=("time", *axes), coords=axes, attrs={"units": "kg m-2"}, name="water")


@pytest.fixture
def shelf(tmp_path) -> Shelf:
    folder = tmp_path / "products"
    for position, label in enumerate(TIMES):
        made = field()[position].to_dataset()
        made["water_uncertainty"] = xr.full_like(made.water, 2.0)
        write_product(made, folder, spec=SPEC, edition="1deg", period=label)
    return Shelf([folder], tmp_path / "results")


@pytest.fixture
def page(shelf) -> Compute:
    made = Compute.open(shelf, {})
    made.data = [next(title for title in made.inputs.offered if "bucket" in title)]
    made.text = "water - mean(water, 'time')"
    return made


def shown(page) -> str:
    return page.alert.object if page.alert.visible else ""


def test_the_unit_is_shown_while_an_expression_is_typed(page):
    assert page.panes.sentence.value == (
        "Gives 3 time × 4 latitude × 5 longitude, in kg m-2, with uncertainty; first order; errors of different "
        "variables and steps taken as independent."
    )
    page.panes.box.value_input = "water / unit(2, 's')"
    assert "in kg m-2 s-1" in page.panes.sentence.value
    page.panes.box.value_input = "water + 1"
    assert "units are unlike" in page.panes.sentence.value
    assert page.text == "water - mean(water, 'time')", "what is typed is not yet taken"
    assert shown(page) == ""


def test_words_are_completed(page):
    assert ("water", "water") in page.suggestions("2 * wat")
    assert ("mean(", "mean(x, 'time', ...)") in page.suggestions("me")
    assert page.suggestions("water + ") == []
    page.panes.box.value_input = "2 * wat"
    button = next(b for b in page.panes.suggested if b.name == "water")
    button.clicks += 1
    assert page.text == "2 * water"
    assert completed("a + me", "mean(") == "a + mean("
    assert len(suggestions("a", ["a" * n for n in range(2, 40)])) == 8


def test_a_preview_is_a_part_with_map_histogram_and_verdict(page):
    assert page.verdict is None
    page.preview()
    assert page.wait().state is State.DONE
    expected = (field() - field().mean("time"))[1]
    np.testing.assert_allclose(page.shown.layer, expected, rtol=1e-6)
    picture = page.panes.map.object
    np.testing.assert_allclose(picture.dimension_values("my_result", flat=False)[::-1], expected, rtol=1e-6)
    assert page.panes.histogram.object.dimension_values("cells").sum() == 20
    assert page.verdict.fits
    assert "It fits" in page.panes.verdict.value
    assert "100 % hold a value" in page.panes.said.value


def test_a_job_writes_the_result_which_joins_the_catalog(page, shelf):
    page.result = "water_anomaly"
    page.run()
    seen = page.wait()
    assert seen.state is State.DONE, seen.message
    assert len(seen.lines) == 3
    title = next(title for title in shelf.archives() if "water_anomaly" in title)
    archive = shelf.archives()[title]
    assert archive.periods == TIMES
    made = archive.open()
    np.testing.assert_allclose(made.water_anomaly, field() - field().mean("time"), rtol=1e-6)
    np.testing.assert_allclose(made.water_anomaly_uncertainty, np.hypot(2, 2 / np.sqrt(3)), rtol=1e-5)
    assert made.water_anomaly.attrs["units"] == "kg m-2"
    assert made.water_anomaly.attrs["long_name"] == "water - mean(water, 'time')"
    assert "expression(" in made.attrs["history"]
    assert "explorer?data=water_anomaly" in page.panes.done.value
    assert title in page.panes._data.options
    assert not list(drafts_of(shelf.results).iterdir())


def test_a_result_of_the_whole_period_has_one_file(page, shelf):
    page.text, page.result = "mean(water, 'time')", "water_mean"
    page.run()
    assert page.wait().state is State.DONE
    (path,) = (shelf.results / "water_mean").glob("*.h5")
    assert path.name == "MuSyQ.WATER_MEAN.1deg.global.2015001_2015011.v1.h5"
    np.testing.assert_allclose(open_product(path).water_mean, field().mean("time"), rtol=1e-6)


def test_nothing_is_ever_replaced(page, shelf):
    page.result = "mine"
    page.run()
    page.wait()
    before = {path: path.read_bytes() for path in (shelf.results / "mine").iterdir()}
    page.text = "water * 2"
    page.run()
    assert "already" in shown(page)
    assert {path: path.read_bytes() for path in (shelf.results / "mine").iterdir()} == before


def test_cancel_leaves_nothing(page, shelf, monkeypatch):
    import musyq_lab.dashboards._compute_result as result

    real = result.write_product

    def cancelling(*args, **options):
        page.job.cancel()
        return real(*args, **options)

    monkeypatch.setattr(result, "write_product", cancelling)
    page.result = "gone"
    page.run()
    assert page.wait().state is State.CANCELLED
    assert not (shelf.results / "gone").exists()
    assert not list(drafts_of(shelf.results).iterdir())
    page.text = "water * 2"
    page.preview()
    assert page.wait().state is State.DONE, "the page goes on"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nothing + 1", "There is no 'nothing' here"),
        ("watr", "Did you mean 'water'"),
        ("water + 1", "units are unlike"),
        ("log(water)", "no pure number"),
        ("__import__('os')", "underscores"),
        ("().__class__", "may only follow the name of data"),
        ("10**10**10", "beyond 100"),
        ("x" * 1_000_000, "1,000,000 characters"),
        ("", "expression is empty"),
        ("mean(water, 'latitude', 'longitude')", "unequal area"),
        ("mean(water, 'time') > ", "cannot be read"),
    ],
)
def test_bad_expressions_get_a_message_and_the_page_lives_on(page, text, words):
    page.text = text
    for act in (page.preview, page.run):
        act()
        assert words in shown(page).replace("&#x27;", "'")
        assert page.job is None
    assert page.panes.sentence.value
    page.text = "water * 2"
    page.preview()
    assert page.wait().state is State.DONE
    assert shown(page) == ""


def test_a_result_of_another_unit_is_refused(page):
    page.text, page.units = "water / unit(1, 's')", "kg m-2"
    page.preview()
    assert "gives kg m-2 s-1, but my_result is in kg m-2" in shown(page)
    page.units = "g m-2 s-1"
    page.preview()
    page.wait()
    np.testing.assert_allclose(page.shown.layer, 1000 * field()[1], rtol=1e-6)


def test_a_region_cuts_and_one_outside_is_told(page):
    page.region = "POLYGON((11.5 1.5, 13.5 1.5, 13.5 3.5, 11.5 3.5, 11.5 1.5))"
    page.text = "water * 1"
    page.preview()
    page.wait()
    np.testing.assert_allclose(page.shown.layer, field()[1, 1:3, 2:4], rtol=1e-6)
    page.region = "POLYGON((-60 -30, -59 -30, -59 -29, -60 -30))"
    assert "No cell of the product has its centre" in shown(page)
    assert page.inputs.region.startswith("POLYGON((11.5"), "the last region stays"
    page.region = ""
    assert shown(page) == ""


@pytest.mark.parametrize(
    "region",
    ["Atlantis", "1,2,3", "POLYGON((0 0, 1 1", "POINT(1 2) x", "{", '{"type": "Nothing"}', "../../secret.geojson",
     "/etc/passwd", "nan,nan,nan,nan", "x" * 200_000, "{" * 50_000],
)  # fmt: skip
def test_bad_regions_are_told(region):
    with pytest.raises(MusyqError) as error:
        region_of(region)
    assert 0 < len(str(error.value)) < 1500


def test_a_request_that_does_not_fit_is_refused_with_what_to_do(page, jobs, tmp_path):
    large = xr.DataArray(
        da.zeros((100_000, 100_000), chunks=-1), dims=("latitude", "longitude"), attrs={"units": "1"}, name="large",
        coords={"latitude": np.linspace(50, 0, 100_000), "longitude": np.linspace(0, 50, 100_000)},
    )  # fmt: skip
    made = Compute({"large": large}, tmp_path / "results")
    made.data, made.text = ["large"], "large * 2"
    made.run()
    assert "It does not fit: it takes about" in shown(made)
    assert "Choose a smaller region" in shown(made)
    assert made.job is None
    assert not (tmp_path / "results").exists()


def test_memory_follows_the_largest_chunk_on_the_way():
    lazy = xr.DataArray(da.zeros((100, 80, 80), chunks=(10, 40, 40)), dims=("time", "y", "x"))
    assert largest_chunk((lazy.max("time")).to_dataset(name="a")) == 8 * 10 * 40 * 40
    whole = lazy.chunk({"time": -1}).median("time")
    assert largest_chunk(whole.to_dataset(name="a")) == 8 * 100 * 40 * 40


def test_time_beyond_the_limit_of_a_job_does_not_fit(tmp_path, monkeypatch):
    import musyq_lab.dashboards._compute_verdict as judging

    monkeypatch.setattr(judging, "JOBS", Jobs(JobLimits(seconds=10)))
    lazy = xr.DataArray(da.zeros((100, 100)), dims=("y", "x")).to_dataset(name="a")
    judged = verdict(lazy, 2, tmp_path, per_cell=0.01)
    assert not judged.fits
    assert "A job may take 10 s" in str(judged)
    with pytest.raises(InputError, match="does not fit"):
        judged.require()
    assert verdict(lazy, 2, tmp_path, per_cell=0.0001).fits


@pytest.mark.parametrize("name", ["", "LAI", "lai", "a b", "../x", "x" * 31, "1a", "é", "a.b", "gpp"])
def test_names_of_results_that_cannot_be(name):
    with pytest.raises(InputError):
        checked_name(name)


def test_a_bad_place_for_the_preview_is_told(page):
    for place, words in (("here", "is no place"), ("500, 500", "lies outside the data"), ("1", "is no place")):
        page.place = place
        page.preview()
        assert words in shown(page)
    page.place = "14, 1"
    page.preview()
    assert page.wait().state is State.DONE


def test_the_middle_of_the_preview_can_be_chosen():
    large = xr.DataArray(np.zeros((600, 700)), dims=("y", "x"), coords={"y": np.arange(600.0), "x": np.arange(700.0)})
    part = tile(large.to_dataset(name="a"), (650.0, 10.0))
    assert (float(part.y[0]), float(part.x[-1]), dict(part.sizes)) == (0, 699, {"y": 256, "x": 256})
    middle = tile(large.to_dataset(name="a"))
    assert (float(middle.y[128]), float(middle.x[128])) == (300, 350)
    with pytest.raises(InputError, match="is no map"):
        tile(large.mean("y").to_dataset(name="a"))
    with pytest.raises(InputError, match="empty"):
        tile(large[:0].to_dataset(name="a"))


def test_the_address_restores_the_page(page, shelf):
    page.param.update(units="g m-2", region="10,0,13,4", result="mine", place="11, 2")
    again = Compute.open(shelf, page.query())
    assert again.query() == page.query()
    assert again.code() == page.code()
    assert again.panes.sentence.value == page.panes.sentence.value


@pytest.mark.parametrize(
    "query",
    [{"kind": "Magic"}, {"data0": "../../etc/passwd"}, {"algorithm": "nothing"}, {"region": "Atlantis"},
     {f"data{k}": SAMPLE for k in range(9)}],
)  # fmt: skip
def test_an_address_that_asks_for_what_is_not_there_is_refused(shelf, query):
    with pytest.raises(MusyqError):
        Compute.open(shelf, query)


def test_the_code_makes_the_result(page):
    namespace = {}
    exec(page.code(), namespace)
    np.testing.assert_allclose(namespace["made"].my_result, field() - field().mean("time"), rtol=1e-6)
    assert "my_result_uncertainty" in namespace["made"]


def test_the_code_of_a_sample(shelf):
    page = Compute.open(shelf, {"data0": SAMPLE, "text": "ghi / unit(2, 'W m-2')"})
    namespace = {}
    exec(page.code(), namespace)
    assert namespace["made"].my_result.attrs["units"] == "1"


def test_two_data_have_short_names_and_shared_variables_need_them(shelf):
    page = Compute({"first": field(), "second": (field() * 2).assign_attrs(units="kg m-2")})
    page.data, page.text = ["first", "second"], "b.water - a.water"
    page.preview()
    page.wait()
    np.testing.assert_allclose(page.shown.layer, field()[1])
    page.text = "water"
    page.preview()
    assert "There is no 'water' here" in shown(page).replace("&#x27;", "'")
    assert "a.water" in page.panes._names.value


def test_data_that_are_not_on_one_grid_are_told(shelf):
    moved = field().assign_coords(longitude=field().longitude + 0.5)
    page = Compute({"first": field(), "second": moved})
    page.data, page.text = ["first", "second"], "a.water + b.water"
    page.preview()
    assert "lie on different grids" in shown(page)


@pytest.fixture
def own():
    spec = Product(
        "half_water", "Half of the water", (Variable("half", "half", "1", dtype="float32"),),
        (Input("reflectance_red"),), methods=("plain", "double"),
    )  # fmt: skip

    @algorithm(spec)
    def half(*, reflectance_red, method):
        return (reflectance_red / 2 * (2 if method == "double" else 1),)

    yield half
    for registry in (PRODUCTS, RETRIEVALS):
        registry._added.pop("half_water", None)


def test_an_algorithm_of_ones_own_with_its_input_mapped(own, tmp_path):
    data = (field(1)[0] / 100).assign_attrs(units="1").rename("share")
    shelf = Shelf([], tmp_path / "results")
    page = Compute({"data": data}, tmp_path / "results", shelf)
    page.param.update(kind=ALGORITHM, data=["data"], algorithm="half_water", result="my_half")
    assert "reflectance_red" in page.panes.sentence.value, "what is missing is told"
    page.preview()
    assert "reflectance_red" in shown(page)
    page.panes._mapped[0].value = "share"
    assert page.mapped == {"reflectance_red": "share"}
    assert "half (1)" in page.panes.sentence.value
    page.panes.method.value = "double"
    page.preview()
    page.wait()
    np.testing.assert_allclose(page.shown.layer, data, rtol=1e-6)
    page.run()
    assert page.wait().state is State.DONE, page.job.seen().message
    (path,) = (tmp_path / "results" / "my_half").glob("*.h5")
    assert {"half", "half_water_qa"} <= set(open_product(path).data_vars)
    assert 'ml.retrieve("half_water", a, reflectance_red=a["share"], method="double")' in page.code()


def test_an_own_algorithm_on_a_served_page_runs_in_a_process_of_its_own(own, monkeypatch):
    import musyq_lab.dashboards._compute_tasks as tasks
    from musyq_lab.production.isolation.run import Isolated

    class State_:
        class curdoc:  # as Panel calls it
            session_context = object()

    assert not tasks.foreign("half_water")
    monkeypatch.setattr(tasks.pn, "state", State_)
    assert tasks.foreign("half_water")
    assert isinstance(tasks._retrieval("half_water"), Isolated)
    assert not tasks.foreign("lai")


def test_a_failing_job_is_told_on_the_page(page, shelf, monkeypatch):
    import musyq_lab.dashboards._compute_result as result

    def full(*args, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(result, "write_product", full)
    page.run()
    assert page.wait().state is State.FAILED
    assert "No space left" in shown(page)
    assert not list(drafts_of(shelf.results).iterdir())


def test_a_read_only_folder_of_results_is_told(page, shelf, monkeypatch):
    def refuse(self, *args, **options):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "mkdir", refuse)
    page.run()
    assert page.wait().state is State.FAILED
    assert "Permission denied" in shown(page)


def test_infinite_values_are_missing_in_the_file(page, shelf):
    page.text, page.result = "exp(1000 * water / water) * water", "endless"
    page.run()
    assert page.wait().state is State.DONE
    assert shelf.archives()[next(t for t in shelf.archives() if "endless" in t)].open().endless.isnull().all()


def test_two_sessions_do_not_see_each_other_s_jobs(shelf, monkeypatch):
    monkeypatch.setattr(module, "owner", lambda: "first")
    first = Compute.open(shelf, {})
    first.data = [next(t for t in first.inputs.offered if "bucket" in t)]
    first.text = "water * 2"
    first.preview()
    monkeypatch.setattr(module, "owner", lambda: "second")
    second = Compute.open(shelf, {})
    assert second.job is None
    assert first.wait().state is State.DONE


def test_a_running_job_is_found_again_after_a_reload(shelf, jobs):
    import threading

    gate = threading.Event()
    page = Compute.open(shelf, {})
    page._start("Preview of x", lambda job: gate.wait(20))
    again = Compute.open(shelf, {})
    assert again.job is page.job
    assert "Preview of x" in again.panes.job._line.value
    gate.set()
    jobs.close(20)


def test_one_thing_at_a_time(page, jobs):
    import threading

    gate = threading.Event()
    page._start("Preview of x", lambda job: gate.wait(20))
    page.preview()
    assert "Preview of x still runs" in shown(page)
    gate.set()
    jobs.close(20)


def test_labels_of_periods():
    times = np.array(["2015-01-01", "2015-01-01T03:00", "2015-02-01"], "M8[ns]")
    data = field().assign_coords(time=times).to_dataset()
    inputs = Inputs({"a": data})
    inputs.choose(["a"])
    assert labels(data, inputs) == ("2015001", "2015001-0300", "2015032")
    assert labels(data.mean("time"), inputs) == ("2015001_2015032",)
    assert labels(data.isel(time=[0, 0]), inputs) == ("2015001-00000", "2015001-00001")


def test_drafts_of_a_killed_server_are_cleared(tmp_path):
    folder = drafts_of(tmp_path / "results")
    (folder / "x").mkdir(parents=True)
    (folder / "x" / "half.h5").write_text("")
    clear_drafts(tmp_path / "results")
    assert not folder.exists()
    clear_drafts(tmp_path / "results")


def test_in_a_notebook_data_are_given_and_chosen(tmp_path):
    page = compute(field(), "water * 2", results=tmp_path / "results")
    page.preview()
    page.wait()
    np.testing.assert_allclose(page.shown.layer, 2 * field()[1])
    assert page.kind == EXPRESSION
    with pytest.raises(InputError, match="Nothing can be computed from str"):
        compute({"text": "a"})


def test_a_page_without_data_says_what_to_do(shelf):
    page = Compute.open(shelf, {})
    page.preview()
    assert "Choose the data" in shown(page)
    assert "Choose the data" in page.header.value
    assert page.code().startswith("#")


def test_projected_data_keep_their_grid(tmp_path):
    crs = xr.DataArray(0, attrs={"crs_wkt": __import__("pyproj").CRS.from_epsg(32650).to_wkt()})
    values = np.arange(12.0).reshape(3, 4) + 1
    axes = {"y": 4.4e6 - 30.0 * np.arange(3), "x": 5e5 + 30.0 * np.arange(4)}
    data = xr.DataArray(values, dims=("y", "x"), coords={**axes, "spatial_ref": crs}, attrs={"units": "1"}, name="v")
    shelf = Shelf([], tmp_path / "results")
    page = Compute({"utm": data}, tmp_path / "results", shelf)
    page.data, page.text, page.result = ["utm"], "v * 2", "twice"
    page.run()
    assert page.wait().state is State.DONE, page.job.seen().message
    (archive,) = shelf.archives().values()
    assert archive.edition == "30m"
    made = archive.open()
    np.testing.assert_allclose(made.twice, 2 * values)
    assert any("32650" in str(c.attrs.get("crs_wkt", "")) for c in made.coords.values())
