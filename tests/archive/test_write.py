import errno
import hashlib
import json
import os
import resource
import subprocess
import sys
import threading
import time

import dask
import dask.array as da
import h5py
import numpy as np
import pytest
import xarray as xr
from archive.samples import NAME, SPEC, dataset, one

from musyq_lab.archive import _chunks, draft, encode, manifest, overviews, write
from musyq_lab.archive.open import open_product
from musyq_lab.archive.write import write_product
from musyq_lab.core.errors import ArchiveError, InputError, NotFoundError


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def put(ds, root, **extra):
    return write_product(ds, root, spec=SPEC, **{**NAME, **extra})


def test_name_and_side_files(tmp_path):
    path = put(dataset(), tmp_path / "new" / "folder")
    assert path == tmp_path / "new" / "folder" / "MuSyQ.DEMO.0p25deg.global.2015001.v1.h5"
    names = {item.name for item in path.parent.iterdir()}
    assert names == {path.name, f"{path.name}.sha256", f"{path.name}.run.json"}
    record = json.loads(path.with_name(f"{path.name}.run.json").read_text())
    assert record["sha256"] == digest(path)
    assert record["bytes"] == path.stat().st_size
    assert record["versions"]["h5py"] == h5py.version.version


@pytest.mark.parametrize("engine", ["h5netcdf", "netcdf4"])
def test_xarray_reads_it_with_both_engines(tmp_path, engine):
    if engine == "netcdf4":
        pytest.importorskip("netCDF4")
    ds = dataset()
    with xr.open_dataset(put(ds, tmp_path), engine=engine) as found:
        assert found.flux.dims == ("month", "latitude", "longitude")
        for name in ("latitude", "longitude", "month"):
            np.testing.assert_array_equal(found[name], ds[name])
        np.testing.assert_array_equal(np.isnan(found.flux), np.isnan(ds.flux))
        assert float(abs(found.flux - ds.flux).max()) <= 0.01 + 1e-9
        assert float(abs(found.flux_uncertainty - ds.flux_uncertainty).max()) <= 0.01 + 1e-9
        np.testing.assert_array_equal(found.demo_qa, ds.demo_qa)
        assert found.demo_qa.dtype == np.uint16
        assert found.flux.attrs["units"] == "W m-2"
        assert found.attrs["Conventions"] == "CF-1.11, ACDD-1.3"
        assert found.crs.attrs["grid_mapping_name"] == "latitude_longitude"
        assert found.attrs["history"] == "made by a test"


def test_netcdf4_python_masks_no_good_value(tmp_path):
    netcdf4 = pytest.importorskip("netCDF4")
    ds = dataset()
    with netcdf4.Dataset(put(ds, tmp_path)) as found:
        np.testing.assert_array_equal(np.ma.getmaskarray(found["flux"][:]), np.isnan(ds.flux))


def test_plain_h5py_reads_it(tmp_path):
    ds = dataset()
    with h5py.File(put(ds, tmp_path)) as file:
        flux = file["flux"]
        assert [dim[0].name for dim in flux.dims] == ["/month", "/latitude", "/longitude"]
        stored = flux[:]
        assert (flux.dtype, flux.compression, flux.compression_opts, flux.shuffle) == (np.int16, "gzip", 4, True)
        values = np.where(stored == flux.attrs["_FillValue"], np.nan, stored * flux.attrs["scale_factor"])
        np.testing.assert_allclose(values, ds.flux, atol=0.01 + 1e-9)
        assert flux.fillvalue == -32768
        assert file["latitude"].dtype == np.float64
        assert file.attrs["id"].decode() == "MuSyQ.DEMO.0p25deg.global.2015001.v1"
        assert flux.attrs["units"] == b"W m-2"


def test_the_extent_is_that_of_the_cells(tmp_path):
    with h5py.File(put(dataset(), tmp_path)) as file:
        found = {key: value for key, value in file.attrs.items() if key.startswith("geospatial")}
    assert (found["geospatial_lat_max"], found["geospatial_lat_min"]) == (50.0, 40.0)
    assert (found["geospatial_lon_min"], found["geospatial_lon_max"]) == (95.0, 110.0)
    assert found["geospatial_lon_resolution"] == 0.25


