"""From a written product file through the catalog to the explorer, as after a finished run."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from musyq_lab.archive.write import write_product
from musyq_lab.catalog.open import open_catalog
from musyq_lab.core.grid import grid
from musyq_lab.core.quality import flag_attributes
from musyq_lab.dashboards.explorer import explore, finished
from musyq_lab.products._registry import PRODUCTS


@pytest.fixture(scope="module")
def made() -> xr.Dataset:
    """Twelve months of radiation over a box, one cell missing, one filled from a neighbour."""
    window = grid("0p25deg").window(40, 20, 45, 25)
    shape = (12, *window.shape)
    values = np.linspace(100, 300, 12)[:, None, None] * np.ones(shape)
    values[:, 0, 0] = np.nan
    qa = np.zeros(shape, "uint16")
    qa[:, 0, 0] = 1
    qa[6, 3, 3] = 16
    dims = ("month", "latitude", "longitude")
    spec = PRODUCTS["dsr"]
    return xr.Dataset(
        {
            "dsr": (dims, values, {"units": "W m-2"}),
            "dsr_uncertainty": (dims, np.full(shape, 12.0), {"units": "W m-2"}),
            "dsr_qa": (dims, qa, flag_attributes(spec.all_flags)),
        },
        {"month": np.arange(1, 13), "latitude": window.latitude, "longitude": window.longitude},
        {"product": "dsr", "title": spec.title},
    )


@pytest.fixture
def file(made, tmp_path) -> Path:
    return write_product(made, tmp_path / "run" / "products", edition="0p25deg", tile="box", period="climatology")


def test_the_catalog_of_a_run_reads_it(file, made):
    catalog = open_catalog(file.parents[1])
    assert list(catalog) == ["dsr"]
    assert "0.25 degree" in catalog._repr_html_()
    read = catalog["dsr"].read()
    half_a_step = 0.51 * PRODUCTS["dsr"].variable("dsr").scale
    np.testing.assert_allclose(read["dsr"].values, made["dsr"].values, rtol=0, atol=half_a_step)
    assert catalog["dsr"].to_dask()["dsr"].chunks


@pytest.mark.parametrize("how", ["path", "entry", "dataset"])
def test_the_explorer_shows_it_however_it_is_given(file, how):
    entry = open_catalog(file.parent)["dsr"]
    view = explore({"path": file, "entry": entry, "dataset": entry.read()}[how], month=7)
    assert view.cube.variables == ["dsr"]
    y, x = (float(view.cube.dataset[name][3]) for name in ("latitude", "longitude"))
    view.tap.event(x=x, y=y)
    np.testing.assert_allclose(view.series.sigma, 12.0, atol=0.6)
    assert [k for k, text in enumerate(view.series.quality) if text] == [6]
    assert "uncertainty, one sigma" in view.panes.line.value
    view.panes.tabs.active = 3
    assert "filled in from neighbours" in view.panes.quality.value


def test_the_code_of_a_product_file_runs(file):
    space: dict = {}
    exec(explore(file, month=3).code(), space)
    assert space["view"].chosen == {"month": 2}


def test_a_run_is_offered_by_its_title(file):
    assert list(finished(file.parents[2]).values()) == [file]
