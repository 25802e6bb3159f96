"""The file of the atmosphere tables, seen by h5py alone, and its assembly from made parts."""

import json
from pathlib import Path

import h5py
import numpy as np
import pytest

SHIPPED = Path(__file__).resolve().parents[2] / "catalogs" / "atmosphere" / "atmosphere.nc"


@pytest.fixture
def made(scripts, tmp_path, monkeypatch):
    """A table of the right sizes and made numbers."""
    tables, runs, scattering = (scripts[name] for name in ("tables", "runs", "scattering"))
    (tmp_path / "solar.json").write_text(json.dumps([1500.0] * len(runs.GAS_WAVELENGTHS)))
    sizes = {
        "wavelength": len(runs.NODES), "pressure": 3, "haze": 1 + len(runs.AOD), "beam_zenith": 10,
        "scattering_angle": len(runs.SCATTERING_ANGLES), "rayleigh_depths": 9, "rayleigh_zenith": 9,
        "rayleigh_view": 9, "rayleigh_azimuth": 3, "path_wavelength": len(scattering.WAVELENGTHS),
        "aod": len(scattering.DEPTHS), "sun_zenith": len(scattering.SUNS), "view_zenith": len(scattering.VIEWS),
        "relative_azimuth": len(scattering.AZIMUTHS), "gas_wavelength": len(runs.GAS_WAVELENGTHS),
    }  # fmt: skip
    values = {name: np.full([sizes[d] for d in dims], 0.25) for name, dims in tables.DIMS.items()}
    values.pop("solar_irradiance")
    for name in ("optics", "beams", "rayleigh", "aerosol"):
        monkeypatch.setattr(scattering, name, lambda folder: {})
    monkeypatch.setattr(scattering, "optics", lambda folder: {**values, "rayleigh_depths": np.linspace(0.01, 0.4, 9)})
    monkeypatch.setattr(scattering, "pressures", lambda folder: np.array([1013.0, 747.0, 505.0]))
    monkeypatch.setattr(tables, "gases", lambda folder: {})
    return tables, values, tmp_path


def test_every_variable_has_dims_words_and_units(made):
    tables, _, folder = made
    data = tables.assemble(folder)
    assert set(data.data_vars) == set(tables.DIMS)
    for name, variable in data.variables.items():
        assert variable.attrs["long_name"], name
        assert variable.attrs["units"], name
    assert all(data[name].dtype == np.float32 for name in data.data_vars)
    assert (data["solar_irradiance"] == 1500.0).all()


def test_a_table_with_holes_is_refused(made, monkeypatch):
    tables, values, folder = made
    values["phase"][0, 0] = np.nan
    with pytest.raises(SystemExit, match="phase is not complete"):
        tables.assemble(folder)


def test_the_file_is_read_without_xarray(made):
    tables, _, folder = made
    tables.write(tables.assemble(folder), folder / "made.nc")
    with h5py.File(folder / "made.nc") as file:
        assert file.attrs["Conventions"] == "CF-1.11"
        cube = file["aerosol_multiple"]
        assert cube.dtype == np.float32
        assert (cube.compression, cube.shuffle) == ("gzip", True)
        assert [Path(dim[0].name).name for dim in cube.dims] == list(tables.DIMS["aerosol_multiple"])
        assert "_FillValue" not in cube.attrs


def test_writing_again_replaces_the_file(made):
    tables, _, folder = made
    path = folder / "made.nc"
    path.write_bytes(b"no table")
    tables.write(tables.assemble(folder), path)
    assert path.read_bytes()[:4] == b"\x89HDF"


# ---- the file that ships ---------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def shipped():
    with h5py.File(SHIPPED) as file:
        return {name: np.asarray(file[name][()]) for name in file if isinstance(file[name], h5py.Dataset)}


def test_shipped_table_has_the_axes_of_its_builder(shipped, scripts):
    runs, scattering = scripts["runs"], scripts["scattering"]
    expected = {
        "wavelength": runs.NODES, "path_wavelength": scattering.WAVELENGTHS, "gas_wavelength": runs.GAS_WAVELENGTHS,
        "haze": (0.0, *runs.AOD), "aod": scattering.DEPTHS, "scattering_angle": runs.SCATTERING_ANGLES,
        "sun_zenith": scattering.SUNS, "view_zenith": scattering.VIEWS, "relative_azimuth": scattering.AZIMUTHS,
        "beam_zenith": np.ravel(runs.TRANSMITTANCE_ZENITHS), "rayleigh_zenith": runs.RAYLEIGH_ZENITHS,
    }  # fmt: skip
    for name, nodes in expected.items():
        np.testing.assert_allclose(shipped[name], nodes, rtol=1e-6, err_msg=name)


def test_shipped_molecules_are_those_of_bodhaine(shipped):
    """Bodhaine et al. 1999, eq. 30 (doi 10.1175/1520-0426(1999)016<1854:ORODC>2.0.CO;2), sea level, 360 ppm."""
    w2 = shipped["wavelength"] ** 2
    above = 1.0455996 - 341.29061 / w2 - 0.90230850 * w2
    expected = 0.0021520 * above / (1 + 0.0027059889 / w2 - 85.968563 * w2)
    np.testing.assert_allclose(shipped["rayleigh_depth"], expected, rtol=0.02, atol=2.5e-5)  # 6S prints five decimals


def test_shipped_shares_are_shares(shipped):
    for name in ("transmittance", "spherical_albedo", "aerosol_albedo"):
        assert (shipped[name] >= 0).all(), name
        assert (shipped[name] <= 1).all(), name
    assert (np.diff(shipped["transmittance"], axis=2) < 0).all()
    order = np.argsort(shipped["beam_zenith"])
    assert (np.diff(shipped["transmittance"][..., order], axis=-1) < 0).all()
    assert (np.diff(shipped["spherical_albedo"], axis=2)[:12] > 0).all()


def test_shipped_scattering_is_reciprocal(shipped):
    molecules = shipped["rayleigh_multiple"]
    np.testing.assert_array_equal(molecules, molecules.transpose(0, 2, 1, 3))
    aerosol = shipped["aerosol_multiple"][..., :7, :, :]
    np.testing.assert_allclose(aerosol, np.swapaxes(aerosol, 3, 4), atol=2e-4)