def test_the_same_data_give_the_same_bytes(tmp_path):
    ds = dataset(rows=720, columns=1440, months=1)
    first = digest(put(ds, tmp_path / "a"))
    time.sleep(1.1)  # HDF5 would store times in whole seconds
    assert digest(put(ds, tmp_path / "b")) == first
    chunkings = [
        {"latitude": 100},
        {"latitude": 333, "longitude": 77},
        {"latitude": -1},
        {"latitude": 512, "longitude": 512},
    ]
    for chunks in chunkings:
        for workers in (1, 4):
            with dask.config.set(scheduler="threads", num_workers=workers):
                assert digest(put(ds.chunk(chunks), tmp_path / "c")) == first
    shuffled = ds[["demo_qa", "flux_uncertainty", "flux"]].transpose("longitude", "month", "latitude")
    assert digest(put(shuffled, tmp_path / "d")) == first
    shuffled.attrs = dict(reversed(ds.attrs.items()))
    assert digest(put(shuffled, tmp_path / "e")) == first


def test_no_trace_of_time_or_machine_is_inside(tmp_path):
    data = put(dataset(), tmp_path).read_bytes()
    for word in (str(tmp_path), time.strftime("%Y-%m-%dT")):
        assert word.encode() not in data


@pytest.mark.parametrize(
    ("chunks", "bands", "calls_expected"),
    [
        ((180,) * 4, [(0, 360), (360, 720)], 4),
        ((360, 360), [(0, 360), (360, 720)], 2),
        ((720,), [(0, 720)], 1),  # a chunk beyond the budget sets it: it is in memory anyway
        ((480, 240), [(0, 360), (360, 720)], 3),  # at the budget a chunk may be cut, which costs it a second time
    ],
)
def test_shared_work_is_done_once_and_a_part_at_a_time(tmp_path, monkeypatch, chunks, bands, calls_expected):
    """Rows of tiles here are 360 high."""
    monkeypatch.setattr(encode, "TILE_VALUES", 2**18)
    monkeypatch.setattr(write, "BAND_BYTES", 2**20)
    calls, lock, found = [], threading.Lock(), []

    def make(block_info=None):
        where = block_info[None]["array-location"]
        with lock:
            calls.append(tuple(map(tuple, where)))
        return np.full([stop - start for start, stop in where], 100.0)

    array = da.map_blocks(make, chunks=((1,), chunks, (1440,)), dtype=float, meta=np.empty((0, 0, 0)))
    ds = dataset(rows=720, columns=1440, months=1)[["flux"]].copy()
    ds["flux"] = (ds.flux.dims, array, {"units": "W m-2"})
    monkeypatch.setattr(write, "_bands", _recording(write._bands, found))
    path = put(ds.assign(flux_uncertainty=ds.flux * 0.1), tmp_path)
    assert len(calls) == calls_expected  # value and uncertainty share it
    assert len(set(calls)) == len(chunks)
    assert found == bands
    opened = open_product(path)
    assert float(opened.flux.min()) == 100.0
    assert float(opened.flux_uncertainty.max()) == pytest.approx(10.0)


def _recording(function, into):
    def wrapped(*arguments):
        found = list(function(*arguments))
        into.extend(found)
        return iter(found)

    return wrapped


