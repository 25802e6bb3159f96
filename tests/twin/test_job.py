"""Filling a folder: complete granules or none, and a stopped run goes on."""

import errno
import fcntl
import itertools
import json
import os
import types
from dataclasses import replace
from datetime import datetime

import numpy as np
import pytest

from musyq_lab.core.errors import ArchiveError, InputError
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
    told = types.SimpleNamespace(calls=[], fail=set(), value=0.3, error=Stopped(), truths=0)

    number = itertools.count(1)  # drawn by one thread at a time

    def write(overpass, images, folder):
        call = next(number)
        told.calls.append(overpass.time)
        (folder / "part").write_text("first")
        if call in told.fail:
            raise told.error
        path = folder / f"granule_{overpass.time:%H}.dat"
        path.write_bytes(images[0].values["red"].tobytes())
        return path

    module = types.SimpleNamespace(
        INSTRUMENT=Instrument("modis", "Test-1", Geostationary(115.0, 60)), pixels=lambda o, g: (), write=write
    )
    monkeypatch.setattr(_job, "granule_of", lambda sensor: module)
    monkeypatch.setattr(_job.forward, "images", lambda world, look, granule: (image(told.value),))

    def products(job, pool):
        told.truths += 1
        for number in range(_job.product_count(job.settings)):
            path = job.folder / ("ancillary" if number % 2 else "truth") / f"product{number}.h5"
            path.parent.mkdir(exist_ok=True)
            path.write_text("product")
            yield path

    monkeypatch.setattr(Job, "_products", products)
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
    # Two threads: the other granule may be under way when one is stopped, and is then finished and recorded.
    whole = [name for name in names(folder) if name.endswith(".dat")]
    assert len(json.loads((folder / RECORD).read_text())["granules"]) == len(whole)
    assert len(whole) == 1 if at == 2 else len(whole) <= 1
    before = len(written.calls)
    Job(folder, SETTINGS).run()
    assert len(written.calls) - before == 2 - len(whole)  # the one that was stopped, again; the finished one, not
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
    assert written.truths == 1


@pytest.mark.parametrize("name", ["truth/product2.h5", "ancillary/product1.h5"])
def test_a_product_that_was_deleted_is_made_again(tmp_path, written, name):
    Job(tmp_path / "s", SETTINGS).run()
    (tmp_path / "s" / name).unlink()
    Job(tmp_path / "s", SETTINGS).run()
    assert written.truths == 2
    assert (tmp_path / "s" / name).exists()


def test_a_folder_of_before_there_was_ancillary_data_gets_it(tmp_path, written):
    folder = tmp_path / "s"
    Job(folder, SETTINGS).run()
    record = json.loads((folder / RECORD).read_text())
    del record["ancillary"]
    (folder / RECORD).write_text(json.dumps(record))
    Job(folder, SETTINGS).run()
    assert len(written.calls) == 2
    assert json.loads((folder / RECORD).read_text())["ancillary"] == ["ancillary/product1.h5", *_odd(3, 6)]


def _odd(first, stop):
    return [f"ancillary/product{number}.h5" for number in range(first, stop, 2)]


@pytest.mark.parametrize(("days", "files"), [(1, 6), (5, 6), (6, 10), (10, 10)])
def test_products_are_counted(days, files):
    assert _job.product_count(replace(SETTINGS, days=days)) == files
    assert _job.product_count(replace(SETTINGS, days=days, three_hourly=True)) == files + 16 * days


def test_a_folder_of_before_there_were_three_hours_goes_on(tmp_path, written):
    folder = tmp_path / "s"
    Job(folder, SETTINGS).run()
    record = json.loads((folder / RECORD).read_text())
    del record["settings"]["three_hourly"]
    (folder / RECORD).write_text(json.dumps(record))
    assert len(Job(folder, SETTINGS).run()) == 2
    assert len(written.calls) == 2
    with pytest.raises(InputError, match="another simulation"):
        Job(folder, replace(SETTINGS, three_hourly=True)).run()


def test_what_is_counted_is_what_is_made(tmp_path):
    """Truth and ancillary data of a day, with three hours."""
    settings = replace(SETTINGS, sensors=(), three_hourly=True)
    Job(tmp_path / "s", settings).run()
    made = sorted(path.name for path in (tmp_path / "s").rglob("*.h5"))
    assert len(made) == _job.product_count(settings)
    record = json.loads((tmp_path / "s" / RECORD).read_text())
    assert len(record["truth"]) == 4 + 8
    assert len(record["ancillary"]) == 2 + 8
    assert all((tmp_path / "s" / name).is_file() for name in record["truth"] + record["ancillary"])
    assert not [path for path in (tmp_path / "s").rglob("*.partial")]


@pytest.mark.parametrize(
    ("number", "words"), [(errno.ENOSPC, "disk or the quota is full"), (errno.EROFS, "Choose|choose")]
)
def test_a_full_disk_is_told_and_the_run_goes_on_later(tmp_path, written, number, words):
    folder = tmp_path / "s"
    written.fail, written.error = {2}, OSError(number, os.strerror(number))
    with pytest.raises(ArchiveError, match=words):
        Job(folder, SETTINGS).run()
    assert len([path for path in folder.rglob("*.dat")]) == 1
    assert not [path for path in folder.rglob("*") if path.name.startswith(".")]
    assert len(Job(folder, SETTINGS).run()) == 2
    assert len(written.calls) == 3


def test_what_cannot_be_a_folder_is_told(tmp_path, written):
    (tmp_path / "file").write_text("text")
    for path in (tmp_path / "file", tmp_path / "file" / "s"):
        with pytest.raises(ArchiveError, match="A file is in the place of the folder"):
            Job(path, SETTINGS).run()


def test_drafts_of_a_killed_run_are_no_obstacle_and_go(tmp_path, written):
    folder = tmp_path / "s"
    folder.mkdir()
    (folder / f".{RECORD}.0123.partial").write_text("{")
    (folder / ".catalog.yml.4567.partial").write_text("vers")
    assert len(Job(folder, SETTINGS).run()) == 2
    assert not list(folder.glob(".*"))


def test_a_damaged_record_is_told(tmp_path, written):
    folder = tmp_path / "s"
    Job(folder, SETTINGS).run()
    (folder / RECORD).write_text((folder / RECORD).read_text()[:50])
    with pytest.raises(ArchiveError, match="is damaged"):
        Job(folder, SETTINGS).run()


def test_two_processes_do_not_fill_one_folder(tmp_path, written):
    folder = tmp_path / "s"
    (folder / "granules").mkdir(parents=True)
    descriptor = os.open(folder / "granules", os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    job = Job(folder, SETTINGS)
    job._record()
    with pytest.raises(InputError, match="Another process is filling"):
        job.run()
    os.close(descriptor)
    assert len(job.run()) == 2


@pytest.mark.parametrize(
    ("hours", "minutes"), [((0.0,), {0}), ((2 + 1 / 6,), {130}), ((5.99, 23.99), {350, 1430}), ((), set())]
)
def test_the_image_under_way_at_an_hour_is_taken(hours, minutes):
    assert _job._slots(Geostationary(140.7, cadence=10.0), hours) == minutes


@pytest.mark.parametrize(
    ("place", "tile"), [("huailai", "huailai"), ("100.400_38.900", "100p400_38p900"), ("-9.5_-0.1", "m9p5_m0p1")]
)
def test_places_have_names_that_files_can_carry(place, tile):
    assert _job._file_name(place) == tile


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
