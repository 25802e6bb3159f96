"""Tables of ground measurements: layers added up, what is missing, faults in words, and the real tables of GBOV."""

import gzip

import numpy as np
import pandas as pd
import pytest
from sensors.shared_data import shared

from musyq_lab.archive.ground import open_gbov, summarize
from musyq_lab.core.errors import InputError, NotFoundError

PLACE = {
    "GBOV_ID": "GBOV_RM7_1", "Site": "Alpha", "Network": "NEON", "Elevation": "120", "IGBP_class": "Mixed Forest",
    "latitude": "45.5", "longitude": "-90.25", "system:time_start": "1530403200000.0", "PLOT_ID": "ALPH_001",
}  # fmt: skip
UP = {
    "LAI_Miller_up": "4.0", "LAI_Miller_up_err": "0.3", "LAIe_Miller_up": "3.0", "LAIe_Miller_up_err": "0.2",
    "LAI_Warren_up": "3.5", "LAI_Warren_up_err": "0.4", "LAIe_Warren_up": "2.5", "LAIe_Warren_up_err": "0.2",
    "up_flag": "0",
}  # fmt: skip
DOWN = {
    "LAI_Miller_down": "1.0", "LAI_Miller_down_err": "0.4", "LAIe_Miller_down": "0.9", "LAIe_Miller_down_err": "0.3",
    "LAI_Warren_down": "0.5", "LAI_Warren_down_err": "0.1", "LAIe_Warren_down": "0.4", "LAIe_Warren_down_err": "0.1",
    "down_flag": "0",
}  # fmt: skip
LEAVES = PLACE | UP | DOWN
LIGHT = PLACE | {
    "FIPAR_up": "0.8", "FIPAR_up_err": "0.02", "FIPAR_down": "0.5", "FIPAR_down_err": "0.1", "up_flag": "0",
    "down_flag": "0",
}  # fmt: skip
NO_UP, NO_DOWN = (dict.fromkeys(layer, "-999") for layer in (UP, DOWN))


@pytest.fixture
def table(tmp_path):
    """Return a function that writes rows to a file, opens it and returns the table."""

    def write(*rows, separator=",", name="table.csv", **options):
        path = tmp_path / name
        lines = [separator.join(rows[0]), *(separator.join(row.values()) for row in rows)]
        data = ("\n".join(lines) + "\n").encode()
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return open_gbov(path, **options)

    return write


# ---- layers ----------------------------------------------------------------------------------------------------------


def test_layers_are_added_and_errors_in_quadrature(table):
    row = table(LEAVES).iloc[0]
    assert (row.lai, row.lai_up, row.lai_down) == (5.0, 4.0, 1.0)
    assert row.lai_uncertainty == pytest.approx(0.5)
    assert row.lai_effective == pytest.approx(3.9)
    assert row.lai_effective_uncertainty == pytest.approx(np.hypot(0.2, 0.3))
    assert row.clumping_index == pytest.approx(0.78)
    assert row.clumping_index_uncertainty == pytest.approx(0.78 * np.hypot(0.5 / 5, np.hypot(0.2, 0.3) / 3.9))
    assert row.layers == "both"
    assert row.usable


def test_the_estimate_is_chosen_and_said(table):
    miller, warren = table(LEAVES), table(LEAVES, estimate="warren")
    assert (warren.lai.item(), warren.lai_other.item()) == (4.0, 5.0)
    assert miller.lai_other.item() == warren.lai.item()
    assert warren.clumping_index.item() == pytest.approx(2.9 / 4.0)
    assert (miller.attrs["estimate"], warren.attrs["estimate"]) == ("miller", "warren")
    assert "57.5" in warren.attrs["why"]


@pytest.mark.parametrize(
    ("gone", "layers", "lai", "sigma"), [(NO_UP, "understorey", 1.0, 0.4), (NO_DOWN, "overstorey", 4.0, 0.3)]
)
def test_a_layer_that_was_not_measured_does_not_count(table, gone, layers, lai, sigma):
    row = table(LEAVES | gone).iloc[0]
    assert (row.layers, row.lai, row.lai_uncertainty) == (layers, lai, sigma)
    assert row.usable
    assert np.isnan([row.lai_up, row.lai_down]).sum() == 1


