import json

import h5py
import numpy as np
import pytest
import xarray as xr
from archive.samples import NAME, SPEC, dataset, one

from musyq_lab.archive.lineage import provenance, text_of
from musyq_lab.archive.open import open_product
from musyq_lab.archive.write import write_product
from musyq_lab.composite.lineage import granules_of, packed
from musyq_lab.core.errors import ArchiveError, InputError, NotFoundError

RECORD = {
    "prefix": {"musyq": "urn:musyq:"},
    "entity": {"musyq:out": {"prov:label": "叶面积指数 — LAI", "n": 3, "x": 0.1}},
    "activity": {},
}


def put(ds, root, **extra):
    return write_product(ds, root, spec=SPEC, **{**NAME, **extra})


def composed(granules, seed=1, rows=6, columns=8):
    """A product with the layers that a composite of so many granules leaves."""
    random = np.random.default_rng(seed)
    used = random.random((granules, rows, columns)) < 0.3
    ds = one("kind", random.integers(0, 16, (rows, columns)))
    plane = ("latitude", "longitude")
    share = random.choice([0.0, 0.25, 0.5, 1.0], (2, rows, columns))
    times = np.datetime64("2015-01-01T03:04:05.25", "ns") + np.arange(granules).astype("timedelta64[h]")
    return ds.assign(
        n_obs=(plane, used.sum(0).astype(np.uint16), {"units": "1", "long_name": "number of looks used"}),
        window_length=(plane, random.choice([5.0, 15.0, np.nan], (rows, columns)), {"units": "days"}),
        time_offset=(plane, random.uniform(-7, 7, (rows, columns)), {"units": "days"}),
        sensor_share=(("sensor", *plane), share, {"units": "1"}),
        lineage=(("word", *plane), packed(used), {"units": "1"}),
    ).assign_coords(
        sensor=["modis", "viirs"],
        granule=[f"MOD09GA.{k:03d}_中.hdf" for k in range(granules)],
        granule_time=("granule", times),
    ), used


@pytest.mark.parametrize("record", [RECORD, {}, {"long": ["é" * 1000] * 200}], ids=["small", "empty", "400 kB"])
def test_the_record_comes_back_as_it_was(tmp_path, record):
    path = put(dataset(4, 5, 2), tmp_path, provenance=record)
    assert provenance(path) == record
    found = open_product(path)
    assert not any("prov" in str(name) for name in (*found.attrs, *found.variables, *found.dims))


def test_equal_records_give_equal_bytes(tmp_path):
    first = put(dataset(4, 5, 2), tmp_path / "a", provenance=RECORD)
    second = put(dataset(4, 5, 2), tmp_path / "b", provenance=dict(reversed(RECORD.items())))
    assert first.read_bytes() == second.read_bytes()
    assert text_of({"b": 1, "a": "中"}) == '{"a":"中","b":1}'


@pytest.mark.parametrize("engine", ["h5netcdf", "netcdf4"])
def test_netcdf_readers_give_the_record_as_a_text(tmp_path, engine):
    if engine == "netcdf4":
        pytest.importorskip("netCDF4")
    path = put(dataset(4, 5, 2), tmp_path, provenance={**RECORD, "long": "x" * 100_000})
    with xr.open_dataset(path, engine=engine, group="provenance") as found:
        text = found["prov_json"].item()
    assert json.loads(text if isinstance(text, str) else text.decode())["entity"] == RECORD["entity"]
    with xr.open_dataset(path, engine=engine) as found:
        assert "prov_json" not in found.variables
        assert float(abs(found.flux - dataset(4, 5, 2).flux).max()) <= 0.0101


def test_the_record_is_compressed_and_checked_by_hdf5(tmp_path):
    path = put(dataset(4, 5, 2), tmp_path, provenance={"long": "word " * 100_000})
    with h5py.File(path) as file:
        record = file["provenance/prov_json"]
        assert record.fletcher32
        assert record.id.get_storage_size() < record.size / 20
        assert record.dims[0][0].name == "/provenance/prov_json_characters"
        assert bytes(record[()].tobytes()).decode().startswith('{"long":"word')


@pytest.mark.parametrize("bad", [{"x": float("nan")}, {"x": object()}, {("a", 1): 2}, {"x": "\ud800"}])
def test_what_is_no_json_is_refused_before_anything_is_written(tmp_path, bad):
    with pytest.raises(InputError, match=r"provenance cannot be written as JSON"):
        put(dataset(4, 5, 2), tmp_path, provenance=bad)
    assert list(tmp_path.iterdir()) == []


