"""Readers of SURFRAD and OzFlux: units, signs, times, flags, damaged files; the real files where they are at hand."""

import gzip

import numpy as np
import pandas as pd
import pytest
from sensors.shared_data import shared

from musyq_lab.archive.stations import open_ozflux_longwave, open_surfrad, skin_temperature
from musyq_lab.core.errors import InputError, NotFoundError
from musyq_lab.kernels.longwave import STEFAN_BOLTZMANN, upward
from musyq_lab.kernels.solar import zenith_azimuth

SITES = "sitename,lat,lon,timezone,standard_timezone\nOuter,-30.5,115.25,Australia/Perth,Australia/Perth\n"
VALUES = (100.0, 20.0, 300.0, 40.0, 250.0, 280.0, 280.0, 350.0, 285.0, 285.0,
          50.0, 45.0, 80.0, -100.0, -20.0, 5.0, 60.0, 3.0, 200.0, 800.0)  # fmt: skip


def surfrad_line(minute, values=VALUES, flags=None):
    flags = flags or [0] * len(values)
    pairs = " ".join(f"{value} {flag}" for value, flag in zip(values, flags, strict=True))
    return f" 2016 1 1 1 12 {minute} 12.0 45.5 {pairs}"


def write_surfrad(path, lines, head=" Somewhere\n   37.70  105.92 2317 m version 1\n"):
    path.write_text(head + "\n".join(lines) + "\n")
    return path


def write_ozflux(folder, days, up, down, name="Outer_longwaveRad.csv.gz"):
    (folder / "OzFluxSites_LatLon.csv").write_text(SITES)
    rows = "\n".join(f"{d:.10f},{u},{v}" for d, u, v in zip(days, up, down, strict=True))
    path = folder / name
    with gzip.open(path, "wt") as file:
        file.write(f"time_x,LW_u,LW_d\n{rows}\n")
    return path


def days_of(*times):
    return [(np.datetime64(t) - np.datetime64("1800-01-01")) / np.timedelta64(1, "D") for t in times]


def test_surfrad_has_canonical_units_and_longitudes_eastward(tmp_path):
    table = open_surfrad(write_surfrad(tmp_path / "a.dat", [surfrad_line(0), surfrad_line(1)]))
    row = table.iloc[0]
    assert (row["latitude"], row["longitude"], row["altitude"]) == (37.70, -105.92, 2317.0)
    assert row["time"] == pd.Timestamp("2016-01-01 12:00")
    assert row["station"] == "Somewhere"
    assert row["air_temperature"] == pytest.approx(278.15)
    assert row["relative_humidity"] == pytest.approx(0.6)
    assert row["surface_pressure"] == pytest.approx(80000.0)
    assert (row["downward_longwave"], row["upward_longwave"], row["net_radiation"]) == (250.0, 350.0, -20.0)
    assert table.attrs["units"]["surface_pressure"] == "Pa"
    assert set(table.attrs["units"]) <= set(table.columns)


def test_surfrad_leaves_out_what_is_missing_or_doubted(tmp_path):
    values, flags = list(VALUES), [0] * len(VALUES)
    values[4], flags[4] = -9999.9, 1
    flags[7] = 2
    table = open_surfrad(write_surfrad(tmp_path / "a.dat", [surfrad_line(0, values, flags)]))
    assert np.isnan(table["downward_longwave"][0])
    assert np.isnan(table["upward_longwave"][0])
    assert table["downward_shortwave"][0] == 100.0
    assert table.attrs["flagged"]["upward_longwave"] == 1
    assert table.attrs["flagged"]["downward_longwave"] == 0


@pytest.mark.parametrize(
    ("head", "lines"),
    [
        (" A\n no numbers\n", [surfrad_line(0)]),
        (" A\n 95.0 10.0 3 m version 1\n", [surfrad_line(0)]),
        (" A\n 37.7 105.92 2317 m version 1\n", [surfrad_line(0)[:60]]),
        (" A\n 37.7 105.92 2317 m version 1\n", [surfrad_line(0) + " 7"]),
        (" A\n", []),
    ],
    ids=["head", "place", "short", "long", "empty"],
)
def test_damaged_surfrad_is_refused(tmp_path, head, lines):
    with pytest.raises(InputError, match=r"SURFRAD|on Earth"):
        open_surfrad(write_surfrad(tmp_path / "a.dat", lines, head))


def test_ozflux_times_become_utc(tmp_path):
    """Local standard time of Perth is eight hours ahead, in January too."""
    path = write_ozflux(tmp_path, days_of("2016-01-15T12:00", "2016-01-15T12:30"), [500, 510], [380, 385])
    table = open_ozflux_longwave(path)
    assert table["time"].tolist() == [pd.Timestamp("2016-01-15 04:00"), pd.Timestamp("2016-01-15 04:30")]
    assert table["local_time"][0] == pd.Timestamp("2016-01-15 12:00")
    assert (table["latitude"][0], table["longitude"][0]) == (-30.5, 115.25)
    assert table["upward_longwave"].tolist() == [500.0, 510.0]
    other = open_ozflux_longwave(path, timezone="Etc/GMT-10")
    assert other["time"][0] == pd.Timestamp("2016-01-15 02:00")