def test_nothing_measured_has_no_value(table):
    row = table(LEAVES | NO_UP | NO_DOWN).iloc[0]
    numbers = ["lai", "lai_uncertainty", "lai_effective", "clumping_index", "clumping_index_uncertainty", "lai_other"]
    assert row[numbers].isna().all()
    assert row.layers == "none"
    assert not row.usable


def test_bare_ground_has_no_clumping(table):
    zero = {name: "0.0" for name in DOWN if name != "down_flag"}
    row = table(LEAVES | NO_UP | zero).iloc[0]
    assert row.lai == 0
    assert np.isnan(row.clumping_index)


def test_light_passes_one_layer_after_the_other(table):
    row = table(LIGHT).iloc[0]
    assert row.fipar == pytest.approx(0.9)
    assert row.fipar_uncertainty == pytest.approx(np.hypot(0.5 * 0.02, 0.2 * 0.1))
    assert "lai" not in row
    alone = table(LIGHT | {"FIPAR_up": "-999.0", "FIPAR_up_err": "-999.0", "up_flag": "-999"}).iloc[0]
    assert (alone.fipar, alone.fipar_uncertainty, alone.layers) == (0.5, 0.1, "understorey")


# ---- flags, names, times ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("flags", "usable"),
    [(("0", "0"), True), (("15", "8"), True), (("16", "0"), False), (("0", "64"), False), (("-999", "0"), False)],
)
def test_rows_of_high_flags_or_without_are_kept_and_not_usable(table, flags, usable):
    made = table(LEAVES | dict(zip(("up_flag", "down_flag"), flags, strict=True)))
    assert made.usable.item() is usable
    assert made.lai.item() == 5.0
    assert made.flag_up.isna().item() == (flags[0] == "-999")
    assert made.flag_down.item() == int(flags[1])


def test_the_flag_of_a_layer_that_was_not_measured_does_not_matter(table):
    assert table(LEAVES | NO_UP | {"up_flag": "32"}).usable.item()


@pytest.mark.parametrize(
    ("written", "name", "number"),
    [
        ("Grasslands", "grassland", 10),
        ("Grassland", "grassland", 10),
        ("Evergreen Broadleaf", "evergreen broadleaf forest", 2),
        ("Mixed Forest", "mixed forest", 5),
        ("Woody Savannas", "woody savanna", 8),
        ("Savannas", "savanna", 9),
        ("Open Shrublands", "open shrubland", 7),
        ("Croplands", "cropland", 12),
        ("Permanent Wetlands", "permanent wetland", 11),
        ("Moorland", "Moorland", None),
    ],
)
def test_classes_by_name_and_number(table, written, name, number):
    row = table(LEAVES | {"IGBP_class": written}).iloc[0]
    assert row.igbp == name
    assert pd.isna(row.igbp_class) if number is None else row.igbp_class == number


def test_rows_are_sorted_and_times_are_utc(table):
    later = LEAVES | {"system:time_start": "1530450000500.0"}
    made = table(later, LEAVES | {"Site": "Beta", "PLOT_ID": "BETA_003"}, LEAVES)
    assert made.station.tolist() == ["ALPH_001", "ALPH_001", "BETA_003"]
    assert made.time.tolist()[:2] == [pd.Timestamp("2018-07-01"), pd.Timestamp("2018-07-01 13:00:00.500")]
    assert made.index.tolist() == [0, 1, 2]


def test_files_of_the_portal_and_packed_ones_are_the_same_table(table):
    renamed = {"latitude": "Lat_IS", "longitude": "Lon_IS", "system:time_start": "TIME_IS"}
    portal = {renamed.get(name, name): value for name, value in LEAVES.items()} | {"TIME_IS": "2018-07-01T00:00:00Z"}
    plain = table(LEAVES)
    pd.testing.assert_frame_equal(table(portal, separator=";"), plain)
    pd.testing.assert_frame_equal(table(LEAVES, name="table.csv.gz"), plain)
    # Packed or not is seen in the content, whatever the name.
    odd = table(LEAVES, name="renamed.gz.gz")
    pd.testing.assert_frame_equal(odd, plain)


