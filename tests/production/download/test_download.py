"""Downloads from one end to the other: repeated, resumed, refused, recorded."""

import json
import os
import subprocess
import sys

import dask
import numpy as np
import pytest
import xarray as xr
from archive.samples import SPEC, dataset
from production.download.conftest import globe, series, utm

from musyq_lab.archive.write import write_product
from musyq_lab.core.errors import ArchiveError, InputError, MusyqWarning
from musyq_lab.production.download import download as module
from musyq_lab.production.download import parts, registration
from musyq_lab.production.download.download import download
from musyq_lab.production.download.formats import netcdf

FORMS = ("NetCDF", "HDF5", "COG", "Zarr", "CSV")


def contents(made):
    return {path.name: path.read_bytes() for path in made.files}


@pytest.mark.parametrize("form", FORMS)
def test_the_same_bytes_each_time_whatever_threads_and_chunks(cube, tmp_path, form):
    options = {"spec": SPEC, "format": form, "filename": "x"}
    with dask.config.set(scheduler="synchronous"):
        first = download(cube, "98,44,103,48", "2015-07", out=tmp_path / "a", **options)
    with dask.config.set(scheduler="threads", num_workers=4):
        other = cube.chunk(time=2, latitude=7, longitude=11)
        second = download(other, "98,44,103,48", "2015-07", out=tmp_path / "b", **options)
    assert contents(first) == contents(second)
    assert first.sha256 == second.sha256
    assert first.attribution.read_bytes() == second.attribution.read_bytes()


def test_a_second_call_reads_nothing_and_adds_no_receipt(cube, tmp_path, monkeypatch):
    made = download(cube, "98,44,103,48", spec=SPEC, out=tmp_path)
    state = made.path.stat()
    monkeypatch.setattr(module, "stage", lambda *_: pytest.fail("read again"))
    again = download(cube, "98,44,103,48", spec=SPEC, out=tmp_path)
    assert again.sha256 == made.sha256
    assert made.path.stat() == state
    assert len(registration.receipts()) == 1


def test_a_damaged_result_is_made_again(cube, tmp_path):
    made = download(cube, "98,44,103,48", spec=SPEC, out=tmp_path)
    data = made.path.read_bytes()
    made.path.write_bytes(data[:1000] + bytes([data[1000] ^ 4]) + data[1001:])
    assert download(cube, "98,44,103,48", spec=SPEC, out=tmp_path).path.read_bytes() == data


def test_a_source_that_changed_is_not_mixed_with_what_was_read(tmp_path, monkeypatch):
    root = tmp_path / "archive"
    series(root, 10, 12, ("2015181",))
    monkeypatch.setattr(netcdf, "write", lambda *_: (_ for _ in ()).throw(OSError("stopped")))
    with pytest.raises(ArchiveError, match="stopped"):
        download("demo", root=root, spec=SPEC, out=tmp_path / "out")
    monkeypatch.undo()
    monkeypatch.setenv(registration.HOME_VARIABLE, str(tmp_path / "home"))
    registration.register("A")
    newer = dataset(10, 12, months=1, seed=9).isel(month=0, drop=True)
    write_product(newer, root, spec=SPEC, edition="0p25deg", period="2015181")
    made = download("demo", root=root, spec=SPEC, out=tmp_path / "out")
    with xr.open_dataset(made.path) as opened:
        np.testing.assert_allclose(opened["flux"], newer["flux"], atol=0.0101)


def test_another_request_of_the_same_name_replaces_the_first(tmp_path):
    first = download(globe(), "0,0,10,10", out=tmp_path, filename="x")
    second = download(globe(), "20,0,30,10", out=tmp_path, filename="x.nc")
    assert first.path == second.path
    with xr.open_dataset(second.path) as opened:
        assert opened["longitude"].values[0] == 21
    assert len(registration.receipts()) == 2


def test_a_file_of_the_persons_own_is_left_alone(tmp_path):
    (tmp_path / "x.nc").write_text("mine")
    with pytest.raises(InputError, match="left alone"):
        download(globe(), out=tmp_path, filename="x")
    assert (tmp_path / "x.nc").read_text() == "mine"


def test_stopped_in_the_middle_only_the_rest_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(parts, "PART_BYTES", 10_000)
    ds = globe().chunk(latitude=10, longitude=180)
    whole = download(ds, out=tmp_path / "whole")
    real, left = parts.write, [4]

    def stop(path, array):
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        real(path, array)

    monkeypatch.setattr(parts, "write", stop)
    with pytest.raises(KeyboardInterrupt):
        download(ds, out=tmp_path / "broken")
    assert not [p for p in (tmp_path / "broken").iterdir() if not p.name.startswith(".")]
    written = []
    monkeypatch.setattr(parts, "write", lambda path, array: (written.append(path), real(path, array)))
    made = download(ds, out=tmp_path / "broken")
    assert len(written) == 9 - 4
    assert contents(made) == contents(whole)
    assert not [p for p in (tmp_path / "broken").iterdir() if p.name.startswith(".")]


