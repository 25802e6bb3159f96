"""Regions, periods, layers, terms, estimates and hidden folders of downloads, at their edges."""

import hashlib
import io
import itertools
import json
import zipfile
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
import shapely
import xarray as xr
from hypothesis import example, given, settings
from hypothesis import strategies as st

from musyq_lab.core.errors import ArchiveError, InputError, NotFoundError
from musyq_lab.production.download import parts, work
from musyq_lab.production.download.attribution import TERMS, terms
from musyq_lab.production.download.estimate import Estimate, bytes_of, size, writer
from musyq_lab.production.download.layers import Stored, encoded_coordinates, simple, stored
from musyq_lab.production.download.outcome import Download
from musyq_lab.production.download.period import span, within
from musyq_lab.production.download.place import edges
from musyq_lab.production.download.region import Area, _arc, _digits, area
from musyq_lab.production.download.select import _word

PLAN = Estimate(
    name="x.nc",
    format="NetCDF",
    cells=100,
    exact=True,
    steps=10,
    layers=3,
    files=1,
    read_bytes=4_000_000,
    result_bytes=2_000_000,
    free_bytes=10**9,
)


# --- regions
@pytest.mark.parametrize(
    ("boxes", "west", "width"),
    [
        ([(10, 0, 20, 1)], 10, 10),
        ([(170, 0, 180, 1), (-180, 0, -170, 1)], 170, 20),
        ([(-10, 0, 5, 1), (0, 0, 20, 1)], -10, 30),
        ([(-180, 0, 180, 1)], -180, 360),
        ([(-180, 0, 0, 1), (0, 0, 180, 1)], -180, 360),
        ([(0, 0, 1, 1), (90, 0, 91, 1)], 0, 91),
        ([(0, 0, 100, 1), (20, 0, 30, 1)], 0, 100),
    ],
)
def test_the_shortest_arc_that_holds_all_parts(boxes, west, width):
    found = _arc(boxes)
    assert found[1] == pytest.approx(width)
    assert found[0] == pytest.approx(west)


@settings(max_examples=80, deadline=None)
@example([(80.0, 120.0), (-162.0, 1.0)])
@given(st.lists(st.tuples(st.floats(-180, 179), st.floats(0.1, 120)), min_size=1, max_size=5))
def test_an_arc_holds_every_part_and_none_that_begins_at_a_part_is_shorter(stretches):
    west, width = _arc([(w, 0, w + length, 1) for w, length in stretches])
    assert 0 < width <= 360

    def holds(start, reach):
        return all((w - start + 1e-7) % 360 + length <= reach + 2e-7 for w, length in stretches)

    assert width == 360 or holds(west, width)
    for start, _ in stretches:
        needed = max((w - start + 1e-9) % 360 + length for w, length in stretches)
        assert width <= needed + 1e-6


@pytest.mark.parametrize(
    ("number", "text"),
    [(70.0, "70"), (-10.5, "m10p5"), (0.0, "0"), (1e-7, "1em07"), (123.456789123, "123p45679"), (-0.0, "m0")],
)
def test_numbers_as_parts_of_names(number, text):
    assert _digits(number) == text


@pytest.mark.parametrize("turn", [-720, -360, 0, 360, 720])
def test_a_place_is_the_same_at_every_turn(turn):
    box = area((170, -10, -170, 10))
    assert bool(box.contains(175.0 + turn, 0.0))
    assert bool(box.contains(-175.0 + turn, 0.0))
    assert not bool(box.contains(0.0 + turn, 0.0))


def test_shapes_of_places_are_broadcast():
    box = area((0, 0, 10, 10))
    found = box.contains(np.array([5.0, 15.0]), np.array([[5.0], [15.0], [10.0]]))
    assert found.tolist() == [[True, False], [False, False], [True, False]]
    assert box.contains(np.zeros(0), np.zeros(0)).shape == (0,)
    assert not box.contains(np.nan, 5.0)


def test_holes_and_borders_of_an_outline():
    ring = area(shapely.box(0, 0, 10, 10).difference(shapely.box(4, 4, 6, 6)))
    assert ring.contains(np.array([5.0, 4.0, 0.0, 10.0, 2.0]), np.array([5.0, 5.0, 0.0, 10.0, 2.0])).tolist() == [
        False,
        True,
        True,
        True,
        True,
    ]