def test_shared_coordinates_are_said(table):
    second = LEAVES | {"PLOT_ID": "ALPH_002"}
    assert table(LEAVES, second).attrs["coordinates"] == "of the site, not of the station"
    assert table(LEAVES, second | {"latitude": "45.6"}).attrs["coordinates"] == "of the station"
    assert table(LEAVES).attrs["coordinates"] == "of the station"


def test_units_are_told_for_what_is_there(table):
    units = table(LEAVES).attrs["units"]
    assert units["lai"] == "m2 m-2"
    assert "fipar" not in units
    assert table(LIGHT).attrs["units"]["fipar"] == "1"


def test_elevation_is_optional(table):
    bare = {name: value for name, value in LEAVES.items() if name != "Elevation"}
    assert table(LEAVES).elevation.item() == 120
    assert np.isnan(table(bare).elevation.item())


# ---- faults ----------------------------------------------------------------------------------------------------------


def test_a_typing_error_is_left_out_and_counted(table):
    made = table(LIGHT, LIGHT | {"FIPAR_down": "0.00008.3"})
    assert made.attrs["unreadable"] == 1
    assert made.layers.tolist() == ["both", "overstorey"]
    assert table(LIGHT).attrs["unreadable"] == 0


def test_a_column_of_text_is_refused(table):
    wrong = LEAVES | {"LAI_Miller_up": "high"}
    with pytest.raises(InputError, match=r"'LAI_Miller_up' should hold numbers, but 2 cells"):
        table(wrong, wrong)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"latitude": "145.0"}, "latitude is outside"),
        ({"longitude": ""}, "longitude is outside"),
        ({"system:time_start": "last summer"}, "'last summer' is no time"),
    ],
)
def test_impossible_places_and_times_are_refused(table, change, match):
    with pytest.raises(InputError, match=match):
        table(LEAVES | change)


def test_other_tables_are_refused(table):
    with pytest.raises(InputError, match=r"no column Site, PLOT_ID, .*latitude or Lat_IS"):
        table({"a": "1", "b": "2"})
    with pytest.raises(InputError, match="neither LAI_Miller_up nor LAI_Miller_down"):
        table(PLACE)


