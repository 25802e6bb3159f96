import os
import pickle
import subprocess
import sys

import dask
import h5py
import numpy as np
import pytest
import xarray as xr
from archive.samples import NAME, SPEC, dataset

from musyq_lab.archive.open import open_product
from musyq_lab.archive.write import write_product
from musyq_lab.core.errors import ArchiveError, InputError, NotFoundError
from musyq_lab.files import lazy, quick, stored
from musyq_lab.files.stored import StoredLayer


def put(ds, root, **extra):
    return write_product(ds, root, spec=SPEC, **{**NAME, **extra})


def never(*_, **__):
    raise AssertionError("computed something")


def test_round_trip_within_half_a_step(tmp_path):
    ds = dataset()
    found = open_product(put(ds, tmp_path))
    assert list(found.data_vars) == ["flux", "flux_uncertainty", "demo_qa"]
    assert float(abs(found.flux - ds.flux).max()) <= 0.01 * (1 + 1e-3)  # float32 adds 3e-5 at 600
    np.testing.assert_array_equal(np.isnan(found.flux), np.isnan(ds.flux))
    np.testing.assert_array_equal(found.demo_qa, ds.demo_qa)
    assert (found.flux.dtype, found.demo_qa.dtype) == (np.float32, np.uint16)
    for name in ("month", "latitude", "longitude"):
        xr.testing.assert_equal(found[name].drop_vars("crs"), ds[name])
    assert found.month.dtype.kind == "i"
    assert found.attrs["history"] == "made by a test"
    assert found.attrs["product"] == "demo"
    flux = found.flux.attrs
    assert (flux["units"], flux["comment"], flux["valid_range"]) == ("W m-2", "made up", [0.0, 600.0])
    assert "scale_factor" not in flux
    assert found.crs.attrs["inverse_flattening"] == 298.257223563


@pytest.mark.parametrize(("months", "rows"), [(1, 720), (12, 360)])
def test_it_is_lazy_and_in_whole_chunks_of_the_file(tmp_path, months, rows):
    path = put(dataset(rows=rows, columns=2 * rows, months=months), tmp_path)
    with dask.config.set(scheduler=never):
        found = open_product(path)
        part = found.flux.sel(latitude=10, longitude=20, method="nearest")
    with h5py.File(path) as file:
        stored = file["flux"].chunks
    block = tuple(sizes[0] for sizes in found.flux.chunks)
    assert all(b % s == 0 or b == n for b, s, n in zip(block, stored, found.flux.shape, strict=True))
    assert np.prod(block) <= max(2 * 2**20, np.prod(stored))
    assert part.shape == (months,)


def test_the_series_of_a_pixel_reads_no_more_than_its_own_chunks(tmp_path, monkeypatch):
    """Blocks are larger than chunks, but a slice reaches the layer."""
    path = put(dataset(rows=720, columns=1440, months=1), tmp_path)
    asked, read = [], StoredLayer.__getitem__
    monkeypatch.setattr(StoredLayer, "__getitem__", lambda layer, key: asked.append(key) or read(layer, key))
    open_product(path).flux.isel(latitude=300, longitude=700).compute()
    assert [key[-2:] for key in asked] == [(300, 700)]


def test_no_handle_is_kept(tmp_path):
    found = open_product(put(dataset(), tmp_path))
    other = pickle.loads(pickle.dumps(found))
    np.testing.assert_array_equal(other.flux, found.flux)
    put(dataset(seed=5), tmp_path)  # a file that is open elsewhere could be replaced, and is read anew
    again = open_product(tmp_path)
    assert not np.array_equal(again.flux, found.flux, equal_nan=True) or again.flux.data.name != found.flux.data.name
    assert again.flux.data.name != other.flux.data.name


def test_what_was_opened_writes_the_same_bytes(tmp_path):
    first = put(dataset(), tmp_path / "a")
    second = put(open_product(first), tmp_path / "b")
    assert first.read_bytes() == second.read_bytes()


def test_xarray_can_save_it(tmp_path):
    found = open_product(put(dataset(), tmp_path))
    found.to_netcdf(tmp_path / "x.nc", engine="h5netcdf")
    with xr.open_dataset(tmp_path / "x.nc", engine="h5netcdf") as other:
        np.testing.assert_allclose(other.flux, found.flux, atol=1e-4)


