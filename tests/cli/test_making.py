"""The commands that make products, as a person types them, on layers alone."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import yaml
from typer.testing import CliRunner, Result

from musyq_lab.archive.open import open_product
from musyq_lab.archive.write import write_product
from musyq_lab.cli import app
from musyq_lab.core.spec import Product, Variable

WEATHER = Product(
    "own_weather",
    "Weather of a test",
    (
        Variable("downward_par", "downward PAR", "W m-2", valid_range=(0.0, 600.0), scale=0.02),
        Variable("surface_temperature", "temperature", "K", valid_range=(180.0, 360.0), scale=0.02),
        Variable("broadband_emissivity", "emissivity", "1", valid_range=(0.0, 1.0), scale=1e-4),
        Variable("downward_longwave", "longwave", "W m-2", valid_range=(0.0, 600.0), scale=0.02),
    ),
    (),
)


def musyq(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture
def inputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A catalog with one file of layers, and nothing else."""
    monkeypatch.setenv("MUSYQ_DISABLE_JIT", "1")
    dims = ("latitude", "longitude")
    values = {"downward_par": 150.0, "surface_temperature": 300.0, "broadband_emissivity": 0.97}
    values |= {"downward_longwave": 350.0}
    layers = {n: (dims, np.full((6, 8), v, "float32"), {"units": WEATHER.variable(n).units}) for n, v in values.items()}
    coords = {"latitude": 40.0 - 0.01 * np.arange(6) - 0.005, "longitude": 116.0 + 0.01 * np.arange(8) + 0.005}
    folder = tmp_path / "stock"
    ds = xr.Dataset(layers, coords)
    write_product(ds, folder, spec=WEATHER, edition="1km", tile="here", period="2015181", overviews=False)
    entry = {"driver": "musyq_product", "description": "weather", "args": {"urlpath": "{{ CATALOG_DIR }}"}}
    entry["args"] = {"urlpath": "{{ CATALOG_DIR }}", "product": "own_weather"}
    content = {"version": 1, "description": "stock", "sources": {"weather": entry}}
    (folder / "catalog.yml").write_text(yaml.safe_dump(content))
    return folder


def test_a_product_is_made_from_layers_and_reproduced(inputs: Path, tmp_path: Path) -> None:
    out = tmp_path / "products"
    made = musyq("produce", "ulr", "--period", "2015-06-30", "--inputs", inputs, "--out", out)
    assert made.exit_code == 0, made.output
    file = next(out.glob("MuSyQ.ULR.*.h5"))
    values = open_product(file)["ulr"].values
    expected = 0.97 * 5.670374419e-8 * 300.0**4 + 0.03 * 350.0
    np.testing.assert_allclose(values, expected, atol=0.2)
    again = musyq("reproduce", file)
    assert again.exit_code == 0, again.output
    assert "identical" in again.output


def test_a_dry_run_makes_nothing(inputs: Path, tmp_path: Path) -> None:
    told = musyq("produce", "ulr", "--period", "2015-06-30", "--inputs", inputs, "--out", tmp_path / "p", "--dry-run")
    assert told.exit_code == 0, told.output
    assert "ulr" in told.output
    assert not (tmp_path / "p").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("produce", "lia"), "lai"),
        (("produce", "gpp"), "no granule"),
        (("produce", "ulr", "--period", "2015-13"), "names no time"),
        (("produce", "ulr", "--period", "2015-06-30", "--edition", "2km"), "edition"),
        (("produce", "ulr", "--period", "2015-06-30", "--method", "ulr"), "PRODUCT=METHOD"),
        (("produce", "ulr", "--period", "2015-06-30", "--step", "4h"), "step"),
        (("produce", "ulr", "--period", "2015-06-30", "--scheduler", "tcp://x", "--workers", "1"), "one of the two"),
    ],
)
def test_what_cannot_be_made_is_said(inputs: Path, tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    done = musyq(*words, "--inputs", inputs, "--out", tmp_path / "p")
    assert done.exit_code == 1
    assert said in done.output
    assert not list(tmp_path.glob("p/*.h5"))


def test_a_file_that_no_production_made_is_not_reproduced(inputs: Path) -> None:
    done = musyq("reproduce", next(inputs.glob("*.h5")))
    assert done.exit_code == 1
    assert "provenance" in done.output
