"""``open_scenes``: one bad granule is reported and costs nothing else."""

import pytest
from sensors.make_landsat import make

from musyq_lab.core.errors import InputError, NotFoundError
from musyq_lab.sensors._folder import open_scenes


@pytest.fixture
def archive(tmp_path):
    small = {"shape": (2, 2), "qa": False}
    good = [
        make(tmp_path, "TM", "2014", bands=["3", "6"], **small),
        make(tmp_path / "below", "OLI_TIRS", "C2", bands=["4", "8"], **small),
    ]
    bad = [
        make(tmp_path / "cut", "ETM", "C1", bands=["3"], **small),
        make(tmp_path, "TM", "C1", bands=["3"], **small),
    ]
    file = bad[0].files[0]
    file.write_bytes(file.read_bytes()[:-2])
    bad[1].mtl.unlink()
    return tmp_path, good, bad


def test_the_rest_opens_and_the_bad_are_data(archive):
    folder, good, bad = archive
    scenes = open_scenes(folder)
    assert set(scenes) == {made.name for made in good}
    assert set(scenes.rejected) == {made.name for made in bad}
    assert "cut short" in scenes.rejected[bad[0].name]
    assert "lacks its metadata file" in scenes.rejected[bad[1].name]
    assert len(scenes) == 2
    assert len(scenes.report) == 4
    for made in good:
        assert scenes[made.name].attrs["granule"] == made.name


def test_what_was_rejected_says_why_when_asked_for(archive):
    folder, good, bad = archive
    scenes = open_scenes(folder)
    with pytest.raises(NotFoundError, match=r"was rejected: .*cut short"):
        scenes[bad[0].name]
    with pytest.raises(NotFoundError, match=rf"no granule .*Did you mean '{good[0].name}'"):
        scenes[good[0].name[:-1]]
    assert scenes.get("absent") is None
    assert bad[0].name not in scenes


def test_it_shows_the_rejected_first(archive):
    folder, good, bad = archive
    scenes = open_scenes(folder)
    assert "2 of 4 granules opened" in repr(scenes)
    html = scenes._repr_html_()
    assert html.index(bad[0].name) < html.index(good[0].name)
    header, *rows = scenes.table()
    assert header == ["granule", "sensor", "time (UTC)", "rejected because"]
    assert {row[2] for row in rows if row[3]} == {""}
    assert {row[2] for row in rows if not row[3]} == {"2001-08-15T13:00:47.375Z"}


def test_choices_hold_for_every_granule(archive):
    folder, good, _ = archive
    scenes = open_scenes(folder, sensor="landsat_oli", resolution=15, calibration="counts")
    assert list(scenes) == [good[1].name]
    assert next(iter(scenes[good[1].name].data_vars)) == "pan"
    coarse = open_scenes(folder, resolution=15)
    assert "no grid of 15 m" in coarse.rejected[good[0].name]


def test_what_is_wrong_with_the_call_is_an_error(archive, tmp_path):
    folder = archive[0]
    with pytest.raises(InputError, match="no calibration"):
        open_scenes(folder, calibration="x")
    with pytest.raises(NotFoundError, match="no folder"):
        open_scenes(folder / "absent")
    with pytest.raises(NotFoundError, match="no sensor"):
        open_scenes(folder, sensor="x")
    (tmp_path / "empty").mkdir()
    with pytest.raises(NotFoundError, match="holds no granule of a known sensor"):
        open_scenes(tmp_path / "empty")


def test_granules_of_one_name_all_stay(tmp_path):
    for place in ("a", "b", "c"):
        make(tmp_path / place, "TM", "2014", bands=["3", "6"], shape=(2, 2))
    scenes = open_scenes(tmp_path)
    assert len(scenes.report) == 3
    name = "LT52240631988227CUB02"
    assert list(scenes) == [name, f"{name} (landsat_tm)", f"{name} (2)"]
