"""One task: when it is done, what is done about wrong files and unreadable inputs, whose fault an error is."""

import errno
import os
import random
import shutil
from pathlib import Path

import pytest
import xarray as xr
from production.chain.conftest import PERIODS, hashes
from production.chain.test_pool import DAY, TILE, Task

from musyq_lab.archive import manifest
from musyq_lab.core.errors import SceneError
from musyq_lab.production.chain import _kept, work
from musyq_lab.production.chain.makers import MAKERS
from musyq_lab.production.chain.produce import produce
from musyq_lab.production.chain.task import Read
from musyq_lab.production.chain.work import UnreadableError, content, run


def again(own, weather, folder):
    return produce(*own.KEYS, period=PERIODS, inputs=weather, out=folder, jobs=1)


def states(made):
    return {o.key: o.state for o in made.outcomes}


def flip(path):
    data = bytearray(path.read_bytes())
    place = random.Random(path.name).randrange(len(data))
    data[place] ^= 1 << 3
    path.write_bytes(data)


def cut(path):
    os.truncate(path, path.stat().st_size // 2)


def empty(path):
    path.write_bytes(b"")


def other(path):
    """Put the file of another task in its place, with a checksum that fits."""
    fellow = next(p for p in sorted(path.parent.glob("*.h5")) if p != path)
    shutil.copy(fellow, path)
    manifest.side_file(path).write_text(manifest.checksum_line(path, manifest.sha256(path)))


def unlisted(path):
    manifest.side_file(path).unlink()


def other_list(path):
    manifest.side_file(path).write_text(manifest.checksum_line(path, "0" * 64))


def broken_list(path):
    manifest.side_file(path).write_bytes(b"\xff\xfe")


def not_ours(path):
    """Put a good product file without a record in its place."""
    from archive.samples import NAME, SPEC, dataset

    from musyq_lab.archive.write import write_product

    made = write_product(dataset(4, 4, 1), path.parent / "x", spec=SPEC, **NAME)
    shutil.copy(made, path)
    manifest.side_file(path).write_text(manifest.checksum_line(path, manifest.sha256(path)))
    shutil.rmtree(path.parent / "x")


@pytest.mark.parametrize("wrong", [flip, cut, empty, other, unlisted, other_list, broken_list, not_ours, Path.unlink])
def test_a_wrong_file_is_made_again_and_no_other(wrong, own, weather, made):
    before = hashes(made.folder)
    wrong(made.files[0])
    rerun = again(own, weather, made.folder)
    assert hashes(made.folder) == before
    first = f"glow.{manifest.side_file(made.files[0]).name.split('.')[4]}"
    assert states(rerun) == {key: "made" if key == first else "kept" for key in states(made)}


def test_a_hundred_flipped_bits_are_all_found(own, weather, made):
    path = made.files[0]
    good, dice = path.read_bytes(), random.Random(5)
    task = made.plan.tasks[0]
    wanted = work.digest_of(work.provenance(path))
    assert work.done(task, made.folder, wanted)
    for _ in range(100):
        data = bytearray(good)
        data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
        path.write_bytes(data)
        assert not work.done(task, made.folder, wanted)
    path.write_bytes(good)
    assert work.done(task, made.folder, wanted)


def test_other_inputs_make_again_what_depends_on_them(own, weather, made, tmp_path):
    shutil.copytree(Path(weather.layers[0].path).parent, tmp_path / "new")
    changed = own.layers(tmp_path / "seed", PERIODS, size=12)
    first = Path(changed.layers[0].path)
    with xr.open_dataset(weather.layers[0].path) as ds:
        warmer = ds.load()
    warmer["air_temperature"] = warmer["air_temperature"] + 1
    warmer["air_temperature"].attrs["units"] = "K"
    from musyq_lab.archive.write import write_product

    write_product(warmer[["air_temperature", "wind_speed"]].assign_attrs(product="weather"), first.parent,
                  spec=own.WEATHER, edition="1km", tile="here", period=weather.layers[0].period.label)  # fmt: skip
    rerun = again(own, changed, made.folder)
    label = weather.layers[0].period.label
    assert {k for k, s in states(rerun).items() if s == "made"} == {f"glow.{label}", f"glimmer.{label}"}


def test_another_version_of_the_code_makes_everything_again(own, weather, made, monkeypatch):
    from musyq_lab.production.chain import record

    monkeypatch.setenv("MUSYQ_CODE_VERSION", "another")
    record.code_version.cache_clear()
    assert set(states(again(own, weather, made.folder)).values()) == {"made"}


# --- what cannot be read


def test_a_layer_that_vanished_fails_its_tasks_alone(own, weather, tmp_path):
    stock = own.layers(tmp_path / "in", PERIODS)
    gone = Path(stock.layers[1].path)
    from musyq_lab.production.chain.produce import carry_out, plan

    drawn = plan(*own.KEYS, period=PERIODS, inputs=stock)
    gone.unlink()
    made = carry_out(drawn, tmp_path / "out", jobs=1)
    label = stock.layers[1].period.label
    bad = {o.key: o for o in made.failed}
    assert set(bad) == {f"glow.{label}", f"glimmer.{label}"}
    assert bad[f"glow.{label}"].reason.startswith(f"{gone.name} cannot be read any more: ")
    assert str(tmp_path) not in bad[f"glow.{label}"].reason
    assert "could not be written" not in bad[f"glow.{label}"].reason


def test_content_names_what_cannot_be_read(tmp_path):
    with pytest.raises(UnreadableError, match=r"a\.h5 cannot be read any more"):
        content(Read("ndvi", "a.h5", str(tmp_path / "a.h5")))


def test_content_is_not_remembered_across_a_change(tmp_path):
    path = tmp_path / "a.h5"
    path.write_bytes(b"one")
    first = content(Read("ndvi", "a.h5", str(path)))
    path.write_bytes(b"two")
    os.utime(path, ns=(1, 1))
    assert content(Read("ndvi", "a.h5", str(path))) != first
    assert first == "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed"  # sha256sum of "one"


# --- scenes: whose fault it is


def scene(tmp_path):
    name = "GF1_WFV1_E115.4_N40.4_20190701_L1A0000000001"
    granule = tmp_path / "granules" / name
    granule.parent.mkdir(exist_ok=True)
    granule.write_bytes(b"not what its name says")
    reads = (Read("granule", name, str(granule)),)
    return Task("scene.x", "scene", "standardize", "", "1km", TILE, DAY, "between/x.nc", reads,
                options=(("sensor", "gf1_wfv"),))  # fmt: skip


def raising(error):
    def maker(*_):
        raise error

    return maker


@pytest.fixture
def readable(monkeypatch):
    monkeypatch.setattr(work, "content", lambda read: "1" * 64)


@pytest.mark.parametrize(
    "error",
    [SceneError("the file is cut off"), ValueError("bad header"), OSError("Unable to open file"), KeyError("band 4")],
)
def test_a_damaged_granule_is_set_aside_with_its_reason(error, readable, tmp_path, monkeypatch):
    monkeypatch.setitem(MAKERS, "standardize", raising(error))
    task = scene(tmp_path)
    outcome = run(task, str(tmp_path), {}, "test")
    assert outcome.state == "aside"
    assert str(error.args[0]) in outcome.reason
    kept = _kept.read(tmp_path / task.target)
    assert kept.reason == outcome.reason
    assert kept.aside.granule == task.reads[0].name
    assert kept.aside.time == "2019-07-01T00:00:00Z"
    assert not (tmp_path / task.target).exists()


def test_the_reason_does_not_say_where_the_granule_lies(readable, tmp_path, monkeypatch):
    task = scene(tmp_path)
    monkeypatch.setitem(MAKERS, "standardize", raising(SceneError(f"{task.reads[0].path}: cut off")))
    assert run(task, str(tmp_path), {}, "test").reason == f"{task.reads[0].name}: cut off"


@pytest.mark.parametrize(
    "error", [MemoryError("no memory"), OSError(errno.ENOSPC, "full"), OSError(errno.EMFILE, "too many open files")]
)
def test_what_the_machine_lacks_is_no_fault_of_the_granule(error, readable, tmp_path, monkeypatch):
    monkeypatch.setitem(MAKERS, "standardize", raising(error))
    task = scene(tmp_path)
    assert run(task, str(tmp_path), {}, "test").state == "failed"
    assert _kept.read(tmp_path / task.target) is None


def test_a_granule_that_vanished_is_set_aside(tmp_path):
    task = scene(tmp_path)
    Path(task.reads[0].path).unlink()
    outcome = run(task, str(tmp_path), {}, "test")
    assert outcome.state == "aside"
    assert outcome.reason.startswith(f"{task.reads[0].name} cannot be read any more")
    assert str(tmp_path) not in outcome.reason


def test_a_granule_that_was_mended_is_taken(readable, tmp_path, monkeypatch):
    task = scene(tmp_path)
    monkeypatch.setitem(MAKERS, "standardize", raising(SceneError("cut off")))
    assert run(task, str(tmp_path), {}, "test").state == "aside"
    good = xr.Dataset({"reflectance": ("x", [0.1, 0.2])}, attrs={"granule": "g"})
    monkeypatch.setitem(MAKERS, "standardize", lambda *_: (good, None))
    assert run(task, str(tmp_path), {}, "test").state == "made"
    assert run(task, str(tmp_path), {}, "test").state == "kept"
    assert _kept.read(tmp_path / task.target).reason == ""


def test_any_error_is_an_outcome(tmp_path):
    task = Task("k", "product", "no such maker", "glow", "1km", TILE, DAY, "MuSyQ.GLOW.1km.here.2019181.v1.h5")
    outcome = run(task, str(tmp_path), {}, "test")
    assert outcome.state == "failed"
    assert "no such maker" in outcome.reason


def test_a_target_that_is_no_product_name(tmp_path):
    task = Task("k", "product", "retrieve", "glow", "1km", TILE, DAY, "glow.h5")
    assert run(task, str(tmp_path), {}, "test").reason == "glow.h5 is no name of a product file."