def test_a_file_without_record_and_a_damaged_one_are_told(tmp_path):
    path = put(dataset(4, 5, 2), tmp_path)
    with pytest.raises(NotFoundError, match=r"carries no provenance"):
        provenance(path)
    with pytest.raises(NotFoundError, match=r"There is no file"):
        provenance(tmp_path / "nothing.h5")
    path = put(dataset(4, 5, 2), tmp_path, provenance=RECORD)
    with h5py.File(path, "a") as file:
        file["provenance/prov_json"][0] = b"["
    with pytest.raises(ArchiveError, match=r"provenance of .* is damaged"):
        provenance(path)


def test_the_layers_of_a_composite_come_back(tmp_path):
    ds, used = composed(70)
    found = open_product(put(ds, tmp_path))
    assert list(found.data_vars) == ["kind", "lineage", "n_obs", "sensor_share", "time_offset", "window_length"]
    for name in ("n_obs", "lineage"):
        np.testing.assert_array_equal(found[name], ds[name])
        assert found[name].dtype == ds[name].dtype
    np.testing.assert_allclose(found.sensor_share, ds.sensor_share, atol=1e-6)
    np.testing.assert_allclose(found.window_length, ds.window_length, atol=0.0051)
    np.testing.assert_allclose(found.time_offset, ds.time_offset, atol=0.0051)
    assert found.lineage.dims == ("word", "latitude", "longitude")
    assert found.granule.values.tolist() == ds.granule.values.tolist()
    assert found.sensor.values.tolist() == ["modis", "viirs"]
    np.testing.assert_array_equal(found.granule_time, ds.granule_time)
    assert found.n_obs.attrs["long_name"] == "number of looks used"
    row, column = 2, 5
    x, y = float(ds.longitude[column]), float(ds.latitude[row])
    expected = [name for name, taken in zip(ds.granule.values, used[:, row, column], strict=True) if taken]
    assert granules_of(found, x, y) == expected == granules_of(ds, x, y)


def test_what_was_opened_with_its_lineage_writes_the_same_bytes(tmp_path):
    first = put(composed(33)[0], tmp_path / "a", provenance=RECORD)
    second = put(open_product(first), tmp_path / "b", provenance=provenance(first))
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("engine", ["h5netcdf", "netcdf4"])
def test_other_readers_read_the_lineage(tmp_path, engine):
    if engine == "netcdf4":
        pytest.importorskip("netCDF4")
    ds, _ = composed(40)
    with xr.open_dataset(put(ds, tmp_path), engine=engine) as found:
        np.testing.assert_array_equal(found.lineage, ds.lineage)
        assert found.granule.values.tolist() == ds.granule.values.tolist()
        np.testing.assert_array_equal(found.granule_time, ds.granule_time)


def test_bits_without_names_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"does not name them"):
        put(composed(3)[0].drop_vars(["granule", "granule_time"]), tmp_path)


def test_a_count_with_a_fraction_or_beyond_its_type_is_refused(tmp_path):
    ds, _ = composed(3)
    with pytest.raises(InputError, match=r"'n_obs'.*bits or counts"):
        put(ds.assign(n_obs=ds.n_obs * 0.5), tmp_path)
    with pytest.raises(InputError, match=r"'window_length'"):
        put(ds.assign(window_length=ds.window_length * 0 + 1e4), tmp_path)
    with pytest.raises(InputError, match=r"'window_length' is in hours"):
        put(ds.assign(window_length=ds.window_length.assign_attrs(units="hours")), tmp_path)


def test_a_record_that_is_a_bomb_or_no_text_is_refused(tmp_path):
    path = put(dataset(4, 5, 2), tmp_path, provenance=RECORD)
    for make in (
        lambda group: group.create_dataset("prov_json", (2**32,), "S1", chunks=(2**16,), compression="gzip"),
        lambda group: group.create_dataset("prov_json", data=np.arange(9.0)),
        lambda group: group.create_group("prov_json"),
    ):
        with h5py.File(path, "a") as file:
            del file["provenance/prov_json"]
            make(file["provenance"])
        with pytest.raises(ArchiveError):
            provenance(path)
