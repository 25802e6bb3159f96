"""The carbon recipe: what it declares agrees with its notebook, and a small run leaves what it promises."""

import csv
import json

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from musyq_lab.archive.write import write_product
from musyq_lab.core.errors import InputError, NotFoundError
from musyq_lab.core.spec import Product, Variable
from musyq_lab.production import run as run_module
from musyq_lab.production.recipes import RECIPES
from musyq_lab.production.run import run_recipe


@pytest.fixture
def recipe():
    return RECIPES["carbon_sinks"]


def test_description_and_notebook_agree(recipe):
    assert recipe.problems() == []
    assert set(recipe.title) == {"en", "zh"}
    assert recipe.estimate["memory_gb"] <= 1.5


@pytest.mark.parametrize(
    ("parameters", "kind", "message"),
    [
        ({"source": "globe"}, InputError, "simulated_globe"),
        ({"scenario": "raich"}, InputError, "raich2002"),
        ({"region": "atlantis"}, NotFoundError, "atlantis"),
        ({"site": "fr_puy"}, InputError, "fr_pue"),
        ({"seed": -1}, InputError, "out of range"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_runs(recipe, tmp_path, monkeypatch, parameters, kind, message):
    monkeypatch.setattr(run_module, "execute", lambda *_, **__: pytest.fail("nothing may run"))
    with pytest.raises(kind, match=message):
        run_recipe(recipe, out=tmp_path / "out", progress=False, **parameters)


def products(root):
    """Write a year of monthly gross and net production of a corner of China as a folder of products."""
    axes = {"latitude": np.arange(40.5, 36, -1.0), "longitude": np.arange(100.5, 106, 1.0)}
    for month in range(1, 13):
        season = float(1 - np.cos(2 * np.pi * (month - 1) / 12))
        for key, value in (("gpp", 3.0 * season), ("npp", 1.5 * season)):
            of = Product(
                key=key, title=key, inputs=(), stage="test",
                variables=(Variable(key, key, "g m-2 d-1", valid_range=(0.0, 60.0), dtype="float32"),),
            )  # fmt: skip
            shape = (axes["latitude"].size, axes["longitude"].size)
            layer = (("latitude", "longitude"), np.full(shape, value, np.float32), {"units": "g m-2 d-1"})
            ds = xr.Dataset({key: layer}, coords=axes)
            ds[of.qa_name] = (("latitude", "longitude"), np.zeros(shape, np.uint16))
            write_product(ds, root, spec=of, edition="1km", tile="test", period=f"2015-{month:02d}")
    return root


@pytest.mark.slow
def test_a_folder_of_products_becomes_a_report(recipe, tmp_path):
    made = run_recipe(
        recipe, out=tmp_path / "out", progress=False, source="products", years="2015", language="zh", scenario="ratio",
        products=str(products(tmp_path / "made")),
    )  # fmt: skip
    days = pd.date_range("2015-01-01", periods=12, freq="MS").days_in_month.to_numpy()
    rate = 3.0 * (1 - np.cos(2 * np.pi * np.arange(12) / 12))
    with (made.folder / "tables" / "countries.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["iso3"] for row in rows] == ["CHN"]
    from pyproj import Geod

    ring = np.linspace(100, 106, 6001)
    lon, lat = np.r_[ring, ring[::-1]], np.r_[np.full(6001, 36.0), np.full(6001, 41.0)]
    area = abs(Geod(ellps="WGS84").polygon_area_perimeter(lon, lat)[0])
    assert float(rows[0]["gpp_tg"]) == pytest.approx((rate * days).sum() * area * 1e-12, rel=1e-6)
    assert float(rows[0]["nep_tg"]) == pytest.approx(0.23 * 0.5 * float(rows[0]["gpp_tg"]), rel=1e-6)
    record = json.loads((made.folder / "figures" / "npp" / "provenance.json").read_text(encoding="utf-8"))
    assert "年净初级生产力" in record["figure"]["caption"]
    files = pd.read_csv(made.folder / "tables" / "inputs.csv")
    assert len(files) == 24
    assert files["sha256"].str.len().eq(64).all()
    assert len(list((made.folder / "products").glob("*.h5"))) == 1
