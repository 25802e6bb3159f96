import dask
import h5py
import numpy as np
import pytest
import xarray as xr
from sensors import make_modis
from sensors.shared_data import shared

from musyq_lab.core.errors import SceneError
from musyq_lab.sensors import _modis_tiepoints as tiepoints

SCANS = 3


def layer(values, scans_of_chunk=1, metres=1000):
    rows = scans_of_chunk * tiepoints.ROWS[metres]
    return xr.DataArray(np.asarray(values, np.float32), dims=("y", "x")).chunk(y=rows, x=-1)


def metres_apart(lon1, lat1, lon2, lat2):
    """Return distances on the sphere (m)."""
    lon1, lat1, lon2, lat2 = (np.radians(np.asarray(a, float)) for a in (lon1, lat1, lon2, lat2))
    h = np.sin((lat2 - lat1) / 2) ** 2 + np.cos(lat1) * np.cos(lat2) * np.sin((lon2 - lon1) / 2) ** 2
    return 2 * make_modis.EARTH * np.arcsin(np.sqrt(h))


def turned(a, b):
    """Return how far two azimuths are apart (degree)."""
    return np.abs((np.asarray(a, float) - np.asarray(b, float) + 180) % 360 - 180)


def placed(place, coarse, fine, scans_of_chunk=1):
    parts = (layer(v, scans_of_chunk, coarse) for v in (place.longitude, place.latitude, place.view_zenith))
    return tiepoints.positions(*parts, coarse=coarse, fine=fine)


@pytest.mark.parametrize(("coarse", "fine", "most"), [(1000, 500, 5.0), (1000, 250, 7.0), (5000, 1000, 45.0)])
def test_positions_are_those_of_the_scanner(coarse, fine, most):
    longitude, latitude = placed(make_modis.geometry(SCANS, coarse), coarse, fine)
    truth = make_modis.geometry(SCANS, fine)
    apart = metres_apart(longitude, latitude, truth.longitude, truth.latitude)
    assert apart.max() < most
    assert apart.mean() < most / 5


@pytest.mark.parametrize(("longitude", "latitude"), [(179.5, 0.0), (-100.0, 80.0), (10.0, -84.0)])
def test_neither_the_date_line_nor_a_pole_disturbs(longitude, latitude):
    at = {"longitude": longitude, "latitude": latitude}
    found = placed(make_modis.geometry(1, 1000, **at), 1000, 250)
    truth = make_modis.geometry(1, 250, **at)
    assert metres_apart(*found, truth.longitude, truth.latitude).max() < 10


@pytest.mark.parametrize(("coarse", "fine"), [(1000, 500), (1000, 250), (5000, 1000)])
def test_directions_are_those_of_the_scanner(coarse, fine):
    place, truth = make_modis.geometry(SCANS, coarse), make_modis.geometry(SCANS, fine)
    view = layer(place.view_zenith, 1, coarse)
    for kind in ("sun", "view"):
        azimuth, zenith = tiepoints.directions(
            layer(getattr(place, f"{kind}_azimuth"), 1, coarse),
            layer(getattr(place, f"{kind}_zenith"), 1, coarse),
            view,
            coarse=coarse,
            fine=fine,
        )
        assert np.abs(zenith - getattr(truth, f"{kind}_zenith")).max() < 0.02
        assert (azimuth >= 0).all()
        assert (azimuth < 360).all()
        # Straight down the azimuth of the sensor has no meaning; what counts is the arc.
        arc = turned(azimuth, getattr(truth, f"{kind}_azimuth")) * np.sin(np.radians(zenith))
        assert arc.max() < 0.02


def test_chunks_do_not_change_the_result():
    place = make_modis.geometry(SCANS, 1000)
    alone, together = (placed(place, 1000, 500, n) for n in (1, SCANS))
    for a, b in zip(alone, together, strict=True):
        np.testing.assert_array_equal(a, b)
    assert alone[0].chunks[0] == (20,) * SCANS


def test_many_scans_in_a_chunk_are_worked_through_in_parts():
    place = make_modis.geometry(6, 5000)  # more than are done at once
    found = placed(place, 5000, 1000, 6)
    single = placed(place, 5000, 1000, 1)
    for a, b in zip(found, single, strict=True):
        np.testing.assert_array_equal(a, b)


