"""Radiation of hours and days from a made-up sky, beside integrals of the clear sky made here, piece by piece."""

from datetime import datetime, timedelta

import numpy as np
import pytest
import xarray as xr
from production.chain import sky_world

from musyq_lab.archive.lineage import provenance
from musyq_lab.archive.naming import FileName
from musyq_lab.archive.open import open_product
from musyq_lab.archive.write import write_product
from musyq_lab.catalog.stock import LayerFile, Stock
from musyq_lab.core.period import three_hourly
from musyq_lab.core.spec import Product, Variable
from musyq_lab.files.digest import sha256
from musyq_lab.kernels import solar
from musyq_lab.production.chain import _sky_series as sky_series
from musyq_lab.production.chain import record
from musyq_lab.production.chain.produce import produce
from musyq_lab.products._registry import RETRIEVALS

# A day of images is turned into two dozen files, most of whose time is compilation.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

DAY = "2019-07-06"
TEMPERATURE, VAPOUR = 293.0, 1200.0
AIR = tuple(
    Variable(name, name, units, valid_range=limits, dtype="float32", uncertain=False)
    for name, units, limits in (("air_temperature", "K", (180, 335)), ("vapour_pressure", "Pa", (0, 8000)))
)


@pytest.fixture(autouse=True)
def code(monkeypatch):
    monkeypatch.setenv("MUSYQ_CODE_VERSION", "test")
    record.code_version.cache_clear()
    yield
    record.code_version.cache_clear()


@pytest.fixture(scope="module")
def weather(tmp_path_factory):
    folder, files = tmp_path_factory.mktemp("weather"), []
    dims, shape = ("latitude", "longitude"), sky_world.GRID.shape
    for k in range(8):
        period = three_hourly(sky_world.DAY + timedelta(hours=3 * k))
        values = {"air_temperature": (TEMPERATURE, "K"), "vapour_pressure": (VAPOUR, "Pa")}
        ds = xr.Dataset(
            {n: (dims, np.full(shape, v, "f4"), {"units": u}) for n, (v, u) in values.items()},
            {"latitude": sky_world.GRID.latitude, "longitude": sky_world.GRID.longitude},
        )
        path = write_product(
            ds, folder, spec=Product("weather", "Weather", AIR, ()), edition="5km", tile="here", period=period.label
        )
        files.append(
            LayerFile(FileName("weather", "5km", "here", period.label, "v1"), period, tuple(values), str(path))
        )
    return tuple(files)


def make(keys, out, step="3h", stock=None, **more):
    stock = stock or sky_world.stock()
    return produce(*keys, period=DAY, inputs=stock, out=out, edition="5km", step=step, region=sky_world.BOX, jobs=1)


def opened(made):
    return {(n.split(".")[1].lower(), n.split(".")[4]): open_product(p).load() for n, p in _named(made)}


def _named(made):
    return [(path.name, path) for path in made.files]


def clear_sky(start, hours):
    """Mean irradiance of REST2 over a stretch of time with the climatology's air, summed in steps of five minutes."""
    times = np.datetime64(start, "ns") + (np.arange(hours * 12) * 5 + 2).astype("timedelta64[m]")
    latitude, longitude = sky_world.GRID.latitude[:, None], sky_world.GRID.longitude[None, :]
    mu = solar.cos_zenith(times[:, None, None], latitude[None], longitude[None])
    dims = ("time", "latitude", "longitude")
    zenith = np.degrees(np.arccos(np.clip(mu, 0, 1))).astype("f4")
    air = {
        n: a.broadcast_like(xr.DataArray(zenith[0], dims=dims[1:])).values
        for n, a in sky_world.air(sky_world.DAY).items()
    }
    units = {"aod": "1", "water_vapour": "kg m-2", "ozone": "DU", "surface_pressure": "Pa"}
    air["surface_pressure"] = 100 * air.pop("pressure")
    ds = xr.Dataset({n: (dims[1:], v.astype("f4"), {"units": units[n]}) for n, v in air.items()})
    ds["sun_zenith"] = (dims, zenith, {"units": "degree"})
    beyond = np.broadcast_to(solar.extraterrestrial(times)[:, None, None], zenith.shape).astype("f4")
    ds["extraterrestrial_shortwave"] = (dims, beyond, {"units": "W m-2"})
    made = RETRIEVALS["dsr"](ds, method="clear_sky", uncertainty=False)["dsr"].values
    return np.where(zenith < 90, made, 0.0).mean(axis=0)