def test_heights_of_an_outline_change_nothing():
    flat = area(shapely.box(0, 0, 1, 1))
    high = area(shapely.Polygon([(0, 0, 5), (0, 1, 6), (1, 1, 7), (1, 0, 8)]))
    assert flat.described() == high.described()


def test_the_order_of_corners_is_no_other_region():
    corners = [(0, 0), (0, 1), (1, 1), (1, 0)]
    keys = {area(shapely.Polygon(corners[n:] + corners[:n])).key for n in range(4)}
    keys |= {area(shapely.Polygon(corners[::-1])).key}
    assert len(keys) == 1


@pytest.mark.parametrize("crs", ["urn:ogc:def:crs:OGC:1.3:CRS84", "EPSG:4326"])
def test_geojson_in_degrees_may_say_so(crs):
    given_ = {**shapely.geometry.mapping(shapely.box(0, 0, 1, 1)), "crs": {"properties": {"name": crs}}}
    assert area(given_) == area(shapely.box(0, 0, 1, 1))


@pytest.mark.parametrize("features", [[3, None, "x"], [{}], [{"geometry": None}], {}])
def test_collections_of_nothing_are_told(features):
    with pytest.raises(InputError, match="holds no geometry"):
        area({"type": "FeatureCollection", "features": features})


def test_a_folder_is_no_outline(tmp_path):
    (tmp_path / "x.geojson").mkdir()
    with pytest.raises(NotFoundError, match="There is no file"):
        area(tmp_path / "x.geojson")


@pytest.mark.parametrize("bom", [b"\xff\xfe", b"\x80"])
def test_bytes_that_are_no_text_are_no_geojson(tmp_path, bom):
    path = tmp_path / "x.geojson"
    path.write_bytes(bom + b'{"type": "Polygon"}')
    with pytest.raises(InputError, match="not GeoJSON"):
        area(path)


# --- periods
def days(first, count):
    times = np.datetime64(first) + np.arange(count)
    return xr.Dataset({"v": ("time", np.arange(count))}, {"time": times.astype("datetime64[ns]")})


@settings(max_examples=60, deadline=None)
@given(st.dates(date(2010, 1, 1), date(2012, 12, 31)), st.integers(0, 500))
def test_days_from_one_to_another_are_those_of_the_calendar(first, more):
    last = first + timedelta(days=more)
    cube = days("2009-12-01", 1800)
    found = within(cube, f"{first}/{last}")["time"].values.astype("datetime64[D]")
    expected = [np.datetime64(first + timedelta(days=n)) for n in range(more + 1)]
    assert found.tolist() == [e.item() for e in expected]


@pytest.mark.parametrize(("month", "count"), [("2012-02", 29), ("2011-02", 28), ("2011-12", 31), ("2012", 366)])
def test_months_and_years_have_their_days(month, count):
    assert within(days("2010-01-01", 1500), month).sizes["time"] == count


def test_a_stretch_in_one_piece_stays_a_slice_of_lazy_data():
    cube = days("2015-01-01", 40).chunk(time=1)
    assert within(cube, "2015-02")["v"].chunks == ((1,) * 9,)


def test_times_that_are_none_are_not_taken():
    ds = xr.Dataset({"v": ("time", [1, 2])}, {"time": np.array(["NaT", "2015-07-01"], "datetime64[ns]")})
    assert within(ds, "2015")["v"].values.tolist() == [2]


def test_a_product_without_any_time_says_so():
    empty = xr.Dataset({"v": ("time", [])}, {"time": np.array([], "datetime64[ns]")})
    with pytest.raises(InputError, match="It has none at all"):
        within(empty, "2015")


@pytest.mark.parametrize("period", [2015, 2015.5, b"2015", ["2015"], date(2015, 1, 1)])
def test_what_is_no_text_is_no_period(period):
    with pytest.raises(InputError, match="which is no text"):
        within(days("2015-01-01", 3), period)


def test_words_for_labels_of_several_periods():
    ds = xr.Dataset({"v": ("period", [1, 2])}, {"period": ["2011", "2012"]})
    assert span(ds) == "2011_2012"
    assert span(ds.isel(period=[1])) == "2012"