def test_unknown_estimate(table):
    with pytest.raises(InputError, match=r"'miler'.*'miller'"):
        table(LEAVES, estimate="miler")


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(NotFoundError, match="There is no file"):
        open_gbov(tmp_path / "none.csv")
    path = tmp_path / "file.csv.gz"
    packed = gzip.compress(b"Site,PLOT_ID\n" + b"Alpha,1\n" * 2000)
    for content, match in (
        (packed[: len(packed) // 2], "cannot be read"),
        (packed[:20] + b"\0" * 40, "cannot be read"),
        (b"\xff\xfe\x00\x81\x8d", "cannot be read"),
        (b"", "cannot be read"),
        (b"Site,PLOT_ID\n", "no rows"),
    ):
        path.write_bytes(content)
        with pytest.raises(InputError, match=match):
            open_gbov(path)


# ---- summaries -------------------------------------------------------------------------------------------------------


def some(table):
    """Return four rows: two stations of a forest, one of them not usable once, and grass."""
    grass = LEAVES | NO_UP | {"IGBP_class": "Grasslands", "PLOT_ID": "ALPH_003"}
    other = {"PLOT_ID": "ALPH_002", "LAI_Miller_up": "2.0", "LAI_Miller_up_err": "0.0"}
    bad = {"up_flag": "16", "system:time_start": "1561939200000.0"}
    return table(LEAVES, LEAVES | other, LEAVES | other | bad, grass)


def test_summary_by_class(table):
    made = summarize(some(table))
    assert made.index.tolist() == ["grassland", "mixed forest"]
    forest = made.loc["mixed forest"]
    assert (forest["count"], forest.stations, forest["mean"]) == (2, 2, 4.0)
    assert forest.spread == pytest.approx(np.sqrt(2.0))
    assert forest.median_uncertainty == pytest.approx((0.5 + 0.4) / 2)
    assert forest["first"] == forest["last"] == pd.Timestamp("2018-07-01")
    assert np.isnan(made.loc["grassland", "spread"])
    assert made.attrs == {"variable": "lai", "units": "m2 m-2"}


def test_summary_of_all_rows_by_site_and_of_another_variable(table):
    made = summarize(some(table), "site", usable_only=False)
    assert made.loc["Alpha", "count"] == 4
    assert made.loc["Alpha", "last"] == pd.Timestamp("2019-07-01")
    upper = summarize(some(table), "igbp", variable="lai_up")
    assert upper.index.tolist() == ["mixed forest"]
    assert np.isnan(upper.median_uncertainty.item())
    assert summarize(table(LIGHT)).attrs["variable"] == "fipar"


def test_summary_of_what_is_not_there(table):
    with pytest.raises(InputError, match=r"'igpb'.*'igbp'"):
        summarize(table(LEAVES), "igpb")
    with pytest.raises(InputError, match="fipar"):
        summarize(table(LEAVES), variable="fipar")


# ---- the real tables -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def leaf_area():
    return open_gbov(shared("ground_GBOV") / "COPERNICUS_GBOV_RM7_20210313.csv.gz")


def test_leaf_area_of_gbov(leaf_area):
    assert len(leaf_area) == 6035
    assert (leaf_area.site.nunique(), leaf_area.station.nunique()) == (23, 460)
    assert leaf_area.igbp_class.notna().all()
    assert leaf_area.layers.value_counts().to_dict() == {"both": 2734, "understorey": 2511, "overstorey": 790}
    assert leaf_area.time.min() == pd.Timestamp("2013-02-11")
    assert leaf_area.time.max().normalize() == pd.Timestamp("2019-12-03")
    assert leaf_area.lai.between(0, 12).all()
    assert leaf_area.attrs["unreadable"] == 0
    assert leaf_area.attrs["coordinates"].startswith("of the site")
    assert 0.90 < leaf_area.usable.mean() < 0.95


def test_errors_and_clumping_of_gbov_are_the_ones_that_it_states(leaf_area):
    """Of the overstorey alone the file gives the clumping and its error as well."""
    raw = pd.read_csv(shared("ground_GBOV") / "COPERNICUS_GBOV_RM7_20210313.csv.gz")
    raw["time"] = pd.to_datetime(raw["system:time_start"], unit="ms").astype("datetime64[ns]")
    both = leaf_area.merge(raw, left_on=["station", "time"], right_on=["PLOT_ID", "time"])
    assert len(both) == len(leaf_area)
    alone = both[both.layers == "overstorey"]
    np.testing.assert_allclose(alone.clumping_index, alone.clumping_Miller_up, atol=0.015)  # of rounded numbers
    ratio = alone.clumping_index_uncertainty / alone.clumping_Miller_up_err
    assert ratio.median() == pytest.approx(1.0, abs=0.02)
    assert ratio.quantile([0.05, 0.95]).between(0.85, 1.15).all()


def test_the_estimates_of_gbov_differ_over_trees(leaf_area):
    trees = leaf_area[leaf_area.lai_up > 1]
    assert (trees.lai / trees.lai_other).median() == pytest.approx(1.16, abs=0.005)


def test_summary_of_gbov(leaf_area):
    made = summarize(leaf_area)
    assert len(made) == 9
    assert made["count"].sum() == leaf_area.usable.sum() == 5601
    assert made["mean"].idxmax() == "deciduous broadleaf forest"
    assert made["mean"].idxmin() == "open shrubland"
    assert len(summarize(leaf_area, "site")) == 23


def test_intercepted_light_of_gbov(leaf_area):
    light = open_gbov(shared("ground_GBOV") / "COPERNICUS_GBOV_RM6_20210313.csv.gz")
    assert light.attrs["unreadable"] == 1
    assert light.fipar.dropna().between(0, 1).all()
    assert summarize(light)["count"].sum() == 5599
    both = leaf_area.merge(light, on=["station", "time"])
    assert len(both) == 6034
    assert both.lai.rank().corr(both.fipar.rank()) > 0.95
