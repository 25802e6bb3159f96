"""The builder of the table of spectra: it reads each source as it is printed, and refuses what is not the source."""

import csv
import sys
from pathlib import Path

import numpy as np
import pvlib
import pytest

from musyq_lab.core.resources import resource

ASTM = Path(pvlib.__file__).parent / "data" / "ASTMG173.csv"


def leaves(path, count=2101, columns=8):
    """A table like dataSpec: a heading, then wavelength and constants."""
    rows = ["lambda nrefrac Cab Car Anth Brown Cw Cm"]
    rows += [" ".join([str(400 + k), *(f"{1 + c + k * 1e-4:.6f}" for c in range(columns - 1))]) for k in range(count)]
    path.write_text("\n".join(rows) + "\n")
    return path


def optics(path, extra=()):
    """A module like snowoptics.refractive_index: points, and a factor from um to nm."""
    wavelength = [0.3, 0.4, 0.6, 1.0, 2.0, 3.0, *extra]
    index = [1e-11, 1e-10, 4e-9, 1.6e-6, 1.6e-3, 0.3]
    path.write_text(
        "import numpy as np\n"
        f"wl2008 = 1e-6 * np.array({wavelength})\n"
        f"refice2008_i = np.array({index})\n"
        "def never_run():\n    raise SystemExit\n"
    )
    return path


def test_leaves_are_read_below_their_heading(spectra_script, tmp_path):
    found = spectra_script.leaf(leaves(tmp_path / "leaf.txt"))
    assert found.shape == (2101, 7)
    np.testing.assert_allclose(found[100], 1 + np.arange(7) + 0.01)


@pytest.mark.parametrize("size", [{"count": 2100}, {"columns": 7}])
def test_another_table_of_leaves_is_refused(spectra_script, tmp_path, size):
    with pytest.raises((SystemExit, ValueError)):
        spectra_script.leaf(leaves(tmp_path / "leaf.txt", **size))


def test_a_table_of_leaves_that_starts_elsewhere_is_refused(spectra_script, tmp_path):
    path = leaves(tmp_path / "leaf.txt", count=2102)
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], *lines[2:]]))
    with pytest.raises(SystemExit, match="2101 wavelengths"):
        spectra_script.leaf(path)


def test_ice_is_linear_in_the_logarithms(spectra_script, tmp_path):
    found = spectra_script.ice(optics(tmp_path / "ice.py"))
    assert found.shape == (2101,)
    assert found[0] == pytest.approx(1e-10)
    assert found[600] == pytest.approx(1.6e-6)
    middle = np.sqrt(1000 * 2000)
    expected = np.sqrt(1.6e-6 * 1.6e-3)
    assert np.interp(middle, spectra_script.WAVELENGTH, found) == pytest.approx(expected, rel=1e-3)
    assert (np.diff(found) > 0).all()


def test_the_module_of_ice_is_read_and_not_run(spectra_script, tmp_path):
    path = optics(tmp_path / "ice.py")
    path.write_text(path.read_text() + "raise SystemExit('run')\n")
    assert spectra_script.ice(path)[0] == pytest.approx(1e-10)


def test_ice_of_unequal_columns_is_refused(spectra_script, tmp_path):
    with pytest.raises(SystemExit, match="7 wavelengths, 6 indices"):
        spectra_script.ice(optics(tmp_path / "ice.py", extra=(4.0,)))


def test_sunlight_is_that_of_the_standard(spectra_script):
    """ASTM G173-03, read once more with the csv module."""
    found = spectra_script.sunlight(ASTM)
    with ASTM.open(encoding="utf-8") as file:
        rows = {row[0]: row[1:3] for row in csv.reader(file)}
    for nm in (400, 500, 1000, 1700, 2500):
        key = next(name for name in (f"{nm}.0", f"{nm}", f"{nm}.00") if name in rows)
        np.testing.assert_allclose(found[nm - 400], [float(value) for value in rows[key]], rtol=1e-9)
    assert (found[:, 0] > 0).all()
    assert found[:, 0].sum() == pytest.approx(1200, rel=0.03)


def test_the_file_has_one_line_for_each_nanometre(spectra_script, tmp_path, monkeypatch, capsys):
    out = tmp_path / "spectra.csv"
    arguments = [str(leaves(tmp_path / "leaf.txt")), str(optics(tmp_path / "ice.py")), str(ASTM), "--out", str(out)]
    monkeypatch.setattr(sys, "argv", ["derive.py", *arguments])
    spectra_script.main()
    first = out.read_bytes()
    assert b"\r" not in first
    spectra_script.main()
    assert out.read_bytes() == first
    rows = list(csv.DictReader(out.open(encoding="utf-8")))
    assert [int(row["wavelength_nm"]) for row in rows] == list(range(400, 2501))
    assert float(rows[0]["ice"]) == pytest.approx(1e-10)
    assert "2101 wavelengths" in capsys.readouterr().out


def test_the_shipped_file_has_the_sun_and_the_head_of_the_builder(spectra_script):
    rows = list(csv.reader(resource("catalogs/spectra/spectra.csv").open(encoding="utf-8")))
    assert rows[0] == ["wavelength_nm", *spectra_script.LEAF, "ice", "sun_outside", "sun_ground"]
    sun = np.array([[float(value) for value in row[-2:]] for row in rows[1:]])
    np.testing.assert_allclose(sun, spectra_script.sunlight(ASTM), rtol=1e-4)