# --- layers
@pytest.mark.parametrize(
    ("value", "dtype"),
    [(True, "i1"), (2**31 - 1, "i4"), (2**31, "i8"), (-(2**31), "i4"), (-(2**31) - 1, "i8"), (np.bool_(False), "i1")],
)
def test_whole_numbers_of_attributes_are_as_small_as_they_may_be(value, dtype):
    found = simple({"a": value})["a"]
    assert found.dtype == np.dtype(dtype)
    assert found == value


@pytest.mark.parametrize("value", [None, ""])
def test_empty_attributes_are_left_out(value):
    assert simple({"a": value, "b": 1.5}) == {"b": 1.5}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (["a", "b"], '["a", "b"]'),
        ({"b": 1, "a": None}, '{"a": null, "b": 1}'),
        ([], "[]"),
        (Path("/x"), '"/x"'),
        (["中"], '["中"]'),
    ],
)
def test_what_no_format_holds_becomes_text(value, text):
    assert simple({"a": value}) == {"a": text}


@pytest.mark.parametrize(
    ("dtype", "kept", "fill"), [("?", "u1", None), (">f4", "f4", np.nan), ("i8", "i8", None), (">u2", "u2", None)]
)
def test_layers_that_are_not_packed_keep_their_numbers(dtype, kept, fill):
    array = xr.DataArray(np.array([0, 1, 1], dtype), dims="x", attrs={"valid_range": [0, 1], "scale_factor": 3})
    (layer,) = stored(array.to_dataset(name="v"), None)
    assert isinstance(layer, Stored)
    assert layer.dtype == np.dtype(kept)
    assert layer.dtype.isnative
    np.testing.assert_equal(layer.fill, fill)
    np.testing.assert_array_equal(layer.pack(array.values), [0, 1, 1])
    assert layer.attributes() == {"valid_range": [0, 1]}  # the packing of another file is none of its own
    assert layer.nbytes == 3 * np.dtype(kept).itemsize


def test_times_before_1970_are_whole_seconds_too():
    ds = xr.Dataset(coords={"time": np.array(["1969-12-31T23:59:59", "1970-01-02"], "datetime64[ns]")})
    found = encoded_coordinates(ds)["time"]
    assert found.values.tolist() == [-1, 86400]
    assert found.attrs["calendar"] == "proleptic_gregorian"


@settings(max_examples=60, deadline=None)
@given(st.floats(-1e3, 1e3), st.integers(2, 9), st.floats(0.01, 10))
def test_borders_of_an_even_axis_lie_half_a_step_off(first, count, step):
    axis = first + step * np.arange(count)
    np.testing.assert_allclose(edges(axis, step), first + step * (np.arange(count + 1) - 0.5), atol=1e-9)


# --- terms
@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"title": " LAI ", "product": "lai"}, {"title": "LAI"}),
        ({"product": "lai"}, {"title": "lai", "terms": TERMS}),
        ({"licence": "A", "license": "B"}, {"licence": "A"}),
        ({"licence": " ", "license": "B"}, {"licence": "not stated by the source", "terms": TERMS}),
        ({"licence": "A", "keywords": "geossAttribution"}, {"terms": TERMS, "tags": "geossAttribution"}),
        ({"citation": "  "}, {"citation": "not stated by the source"}),
        ({"doi": " 10.1/x "}, {"citation": "doi:10.1/x"}),
    ],
)
def test_terms_at_their_edges(attributes, expected):
    found = terms(attributes)
    assert {key: found[key] for key in expected} == expected


# --- estimates
@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (999.6, "1 kB"),
        (1000, "1 kB"),
        (1_499_999, "1.5 MB"),
        (999_600, "1 MB"),
        (2.5e12, "2.5 TB"),
        (5e15, "5000 TB"),
    ],
)
def test_bytes_in_words(count, text):
    assert size(count) == text


@pytest.mark.parametrize(
    ("given_", "expected"),
    [(0, 0), ("1", 1), ("1k", 1000), ("1.5 MB", 1_500_000), ("2GiB", 2 * 10**9), (" 3 t ", 3 * 10**12), (7.9, 7)],
)
def test_limits(given_, expected):
    assert bytes_of(given_) == expected