def test_a_folder_of_periods_is_one_cube(tmp_path):
    data = {f"2015{day:03d}": dataset(seed=day) for day in (11, 1, 6)}
    for period, ds in data.items():
        put(ds, tmp_path, period=period)
    cube = open_product(tmp_path, "demo")
    assert cube.flux.dims == ("time", "month", "latitude", "longitude")
    assert cube.period.values.tolist() == ["2015001", "2015006", "2015011"]
    assert cube.time.values[1] == np.datetime64("2015-01-06")
    for period, ds in data.items():
        values = cube.flux.isel(time=cube.period.values.tolist().index(period))
        assert float(abs(values - ds.flux).max()) <= 0.0101
    series = cube.flux.isel(month=3, latitude=5, longitude=7).values
    whole = cube.flux.compute()
    np.testing.assert_array_equal(series, whole[:, 3, 5, 7])
    np.testing.assert_array_equal(cube.flux[::-1, 0, :3, ::2], whole[::-1, 0, :3, ::2])
    assert "id" not in cube.attrs
    assert open_product(tmp_path, period="2015006").flux.dims == ("month", "latitude", "longitude")
    assert open_product(tmp_path, period="2015006").attrs["id"].endswith("2015006.v1")


def test_labels_without_an_instant_make_a_period_axis(tmp_path):
    for period in ("2011-2015", "climatology"):
        put(dataset(), tmp_path, period=period)
    cube = open_product(tmp_path)
    assert cube.flux.dims[0] == "period"
    assert cube.period.values.tolist() == ["2011-2015", "climatology"]


def test_files_with_times_of_their_own_are_no_cube(tmp_path):
    """The times of the first file would stand at the values of the second."""
    for day in (1, 2):
        ds = dataset(months=3, seed=day).rename(month="time")
        hours = np.datetime64(f"2015-01-0{day}", "ns") + np.arange(3) * np.timedelta64(3, "h")
        put(ds.assign_coords(time=("time", hours)), tmp_path, period=f"201500{day}")
    with pytest.raises(InputError, match=r"has times of its own. Open one of them by period="):
        open_product(tmp_path)
    assert open_product(tmp_path, period="2015002").flux.dims == ("time", "latitude", "longitude")


def test_an_instant_inside_each_file_gives_way_to_the_axis(tmp_path):
    for day in (1, 2):
        ds = dataset(months=1).assign_coords(time=np.datetime64("2015-01-01T06:00", "ns"))
        put(ds, tmp_path, period=f"201500{day}")
    assert open_product(tmp_path).time.values.astype("M8[D]").astype(str).tolist() == ["2015-01-01", "2015-01-02"]


def test_a_cube_opens_only_its_first_file(tmp_path, monkeypatch):
    for day in (1, 6, 11):
        put(dataset(), tmp_path, period=f"2015{day:03d}")
    opened = []
    monkeypatch.setattr(stored, "opened", lambda path: opened.append(path) or never())
    monkeypatch.setattr(quick, "_open", lambda path, *_: opened.append(path) or never())
    cube = open_product(tmp_path)
    assert cube.sizes["time"] == 3
    assert opened == []


def test_a_file_of_another_layout_is_told_when_it_is_read(tmp_path):
    put(dataset(), tmp_path, period="2015001")
    put(dataset(rows=20), tmp_path, period="2015006")
    cube = open_product(tmp_path)
    assert np.isfinite(cube.flux[0].mean())
    with pytest.raises(ArchiveError, match=r"2015006.*were expected"):
        cube.flux[1].compute()


def test_the_newest_version_is_taken(tmp_path):
    for number in (9, 10, 2):
        put(dataset(), tmp_path, version=f"v{number}")
    assert open_product(tmp_path).attrs["product_version"] == "v10"
    assert open_product(tmp_path, version="v2").attrs["product_version"] == "v2"


def test_what_is_not_there_is_answered_with_what_is(tmp_path):
    with pytest.raises(NotFoundError, match=r"It holds no product files"):
        open_product(tmp_path)
    path = put(dataset(), tmp_path)
    with pytest.raises(NotFoundError, match=r"product='lai', edition='1km'.*It holds: demo 0p25deg global \(1 file\)"):
        open_product(tmp_path, "lai", edition="1km")
    with pytest.raises(NotFoundError, match=r"Did you mean 'MuSyQ"):
        open_product(tmp_path / path.name.replace("2015001", "2015006"))
    with pytest.raises(NotFoundError, match=r"Nor is there a folder"):
        open_product(tmp_path / "nowhere" / "x.h5")
    with pytest.raises(NotFoundError, match=r"has edition '0p25deg', not '1km'"):
        open_product(path, edition="1km")


@pytest.mark.parametrize(("field", "value"), [("edition", "1km"), ("tile", "h01v02")])
def test_several_kinds_ask_for_a_choice(tmp_path, field, value):
    put(dataset(), tmp_path)
    put(dataset(), tmp_path, **{field: value})
    with pytest.raises(InputError, match=f"several {field}s: .*{value}.*Choose one by {field}="):
        open_product(tmp_path)
    assert open_product(tmp_path, **{field: value}).attrs[field] == value


