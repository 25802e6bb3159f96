"""Filling a folder: complete granules or none, and a stopped run goes on."""

import json
import types
from datetime import datetime

import numpy as np
import pytest

from musyq_lab.core.errors import InputError
from musyq_lab.twin import _job
from musyq_lab.twin._job import RECORD, Job
from musyq_lab.twin.instrument import Image, Instrument, Pixels
from musyq_lab.twin.orbit import Geostationary
from musyq_lab.twin.settings import Settings

SETTINGS = Settings("huailai", "2019-06-30", 1, ("modis",), 1.2, 100.0, 0.0, 3, "training", (0.0, 6.0))


class Stopped(BaseException):
    """As a kill would, it passes every ``except Exception``."""


def image(value: float) -> Image:
    field = np.full((2, 2), value, dtype=np.float32)
    pixels = Pixels(("red",), 1000.0, field.astype(float), field.astype(float), 1000.0)
    return Image(pixels, {"red": field}, field, field, field, field, field, field > 0)


@pytest.fixture
def written(monkeypatch):
    """A sensor of one small file a granule; ``calls`` counts, ``fail`` stops in the middle of a write."""
    told = types.SimpleNamespace(calls=[], fail=set(), value=0.3)

    def write(overpass, images, folder):
        told.calls.append(overpass.time)
        (folder / "part").write_text("first")
        if len(told.calls) in told.fail:
            raise Stopped
        path = folder / f"granule_{overpass.time:%H}.dat"
        path.write_bytes(images[0].values["red"].tobytes())
        return path

    module = types.SimpleNamespace(
        INSTRUMENT=Instrument("modis", "Test-1", Geostationary(115.0, 60)), pixels=lambda o, g: (), write=write
    )
    monkeypatch.setattr(_job, "_granule", lambda sensor: module)
    monkeypatch.setattr(_job.forward, "images", lambda world, look, granule: (image(told.value),))
    monkeypatch.setattr(_job.truth, "write", lambda *a, **k: iter(()))
    return told


def names(folder):
    return sorted(str(path.relative_to(folder)) for path in (folder / "granules").rglob("*") if path.is_file())


def test_every_look_becomes_a_granule(tmp_path, written):
    rows = Job(tmp_path / "s", SETTINGS).run()
    assert [row["time"] for row in rows] == ["2019-06-30T00:00:00", "2019-06-30T06:00:00"]
    assert all((tmp_path / "s" / row["path"]).is_file() for row in rows)
    assert json.loads((tmp_path / "s" / RECORD).read_text())["granules"] == rows
    assert (tmp_path / "s" / "catalog.yml").is_file()


@pytest.mark.parametrize("at", [1, 2])
def test_a_stopped_run_leaves_nothing_half_made_and_goes_on(tmp_path, written, at):
    folder = tmp_path / "s"
    written.fail = {at}
    with pytest.raises(Stopped):
        Job(folder, SETTINGS).run()
    assert not list(folder.rglob("*.part"))
    whole = [name for name in names(folder) if name.endswith(".dat")] if at == 2 else []
    assert len(whole) == at - 1
    Job(folder, SETTINGS).run()
    assert len(written.calls) == 3  # the one that was stopped, again; the finished one, not
    unbroken = tmp_path / "whole"
    Job(unbroken, SETTINGS).run()
    assert names(folder) == names(unbroken)
    for name in names(folder):
        assert (folder / "granules" / name.removeprefix("granules/")).exists() or (folder / name).exists()
    assert (folder / RECORD).read_bytes() == (unbroken / RECORD).read_bytes()


def test_a_granule_that_its_record_does_not_know_is_made_again(tmp_path, written):
    folder = tmp_path / "s"
    Job(folder, SETTINGS).run()
    record = json.loads((folder / RECORD).read_text())
    lost = record["granules"].pop()
    (folder / RECORD).write_text(json.dumps(record))
    Job(folder, SETTINGS).run()
    assert len(written.calls) == 3
    assert (folder / lost["path"]).is_file()


def test_a_finished_folder_costs_nothing(tmp_path, written):
    Job(tmp_path / "s", SETTINGS).run()
    Job(tmp_path / "s", SETTINGS).run()
    assert len(written.calls) == 2


def test_an_overpass_that_sees_nothing_leaves_no_folder(tmp_path, written):
    written.value = np.nan
    assert Job(tmp_path / "s", SETTINGS).run() == []
    assert not any((tmp_path / "s" / "granules").iterdir())


def test_a_folder_of_other_settings_is_refused_and_kept(tmp_path, written):
    folder = tmp_path / "s"
    Job(folder, SETTINGS).run()
    before = names(folder)
    other = Settings("huailai", "2019-06-30", 1, ("modis",), 1.2, 100.0, 0.0, 4, "training", (0.0, 6.0))
    with pytest.raises(InputError, match="another simulation"):
        Job(folder, other).run()
    assert names(folder) == before


def test_a_folder_of_something_else_is_refused_and_kept(tmp_path, written):
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(InputError, match="not empty"):
        Job(tmp_path, SETTINGS).run()
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_a_long_world_is_looked_for_along_its_length(written):
    from musyq_lab.twin.grid import WorldGrid

    strip = WorldGrid("EPSG:4326", 0.5, 20.0, 50.0, 200, 8)
    places = _job._targets(strip)
    assert len(places) > 5
    assert {round(lat, 2) for _, lat in places} == {47.75} or len({lat for _, lat in places}) == 1
    gaps = np.diff(sorted(lon for lon, _ in places)) * 111.2 * np.cos(np.radians(48))
    assert gaps.max() < 1300


def test_names_of_granules_tell_time_and_platform(tmp_path, written):
    rows = Job(tmp_path / "s", SETTINGS).run()
    assert rows[0]["name"] == "20190630T000000_Test-1"
    assert datetime.fromisoformat(rows[1]["time"]) == datetime(2019, 6, 30, 6)
