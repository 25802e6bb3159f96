"""Every sensor of the registry must keep the promises of the one pattern.

Nothing here knows a sensor by name: a new file is tested the moment it exists.
"""

import inspect
import json
import pickle
import re
import subprocess
import sys
from datetime import date
from importlib import import_module

import pytest

from musyq_lab.core.errors import InputError, MusyqError, NotFoundError
from musyq_lab.core.sensor import THERMAL_FROM
from musyq_lab.sensors._granule import granule_name
from musyq_lab.sensors._open import open_scene
from musyq_lab.sensors._registry import SENSORS

KEYS = list(SENSORS)
HEAVY = ("satpy", "pyresample", "rasterio", "rioxarray", "h5py", "pyhdf", "netCDF4", "geotiepoints", "pygac", "pyproj")
READERS = ("rasterio", "pyhdf", "h5py", "netCDF4", "numpy", "xarray")


@pytest.fixture(params=KEYS)
def spec(request):
    return SENSORS[request.param]


def each_variant(spec):
    return [spec.bands_of(variant) for variant in spec.variants]


def test_there_are_sensors():
    assert len(KEYS) >= 3


def test_key_is_the_name_of_the_module(spec):
    module = import_module(f"musyq_lab.sensors.{spec.key}")
    assert module.SPEC is spec
    assert module.__doc__
    assert spec.title
    assert spec.title[0].isupper()


def test_module_opens_a_granule_on_a_grid_in_a_calibration(spec):
    function = import_module(f"musyq_lab.sensors.{spec.key}").open
    parameters = inspect.signature(function).parameters
    assert list(parameters) == ["granule", "resolution", "calibration"]
    assert parameters["resolution"].kind is parameters["calibration"].kind is inspect.Parameter.KEYWORD_ONLY
    assert function.__doc__


@pytest.fixture(scope="module")
def readers_imported():
    """Import the sensors one after the other in a new process: what each adds to the readers in memory."""
    code = f"""
import importlib, json, sys
seen, added = set(), {{}}
for key in {KEYS!r}:
    importlib.import_module("musyq_lab.sensors." + key)
    there = {{name for name in {HEAVY!r} if name in sys.modules}}
    added[key], seen = sorted(there - seen), there
print(json.dumps(added))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_importing_the_spec_imports_no_reader(spec, readers_imported):
    """What is in memory stays there: a reader that any sensor imports shows with the first that does."""
    assert readers_imported[spec.key] == []


def test_bands_are_physical(spec):
    assert spec.bands
    for band in spec.bands:
        assert 0.3 < band.centre < 15.0, band
        assert 0.0 < band.fwhm < 0.7 * band.centre, band
        assert 1.0 <= band.resolution <= 20_000.0, band
        assert band.e0 is None or 0.5 < band.e0 < 2200.0, band
        assert band.snr is None or band.snr > 1.0, band
        assert band.nedt is None or 0.0 < band.nedt < 5.0, band


def test_solar_irradiance_is_known_of_reflective_bands_only(spec):
    """Each reflective band has E0, or a quirk says why not; the Sun's spectrum falls from 0.5 um on."""
    lacking = [b.native for b in spec.bands if not b.thermal and b.e0 is None]
    said = " ".join(spec.quirks).lower()
    assert not lacking or "irradiance" in said or "solar" in said, lacking
    assert not [b.native for b in spec.bands if b.centre >= THERMAL_FROM + 2.0 and b.e0 is not None]
    narrow = [b for b in spec.bands if b.e0 and b.centre > 0.5 and b.fwhm < 0.12]
    for one in narrow:
        for other in narrow:
            if other.centre > 1.15 * one.centre:
                assert other.e0 < one.e0, (one, other)


def test_names_are_roles_or_native_names(spec):
    for bands in each_variant(spec):
        for resolution in spec.resolutions:
            names = [b.name for b in bands if b.resolution == resolution]
            assert len(names) == len(set(names))
            for index in (b for b in bands if b.resolution == resolution):
                assert spec.band(index.name, index.variant).centre > 0