def test_nothing_is_computed_early():
    def refuse(*args, **kwargs):
        raise AssertionError("something was computed")

    with dask.config.set(scheduler=refuse):
        placed(make_modis.geometry(1, 1000), 1000, 250)


def test_a_missing_position_spoils_its_neighbours_in_the_scan_only():
    place = make_modis.geometry(SCANS, 1000)
    place.longitude[14, 600] = np.nan
    longitude, latitude = placed(place, 1000, 500)
    gone = np.isnan(longitude.values)
    np.testing.assert_array_equal(gone, np.isnan(latitude.values))
    assert gone[28:30, 1200:1202].all()
    rows, columns = np.nonzero(gone)
    assert 20 <= rows.min() <= rows.max() < 40
    assert not gone[:, :1000].any() or columns.min() >= 1000


def test_a_missing_scan_leaves_the_others_as_they_are():
    place, whole = make_modis.geometry(SCANS, 1000), make_modis.geometry(SCANS, 1000)
    place.latitude[10:20] = np.nan
    found, full = placed(place, 1000, 250), placed(whole, 1000, 250)
    assert np.isnan(found[0][40:80]).all()
    np.testing.assert_array_equal(found[1][:40], full[1][:40])
    np.testing.assert_array_equal(found[1][80:], full[1][80:])


@pytest.mark.parametrize(
    ("shape", "metres", "scans"),
    [((20, 1354), 1000, 2), ((40, 5416), 250, 1), ((4, 271), 5000, 2), ((20, 2708), 500, 1)],
)
def test_whole_scans_are_counted(shape, metres, scans):
    assert tiepoints.check_scans(shape, metres, "It") == scans


@pytest.mark.parametrize("shape", [(15, 1354), (0, 1354), (20, 1353), (20, 1)])
def test_what_is_no_whole_scan_is_refused(shape):
    with pytest.raises(SceneError, match=f"It has {shape[0]} x {shape[1]} values"):
        tiepoints.check_scans(shape, 1000, "It")


def test_layers_of_different_size_are_refused():
    place = make_modis.geometry(2, 1000)
    short = layer(place.latitude[:10])
    with pytest.raises(SceneError, match="differ in size"):
        tiepoints.positions(layer(place.longitude), short, layer(place.view_zenith), coarse=1000, fine=500)


# Real positions: two scans of MOD03 in the South Pacific with those of 500 m and 250 m of the same scans.
@pytest.mark.parametrize(("fine", "mean", "most"), [(500, 1.0, 4.0), (250, 1.0, 7.0)])
def test_real_positions_of_finer_grids(fine, mean, most):
    with h5py.File(shared("modis_geolocation/modis_test_data.h5")) as file:
        stored = {name: file[name][...] for name in file}
    parts = [layer(stored[f"{name}_1km"]) for name in ("lon", "lat", "satz")]
    found = tiepoints.positions(*parts, coarse=1000, fine=fine)
    apart = metres_apart(*found, stored[f"lon_{fine}m"], stored[f"lat_{fine}m"])
    assert apart.mean() < mean
    assert apart.max() < most


def test_real_positions_of_1_km_from_every_fifth():
    with h5py.File(shared("modis_geolocation/modis_test_data.h5")) as file:
        stored = {name: file[f"{name}_1km"][...] for name in ("lon", "lat", "satz")}
    parts = [layer(values[2::5, 2::5], 1, 5000) for values in stored.values()]
    found = tiepoints.positions(*parts, coarse=5000, fine=1000)
    apart = metres_apart(*found, stored["lon"], stored["lat"])
    assert apart.mean() < 2.0
    assert apart.max() < 25.0
    # The stored positions themselves come back to the rounding of float32.
    there = metres_apart(*(part[2::5, 2::5] for part in found), stored["lon"][2::5, 2::5], stored["lat"][2::5, 2::5])
    assert there.max() < 10.0


def test_every_fifth_position_is_where_the_real_files_have_it():
    with h5py.File(shared("modis_geolocation/test_5_to_1_geoloc_full.h5")) as file:
        full = file["longitude"][...]
    with h5py.File(shared("modis_geolocation/test_5_to_1_geoloc_5km.h5")) as file:
        coarse = file["longitude"][...]
    assert coarse.shape[1] == tiepoints.COLUMNS[5000]
    np.testing.assert_array_equal(full[2::5, 2::5], coarse)
