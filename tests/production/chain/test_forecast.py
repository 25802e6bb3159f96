"""What a production takes is foretold: files and bytes against the disk, limits by arithmetic done by hand."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
from production.chain.conftest import PERIODS

from musyq_lab.catalog.stock import LayerFile, Stock
from musyq_lab.core.errors import InputError
from musyq_lab.production.chain import _costs, _peak, _room, _speed, produce
from musyq_lab.production.chain._costs import Size, cost_of
from musyq_lab.production.chain._speed import Speed
from musyq_lab.production.chain.forecast import OVERVIEWS, fitting, forecast, lasts, written
from musyq_lab.production.chain.task import Read

GB = 10**9


@pytest.fixture
def drawn(own, weather):
    return produce.plan(*own.KEYS, period=PERIODS, inputs=weather)


@pytest.fixture
def machine(monkeypatch):
    """A machine with 2 processors, in a process that has loaded what a production needs and nothing else."""
    monkeypatch.setattr(_peak, "processors", lambda: 2)
    monkeypatch.setattr(_peak, "resident", lambda: 0)
    monkeypatch.setattr("musyq_lab.production.chain._room.resident", lambda: 0)
    monkeypatch.setattr("musyq_lab.production.chain._room.available_memory", lambda: 8 * GB)
    monkeypatch.setattr("musyq_lab.production.chain._room._of_process", lambda: [])
    return monkeypatch


def kept():
    return _costs.IMPORTED + _costs.COMPILED + cost_of("retrieve").compiled


def at_work(drawn):
    """The memory of a task by hand: two layers of 12 x 12 float32 cells, or the one that glimmer still takes."""
    return cost_of("retrieve").memory(Size(cells=drawn.tile.cells, source=2 * 4 * 144))


def test_what_is_read_is_what_lies_on_the_disk(drawn, weather, tmp_path):
    found = {row.name: row for row in forecast(drawn, tmp_path).rows}
    sizes = [Path(file.path).stat().st_size for file in weather.layers]
    assert found["glow"].reads == len(weather.layers) == found["glow"].tasks
    assert found["glow"].read_bytes == sum(sizes)


def test_what_is_written_is_no_more_than_foretold_and_not_far_from_it(drawn, unbroken, tmp_path):
    for task in drawn.tasks:
        real = (unbroken.folder / task.target).stat().st_size
        assert real <= written(task) <= 1.5 * real


def test_scenes_and_composites_of_a_real_run_lie_within_what_was_foretold(drawn):
    """Sizes that a production of simulated granules wrote: landsat_oli, sentinel2_msi and gf1_wfv, and a composite."""
    scene = replace(drawn.tasks[0], kind="scene", product="", maker="standardize")
    small, large = _wider(scene, 7), _wider(scene, 400)
    assert 49_335 <= written(small) <= 1.5 * 49_335  # 48 cells
    assert max(17_646_194, 18_281_974) <= written(large) <= 2 * 10_601_814
    whole = replace(drawn.tasks[0], product="lsr", maker="composite")
    assert 137_282 <= written(_wider(whole, 7)) <= 1.5 * 137_282


def test_values_count_with_their_uncertainty_their_bits_and_coarser_maps(drawn):
    task = drawn.tasks[0]
    large = _wider(task, 1000)
    # A float32 value, its float32 sigma and 16 bits, and a third more for the overviews.
    assert written(large) - written(task) == pytest.approx(10 * (10**6 - 144) * OVERVIEWS, abs=2)


def test_files_that_are_there_are_neither_read_nor_timed(drawn, unbroken):
    found = forecast(drawn, unbroken.folder)
    assert {(row.there, row.reads, row.seconds) for row in found.rows} == {(3, 0, 0)}
    assert "6 files are there already" in str(found)
    whole = forecast(drawn).memory  # they may have to be made again; the process itself has grown meanwhile
    assert forecast(drawn, unbroken.folder).memory == pytest.approx(whole, rel=0.1)


def test_a_file_without_its_checksum_is_not_there(drawn, made):
    path = made.files[0]
    path.with_name(f"{path.name}.sha256").unlink()
    assert sum(row.there for row in forecast(drawn, made.folder).rows) == 5


def test_the_peak_is_what_is_kept_and_what_is_at_work_at_once(drawn, machine):
    found = forecast(drawn, jobs=2)
    first, second = found.peaks
    assert first == pytest.approx(kept() + at_work(drawn), rel=1e-6)
    assert second - first == pytest.approx(at_work(drawn), rel=1e-3)


def test_what_was_compiled_before_is_not_counted_twice(machine):
    machine.setattr(_peak, "resident", lambda: 900 * 10**6)
    machine.setattr(_peak, "compiler_loaded", lambda: True)
    assert _peak.kept(["retrieve"], own=True) == 900 * 10**6
    machine.setattr(_peak, "compiler_loaded", lambda: False)  # other things fill the memory
    assert _peak.kept(["retrieve"], own=True) == 900 * 10**6 + _costs.COMPILED + cost_of("retrieve").compiled
    assert _peak.kept(["retrieve"], own=False) == kept()


def test_tasks_that_wait_for_one_another_are_never_at_work_at_once(own, weather, machine):
    one = produce.plan("glimmer", "glow", period="2019-07-01", inputs=weather)
    assert len(one.tasks) == 2
    peaks = forecast(one, jobs=4).peaks
    assert len(set(peaks)) == 1


def test_as_many_tasks_run_at_once_as_fit(drawn, machine):
    first, second = forecast(drawn).peaks
    assert forecast(drawn, memory=second).jobs == 2
    less = forecast(drawn, memory=second - 1)
    assert (less.jobs, less.memory, less.problems) == (1, first, ())
    assert f"one task at once instead of 2, which would take {_room.said(second)}" in str(less)


def test_a_number_of_tasks_that_was_asked_for_is_not_changed_but_refused(drawn, machine):
    _, second = forecast(drawn).peaks
    with pytest.raises(InputError, match=r"needs about .* with 2 tasks at once.* With jobs=1 it takes"):
        forecast(drawn, memory=second - 1, jobs=2).require()


def test_too_large_a_region_is_told_how_many_cells_would_fit(drawn, machine):
    huge = replace(
        drawn, tasks=tuple(_wider(task, 1500) for task in drawn.tasks), tile=_wider(drawn.tasks[0], 1500).tile
    )
    peak, least = forecast(huge).peaks[0], forecast(huge).least
    half = (peak + least) // 2
    with pytest.raises(InputError, match=r"smaller region \(up to ([\d,]+) cells, now 2,250,000\)") as caught:
        forecast(huge, memory=half).require()
    number = int(str(caught.value).partition("up to ")[2].partition(" cells")[0].replace(",", ""))
    assert number == pytest.approx(1_125_000, rel=0.01)
    edge = int(number**0.5) - 1
    fits = replace(huge, tasks=tuple(_wider(task, edge) for task in drawn.tasks))
    assert not forecast(fits, memory=half, jobs=1).problems


def _wider(task, size):
    names = [n for n in task.tile.grid.__dataclass_fields__ if getattr(task.tile.grid, n) == 12]
    return replace(task, tile=replace(task.tile, grid=replace(task.tile.grid, **dict.fromkeys(names, size))))


def test_less_than_the_program_itself_takes_says_so(drawn, machine):
    with pytest.raises(InputError, match="Even one cell takes"):
        forecast(drawn, memory="100MB").require()


def test_a_full_disk_is_told_before_anything_is_made(drawn, weather, own, machine, tmp_path):
    machine.setattr("musyq_lab.production.chain.forecast.disk_free", lambda _: 19 * 2**20)
    machine.setattr("musyq_lab.production.chain.forecast.FILE", 10**6)
    with pytest.raises(InputError, match=r"disk has 19\.9 MB free. Give a shorter period \(1 of 3 fit\)") as caught:
        produce.produce(*own.KEYS, period=PERIODS, inputs=weather, out=tmp_path / "out")
    assert "out=" in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_produce_refuses_before_it_reads_or_writes(own, weather, tmp_path, machine):
    machine.setattr("musyq_lab.production.chain.produce.carry_out", lambda *_, **__: pytest.fail("it has begun"))
    with pytest.raises(InputError, match="needs about"):
        produce.produce("glow", period=PERIODS, inputs=weather, out=tmp_path / "out", memory="150 MB")
    assert not (tmp_path / "out").exists()


def test_nothing_is_opened_where_upper_limits_fit(drawn, machine, tmp_path):
    machine.setattr("musyq_lab.production.chain._sources.open_product", lambda _: pytest.fail("opened"))
    assert fitting(drawn, tmp_path) == 2


def test_upper_limits_that_do_not_fit_are_looked_at_closely(drawn, machine, tmp_path):
    _, second = forecast(drawn).peaks
    rough = forecast(drawn, quick=True)
    assert rough.memory > second
    assert fitting(drawn, tmp_path, memory=second) == 2


@pytest.mark.parametrize("jobs", [0, -1, True, 1.5, "2"])
def test_jobs_that_are_no_number_are_refused(drawn, jobs):
    with pytest.raises(InputError, match="no number of tasks"):
        forecast(drawn, jobs=jobs)


def test_an_input_that_has_gone_takes_nothing_and_is_left_to_the_run(own, weather, tmp_path):
    gone = Stock(layers=tuple(replace(f, path=str(tmp_path / "gone.h5")) for f in weather.layers))
    drawn = produce.plan("glow", period="2019-07-01", inputs=weather)
    task = replace(drawn.tasks[0], reads=tuple(replace(r, path=gone.layers[0].path) for r in drawn.tasks[0].reads))
    row = forecast(replace(drawn, tasks=(task,))).rows[0]
    assert (row.reads, row.read_bytes) == (0, 0)


def test_a_maker_that_was_not_measured_is_told(drawn):
    odd = replace(drawn, tasks=(replace(drawn.tasks[0], maker="distil"),))
    found = forecast(odd)
    assert found.guessed == ("distil",)
    assert "only guessed: memory and time of distil" in str(found)


def test_a_granule_that_does_not_open_still_has_a_size(drawn, tmp_path):
    broken = tmp_path / "MOD021KM.A2019181.0220.061.2019182042000.hdf"
    broken.write_bytes(b"no such thing" * 1000)
    read = Read("granule", broken.name, str(broken))
    scene = replace(
        drawn.tasks[0], kind="scene", maker="standardize", product="", reads=(read,), options=(("sensor", "modis"),)
    )
    row = forecast(replace(drawn, tasks=(scene,))).rows[0]
    assert (row.name, row.reads, row.read_bytes) == ("scene", 1, 13000)


def test_text_and_table_say_the_same_and_are_escaped(drawn, tmp_path):
    found = forecast(drawn, tmp_path / "<b>")
    html, text = found._repr_html_(), str(found)
    for line in found.lines():
        assert line in text
    for name in ("glow", "glimmer"):
        assert name in text
        assert name in html
    assert "an estimate" in text
    assert "<script" not in html


# ---- room ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "size"),
    [("2GB", 2 * GB), ("2 GiB", 2 * 2**30), ("1.5g", 1.5 * GB), ("512MiB", 2**29), (4_000_000, 4_000_000),
     ("3000000", 3e6), (".5TB", 5e11), (None, None)],
)  # fmt: skip
def test_sizes_as_people_write_them(text, size):
    assert _room.size_of(text) == size


@pytest.mark.parametrize("text", ["", "GB", "2 XB", "-1GB", "2", True, "1e9", "nan", "2GB 3", "٢GB"])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(InputError, match="2GB"):
        _room.size_of(text)


def test_the_least_limit_counts(monkeypatch):
    monkeypatch.setattr(_room, "available_memory", lambda: 3 * GB)
    monkeypatch.setattr(_room, "resident", lambda: GB // 2)
    monkeypatch.setattr(_room, "_of_process", lambda: [(4 * GB, "ulimit")])
    assert _room.room("5GB") == _room.Room(3 * GB + GB // 2, "what this machine or container has free")
    assert _room.room("1GB") == _room.Room(GB, "memory= (--memory)")


def test_the_limit_of_a_process_counts(monkeypatch):
    resource = pytest.importorskip("resource")
    real = resource.getrlimit
    limits = {resource.RLIMIT_AS: (10 * GB, resource.RLIM_INFINITY)}
    monkeypatch.setattr(resource, "getrlimit", lambda which: limits.get(which, real(which)))
    monkeypatch.setattr(_room, "_status", lambda: {"VmSize": 4 * GB, "VmRSS": GB})
    assert (7 * GB, "the limit of this process (ulimit)") in _room._of_process()  # 6 GB left to map, and what it has


def test_a_system_that_does_not_tell_has_no_limit(monkeypatch, drawn):
    monkeypatch.setattr(_room, "available_memory", lambda: None)
    monkeypatch.setattr(_room, "_of_process", lambda: [])
    assert forecast(drawn).problems == ()
    assert "not known here" in str(forecast(drawn))


def test_the_disk_of_a_folder_that_is_not_made_yet(tmp_path):
    assert _room.disk_free(tmp_path / "a" / "b") == pytest.approx(
        os.statvfs(tmp_path).f_bavail * os.statvfs(tmp_path).f_frsize, rel=0.1
    )


# ---- workers ---------------------------------------------------------------------------------------------------------
class Client:
    """What of a client counts."""

    def __init__(self, *workers):
        self.workers = workers

    def scheduler_info(self, n_workers=-1):
        return {"workers": {f"w{k}": row for k, row in enumerate(self.workers)}}


def test_the_least_worker_counts(drawn, machine):
    client = Client({"nthreads": 1, "memory_limit": 4 * GB}, {"nthreads": 3, "memory_limit": GB // 10})
    found = forecast(drawn, client=client)
    assert (found.processes, found.jobs, found.room.memory) == (2, 3, GB // 10)
    assert "the limit of a worker" in found.problems[0]
    assert "peak of a worker" in str(found)


def test_workers_without_a_limit_have_that_of_the_machine(drawn, machine):
    found = forecast(drawn, client=Client({"nthreads": 1, "memory_limit": 0}))
    assert found.room.memory == 8 * GB


def test_a_cluster_that_has_no_worker_yet_is_not_refused(drawn, machine):
    assert _peak.hosts(Client()) is None
    assert not forecast(drawn, client=Client()).problems


# ---- time ------------------------------------------------------------------------------------------------------------
def test_an_earlier_run_says_more_than_a_trial(tmp_path, monkeypatch):
    lines = [f'{{"key": "a{k}", "state": "made", "seconds": {s}}}' for k, s in enumerate((3.0, 50.0, 4.0))]
    (tmp_path / "production.log").write_text("\n".join([*lines, '{"key": "a9", "state": "fail', "[1]", ""]))
    found = _speed.speed(tmp_path, {f"a{k}": "retrieve" for k in range(5)})
    assert (found.task("retrieve", Size()), found.tasks) == (4.0, 3)
    assert "production.log" in found.basis


def test_the_trial_scales_the_measured_seconds(monkeypatch):
    monkeypatch.setattr(_speed, "trial", lambda: 2 * _speed.REFERENCE)
    found = _speed.speed(None, {})
    size = Size(cells=1000, looks=3)
    assert found.task("composite", size) == 2 * cost_of("composite").time(size)
    assert found.start("composite") == 2 * cost_of("composite").compiling


def test_more_tasks_at_once_take_less_time_but_not_in_proportion():
    one, two = (Speed().elapsed(100.0, jobs) for jobs in (1, 2))
    assert 50.0 < two < one == 100.0


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0 s"), (89, "89 s"), (200, "3.3 min"), (7200, "2 h"), (40 * 3600, "1.7 d")]
)
def test_times_as_people_say_them(seconds, text):
    assert lasts(seconds) == text


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 bytes"), (999, "999 bytes"), (1500, "1.5 kB"), (999_600_000, "1e+03 MB"), (2.34e9, "2.34 GB")],
)
def test_sizes_are_said_shortly(size, text):
    assert _room.said(size) == text.replace("1e+03 MB", "1000 MB")


def test_costs_grow_with_what_a_task_handles():
    for maker, cost in _costs.COSTS.items():
        small, large = Size(10**4, 1e6, 3), Size(10**6, 1e8, 30)
        assert cost.memory(small) < cost.memory(large), maker
        assert cost.time(small) < cost.time(large), maker


def test_a_granule_that_is_read_in_blocks_takes_no_more_however_large_it_is():
    cost = cost_of("standardize")
    sizes = [Size(10**4, source) for source in (1e7, 1e9, 1e10)]
    small, large, huge = (cost.memory(size) for size in sizes)
    assert small < large == huge < 2 * GB
    assert cost.time(sizes[1]) < cost.time(sizes[2])


def test_layer_files_of_one_kind_are_opened_once(own, weather, monkeypatch):
    from musyq_lab.production.chain import _sources

    opened = []
    real = _sources.open_product
    monkeypatch.setattr(_sources, "open_product", lambda path: opened.append(path) or real(path))
    drawn = produce.plan("glow", period=PERIODS, inputs=weather)
    found = _sources.sources(drawn.tasks)
    assert len(opened) == 1
    assert {source.decoded for source in found.values()} == {2 * 4 * 144.0}
    assert isinstance(weather.layers[0], LayerFile)