@pytest.fixture(scope="module")
def clear(tmp_path_factory, weather):
    """A day of clear sky seen by two sensors: all products of three hours, and of the day."""
    out = tmp_path_factory.mktemp("clear")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MUSYQ_CODE_VERSION", "test")
        record.code_version.cache_clear()
        sky_world.use(patch)
        stock = sky_world.stock(layers=weather)
        made = make(("dsr", "par", "dlr"), out / "3h", stock=stock), make(("dsr", "par"), out / "1d", "1d", stock=stock)
    return *(opened(one) for one in made), made


def test_a_clear_day_has_the_light_of_the_clear_sky(clear):
    three, day, (made, _) = clear
    assert not made.failed
    assert len(made.files) == 24
    for hour in (0, 3, 6):
        own = three["dsr", f"2019187-{hour:02d}"]
        true = clear_sky(sky_world.DAY + timedelta(hours=hour), 3)
        assert np.abs(own.dsr.values - true).max() < 0.04 * true.max()
        assert (np.abs(own.dsr.values - true) < own.dsr_uncertainty.values).all()
        assert (own.n_obs == 3).all()
    true = clear_sky(sky_world.DAY, 24)
    assert np.abs(day["dsr", "2019187"].dsr.values - true).max() < 0.03 * true.max()


def test_the_day_is_the_mean_of_its_eight_parts(clear):
    three, day, _ = clear
    for key in ("dsr", "par"):
        parts = np.mean([three[key, f"2019187-{h:02d}"][key].values for h in range(0, 24, 3)], axis=0)
        assert np.allclose(parts, day[key, "2019187"][key].values, atol=0.5)


def test_night_is_zero_without_doubt_and_says_so(clear):
    for key, mask in (("dsr", 1 << 10), ("par", 1 << 8)):
        night = clear[0][key, "2019187-15"]
        assert (night[key] == 0).all()
        assert (night[f"{key}_uncertainty"] == 0).all()
        assert (night[f"{key}_qa"] == mask).all()
        assert (night.n_obs == 0).all()
        assert "night" in night[f"{key}_qa"].attrs["flag_meanings"].split()
        assert not (clear[0][key, "2019187-03"][f"{key}_qa"] & mask).any()


def test_a_share_of_the_light_is_active(clear):
    for hour in ("03", "06"):
        share = clear[0]["par", f"2019187-{hour}"].par / clear[0]["dsr", f"2019187-{hour}"].dsr
        assert ((share > 0.40) & (share < 0.50)).all()
    one = clear[0]["par", "2019187-03"]
    assert np.allclose(one.photon_flux / one.par, 4.57, rtol=2e-3)  # McCree 1972


def test_a_clear_sky_glows_as_prata_says_and_the_night_takes_the_clouds_of_the_evening(clear):
    """Prata 1996: w = 46.5 e / T (hPa, K); emissivity 1 - (1 + w) exp(-sqrt(1.2 + 3 w))."""
    w = 46.5 * VAPOUR / 100 / TEMPERATURE
    glow = (1 - (1 + w) * np.exp(-np.sqrt(1.2 + 3 * w))) * 5.670374419e-8 * TEMPERATURE**4
    noon, night = (clear[0]["dlr", f"2019187-{hour}"] for hour in ("03", "15"))
    assert np.allclose(noon.dlr, glow, rtol=0.03)
    assert np.allclose(night.dlr, glow, rtol=0.03)
    assert (night.dlr_qa & (1 << 13) > 0).all()
    assert not (noon.dlr_qa & (1 << 13)).any()
    assert "clouds_of_daylight" in night.dlr_qa.attrs["flag_meanings"]
    assert (night.dlr_uncertainty > noon.dlr_uncertainty).all()


def test_each_file_names_its_images_and_the_share_of_the_sensors(clear):
    noon = clear[0]["dsr", "2019187-03"]
    assert noon.attrs["time_coverage_images"] == "2019-07-06T03:00Z, 2019-07-06T04:00Z, 2019-07-06T05:00Z"
    assert list(noon.sensor.values) == ["fy4a_agri", "himawari_ahi"]
    assert np.allclose(noon.sensor_share.sum("sensor"), 1, atol=0.01)
    assert (noon.sensor_share > 0.3).all()
    path = next(p for name, p in _named(clear[2][0]) if ".DSR." in name and "2019187-03" in name)
    used = {str(e.get("musyq:file")) for e in provenance(path)["entity"].values()}
    assert {"20190706T0400_himawari_ahi", "20190706T0400_fy4a_agri"} <= used


