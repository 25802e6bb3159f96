import hashlib
import warnings

import dask
import h5py
import numpy as np
import pytest
import xarray as xr
from archive.samples import NAME, SPEC, dataset, one
from hypothesis import given, settings
from hypothesis import strategies as st

from musyq_lab.archive import manifest, overviews
from musyq_lab.archive._pyramid import FACTORS, reduced
from musyq_lab.archive.open import open_product
from musyq_lab.archive.write import write_product
from musyq_lab.core.errors import ArchiveError, InputError, NotFoundError
from musyq_lab.core.spec import Product, Variable

CLASSED = Product(
    "demo",
    "Classes",
    (
        Variable(
            "kind", "class", "1", "", (0, 16), "uint8", fill=255, classes=((0, "water"), (3, "forest"), (7, "ice"))
        ),
    ),
    (),
)


def put(ds, root, **extra):
    return write_product(ds, root, **{"spec": SPEC, **NAME, **extra})


def squares(array, factor):
    """Each square of cells of a coarser map, one by one."""
    for i in range(0, array.shape[-2], factor):
        for j in range(0, array.shape[-1], factor):
            yield (i // factor, j // factor), array[..., i : i + factor, j : j + factor]


def naive(array, factor, rule):
    rows, columns = (-(-size // factor) for size in array.shape)
    out = np.full((rows, columns), np.nan)
    for place, square in squares(array, factor):
        good = square[~np.isnan(square)]
        if good.size:
            out[place] = rule(good)
    return out


def mode(good):
    numbers, counts = np.unique(good, return_counts=True)
    return numbers[counts == counts.max()].min()


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """A map whose sides no factor divides, with gaps: some whole cells of 8 x 8 are missing."""
    ds = dataset(rows=137, columns=201, months=2)
    ds.flux[0, 8:24, 16:32] = np.nan
    ds["flux_uncertainty"] = ds.flux * 0.05
    return put(ds, tmp_path_factory.mktemp("made"), overviews=FACTORS)


@pytest.mark.parametrize("factor", FACTORS)
def test_means_and_shares_are_those_of_xarray(path, factor):
    full, found = open_product(path).compute(), open_product(path, overview=factor).compute()
    cells = dict(latitude=factor, longitude=factor, boundary="pad")
    mean = full.flux.astype("f8").coarsen(**cells).mean()
    np.testing.assert_array_equal(np.isnan(found.flux), np.isnan(mean))
    assert float(abs(found.flux - mean).max()) <= 0.01 + 1e-4  # half a stored step
    rms = np.sqrt((full.flux_uncertainty.astype("f8") ** 2).coarsen(**cells).mean())
    assert float(abs(found.flux_uncertainty - rms).max()) <= 0.01 + 1e-4
    one_each = xr.ones_like(full.flux, dtype="f8")
    share = full.flux.notnull().astype("f8").coarsen(**cells).sum() / one_each.coarsen(**cells).sum()
    assert float(abs(found.flux_valid_share - share).max()) <= 1 / 200 + 1e-6
    np.testing.assert_array_equal(found.flux_valid_share == 0, share == 0)
    np.testing.assert_array_equal(found.flux_valid_share == 1, share == 1)
    for axis in ("latitude", "longitude"):
        np.testing.assert_allclose(found[axis], mean[axis], rtol=0, atol=1e-12)


@pytest.mark.parametrize("factor", [2, 8])
def test_bits_are_set_where_any_cell_has_them(path, factor):
    full, found = open_product(path).demo_qa.values, open_product(path, overview=factor).demo_qa.values
    assert found.dtype == np.uint16
    for (i, j), square in squares(full, factor):
        expected = np.bitwise_or.reduce(square.reshape(2, -1), axis=1)
        assert found[:, i, j].tolist() == expected.tolist()


@pytest.mark.parametrize("factor", [2, 4, 16])
def test_classes_are_the_most_frequent_ones(tmp_path, factor):
    random = np.random.default_rng(3)
    kind = random.choice([0.0, 3.0, 7.0, np.nan], (75, 50))
    path = put(one("kind", kind), tmp_path, spec=CLASSED, overviews=(2, 4, 16))
    found = open_product(path, overview=factor)
    np.testing.assert_array_equal(found.kind, naive(kind, factor, mode))
    assert "area: mode" in found.kind.attrs["cell_methods"]
    assert found.kind.attrs["flag_meanings"] == "water forest ice"


def test_the_uncertainty_is_no_smaller_than_that_of_errors_in_common(path):
    full, found = open_product(path), open_product(path, overview=4)
    common = full.flux_uncertainty.coarsen(latitude=4, longitude=4, boundary="pad").mean()
    assert bool(((found.flux_uncertainty >= common - 0.0101) | common.isnull()).all())


@settings(deadline=None, max_examples=60)
@given(
    st.integers(1, 70),
    st.integers(1, 70),
    st.sampled_from(["int16", "uint8", "uint16", "int32", "float32", "float64"]),
    st.sampled_from(["mean", "root_mean_square", "mode", "or"]),
    st.floats(0, 1),
    st.integers(0, 2**31),
)
def test_every_rule_beside_a_loop(rows, columns, dtype, rule, share, seed):
    random, kind = np.random.default_rng(seed), np.dtype(dtype).kind
    if rule == "or" and kind == "f":
        return
    fill = np.nan if kind == "f" else 255 if dtype == "uint8" else 30000
    values = random.integers(0, 5 if rule == "mode" else 250, (rows, columns)).astype(dtype)
    missing = random.random(values.shape) < share
    block = values if rule == "or" else np.where(missing, np.asarray(fill, dtype), values)
    rules = {
        "mean": np.mean,
        "root_mean_square": lambda good: np.sqrt(np.mean(np.square(good))),
        "mode": mode,
        "or": lambda good: np.bitwise_or.reduce(good.astype(int)),
    }
    data = values.astype(float) if rule == "or" else np.where(missing, np.nan, values.astype(float))
    for coarse in reduced(block, rule, None if rule == "or" else fill, FACTORS):
        expected = naive(data, coarse.factor, rules[rule])
        found = coarse.values.astype(float) if rule == "or" else np.where(coarse.values == fill, np.nan, coarse.values)
        np.testing.assert_allclose(found, expected, atol=0 if rule in ("mode", "or") else 0.5 if kind != "f" else 1e-5)
        assert coarse.values.dtype == dtype


@pytest.mark.parametrize("dtype", ["int16", "uint16", "int32"])
def test_sums_of_the_largest_numbers_do_not_wrap(dtype):
    top = np.iinfo(dtype).max
    for rule in ("mean", "root_mean_square"):
        *_, coarse = reduced(np.full((32, 32), top, dtype), rule, 0, FACTORS)
        assert coarse.values.tolist() == [[top]]


def test_all_missing_stays_missing(tmp_path):
    path = put(one("ratio", np.full((64, 130), np.nan)), tmp_path)
    found = open_product(path, overview=2)
    assert np.isnan(found.ratio.values).all()
    assert (found.ratio_valid_share == 0).all()


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((1, 1), ()),
        ((126, 90), ()),
        ((127, 5), (2,)),
        ((5, 253), (2, 4)),
        ((600, 600), (2, 4, 8)),
        ((18000, 36000), FACTORS),
    ],
)
def test_overviews_are_made_while_a_map_is_left(shape, expected):
    assert overviews.chosen(shape, True) == expected
    assert overviews.chosen(shape, False) == ()
    assert overviews.chosen(shape, [8, 2, 2]) == (2, 8)


def test_a_factor_that_is_none_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(InputError, match=r"overviews=3 is no factor"):
        put(dataset(), tmp_path, overviews=[2, 3])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("engine", ["h5netcdf", "netcdf4"])
def test_other_readers_open_the_groups(path, engine):
    if engine == "netcdf4":
        pytest.importorskip("netCDF4")
    ours = open_product(path, overview=8).compute()
    with warnings.catch_warnings(), xr.open_dataset(path, engine=engine, group="overview_8") as found:
        assert found.flux.dims == ("month", "latitude", "longitude")
        np.testing.assert_allclose(found.flux, ours.flux, atol=1e-4)
        np.testing.assert_array_equal(found.demo_qa, ours.demo_qa)
        np.testing.assert_array_equal(found.month, ours.month)
        assert found.flux.attrs["cell_methods"].endswith("area: mean")
        assert found.crs.attrs["grid_mapping_name"] == "latitude_longitude"
    with xr.open_dataset(path, engine=engine) as root:
        assert root.flux.shape == (2, 137, 201)


def test_the_map_itself_does_not_change(tmp_path):
    ds = dataset(rows=137, columns=201, months=2)
    with h5py.File(put(ds, tmp_path / "a")) as first, h5py.File(put(ds, tmp_path / "b", overviews=False)) as second:
        assert overviews.factors_in(first) == [2]
        assert overviews.factors_in(second) == []
        assert {name for name in first if not name.startswith("overview")} == set(second)
        for name in ds.data_vars:
            np.testing.assert_array_equal(first[name][...], second[name][...])
            assert dict(first[name].attrs).keys() == dict(second[name].attrs).keys()


def test_bytes_do_not_depend_on_chunks_and_threads(tmp_path):
    ds = dataset(rows=720, columns=1440, months=1).isel(latitude=slice(0, 701))
    first = put(ds, tmp_path / "a").read_bytes()
    for chunks in ({"latitude": 100}, {"latitude": 333, "longitude": 77}):
        for workers in (1, 4):
            with dask.config.set(scheduler="threads", num_workers=workers):
                made = put(ds.chunk(chunks), tmp_path / "b").read_bytes()
            assert hashlib.sha256(made).digest() == hashlib.sha256(first).digest()


@pytest.mark.parametrize(("rows", "columns"), [(300, 17), (517, 300)])
def test_adding_them_gives_what_writing_with_them_gives(tmp_path, rows, columns):
    """More rows than one stretch of reading, and rows of tiles that the factor does not divide."""
    ds = dataset(rows=720, columns=1440, months=1).isel(latitude=slice(rows), longitude=slice(columns))
    ds["cover"] = (("latitude", "longitude"), np.random.default_rng(1).random((rows, columns)), {"units": "1"})
    ds["kind"] = (("latitude", "longitude"), np.full((rows, columns), 3.0), {"units": "1"})
    written = put(ds, tmp_path / "a", provenance={"entity": {}})
    added = overviews.add(put(ds, tmp_path / "b", overviews=False, provenance={"entity": {}}))
    assert manifest.check(added).state == "ok"
    with h5py.File(written) as first, h5py.File(added) as second:
        names = []
        first.visititems(lambda name, item: names.append(name))
        assert "overview_2/cover_valid_share" in names
        for name in names:
            assert dict(first[name].attrs).keys() == dict(second[name].attrs).keys()
            for key in first[name].attrs:
                if key not in ("DIMENSION_LIST", "REFERENCE_LIST"):
                    np.testing.assert_array_equal(first[name].attrs[key], second[name].attrs[key])
            if isinstance(first[name], h5py.Dataset):
                np.testing.assert_array_equal(first[name][()], second[name][()])
    again = added.read_bytes()
    assert overviews.add(added).read_bytes() == again


def test_what_cannot_be_added_leaves_the_file_as_it_was(tmp_path, path):
    with pytest.raises(NotFoundError, match=r"There is no file"):
        overviews.add(tmp_path / "nothing.h5")
    made = put(dataset(), tmp_path, overviews=[4])
    before = made.read_bytes()
    with pytest.raises(InputError, match=r"has the overviews \[4\] already"):
        overviews.add(made, [2])
    assert made.read_bytes() == before
    plain = put(dataset(seed=2), tmp_path, period="2015006", overviews=False)
    data = bytearray(plain.read_bytes())
    data[len(data) // 2] ^= 1
    plain.write_bytes(data)
    with pytest.raises(ArchiveError, match=r"is not what was written"):
        overviews.add(plain, [2])  # a new checksum would make the fault look right
    assert plain.read_bytes() == bytes(data)
    assert not list(tmp_path.glob(".*.partial"))


def test_opening_by_factor_and_by_size(path):
    assert open_product(path, overview=1).sizes == open_product(path).sizes
    assert open_product(path, overview=4).attrs["geospatial_lat_resolution"] == 1.0
    assert open_product(path, overview="auto", shape=(30, 40)).attrs["overview"] == 4
    assert "overview" not in open_product(path, overview="auto", shape=(100, 150)).attrs
    assert open_product(path, overview="auto", shape=(1, 1)).attrs["overview"] == 32


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"overview": 3}, r"no overview 3. It has 2, 4, 8, 16, 32"),
        ({"overview": "auto"}, "go together"),
        ({"overview": 2, "shape": (1, 1)}, "go together"),
        ({"overview": True}, "must be one of"),
        ({"overview": "coarse"}, "must be one of"),
    ],
)
def test_an_overview_that_is_not_there_is_told(path, options, message):
    with pytest.raises((InputError, NotFoundError), match=message):
        open_product(path, **options)


def test_a_folder_opens_as_a_cube_of_overviews(tmp_path):
    for day in (1, 6, 11):
        put(dataset(rows=137, columns=201, months=1, seed=day), tmp_path, period=f"2015{day:03d}")
    cube, full = open_product(tmp_path, overview=2), open_product(tmp_path)
    mean = full.flux.coarsen(latitude=2, longitude=2, boundary="pad").mean()
    assert cube.flux.dims == ("time", "month", "latitude", "longitude")
    assert float(abs(cube.flux - mean).max()) <= 0.0101
    put(dataset(rows=137, columns=201, months=1), tmp_path, period="2015016", overviews=False)
    with pytest.raises(ArchiveError, match=r"2015016.*overview_2/flux"):
        open_product(tmp_path, overview=2).flux[-1].compute()


def test_old_files_without_overviews_open_as_ever(tmp_path):
    path = put(dataset(), tmp_path, overviews=False)
    assert open_product(path, overview="auto", shape=(5, 5)).sizes["latitude"] == 40
    with pytest.raises(NotFoundError, match=r"It has none; archive.overviews.add"):
        open_product(path, overview=2)