@pytest.mark.parametrize("given_", [True, -1, "-1", "", "MB", "1 PB", "1e3", float("nan"), float("inf"), "1 2", []])
def test_what_is_no_limit(given_):
    with pytest.raises(InputError, match="is no size"):
        bytes_of(given_)


def test_what_fits_has_no_problem():
    assert PLAN.fits
    assert PLAN.problem == ""
    assert "not known yet" in str(PLAN.table())
    assert "about 7 s" in str(replace(PLAN, seconds=7.2))


@pytest.mark.parametrize("exact", [True, False])
def test_a_sample_is_called_about(exact):
    assert replace(PLAN, exact=exact).table()[3][1].startswith("100 x" if exact else "about 100 x")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"limit_bytes": 1_000_000}, "up to 2 MB; the limit is 1 MB.*50 % of the cells, 5 of the 10 time steps, fewer"),
        ({"limit_bytes": 1}, r"1 % of the cells, fewer variables=\.$"),
        ({"limit_bytes": 0}, "the limit is 0 bytes"),
        ({"free_bytes": 3_524_288}, "need up to 7.05 MB of disk; 3.52 MB are free.*another out="),
        ({"free_bytes": 0}, "0 bytes are free"),
        ({"free_bytes": 10**6, "steps": 1}, "% of the cells, fewer variables=, another out="),
    ],
)
def test_what_does_not_fit_is_told_with_what_would(change, words):
    import re

    plan = replace(PLAN, **change)
    assert not plan.fits
    assert re.search(words, plan.problem), plan.problem
    assert plan.table()[-1] == ["fits", plan.problem]


@pytest.mark.parametrize("form", ["xls", "", "NETCDF4", None, 3])
def test_formats_that_are_none(form):
    with pytest.raises(InputError, match=r"There is no format .*HDF5, NetCDF, COG, Zarr, CSV"):
        writer(form)


# --- names and hidden folders
@settings(max_examples=100, deadline=None)
@given(st.text(max_size=100))
def test_any_word_becomes_part_of_a_name(text):
    found = _word(text)
    assert 1 <= len(found) <= 64
    assert found.isascii()
    assert not set(found) & set("/\\. \n\0")


def test_receipts_that_cannot_be_read_are_none(tmp_path):
    place = work.target(tmp_path, "x.nc")
    assert place.recorded() == {}
    for text in (b"", b"{", b"[]", b"3", b"\xff\xfe", b"[" * 100_000):
        place.receipt.write_bytes(text)
        assert place.recorded() == {}
        assert not place.done("f")


def finished(folder, files=("x.nc",)):
    place = work.target(folder, "x.nc")
    for name in files:
        (folder / name).write_bytes(name.encode())
    sums = {name: hashlib.sha256(name.encode()).hexdigest() for name in files}
    place.receipt.write_text(json.dumps({"fingerprint": "f", "files": sums}))
    place.checksums.write_text("".join(f"{d}  {n}\n" for n, d in sums.items()))
    place.attribution.write_text("A")
    return place


def test_done_is_this_request_with_every_file(tmp_path):
    place = finished(tmp_path)
    assert place.done("f")
    assert not place.done("g")
    place.checksums.write_bytes(b"\xff\xfe")
    assert not place.done("f")


@pytest.mark.parametrize("files", [{}, [], None, {"../outside": "0"}, {"/etc/hostname": "0"}, {"x.nc": None}])
def test_a_receipt_that_lists_no_files_or_those_of_others_is_not_done(tmp_path, files):
    place = finished(tmp_path)
    place.receipt.write_text(json.dumps({"fingerprint": "f", "files": files}))
    assert not place.done("f")


def test_what_a_kill_after_the_end_left_is_removed_unless_somebody_works_in_it(tmp_path):
    place = work.target(tmp_path, "x.nc")
    work.tidy(place)  # there is nothing
    with work.working(place, "f") as folder:
        work.tidy(place)
        assert folder.is_dir()
    work.tidy(place)
    assert not place.work.exists()