def test_ozflux_leaves_out_what_cannot_be(tmp_path):
    days = days_of("2016-01-15T12:00", "2016-01-15T12:30", "2016-01-15T13:00")
    table = open_ozflux_longwave(write_ozflux(tmp_path, days, [-9999, 5000, 450], [380, -9999, 10]))
    assert np.isnan(table["upward_longwave"]).tolist() == [True, True, False]
    assert np.isnan(table["downward_longwave"]).tolist() == [False, True, True]
    assert table.attrs["removed"] == {"upward_longwave": 1, "downward_longwave": 1}


def test_ozflux_refuses_what_it_does_not_know(tmp_path):
    days = days_of("2016-01-15T12:00", "2016-01-15T12:30")
    path = write_ozflux(tmp_path, days, [450, 451], [380, 381])
    with pytest.raises(NotFoundError, match="Did you mean 'Outer'"):
        open_ozflux_longwave(path, site="Outter")
    with pytest.raises(InputError, match="zone"):
        open_ozflux_longwave(path, timezone="Mars/Olympus")
    with pytest.raises(NotFoundError, match="no file"):
        open_ozflux_longwave(tmp_path / "none.csv")
    with pytest.raises(InputError, match="rise"):
        open_ozflux_longwave(write_ozflux(tmp_path, days[::-1], [450, 451], [380, 381]))
    (tmp_path / "bad.csv").write_text("time_x,LW_up,LW_d\n1,2,3\n")
    with pytest.raises(InputError, match="no column 'LW_u'"):
        open_ozflux_longwave(tmp_path / "bad.csv", sites=tmp_path / "OzFluxSites_LatLon.csv", site="Outer")
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(InputError, match="cannot be read"):
        open_ozflux_longwave(tmp_path / "empty.csv")


def test_skin_temperature_is_the_inverse_of_upward_radiation():
    temperature, emissivity = np.array([250.0, 290.0, 330.0]), np.array([0.99, 0.96, 0.9])
    sky = np.array([150.0, 330.0, 380.0])
    up = upward(temperature, emissivity, sky)
    np.testing.assert_allclose(skin_temperature(up, sky, emissivity), temperature, atol=1e-9)
    np.testing.assert_allclose(skin_temperature(STEFAN_BOLTZMANN * temperature**4, 0.0, 1.0), temperature, atol=1e-9)


def test_skin_temperature_of_nothing_is_nothing():
    assert np.isnan(skin_temperature([np.nan, 10.0], [300.0, 400.0], [0.9, 0.9])).all()


def test_surfrad_at_alamosa():
    """The zenith angles in the file are those of the Sun at a longitude west of Greenwich."""
    table = open_surfrad(shared("ground_radiation_pvlib") / "surfrad-slv16001.dat")
    assert len(table) == 1440
    times = table["time"].to_numpy()[::60]
    zenith, _ = zenith_azimuth(times, table["latitude"].iloc[0], table["longitude"].iloc[0])
    difference = np.ravel(zenith) - table["sun_zenith"].to_numpy()[::60]
    assert np.abs(difference).max() < 0.6  # its angles include refraction, and hold to the minute
    by_hand = table["downward_longwave"] - table["upward_longwave"]
    assert np.nanmax(np.abs(by_hand - table["net_longwave"])) < 0.11
    assert table["surface_pressure"].between(7.5e4, 8e4).all()


@pytest.mark.parametrize(
    ("site", "rows", "good", "hour"),
    [("Litchfield", 120790, 98000, 13), ("Ridgefield", 116375, 88000, 13), ("RiggsCreek", 114467, 96000, 13)],
)
def test_ozflux_towers(site, rows, good, hour):
    """The ground is warmest an hour or so after noon of local time, and colder than the sky for few hours only."""
    table = open_ozflux_longwave(shared("ground_OzFlux_longwave") / f"{site}_longwaveRad.csv.gz")
    assert len(table) == rows
    pairs = table.dropna()
    assert len(pairs) > good
    skin = pd.Series(skin_temperature(pairs["upward_longwave"], pairs["downward_longwave"], 0.96))
    by_hour = skin.groupby(pairs["local_time"].dt.hour.to_numpy()).mean()
    assert by_hour.idxmax() in (hour, hour + 1)
    assert by_hour.idxmin() in (4, 5, 6)
    assert 8 < by_hour.max() - by_hour.min() < 25
    assert skin.between(255, 350).mean() > 0.999
