"""The commands of the archive, as a person types them."""

import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from typer.testing import CliRunner, Result

from musyq_lab.archive.open import open_product
from musyq_lab.archive.write import write_product
from musyq_lab.cli import app


def musyq(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    latitude, longitude = 50.0 - 0.01 * np.arange(160) - 0.005, 10.0 + 0.01 * np.arange(160) + 0.005
    values = np.linspace(0.5, 6.0, 160 * 160, dtype="float32").reshape(160, 160)
    dims = ("latitude", "longitude")
    layers = {
        "lai": (dims, values, {"units": "m2 m-2"}),
        "lai_uncertainty": (dims, 0.1 * values, {"units": "m2 m-2"}),
        "lai_qa": (dims, np.zeros((160, 160), "uint16")),
    }
    ds = xr.Dataset(layers, {"latitude": latitude, "longitude": longitude}, {"product": "lai"})
    ds.attrs |= {"time_coverage_start": "2015-06-30T00:00:00Z", "time_coverage_end": "2015-07-05T00:00:00Z"}
    write_product(ds, tmp_path / "archive", edition="1km", tile="test", period="2015181", overviews=False)
    return tmp_path / "archive"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MUSYQ_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_a_download_needs_a_name_once_and_leaves_a_receipt(archive: Path, home: Path, tmp_path: Path) -> None:
    refused = musyq("download", archive, "--out", tmp_path / "got")
    assert refused.exit_code == 1
    assert "register" in refused.output
    assert not (tmp_path / "got").exists() or not list((tmp_path / "got").iterdir())
    assert musyq("register", "A. Person", "--purpose", "a test").exit_code == 0
    assert all(file.stat().st_mode & 0o077 == 0 for file in home.iterdir())
    done = musyq("download", archive, "--region", "10.1,49.5,10.3,49.7", "--format", "CSV", "--out", tmp_path / "got")
    assert done.exit_code == 0, done.output
    assert list((tmp_path / "got").glob("*.csv"))
    listed = musyq("receipts")
    assert "lai" in listed.output.lower()
    assert "CSV" in listed.output


def test_a_dry_run_of_a_download_writes_nothing(archive: Path, home: Path, tmp_path: Path) -> None:
    told = musyq("download", archive, "--out", tmp_path / "got", "--dry-run")
    assert told.exit_code == 0, told.output
    assert not (tmp_path / "got").exists()
    assert not home.exists()


def test_a_check_ends_with_zero_and_finds_a_flipped_bit(archive: Path, tmp_path: Path) -> None:
    whole = musyq("check", archive, "--no-cf", "--json", tmp_path / "report.json")
    assert whole.exit_code == 0, whole.output
    assert json.loads((tmp_path / "report.json").read_text())
    file = next(archive.glob("*.h5"))
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 4
    file.write_bytes(content)
    damaged = musyq("check", archive, "--no-cf")
    assert damaged.exit_code != 0
    assert file.name in damaged.output


@pytest.mark.parametrize("form", ["stac", "datacite", "iso19115", "citation", "datacore"])
def test_metadata_are_printed(archive: Path, form: str) -> None:
    done = musyq("describe", archive, "--as", form)
    assert done.exit_code == 0, done.output
    assert "leaf area" in done.output.lower()


def test_overviews_are_added_to_a_file_without(archive: Path) -> None:
    file = next(archive.glob("*.h5"))
    before = open_product(file)["lai"].values
    done = musyq("overviews", file)
    assert done.exit_code == 0, done.output
    np.testing.assert_array_equal(open_product(file)["lai"].values, before)
    coarse = open_product(file, overview=2)["lai"].values
    expected = before.reshape(80, 2, 80, 2).mean((1, 3))
    np.testing.assert_allclose(coarse, expected, atol=0.02)