@pytest.mark.slow
def test_an_active_dask_client_computes(tmp_path):
    distributed = pytest.importorskip("distributed")
    ds = dataset()
    expected = digest(put(ds, tmp_path / "a"))
    with (
        distributed.LocalCluster(1, threads_per_worker=1, processes=True, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        assert digest(put(ds.chunk(latitude=10), tmp_path / "b")) == expected
        assert client.submit(lambda: 1).result() == 1
        again = open_product(tmp_path / "b")  # its tasks carry a path, no handle
        assert float(again.flux.mean().compute()) == pytest.approx(float(ds.flux.mean()), abs=0.01)


def test_layers_without_months_strings_times_and_projected_maps(tmp_path):
    ds = xr.Dataset(
        {
            "kind": (("y", "x"), np.array([[1, 2], [3, 4]]), {"units": "1"}),
            "ratio": (("band",), [0.5, np.nan], {"units": "1"}),
        },
        {
            "y": [30.0, 0.0],
            "x": [0.0, 30.0],
            "band": ["red", "nir"],
            "time": np.datetime64("2015-01-01T06:00", "ns"),
            "spatial_ref": ((), 0, {"grid_mapping_name": "transverse_mercator", "crs_wkt": "PROJCS[...]"}),
        },
    )
    path = put(ds, tmp_path)
    found = open_product(path)
    assert found.band.values.tolist() == ["red", "nir"]
    assert found.time.values == np.datetime64("2015-01-01T06:00")
    assert found.crs.attrs["crs_wkt"] == "PROJCS[...]"
    np.testing.assert_array_equal(found.kind, ds.kind)
    np.testing.assert_allclose(found.ratio, ds.ratio)
    with xr.open_dataset(path, engine="h5netcdf") as other:
        assert other.kind.dims == ("y", "x")
        assert other.band.values.tolist() == ["red", "nir"]
    assert digest(put(found, tmp_path / "again")) == digest(path)


def test_a_dimension_without_coordinate(tmp_path):
    ds = dataset(months=3).drop_vars("month")
    with xr.open_dataset(put(ds, tmp_path), engine="h5netcdf") as found:
        assert found.flux.dims == ("month", "latitude", "longitude")
        assert "month" not in found.coords
    assert "month" not in open_product(tmp_path).coords


def test_the_registry_knows_how_to_store_a_registered_product(tmp_path):
    with pytest.raises(InputError, match=r"attrs\['product'\]"):
        write_product(dataset().drop_attrs(), tmp_path, **NAME)
    with pytest.raises(NotFoundError, match=r"no product 'demo'.*spec="):
        write_product(dataset(), tmp_path, **NAME)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda ds: ds.sortby("latitude"), "latitude must run from north to south"),
        (lambda ds: ds.sortby("longitude", ascending=False), "longitude must run from west to east"),
        (lambda ds: ds.assign_coords(latitude=ds.latitude + 60), "latitude must lie between"),
        (lambda ds: ds.isel(latitude=slice(0)), "'latitude' is empty"),
        (lambda ds: ds.assign(flux=ds.flux * 10), "'flux': .* values in rows 0 to 39 cannot be stored"),
        (lambda ds: ds.assign(flux=ds.flux.chunk() * 10), "'flux': .* values in rows 0 to 39 cannot be stored"),
    ],
)
def test_bad_data_leave_nothing_behind(tmp_path, change, message):
    with xr.set_options(keep_attrs=True), pytest.raises(InputError, match=message):
        put(change(dataset()), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_count_does_not_depend_on_chunks(tmp_path):
    ds = dataset(rows=720, columns=1440, months=1)
    ds.flux[0, 3, :7] = 900.0
    for chunks in ({}, {"latitude": 100}, {"latitude": 720}):
        with pytest.raises(InputError, match=r"'flux': 7 of "):
            put(ds.chunk(chunks) if chunks else ds, tmp_path)


def failing(block):
    raise ZeroDivisionError("a bug in the algorithm")


def test_an_error_in_the_computation_is_told_and_the_old_file_stays(tmp_path):
    path = put(dataset(), tmp_path)
    before = digest(path)
    bad = dataset()
    bad["flux"] = (bad.flux.dims, bad.flux.chunk().data.map_blocks(failing, dtype=float), {"units": "W m-2"})
    with pytest.raises(ArchiveError, match=r"computing its data failed: ZeroDivisionError: a bug in the algorithm"):
        put(bad, tmp_path)
    assert digest(path) == before
    assert [finding.state for finding in manifest.verify(tmp_path)] == ["ok"]
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize("call", range(1, 8))
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EIO])
def test_a_full_disk_at_any_write_leaves_nothing_new(tmp_path, monkeypatch, call, number):
    """The n-th call that touches the disk fails: opening a draft, an HDF5 write, fsync."""
    count = 0

    def fail_at(function):
        def wrapped(*arguments, **options):
            nonlocal count
            count += 1
            if count == call:
                raise OSError(number, os.strerror(number))
            return function(*arguments, **options)

        return wrapped

    monkeypatch.setattr(h5py.Dataset, "__setitem__", fail_at(h5py.Dataset.__setitem__))
    monkeypatch.setattr(draft.os, "fsync", fail_at(os.fsync))
    monkeypatch.setattr(draft, "_create", fail_at(draft._create))
    words = {errno.ENOSPC: "free some space", errno.EROFS: "cannot be written to", errno.EIO: "could not be written"}
    with pytest.raises(ArchiveError, match=words[number]):
        put(dataset(), tmp_path)
    left = {item.suffix for item in tmp_path.iterdir()}
    if left:  # only the flush of the folder, after everything was renamed, may fail so late
        assert [finding.state for finding in manifest.verify(tmp_path)] == ["ok"]
    assert ".partial" not in left
    monkeypatch.undo()
    assert manifest.check(put(dataset(), tmp_path)).state == "ok"


