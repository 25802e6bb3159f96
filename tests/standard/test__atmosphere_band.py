"""The tables of a band: quadratures against exact integrals, splines through their nodes, and the file that ships."""

import numpy as np
import pytest
import xarray as xr
from scipy.integrate import quad

from musyq_lab.core.errors import InputError
from musyq_lab.core.resources import resource
from musyq_lab.kernels.atmosphere import AXES
from musyq_lab.sensors._response import response
from musyq_lab.standard import _atmosphere_band as band


@pytest.fixture(scope="module")
def red():
    return band.tables_of(response("landsat_oli", "red"), np.dtype("float64"))


@pytest.mark.parametrize(("mass", "molecules", "aerosol"), [(2.0, 0.3, 0.5), (8.0, 0.05, 2.0), (3.0, 0.1, 0.0)])
def test_single_scattering_is_the_integral_over_height(mass, molecules, aerosol):
    """Two exponential profiles of 8 and 2 km, integrated over height by scipy."""

    def passed(z):
        return np.exp(-mass * (molecules * np.exp(-z / 8) + aerosol * np.exp(-z / 2)))

    a = quad(lambda z: molecules / 8 * np.exp(-z / 8) * passed(z), 0, 200)[0]
    b = quad(lambda z: aerosol / 2 * np.exp(-z / 2) * passed(z), 0, 200)[0]
    np.testing.assert_allclose(band.single_scattering(mass, molecules, aerosol), (a, b), rtol=1e-6, atol=1e-12)


def test_single_scattering_of_one_constituent_is_closed():
    a, b = band.single_scattering(3.0, 0.2, 0.0)
    assert a == pytest.approx((1 - np.exp(-0.6)) / 3, rel=1e-12)
    assert b == 0.0


def test_gaussian_nodes_average_polynomials_exactly():
    draw = np.random.default_rng(0)
    places, weights = np.sort(draw.uniform(0.6, 0.7, 40)), draw.uniform(0, 1, 40)
    nodes, shares = band.gaussian(places, weights)
    assert shares.sum() == pytest.approx(1.0)
    for degree in range(6):
        assert shares @ nodes**degree == pytest.approx(np.average(places**degree, weights=weights), rel=1e-12)


def test_two_wavelengths_are_their_own_nodes():
    nodes, shares = band.gaussian(np.array([0.5, 0.6]), np.array([1.0, 3.0]))
    np.testing.assert_allclose(nodes, [0.5, 0.6])
    np.testing.assert_allclose(shares, [0.25, 0.75])


def test_splines_pass_through_nodes_and_keep_cubics():
    nodes, places = np.array([0.0, 1.0, 2.5, 4.0, 5.0]), np.linspace(0, 5, 11)
    np.testing.assert_allclose(band.spline_matrix(nodes, nodes), np.eye(5), atol=1e-12)
    np.testing.assert_allclose(band.spline_matrix(nodes, places) @ nodes**3, places**3, atol=1e-9)


def test_tables_are_physical(red):
    assert (red.once >= 0).all()
    assert (red.phase > 0).all()
    assert ((red.beam > 0) & (red.beam <= 1)).all()
    assert ((red.albedo >= 0) & (red.albedo < 0.5)).all()
    for gas in (red.water, red.dry):
        assert ((gas > 0) & (gas <= 1)).all()
        assert (np.diff(gas, axis=1) <= 1e-12).all()  # more absorbs more
    assert (red.direct <= red.beam + 1e-3).all()
    assert (np.diff(red.beam, axis=0) < 0).all()
    assert (np.diff(red.beam, axis=2) < 1e-9).all()
    np.testing.assert_array_equal(red.aerosol[0], 0.0)


def test_tables_have_the_axes_of_the_kernels(red):
    sizes = {name: axis.size for name, axis in AXES.items()}
    a, p = sizes["aod"], sizes["pressure"]
    angles = (sizes["sun_zenith"], sizes["view_zenith"], sizes["relative_azimuth"])
    fields = (red.once, red.phase, red.rayleigh, red.aerosol, red.beam, red.albedo, red.water, red.dry, red.absorption)
    assert [table.size for table in red.scattering()] == [table.size for table in fields]
    assert [table.shape for table in fields] == [
        (3, a, p, sizes["mass"]),
        (sizes["cosine"],),
        (p, *angles),
        (a, p, *angles),
        (a, p, sizes["beam_zenith"]),
        (a, p),
        (p, sizes["vapour"]),
        (p, sizes["mass"]),
        (2, p),
    ]


def test_the_phase_function_of_molecules_and_of_aerosol_has_the_mean_one(red):
    """The forward peak within 20 degrees is not in the table: it holds what is missing."""
    mean = np.trapezoid(red.phase, AXES["cosine"]) / 2
    assert 0.6 < mean < 1.0


def test_a_band_that_reaches_beyond_is_refused():
    for wave in ([0.30, 0.31, 0.32], [3.5, 3.7, 3.9]):
        far = xr.DataArray([0.1, 1.0, 0.1], {"wavelength": wave}, "wavelength")
        with pytest.raises(InputError, match="reflective"):
            band.tables_of(far, np.dtype("float64"))


def test_the_file_says_what_it_is():
    path = resource(band.TABLE)
    assert path.stat().st_size < 2_000_000
    with xr.open_dataset(path, engine="h5netcdf") as data:
        assert all(doi in data.attrs["references"] for doi in ("10.1109/36.581987", "10.1364/AO.45.006762"))
        assert "6SV 1.1" in data.attrs["source"]
        assert "Apache-2.0" in data.attrs["licence"]
        for variable in data.variables.values():
            assert variable.attrs["long_name"]
            assert variable.attrs["units"]
            assert np.isfinite(variable.values).all()
        assert "date" not in " ".join(data.attrs).lower()