def test_roles_follow_one_another_in_the_spectrum(spec):
    order = ["coastal", "blue", "green", "red", "nir", "swir1", "swir2", "mir", "tir1", "tir2"]
    for bands in each_variant(spec):
        centres = [next((b.centre for b in bands if b.name == role), None) for role in order]
        known = [c for c in centres if c is not None]
        assert known == sorted(known)


def test_the_nominal_grid_exists(spec):
    assert spec.resolution in spec.resolutions
    assert any(b.resolution == spec.resolution for b in spec.bands)


def test_variants_are_platforms_or_parts_of_their_names(spec):
    """A platform without rows of its own takes those of the first variant, so every variant must be reachable."""
    assert spec.platforms
    assert len(set(spec.platforms)) == len(spec.platforms)
    for platform in spec.platforms:
        assert spec.bands_of(platform)
    for variant in spec.variants:
        if variant:
            family = re.sub(r"\d+$", "", variant)  # the cameras WFV1 to WFV4 of "GF-1 WFV"
            assert variant in spec.platforms or family in spec.title, variant


def test_years_are_those_of_satellites(spec):
    first, last = spec.years
    assert 1972 <= first <= date.today().year
    assert last is None or first <= last <= date.today().year
    assert 1.0 <= spec.swath <= 20_000.0


def test_patterns_compile_and_do_not_match_everything(spec):
    assert spec.patterns or spec.folders
    for pattern in (*spec.patterns, *spec.folders):
        assert "granule" in re.compile(pattern, re.IGNORECASE).groupindex
        for name in ("", "x", "readme.txt", "image.tif", "data.h5", "a" * 300 + ".hdf", "_" * 3000):
            assert re.fullmatch(pattern, name, re.IGNORECASE) is None, pattern


def test_marks_compile(spec):
    for mark in spec.marks:
        re.compile(mark.pattern)
        if mark.kind.startswith("hdf"):
            assert mark.attribute
        else:
            re.compile(mark.pattern.encode())
            assert re.search(mark.pattern.encode(), b"", re.IGNORECASE) is None


def test_reader_is_one_that_exists(spec):
    name, _, reader = spec.reader.partition(":")
    assert name in READERS or (name == "satpy" and reader), spec.reader


def test_numbers_have_references_and_sentences_are_whole(spec):
    assert spec.references
    assert any(re.search(r"doi|http|\d{4}|[A-Z]{3,}", reference) for reference in spec.references)
    for quirk in spec.quirks:
        assert quirk[0].isupper() or re.match(r"\w*[A-Z(]", quirk.split()[0])  # or the name of an entry
        assert quirk.endswith(".")


def test_specs_travel(spec):
    assert pickle.loads(pickle.dumps(spec)) == spec


def test_the_table_has_a_row_for_it(spec):
    (row,) = [row for row in SENSORS.table() if row[0] == spec.key]
    assert all(text for text in row)
    assert spec.title in row


def test_an_empty_or_foreign_file_is_refused_by_name(spec, tmp_path):
    for content in (b"", b"not a granule" * 100):
        path = tmp_path / "file.dat"
        path.write_bytes(content)
        with pytest.raises(MusyqError) as caught:
            open_scene(path, sensor=spec.key)
        assert str(path) in str(caught.value)
    with pytest.raises(NotFoundError):
        open_scene(tmp_path / "absent", sensor=spec.key)
    with pytest.raises(InputError, match="no calibration"):
        open_scene(tmp_path, sensor=spec.key, calibration="digital")


def test_no_name_belongs_to_two_sensors():
    """The names that tests and documents show are told apart: each pattern's own example matches one sensor."""
    names = {
        "LC08_L1TP_224063_20140815_20200917_02_T1_B1.TIF": "landsat_oli",
        "LT52240631988227CUB02_MTL.txt": "landsat_tm",
        "L71092085_08520100315_B10.TIF": "landsat_etm",
        "L5224063_06319880814_B10.TIF": "landsat_tm",
    }
    for name, key in names.items():
        said = [s.key for s in map(SENSORS.__getitem__, KEYS) if granule_name((*s.patterns, *s.folders), name)]
        assert said == [key]