def test_the_plan_of_a_hidden_folder_that_was_cut_off_keeps_nothing(tmp_path):
    place = work.target(tmp_path, "x.nc")
    with work.working(place, "f") as folder:
        (folder / "parts" / "a.part").write_text("x")
    with work.working(place, "f") as folder:
        assert [p.name for p in (folder / "parts").iterdir()] == ["a.part"]
    (place.work / "plan.json").write_text('{"finger')
    with work.working(place, "f") as folder:
        assert list((folder / "parts").iterdir()) == []


def test_lists_of_checksums_are_those_of_the_command(tmp_path):
    assert work._listed({"a b": "0" * 64, "目": "1" * 64}) == f"{'0' * 64}  a b\n{'1' * 64}  目\n"
    assert work._listed({}) == ""


# --- parts
@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 30), min_size=1, max_size=12), st.integers(1, 60))
def test_merged_lengths_keep_sum_and_edges(lengths, most):
    merged = parts._merge(tuple(lengths), most)
    assert sum(merged) == sum(lengths)
    assert set(itertools.accumulate(merged)) <= set(itertools.accumulate(lengths))
    assert all(length <= max(most, max(lengths)) for length in merged)
    assert all(a + b > most for a, b in itertools.pairwise(merged)) or len(merged) == len(lengths)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 1000), st.integers(0, 200))
def test_pieces_of_an_array_are_no_longer_than_allowed_and_even(total, most):
    pieces = parts._split((total,), most)
    assert sum(pieces) == total
    assert max(pieces) <= max(1, most)
    assert max(pieces) - min(pieces) <= 1


@pytest.mark.parametrize("dtype", ["f4", ">f4", "i2", "u2", "?", "M8[ns]", "S3"])
def test_parts_keep_every_type(tmp_path, dtype):
    values = np.array([0, 1, 1]).astype(dtype)
    parts.write(tmp_path / "0000-00000000.part", values)
    layer = parts.PartLayer(str(tmp_path), 0, ((3,),), values.dtype)
    assert layer[:].tobytes() == values.tobytes()
    assert layer[1] == values[1]


def test_a_part_that_is_gone_is_not_whole_and_told(tmp_path):
    assert not parts.whole(tmp_path / "absent.part")
    assert not parts.whole(tmp_path)
    (tmp_path / "0000-00000000.part").write_bytes(b"MuSyQ part 1\n")
    layer = parts.PartLayer(str(tmp_path), 0, ((2,),), np.dtype("i2"))
    with pytest.raises(ArchiveError, match="was damaged after it was read"):
        layer[:]


# --- what is sent on
def test_a_zip_depends_on_its_files_alone(tmp_path):
    made = []
    for name in ("a", "b"):
        folder = tmp_path / name / "x.zarr"
        folder.mkdir(parents=True)
        files = (folder / "空", folder / "one")
        files[0].write_bytes(b"")
        files[1].write_bytes(bytes(5000))
        sides = tuple(folder.parent / f"x.zarr.{ending}" for ending in ("sha256", "attribution.txt", "receipt.json"))
        for side in sides:
            side.write_text(side.name)
        made.append(Download(folder, files, "0" * 64, 5000, *sides, PLAN))
    one, two = (b"".join(item.stream(999)) for item in made)
    assert one == two
    with zipfile.ZipFile(io.BytesIO(one)) as archive:
        assert archive.namelist() == ["x.zarr/空", "x.zarr/one", "x.zarr.sha256", "x.zarr.attribution.txt"]
        assert archive.read("x.zarr/one") == bytes(5000)
        assert {info.compress_type for info in archive.infolist()} == {zipfile.ZIP_STORED}
    assert made[0].media_type == "application/zip"


@pytest.mark.parametrize(
    ("name", "kind"),
    [("x.csv", "text/csv; charset=utf-8"), ("x.nc", "application/x-netcdf"), ("x.h5", "application/octet-stream")],
)
def test_kinds_of_files_and_an_empty_one(tmp_path, name, kind):
    path = tmp_path / name
    path.touch()
    made = Download(path, (path,), "0", 0, path, path, path, PLAN)
    assert made.media_type == kind
    assert list(made.stream()) == []
    assert made.stream_name == name


def test_a_point_is_no_area():
    point = area((100, 40))
    assert isinstance(point, Area)
    assert point.is_point
    assert point.polygon().area == 0
    assert not area(shapely.box(0, 0, 1, 1)).is_point
