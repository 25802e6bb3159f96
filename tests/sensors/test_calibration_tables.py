"""The published calibration of the Chinese land cameras: as printed, complete, chosen by the stated rule."""

import csv
import json
import math
from collections import Counter
from importlib.resources import files

import pytest
from sensors.shared_data import shared

from musyq_lab.core.errors import InputError, SceneError
from musyq_lab.core.sensor import Band
from musyq_lab.sensors import _gaofen_gains as gains
from musyq_lab.sensors import gf1_pms, gf1_wfv, gf6_wfv, hj1_ccd
from musyq_lab.sensors._calibrate import Linear

SPECS = {"gf1_wfv": gf1_wfv.SPEC, "gf1_pms": gf1_pms.SPEC, "gf6_wfv": gf6_wfv.SPEC, "hj1_ccd": hj1_ccd.SPEC}

# CRESDA's notice "absolute radiometric calibration coefficients of 2017 (update)", typed from a public copy.
OFFICIAL_2017 = {
    ("gf1_wfv", "WFV1"): [(0.2165, 0), (0.1685, 0), (0.1354, 0), (0.1507, 0)],
    ("gf1_wfv", "WFV2"): [(0.2097, 0), (0.1630, 0), (0.1339, 0), (0.1521, 0)],
    ("gf1_wfv", "WFV3"): [(0.1870, 0), (0.1619, 0), (0.1295, 0), (0.1383, 0)],
    ("gf1_wfv", "WFV4"): [(0.1770, 0), (0.1521, 0), (0.1322, 0), (0.1349, 0)],
    ("gf1_pms", "PMS1"): [(0.1228, 0), (0.1424, 0), (0.1177, 0), (0.1194, 0), (0.1135, 0)],
    ("gf1_pms", "PMS2"): [(0.1365, 0), (0.1460, 0), (0.1248, 0), (0.1274, 0), (0.1255, 0)],
    ("hj1_ccd", "HJ-1A CCD1"): [(1.4609, 7.325), (1.4420, 6.0737), (0.9885, 3.6123), (1.0241, 1.9028)],
    ("hj1_ccd", "HJ-1A CCD2"): [(1.2617, 4.6344), (1.3001, 4.0982), (0.8806, 3.7360), (0.8342, 0.7385)],
    ("hj1_ccd", "HJ-1B CCD1"): [(1.5295, 3.0089), (1.4434, 4.4487), (0.9387, 3.2144), (0.9343, 2.5609)],
    ("hj1_ccd", "HJ-1B CCD2"): [(1.2716, 2.2219), (1.2302, 4.0683), (0.8639, 5.2537), (0.8092, 6.3497)],
}


def printed(name: str) -> list[dict[str, str]]:
    text = files("musyq_lab.sensors").joinpath("tables", f"{name}.csv").read_text("utf-8")
    return list(csv.DictReader(text.splitlines()))


@pytest.mark.parametrize(("where", "values"), OFFICIAL_2017.items())
def test_the_official_notice_of_2017_word_for_word(where: tuple[str, str], values: list[tuple[float, float]]) -> None:
    name, camera = where
    rows = [r for r in gains.table(name) if r.year == 2017 and camera in (r.camera, f"{r.platform} {r.camera}")]
    assert [tuple(r.line) for r in rows] == values
    assert {r.status for r in rows} == {"official"}
    assert all("cresda2017" in r.sources for r in rows)


def test_hj1_of_2013_holds_for_gain_state_2() -> None:
    rows = [r for r in gains.table("hj1_ccd") if r.year == 2013]
    assert {r.gain_state for r in rows} == {"2"}
    assert [tuple(r.line) for r in rows[:4]] == [
        (1.2944, 13.4450),
        (1.2878, 6.7172),
        (0.9875, -4.5131),
        (0.9822, -1.7140),
    ]


@pytest.mark.parametrize("name", SPECS)
def test_every_row_belongs_to_a_band_and_every_year_is_whole(name: str) -> None:
    spec = SPECS[name]
    rows = gains.table(name)
    cells = Counter((r.platform, r.camera, r.year, r.gain_state, r.band) for r in rows)
    assert max(cells.values()) == 1
    assert {r.platform for r in rows} == set(spec.platforms)
    natives = {b.native for b in spec.bands_of()}
    for unit in {(r.platform, r.camera, r.year) for r in rows}:
        assert {r.band for r in rows if (r.platform, r.camera, r.year) == unit} == natives
    for row in rows:
        assert spec.years[0] <= row.year <= 2022
        assert row.status in gains.STATUSES
        assert row.sources
        assert set(row.sources) <= set(gains.documents())
        assert math.isnan(row.spread) or 0 <= row.spread < 0.2


@pytest.mark.parametrize("name", SPECS)
def test_every_gain_is_a_radiance_that_a_sunlit_surface_can_have(name: str) -> None:
    largest = {"gf1_wfv": 1023, "gf1_pms": 1023, "gf6_wfv": 4095, "hj1_ccd": 255}[name]
    for row in gains.table(name):
        counts = 4095 if row.platform in ("GF-1B", "GF-1C", "GF-1D") else largest
        variant = row.camera if row.camera in SPECS[name].variants else row.platform
        gains.check_plausible("table", SPECS[name].band(row.band, variant), row.line, counts)