def limited():
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))


def test_a_real_limit_of_the_file_size(tmp_path):
    code = (
        "import sys; from archive.samples import *; from musyq_lab.archive.write import write_product\n"
        "try: write_product(dataset(), sys.argv[1], spec=SPEC, **NAME)\n"
        "except OSError as error: print(type(error).__name__, error)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path],
        capture_output=True,
        text=True,
        preexec_fn=limited,
        env=environment,
        timeout=60,
    )
    assert "ArchiveError MuSyQ.DEMO" in done.stdout, done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(ArchiveError, match=r"A file is in the place of the folder"):
        put(dataset(), tmp_path / "file")
    with pytest.raises(ArchiveError, match=r"A file is in the place of the folder"):
        put(dataset(), tmp_path / "file" / "below")
    if os.geteuid() == 0:
        return  # root ignores modes; the injected EROFS above stands for it
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    with pytest.raises(ArchiveError, match=r"cannot be written to"):
        put(dataset(), closed)


def test_drafts_of_killed_runs_go_and_those_of_living_ones_stay(tmp_path):
    target = tmp_path / "MuSyQ.DEMO.0p25deg.global.2015001.v1.h5"
    stale = [tmp_path / f".{target.name}{middle}.0123456789abcdef.partial" for middle in ("", ".sha256", ".run.json")]
    other = tmp_path / ".MuSyQ.DEMO.0p25deg.global.2015006.v1.h5.0123456789abcdef.partial"
    for path in (*stale, other):
        path.write_bytes(b"half")
    with draft.draft(target) as living:
        put(dataset(), tmp_path)
        assert living.exists()
        assert not any(path.exists() for path in stale)
        assert other.exists()


def test_two_writers_of_one_name_leave_one_whole_file(tmp_path):
    errors = []

    def work(seed):
        try:
            put(dataset(seed=seed), tmp_path)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in (1, 2, 1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert [finding.state for finding in manifest.verify(tmp_path)] == ["ok"]
    assert len(list(tmp_path.iterdir())) == 3


def test_an_interrupt_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(write, "_read_back", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        put(dataset(), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_comes_back_incomplete_is_not_published(tmp_path, monkeypatch):
    monkeypatch.setattr(_chunks, "write_chunk", lambda *_: None)
    with pytest.raises(ArchiveError, match=r"came back incomplete"):
        put(dataset(), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_one_cell_and_all_missing(tmp_path):
    path = put(one("ratio", [[np.nan]]), tmp_path)
    assert np.isnan(open_product(path).ratio.values).all()


def test_what_is_packed_with_zstd_comes_back(tmp_path):
    pytest.importorskip("hdf5plugin")
    ds = dataset(rows=137, columns=201, months=2)
    plain, packed = put(ds, tmp_path / "a"), put(ds, tmp_path / "b", compression="zstd")
    with h5py.File(packed) as file:
        for name in ("flux", "demo_qa", "overview_2/flux"):
            assert file[name].id.get_create_plist().get_filter(1)[0] == 32015
    for overview in (1, 2):
        xr.testing.assert_equal(open_product(plain, overview=overview), open_product(packed, overview=overview))
    assert digest(put(ds.chunk(latitude=50), tmp_path / "c", compression="zstd")) == digest(packed)
    assert manifest.check(packed).state == "ok"
    with_more = put(ds, tmp_path / "d", compression="zstd", overviews=False)
    overviews.add(with_more)
    xr.testing.assert_equal(open_product(with_more, overview=2), open_product(plain, overview=2))


def test_another_compression_is_refused_before_anything_is_computed(tmp_path, monkeypatch):
    with pytest.raises(InputError, match=r"'lzma' is unknown. Use 'gzip' or 'zstd'"):
        put(dataset(), tmp_path, compression="lzma")
    monkeypatch.setitem(sys.modules, "hdf5plugin", None)
    with pytest.raises(InputError, match=r"pip install 'musyq-lab\[zstd\]'"):
        put(dataset(), tmp_path, compression="zstd")
    assert list(tmp_path.iterdir()) == []