def test_changed_and_unlisted_files_fail_verification(tmp_path):
    path = put(dataset(), tmp_path)
    assert open_product(path, verify=True).sizes["month"] == 12
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(data)
    with pytest.raises(ArchiveError, match=r"is not what was written"):
        open_product(tmp_path, verify=True)
    path.with_name(f"{path.name}.sha256").unlink()
    with pytest.raises(ArchiveError, match=r"no readable .sha256 file"):
        open_product(tmp_path, verify=True)


def test_files_of_another_place_are_no_part_of_a_cube(tmp_path):
    ds = dataset(6, 8, 2)
    for period, shift in (("2015001", 0.0), ("2015006", 1e-6), ("2015011", 0.25)):  # rounding fits, a cell does not
        put(ds.assign_coords(longitude=ds.longitude + shift), tmp_path, period=period)
    cube = open_product(tmp_path)
    assert cube.flux[:2, 0].compute().shape == (2, 6, 8)
    with pytest.raises(ArchiveError, match=r"'longitude' of .*2015011.* goes from .* lie on one grid"):
        cube.flux[:, 0, 3, 4].compute()
    with pytest.raises(ArchiveError, match=r"2015011.* lie on one grid"):
        open_product(tmp_path, verify=True)
    assert open_product(tmp_path, period="2015011", verify=True).sizes["longitude"] == 8


def test_a_cube_has_no_time_coverage_of_its_first_file(tmp_path):
    for period in ("2015-01", "2015-02"):
        put(dataset(4, 5, 2), tmp_path, period=period)
    assert not [name for name in open_product(tmp_path).attrs if name.startswith("time_coverage")]
    one = open_product(tmp_path, period="2015-02")
    assert one.attrs["time_coverage_end"] == "2015-02-28T23:59:59Z"


def test_a_number_of_one_file_is_not_taken_for_that_of_all(tmp_path):
    """Months have 31 and 28 days: the first one's number would weigh all of them wrongly, and silently."""
    for period, days in (("2015001", 31), ("2015032", 28)):
        write_product(dataset().assign_coords(days=days), tmp_path, spec=SPEC, edition="0p25deg", period=period)
    assert "days" not in open_product(tmp_path).coords
    assert int(open_product(tmp_path, period="2015032")["days"]) == 28
    assert "crs" in open_product(tmp_path).coords


def test_cut_off_files_are_told_at_every_length(tmp_path):
    path = put(dataset(), tmp_path)
    data = path.read_bytes()
    for length in {0, 1, 7, 8, 100, 1000, len(data) // 2, len(data) - 1}:
        path.write_bytes(data[:length])
        with pytest.raises(ArchiveError, match=r"empty|not an HDF5|cut off|damaged"):
            open_product(path)


FLIP = r"""
import signal, sys
from pathlib import Path
import numpy as np
from musyq_lab.archive.open import open_product
from musyq_lab.core.errors import ArchiveError, InputError
path = Path(sys.argv[1])
data, random, told = path.read_bytes(), np.random.default_rng(3), 0
for trial in range(150):
    position = int(random.integers(min(len(data), 20_000)))  # where the headers are
    path.write_bytes(data[:position] + bytes([data[position] ^ 1 << int(random.integers(8))]) + data[position + 1:])
    # A loop inside HDF5 cannot be interrupted, only killed; a busy machine is no loop, so the processor's time counts.
    signal.setitimer(signal.ITIMER_PROF, 20)
    try:
        open_product(path).isel(month=0).compute()
    except (ArchiveError, InputError) as error:
        assert str(path) in str(error), error
        told += 1
print(told)
"""


def test_flipped_bits_never_crash_hang_or_raise_foreign_errors(tmp_path):
    path = put(dataset(), tmp_path)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    command = [sys.executable, "-c", FLIP, path]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= 20


def test_other_hdf5_is_not_a_product(tmp_path):
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["a"] = 1
    with pytest.raises(ArchiveError, match=r"not a MuSyQ product.*open_field"):
        open_product(tmp_path / "x.h5")
    (tmp_path / "y.h5").write_text("hello, this is no HDF5 file")
    with pytest.raises(ArchiveError, match=r"is not an HDF5 file"):
        open_product(tmp_path / "y.h5")


def test_tiny_chunks_do_not_make_a_giant_graph():
    blocks = lazy.blocks((18000, 36000), (1, 1))
    assert np.prod([-(-s // b) for s, b in zip((18000, 36000), blocks, strict=True)]) <= lazy.MAX_BLOCKS