def test_a_folder_that_cannot_be_written_to(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    with pytest.raises(ArchiveError, match="could not be written"):
        download(globe(), out=tmp_path / "file" / "sub")


def test_a_source_that_fails_is_told_and_goes_on_later(tmp_path):
    import dask.array as da

    class Flaky:
        shape, dtype, ndim, good = (8, 8), np.dtype("f4"), 2, False

        def __getitem__(self, key):
            if not self.good:
                raise OSError("the line is dead")
            return np.ones((8, 8), "f4")[key]

    flaky = Flaky()
    data = da.from_array(flaky, chunks=8, name="flaky", meta=np.empty((0, 0), "f4"))
    ds = xr.Dataset(
        {"v": (("latitude", "longitude"), data)}, {"latitude": np.arange(8.0)[::-1], "longitude": np.arange(8.0)}
    )
    with pytest.raises(ArchiveError, match=r"the line is dead.*goes on from there"):
        download(ds, out=tmp_path)
    flaky.good = True
    with xr.open_dataset(download(ds, out=tmp_path).path) as opened:
        assert np.all(opened["v"] == 1)


# --- registration ---------------------------------------------------------------------------------------------------


def test_without_registration_nothing_is_read_and_one_line_says_what_to_do(tmp_path, monkeypatch):
    registration.forget()
    monkeypatch.setattr(module, "stage", lambda *_: pytest.fail("read"))
    with pytest.raises(InputError, match=r"ml\.register\('your name'"):
        download(globe(), out=tmp_path)
    assert not list(tmp_path.iterdir())


def test_registration_with_the_first_download(tmp_path):
    registration.forget()
    download(globe(), "0,0,10,10", out=tmp_path, name="Li Si", organisation="School", purpose="teaching")
    assert registration.registered() == registration.Registration("Li Si", "School", "", "teaching")
    download(globe(), "20,0,30,10", out=tmp_path, purpose="another study")
    assert [row["purpose"] for row in registration.receipts()] == ["another study", "teaching"]


def test_the_receipt_says_what_was_downloaded(cube, tmp_path):
    made = download(cube, "98,44,103,48", "2015-07", spec=SPEC, format="CSV", out=tmp_path)
    (row,) = registration.receipts()
    assert (row["product"], row["format"], row["sha256"], row["bytes"]) == ("demo", "CSV", made.sha256, made.nbytes)
    assert json.loads(row["subset"])["region"]["west"] == 98
    assert row["file"] == str(made.path)
    assert row["licence"]
    assert row["citation"]
    assert row["terms"]
    beside = json.loads(made.receipt.read_text(encoding="utf-8"))
    assert beside["id"] == row["id"]


@pytest.mark.parametrize("form", FORMS)
def test_nothing_personal_is_in_anything_but_the_one_file(cube, tmp_path, form, capfd, home):
    registration.register("Secretname", "Secretplace", "secret@example.org", "Secretpurpose")
    made = download(
        cube, "98,44,103,48", "2015-07", spec=SPEC, format=form, out=tmp_path / "out", purpose="Secretstudy"
    )
    told = capfd.readouterr()
    assert "secret" not in (told.out + told.err + repr(made) + made._repr_html_()).lower()
    for path in (tmp_path / "out").rglob("*"):
        assert "secret" not in path.name.lower()
        if path.is_file():
            data = path.read_bytes().lower()
            assert b"secret" not in data
            assert str(tmp_path).encode().lower() not in data  # nor where it was made
    assert b"Secretstudy" in (home / registration.FILE).read_bytes()


@pytest.mark.parametrize("harm", ["damaged", "folder"])
def test_a_record_that_cannot_be_used_stops_no_download(tmp_path, monkeypatch, home, harm):
    if harm == "damaged":
        (home / registration.FILE).write_bytes(b"no database" * 1000)
    else:
        (tmp_path / "x").write_text("")
        monkeypatch.setenv(registration.HOME_VARIABLE, str(tmp_path / "x" / "y"))
    with pytest.warns(MusyqWarning, match=r"cannot be|not written") as told:
        made = download(globe(), "0,0,10,10", out=tmp_path / "out")
    assert made.path.is_file()
    assert made.receipt.is_file()
    assert 1 <= len(told) <= 2


def test_the_receipt_is_written_once_the_record_can_be_used_again(tmp_path, home):
    path = home / registration.FILE
    good = path.read_bytes()
    path.write_bytes(b"no database" * 1000)
    with pytest.warns(MusyqWarning):
        made = download(globe(), "0,0,10,10", out=tmp_path)
    path.write_bytes(good)
    download(globe(), "0,0,10,10", out=tmp_path)
    assert [row["sha256"] for row in registration.receipts()] == [made.sha256]


@pytest.mark.slow
def test_a_map_of_a_distributed_client(tmp_path):
    from distributed import Client

    with Client(processes=False, n_workers=1, threads_per_worker=2, dashboard_address=None) as client:
        assert client.status == "running"
        made = download(utm(), out=tmp_path / "a")
    with xr.open_dataset(made.path) as opened:
        np.testing.assert_array_equal(opened["value"], utm()["value"])


@pytest.mark.slow
def test_a_cube_opened_in_another_process_is_the_same_request(cube, tmp_path):
    code = (
        "from archive.samples import SPEC\nfrom musyq_lab.production.download.download import _Plan, select\n"
        f"chosen = select('demo', (98, 44, 103, 48), root={str(tmp_path / 'archive')!r}, spec=SPEC)\n"
        "print(_Plan(chosen, 'CSV', '.', None, packed=True, geometry=True, limit_=None).fingerprint())"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p), "PYTHONHASHSEED": "7"}
    marks = {
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True).stdout
        for _ in "ab"
    }
    assert len(marks) == 1
    assert len(marks.pop().strip()) == 64
