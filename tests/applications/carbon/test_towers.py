"""Towers: scores by hand, places on grids, and the record of Puechabon where it is at hand."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from applications.carbon.world import seasons
from sensors.shared_data import shared

from musyq_lab.applications import carbon
from musyq_lab.core.errors import ArchiveError, InputError, NotFoundError
from musyq_lab.core.resources import resource


def months_of(step=4.0, box=(-130, 24, -60, 52)):
    fields = seasons((2013, 2014), step, box=box)
    ours = fields[["land_cover"]].assign(gpp=10 * fields["fpar"])
    return ours, xr.Dataset({"gpp": 8 * fields["fpar"] + 0.5})


def test_pairs_are_the_cells_around_the_towers():
    ours, truth = months_of()
    pairs = carbon.tower_pairs(ours, truth)
    assert pairs["site"].nunique() > 20
    assert pairs.groupby("site").size().eq(24).all()
    sites = pd.read_csv(resource("catalogs/samples/towers.csv")).set_index("site")
    for site, rows in pairs.groupby("site"):
        cell = rows.iloc[0]
        assert abs(sites.loc[site, "latitude"] - cell["latitude"]) <= 2.0
        assert abs(sites.loc[site, "longitude"] - cell["longitude"]) <= 2.0
    assert not pairs.duplicated(["latitude", "longitude", "date"]).any()


def test_scores_are_those_by_hand():
    ours, truth = months_of()
    pairs = carbon.tower_pairs(ours, truth, most=5)
    table = carbon.simulated_towers(pairs)
    assert len(table) == 5
    for row in table.to_dict("records"):
        mine = pairs[pairs["site"] == row["site"]]
        apart = mine["ours"] - mine["tower"]
        assert row["rmse"] == pytest.approx(np.sqrt((apart**2).mean()))
        assert row["bias"] == pytest.approx(apart.mean())
        assert row["r"] == pytest.approx(1.0)
        assert row["count"] == 24


def test_where_no_tower_lies_the_middle_stands_for_one():
    ours, truth = months_of(0.01, (100.3, 38.8, 100.44, 38.9))
    pairs = carbon.tower_pairs(ours, truth)
    assert set(pairs["site"]) == {"middle"}
    assert carbon.tower_pairs(ours.where(False), truth).empty
    with pytest.raises(InputError, match="one grid and months"):
        carbon.tower_pairs(ours, truth.isel(time=slice(0, 3)))


def test_the_mean_year_has_twelve_months_a_site():
    pairs = carbon.tower_pairs(*months_of(), most=3)
    year = carbon.mean_year(pairs)
    assert len(year) == 36
    expected = pairs.assign(month=pd.DatetimeIndex(pairs["date"]).month).groupby(["site", "month"])["ours"].mean()
    np.testing.assert_allclose(year["ours"], expected)


def test_groups_of_classes():
    groups = [carbon.cover_group(float(kind)) for kind in (1, 5, 7, 9, 10, 11, 12, 14, 13, 16, 17)]
    assert groups == ["forest"] * 2 + ["shrubs"] * 2 + ["grass"] * 2 + ["crops"] * 2 + ["other"] * 3


# ---- a record --------------------------------------------------------------------------------------------------------
def made_up_record(root, days=215, **columns):
    folder = root / "ground_flux_FR-Pue_daily"
    folder.mkdir()
    date = pd.date_range("2010-01-01", periods=days).strftime("%Y-%m-%d")
    season = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(days) / 365)
    drivers = {"date": date, "temp": 5 + 20 * season, "tmin": 20 * season, "vpd": 300 + 900 * season,
               "ppfd": 2e-4 + 4e-4 * season, "patm": 99000.0, "rain": 2e-5, "fapar": 0.6, "co2": 390.0}  # fmt: skip
    pd.DataFrame(drivers | columns).to_csv(folder / "p_model_drivers_forcing.csv", index=False)
    tower = {"sitename": "FR-Pue", "date": date[:200], "gpp": 2.0 + 3 * season[:200], "gpp_unc": 0.1}
    pd.DataFrame(tower).to_csv(folder / "p_model_validation.csv", index=False)
    place = {"lon": [3.5957], "lat": [43.7413], "elv": [270], "whc": [432.0]}
    pd.DataFrame(place).to_csv(folder / "p_model_drivers_site_info.csv", index=False)
    return folder


def test_a_record_is_read_in_our_units(tmp_path):
    made_up_record(tmp_path)
    record = carbon.site_record("fr_pue", tmp_path)
    assert record["air_temperature"].sel(time="2010-07-02").item() == pytest.approx(298.15, abs=0.01)
    assert record["precipitation"][0].item() == pytest.approx(1.728)
    assert record["photon_flux"][0].item() == pytest.approx(200.0)
    assert record["lai"][0].item() == pytest.approx(-2 * np.log(0.4))
    assert int(record["tower_gpp"].notnull().sum()) == 200
    table = carbon.site_comparison(record, ("mod17",)).set_index("step")
    assert table.loc["day", "count"] == 200
    assert table["r"].min() > 0.8
    assert "month" not in table.index  # seven months are too few for a score
    assert len(carbon.site_series(record, ("mod17",))) == 6  # July has 19 days only


def test_what_is_wrong_with_a_record_is_told(tmp_path):
    with pytest.raises(InputError, match="data_root"):
        carbon.site_record("fr_pue", None)
    with pytest.raises(NotFoundError, match="p_model_drivers_forcing"):
        carbon.site_record("fr_pue", tmp_path)
    with pytest.raises(NotFoundError, match="no site"):
        carbon.site_record("fr_pux", tmp_path)
    folder = made_up_record(tmp_path)
    (folder / "p_model_validation.csv").write_text("date,flux\n2010-01-01,1\n")
    with pytest.raises(ArchiveError, match="no column 'gpp'"):
        carbon.site_record("fr_pue", tmp_path)
    (folder / "p_model_validation.csv").write_bytes(b"")
    with pytest.raises(ArchiveError, match="no table"):
        carbon.site_record("fr_pue", tmp_path)


@pytest.mark.slow
def test_puechabon(monkeypatch):
    monkeypatch.delenv("MUSYQ_DISABLE_JIT")
    record = carbon.site_record("fr_pue", shared("ground_flux_FR-Pue_daily").parent)
    table = carbon.site_comparison(record, ("mod17",)).set_index("step")
    # As in the note of the product gpp: r 0.79, rmse 2.39, bias +1.25 over 1,810 days.
    assert table.loc["day", "count"] == 1810
    assert table.loc["day", "r"] == pytest.approx(0.786, abs=0.01)
    assert table.loc["day", "rmse"] == pytest.approx(2.39, abs=0.02)
    assert table.loc["day", "bias"] == pytest.approx(1.25, abs=0.02)
    assert table.loc["month", "rmse"] < table.loc["day", "rmse"]
