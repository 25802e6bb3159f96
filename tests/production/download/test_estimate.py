"""What a download will take, told and refused before a value is read."""

import dask.array as da
import numpy as np
import pytest
import shapely
import xarray as xr
from archive.samples import SPEC
from production.download.conftest import globe, utm

from musyq_lab.core.errors import InputError
from musyq_lab.production.download import estimate as module
from musyq_lab.production.download import registration
from musyq_lab.production.download.download import download, estimate
from musyq_lab.production.download.estimate import bytes_of, free, size, writer


def unreadable(rows=18_000, columns=36_000, steps=876):
    """The globe at 1 km for twelve years, every value of which refuses to be read."""

    def block():
        raise AssertionError("read")

    data = da.map_blocks(
        block, chunks=((1,) * steps, (rows,), (columns,)), dtype=np.float32, meta=np.empty((0, 0, 0), "f4")
    )
    step = 180 / rows
    coords = {
        "time": np.datetime64("2000-01-01", "ns") + np.arange(steps) * np.timedelta64(5, "D"),
        "latitude": 90 - step * (np.arange(rows) + 0.5),
        "longitude": -180 + step * (np.arange(columns) + 0.5),
    }
    return xr.Dataset({"v": (("time", "latitude", "longitude"), data)}, coords)


@pytest.mark.parametrize("form", ["NetCDF", "HDF5", "COG", "Zarr", "CSV"])
@pytest.mark.parametrize("region", ["98,44,103,48", shapely.Point(100, 46).buffer(2)], ids=["box", "disk"])
def test_no_download_is_larger_than_its_estimate(cube, tmp_path, form, region):
    told = estimate(cube, region, "2015-07", spec=SPEC, format=form, out=tmp_path)
    made = download(cube, region, "2015-07", spec=SPEC, format=form, out=tmp_path)
    overhead = 50_000 * len(made.files)  # attributes and headers, which a real product does not notice
    assert made.nbytes <= told.result_bytes + overhead
    assert told.fits
    assert told.steps == 2
    if form == "CSV":
        rows = len(made.path.read_text(encoding="utf-8").splitlines()) - 1
        assert rows == told.cells * told.steps
        assert told.result_bytes / 3 < made.nbytes
    if form in ("COG", "CSV"):
        assert told.files == len(made.files)
    assert told.name == made.path.name


def test_sizes_are_those_of_the_arrays(cube):
    told = estimate(cube, "98,44,103,48", "2015-07", spec=SPEC)
    assert (told.cells, told.steps, told.layers, told.exact) == (16 * 20, 2, 3, True)
    assert told.read_bytes == 16 * 20 * 2 * (4 + 4 + 2)
    assert told.result_bytes == 16 * 20 * 2 * (2 + 2 + 2)
    assert estimate(cube, "98,44,103,48", "2015-07", packed=False).result_bytes == told.read_bytes


def test_what_does_not_fit_is_refused_before_anything_is_read(tmp_path):
    ds = unreadable()
    told = estimate(ds, out=tmp_path)
    assert told.read_bytes == 876 * 18_000 * 36_000 * 4
    with pytest.raises(
        InputError, match=r"would need up to .* TB of disk; .* are free\. Nothing was read\. To make it fit"
    ) as raised:
        download(ds, out=tmp_path / "out")
    assert "% of the cells" in str(raised.value)
    assert not list(tmp_path.iterdir())


def test_the_advice_fits(tmp_path):
    ds = unreadable(180, 360, 40)
    told = estimate(ds, out=tmp_path, limit=told_limit(ds, tmp_path))
    assert not told.fits
    assert "the limit is" in told.problem
    steps = int(told.problem.split(" of the 40 time steps")[0].split()[-1])
    assert 1 <= steps < 40
    assert estimate(ds.isel(time=slice(steps)), out=tmp_path, limit=told_limit(ds, tmp_path)).fits
    assert not estimate(ds.isel(time=slice(steps + 1)), out=tmp_path, limit=told_limit(ds, tmp_path)).fits
    with pytest.raises(InputError, match="the limit is"):
        download(ds, out=tmp_path, limit=told_limit(ds, tmp_path))


def told_limit(ds, folder):
    return estimate(ds, out=folder).result_bytes // 3


def test_a_full_disk_is_seen_before(monkeypatch, tmp_path):
    monkeypatch.setattr(module, "free", lambda out: 10_000)
    told = estimate(globe(), out=tmp_path)
    assert not told.fits
    assert "another out= with more room" in told.problem
    assert told.problem in str(told.table())


def test_a_disk_is_found_for_folders_that_are_not_there_yet(tmp_path):
    import shutil

    assert free(tmp_path / "a" / "b" / "c") == pytest.approx(shutil.disk_usage(tmp_path).free, rel=0.05)
    assert not (tmp_path / "a").exists()


def test_time_is_known_after_the_first_download(tmp_path):
    assert estimate(utm(), out=tmp_path).seconds is None
    assert "not known yet" in str(estimate(utm(), out=tmp_path).table())
    made = download(utm(), out=tmp_path)
    row = registration.receipts()[0]
    again = estimate(utm(), out=tmp_path)
    assert again.seconds == pytest.approx(row["seconds"])
    assert estimate(utm(), "116.8,40.0,116.86,40.1", out=tmp_path).seconds < again.seconds
    assert estimate(utm(), out=tmp_path, format="CSV").seconds is None
    assert made.estimate.seconds is None


def test_nobody_needs_to_register_to_ask(home, tmp_path):
    registration.forget()
    assert estimate(globe(), out=tmp_path).cells == 90 * 180


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, None),
        (5, 5),
        ("5", 5),
        ("1.5 kB", 1500),
        ("500 MB", 500_000_000),
        ("2GB", 2 * 10**9),
        ("1 TB", 10**12),
        (2.0, 2),
    ],
)
def test_limits_in_bytes_or_words(given, expected):
    assert bytes_of(given) == expected


@pytest.mark.parametrize("given", ["", "much", "-5", "5 XB", True, "MB"])
def test_what_is_no_limit(given):
    with pytest.raises(InputError, match="is no size"):
        bytes_of(given)


def test_sizes_in_words():
    words = [size(n) for n in (0, 1, 999, 1000, 1_500_000, 2.5e9, 9.9e13)]
    assert words == ["0 bytes", "1 bytes", "999 bytes", "1 kB", "1.5 MB", "2.5 GB", "99 TB"]


def test_formats_by_any_usual_name():
    assert [writer(n)[0] for n in ("netcdf", "NC", "GeoTIFF", "cog", "zarr", "h5", "csv")] == [
        *("NetCDF", "NetCDF", "COG", "COG", "Zarr", "HDF5", "CSV")
    ]
    with pytest.raises(InputError, match="Did you mean 'NetCDF'"):
        writer("netcfd")


def test_it_shows_itself(cube, tmp_path):
    told = estimate(cube, "98,44,103,48", "2015-07", spec=SPEC, out=tmp_path, filename="<b>名字</b>".replace("/", "_"))
    html = told._repr_html_()
    assert "<table>" in html
    assert "&lt;b&gt;名字" in html
    assert "320 cells x 2 steps" in str(told)