def test_2013_is_printed_as_counts_per_radiance() -> None:
    rows = [r for r in printed("gf1_wfv") if r["year"] == "2013"]
    assert {r["form"] for r in rows} == {"inverse"}
    assert (rows[0]["gain"], rows[0]["bias"]) == ("5.851", "0.0039")
    by_row = {(r.camera, r.band, r.year): r.line for r in gains.table("gf1_wfv")}
    line = by_row["WFV1", "B1", 2013]
    assert 500 * line.gain + line.offset == pytest.approx((500 - 0.0039) / 5.851)
    # Its inverse is near the gains of the years after; the number itself is thirty times larger.
    for (camera, band, year), line in by_row.items():
        if year == 2013:
            assert 0.6 < line.gain / by_row[camera, band, 2014].gain < 1.4
    assert {r["form"] for r in printed("gf1_wfv") if r["year"] != "2013"} == {"gain"}


def test_what_fypy_says_is_chosen_or_recorded_as_other() -> None:
    source = json.loads((shared("reference_srf_calibration_CN") / "GF" / "CalibrationCoefficient.json").read_text())
    checked = 0
    for row in printed("gf1_wfv"):
        unit, year = source["GF1"][row["camera"]], row["year"]
        entry = source["GF1A"][row["camera"]].get(year) if year == "2018" else unit.get(year)
        if entry is None or year == "2013":
            continue
        value = entry["gain"][int(row["band"][1]) - 1]
        chosen = "fypy" in row["sources"].split()
        assert (float(row["gain"]) == pytest.approx(value)) == chosen
        assert chosen or f"fypy {value:g}" in row["others"]
        checked += 1
    assert checked == 4 * 4 * 9


def test_spread_is_half_the_range_at_half_the_counts() -> None:
    row = next(r for r in gains.table("gf1_wfv") if (r.camera, r.band, r.year) == ("WFV1", "B1", 2017))
    assert row.others == "fypy 0.1781"
    assert row.spread == pytest.approx((0.2165 - 0.1781) / 2 / 0.2165, abs=6e-4)


def test_values_that_repeat_another_cameras_are_not_used() -> None:
    rows = {(r.camera, r.band): r for r in gains.table("gf1_wfv") if r.year == 2021}
    for band in ("B2", "B3", "B4"):
        assert rows["WFV3", band].line != rows["WFV2", band].line
        assert "repeats" in rows["WFV3", band].note


def test_a_year_of_the_table_is_taken_as_it_is() -> None:
    found = gains.published("gf1_wfv", "GF-1", "WFV1", 2017, ["B1", "B2", "B3", "B4"])
    assert found is not None
    assert found.lines["B4"] == Linear(0.1507, 0.0)
    assert found.attributes["calibration_year"] == 2017
    assert "CRESDA" in found.attributes["calibration_source"]
    assert "nearest" not in found.attributes["calibration_note"]
    assert found.attributes["calibration_spread"] == pytest.approx(0.089)


def test_the_nearest_year_stands_in_and_says_so() -> None:
    found = gains.published("gf1_wfv", "GF-1", "WFV2", 2025, ["B1", "B2", "B3", "B4"])
    assert found is not None
    assert found.attributes["calibration_year"] == 2022
    assert "no coefficients for 2025" in found.attributes["calibration_note"]
    between = gains.published("gf1_pms", "GF-1", "PMS2", 2019, ["PAN"])  # 2018 and 2021 are known
    assert between is not None
    assert between.attributes["calibration_year"] == 2018


def test_hj1_has_no_other_years_and_minds_the_gain_state() -> None:
    bands = ["1", "2", "3", "4"]

    def ask(year: int, state: str, other_years: bool = False) -> gains.Gains | None:
        return gains.published("hj1_ccd", "HJ-1A", "CCD1", year, bands, gain_state=state, other_years=other_years)

    assert ask(2017, "") is not None
    assert ask(2013, "2") is not None
    assert ask(2013, "1") is None
    assert ask(2013, "") is None
    assert ask(2010, "2") is None
    assert gains.years("hj1_ccd", "HJ-1A", "CCD1") == "2013 (gain state 2), 2017"


def test_unknown_cameras_and_forms() -> None:
    assert gains.published("gf1_wfv", "GF-1", "WFV9", 2017, ["B1"]) is None
    assert gains.years("gf1_wfv", "GF-1", "WFV9") == "no year"
    with pytest.raises(InputError, match="form"):
        gains.line("square", 1.0, 0.0)
    assert gains.line("inverse", 4.0, 2.0) == Linear(0.25, -0.5)


@pytest.mark.parametrize(("gain", "fine"), [(0.2165, True), (5.851, False), (0.0002, False), (-0.2, False)])
def test_stated_gains_must_be_possible(gain: float, fine: bool) -> None:
    band = Band("blue", "B1", 0.48, 0.06, 16, 2008.6)
    if fine:
        gains.check_plausible("x.xml", band, Linear(gain), 1023)
        return
    with pytest.raises(SceneError, match="white surface"):
        gains.check_plausible("x.xml", band, Linear(gain), 1023)
    gains.check_plausible("x.xml", Band("tir1", "8", 11.5, 2, 300), Linear(gain), 1023)  # no sunlight to compare with


@pytest.mark.parametrize(("gain", "fine"), [(0.25, True), (0.03, True), (2.0, True), (13.0, False), (0.001, False)])
def test_where_the_depth_is_unknown_only_what_no_depth_allows_is_refused(gain: float, fine: bool) -> None:
    band = Band("b05", "5", 0.925, 0.35, 150, 873.9)
    if fine:
        gains.check_plausible("x.xml", band, Linear(gain), math.inf)
        return
    with pytest.raises(SceneError, match="white surface"):
        gains.check_plausible("x.xml", band, Linear(gain), math.inf)