def test_under_an_overcast_sky_there_is_less_light_and_one_sensor_is_enough(clear, monkeypatch, tmp_path):
    sky_world.use(monkeypatch, cloudy=lambda sensor, time: time.day == 6 and 3 <= time.hour < 6)
    made = opened(make(("dsr",), tmp_path, stock=sky_world.stock(("himawari_ahi",))))
    dim, bright = (made["dsr", f"2019187-{h}"] for h in ("03", "00"))
    assert (dim.dsr < 0.55 * clear[0]["dsr", "2019187-03"].dsr).all()
    # Between the clear image at 2 and the cloudy one at 3 the light is taken to fall: half an hour of three at most.
    assert np.allclose(bright.dsr, clear[0]["dsr", "2019187-00"].dsr, rtol=0.2)
    assert list(dim.sensor.values) == ["himawari_ahi"]
    assert (dim.sensor_share == 1).all()


def test_damaged_images_are_set_aside_and_the_others_go_on(monkeypatch, tmp_path):
    bad = ("20190706T0400_himawari_ahi", "20190706T0400_fy4a_agri", "20190706T0300_fy4a_agri")
    sky_world.use(monkeypatch, bad=bad)
    made = make(("dsr",), tmp_path)
    assert {reason for _, reason in made.aside} == {f"{name} is damaged." for name in bad}
    assert not made.failed
    noon = opened(made)["dsr", "2019187-03"]
    assert (noon.n_obs == 2).all()
    assert noon.dsr.notnull().all()


def test_three_hours_between_images_are_filled_from_both_sides_with_a_larger_error(clear, monkeypatch, tmp_path):
    sky_world.use(monkeypatch)
    shots = tuple(s for s in sky_world.shots(("himawari_ahi",)) if s.time.hour not in (1, 2, 3, 4, 5, 6, 7))
    made = opened(make(("dsr",), tmp_path, stock=Stock(shots=shots)))["dsr", "2019187-03"]
    assert (made.n_obs == 0).all()
    assert (made.dsr_qa & (1 << 4) > 0).all()
    usual = clear[0]["dsr", "2019187-03"]
    assert np.allclose(made.dsr, usual.dsr, rtol=0.1)
    assert (made.dsr_uncertainty > 0).all()


def test_the_same_bytes_again_and_nothing_is_made_twice(monkeypatch, tmp_path):
    sky_world.use(monkeypatch)
    stock = Stock(shots=tuple(s for s in sky_world.shots() if s.time.hour in (2, 4)))
    first, other = make(("dsr",), tmp_path / "a", stock=stock), make(("dsr",), tmp_path / "b", stock=stock)
    assert [sha256(a) for a in first.files] == [sha256(b) for b in other.files]
    again = make(("dsr",), tmp_path / "a", stock=stock)
    assert {o.state for o in again.outcomes} == {"kept"}


def look(values, sigma):
    return xr.Dataset({"dsr": ("x", np.array(values)), "dsr_uncertainty": ("x", np.array(sigma, float))})


def test_two_looks_are_joined_by_their_errors_of_which_half_are_common():
    one, (first, second) = sky_series._one(
        [look([500.0, np.nan, 500.0], [10, 10, 10]), look([600.0, 600.0, 600.0], [20, 20, 10])]
    )
    assert np.allclose(first, [0.8, 0, 0.5])
    assert np.allclose(second, [0.2, 1, 0.5])
    assert np.allclose(one.dsr, [520, 600, 550])
    # u2 = sum w2 s2 + 2 rho w1 w2 s1 s2
    u = np.sqrt(64 + 16 + 2 * 0.5 * 8 * 4), 20.0, np.sqrt(25 + 25 + 2 * 0.5 * 5 * 5)
    assert np.allclose(one.dsr_uncertainty, u)


def test_images_of_two_sensors_within_five_minutes_are_one_look():
    times = [datetime(2019, 7, 6, 4), datetime(2019, 7, 6, 4, 4), datetime(2019, 7, 6, 5, 10)]
    names = [n for name in sky_series.LIGHT for n in (name, f"{name}_uncertainty")]

    def series(own):
        field = xr.DataArray(
            np.full((len(own), 1, 1), 9.0), {"time": np.array(own, "M8[ns]")}, ("time", "latitude", "longitude")
        )
        return xr.Dataset({n: field for n in names})

    joined = sky_series._merged({"himawari_ahi": series([times[0], times[2]]), "fy4a_agri": series([times[1]])})
    minutes = joined.layers["time"].values.astype("M8[m]").astype(str).tolist()
    assert minutes == ["2019-07-06T04:02", "2019-07-06T05:10"]
    assert joined.weights.sel(sensor="fy4a_agri").values.ravel().tolist() == [0.5, 0.0]
