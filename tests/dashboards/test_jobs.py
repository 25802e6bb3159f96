"""Jobs of the pages: limits, progress, an end that is one, and nobody sees the jobs of another."""

import errno
import gc
import subprocess
import sys
import threading
import time
import weakref

import dask.array as da
import numpy as np
import pytest
import xarray as xr

from musyq_lab.core.errors import InputError, NotFoundError
from musyq_lab.dashboards import _jobs_owner
from musyq_lab.dashboards._jobs import JobLimits, Jobs, State, StoppedError
from musyq_lab.dashboards._jobs_dask import bytes_at_once, watched
from musyq_lab.dashboards._jobs_view import JobView

SOON = 20.0


@pytest.fixture
def jobs():
    made = Jobs()
    yield made
    made.close(SOON)


class Gate:
    """Work that runs until it is let go or stopped."""

    def __init__(self):
        self.entered, self.open = threading.Event(), threading.Event()

    def __call__(self, job):
        self.entered.set()
        while not self.open.wait(0.005):
            job.check()
        return "made"


def test_a_job_tells_how_far_it_is_and_gives_its_result(jobs):
    seen = []

    def work(job):
        for number in range(1, 5):
            job.step(number, 4)
            job.say(f"part {number}")
            seen.append(job.seen().fraction)
        return 42

    end = jobs.start("Four parts", work, owner="a").wait(SOON)
    assert (end.state, end.result, end.fraction, end.message) == (State.DONE, 42, 1.0, "")
    assert seen == [0.25, 0.5, 0.75, 1.0]
    assert end.lines == ("part 1", "part 2", "part 3", "part 4")


def test_a_job_without_a_number_of_steps_has_no_fraction(jobs):
    fractions = []
    jobs.start("t", lambda job: (job.step(3, 0), fractions.append(job.seen().fraction)), owner="a").wait(SOON)
    assert fractions == [None]


def test_cancel_ends_the_work_and_lets_the_next_begin(jobs):
    first, second = Gate(), Gate()
    running = jobs.start("first", first, owner="a")
    waiting = jobs.start("second", second, owner="a")
    assert first.entered.wait(SOON)
    assert waiting.seen().state is State.WAITING
    running.cancel()
    end = running.wait(SOON)
    assert (end.state, end.message, end.result) == (State.CANCELLED, "It was cancelled.", None)
    assert second.entered.wait(SOON)
    second.open.set()
    assert waiting.wait(SOON).result == "made"


def test_a_waiting_job_is_cancelled_without_ever_running(jobs):
    gate, never = Gate(), Gate()
    jobs.start("first", gate, owner="a")
    waiting = jobs.start("second", never, owner="a")
    waiting.cancel()
    assert waiting.seen().state is State.CANCELLED
    gate.open.set()
    third = jobs.start("third", lambda job: 3, owner="a")
    assert third.wait(SOON).result == 3
    assert not never.entered.is_set()


def test_work_that_does_not_look_is_stopping_until_it_ends(jobs):
    gate, entered = threading.Event(), threading.Event()

    def deaf(job):
        entered.set()
        gate.wait(SOON)
        return "too late"

    job = jobs.start("deaf", deaf, owner="a")
    assert entered.wait(SOON)
    job.cancel()
    assert job.seen().state is State.STOPPING
    other = jobs.start("other", lambda job: 1, owner="a")
    assert other.seen().state is State.WAITING, "its place is taken while it runs"
    gate.set()
    assert job.wait(SOON).result == "too late", "what was made in full is not thrown away"
    assert other.wait(SOON).result == 1


def test_what_a_job_waits_for_is_closed_when_it_is_cancelled(jobs):
    asleep, closed = threading.Event(), threading.Event()

    def work(job):
        with job.stopped_by(closed.set):
            asleep.set()
            closed.wait(SOON)
        job.check()

    job = jobs.start("t", work, owner="a")
    assert asleep.wait(SOON)
    job.cancel()
    assert job.wait(SOON).state is State.CANCELLED
    with job.stopped_by(closed.clear):
        assert not closed.is_set(), "called at once where the job is to end already"
    with pytest.raises(StoppedError, match="It was cancelled"):
        job.check()


def test_limits_of_the_server_and_of_each_owner():
    jobs = Jobs(JobLimits(running=2, running_each=1, waiting_each=2))
    gates = [Gate() for _ in range(6)]
    made = [jobs.start(f"{who}", gate, owner=who) for who, gate in zip("aaabbc", gates, strict=True)]
    assert gates[0].entered.wait(SOON)
    assert gates[3].entered.wait(SOON)
    assert [job.seen().state is State.RUNNING for job in made] == [True, False, False, True, False, False]
    with pytest.raises(InputError, match="2 jobs in the queue"):
        jobs.start("one more", lambda job: None, owner="a")
    gates[0].open.set()
    assert gates[1].entered.wait(SOON), "the place goes to the first in the queue whose owner has room"
    assert not gates[5].entered.is_set()
    jobs.close(SOON)
    assert all(job.seen().state.ended for job in made)
    assert made[1].seen().message == "The server was stopped."
    with pytest.raises(InputError, match="no more jobs"):
        jobs.start("late", lambda job: None, owner="z")


def test_never_more_at_once_than_allowed():
    jobs = Jobs(JobLimits(running=3, running_each=2, waiting_each=50))
    now, most, lock = [0], [0], threading.Lock()

    def work(job):
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        time.sleep(0.002)
        with lock:
            now[0] -= 1

    made = [jobs.start("t", work, owner=f"{k % 4}") for k in range(60)]
    assert {job.wait(SOON).state for job in made} == {State.DONE}
    assert 1 <= most[0] <= 3


def test_a_full_queue_is_told():
    jobs = Jobs(JobLimits(running=1, waiting=1))
    gate = Gate()
    jobs.start("t", gate, owner="a")
    assert gate.entered.wait(SOON)
    jobs.start("t", gate, owner="b")
    with pytest.raises(InputError, match="queue of the server is full"):
        jobs.start("t", gate, owner="c")
    jobs.close(SOON)


def test_the_clock_stops_a_job():
    jobs = Jobs(JobLimits(seconds=0.05))
    end = jobs.start("t", Gate(), owner="a").wait(SOON)
    assert end.state is State.CANCELLED
    assert "longer than the 0.05 s" in end.message


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (InputError("There is no lai here."), "There is no lai here."),
        (OSError(errno.ENOSPC, "No space left on device"), "No space left"),
        (MemoryError(), "memory did not suffice"),
        (ZeroDivisionError("one by none"), "ZeroDivisionError: one by none"),
        (SystemExit(3), "SystemExit: 3"),
    ],
)
def test_a_job_that_fails_costs_no_other(jobs, error, words):
    def work(job):
        raise error

    end = jobs.start("bad", work, owner="a").wait(SOON)
    assert end.state is State.FAILED
    assert words in end.message
    assert words in end.lines[-1]
    assert jobs.start("good", lambda job: 1, owner="a").wait(SOON).result == 1


def test_a_job_that_does_not_fit_is_refused_with_what_to_do():
    jobs = Jobs(JobLimits(memory=10**9))
    with pytest.raises(InputError, match=r"takes about 2 GB of memory, and 1 GB can be had. Choose a smaller region"):
        jobs.start("Big", lambda job: None, owner="a", memory=2 * 10**9)
    assert jobs.of("a") == []
    with pytest.raises(InputError, match="does not fit"):
        Jobs().start("Immense", lambda job: None, owner="a", memory=10**18)


def test_jobs_wait_for_memory_that_others_hold():
    jobs = Jobs(JobLimits(running=2, memory=10**9))
    gate, other = Gate(), Gate()
    jobs.start("t", gate, owner="a", memory=6 * 10**8)
    assert gate.entered.wait(SOON)
    waiting = jobs.start("t", other, owner="b", memory=6 * 10**8)
    small = jobs.start("t", lambda job: "small", owner="c", memory=10**8)
    assert small.wait(SOON).result == "small"
    assert waiting.seen().state is State.WAITING
    gate.open.set()
    assert other.entered.wait(SOON)
    jobs.close(SOON)


def test_nobody_sees_the_job_of_another(jobs):
    job = jobs.start("mine", lambda job: "secret", owner="a")
    job.wait(SOON)
    assert jobs.get(job.id, "a") is job
    assert jobs.of("a") == [job]
    assert jobs.of("b") == []
    with pytest.raises(NotFoundError) as foreign:
        jobs.get(job.id, "b")
    with pytest.raises(NotFoundError) as unknown:
        jobs.get("nothing", "b")
    assert str(foreign.value).replace(job.id, "") == str(unknown.value).replace("nothing", "")
    assert not any("'a'" in str(part) for part in vars(job).values()), "the secret itself is not kept"


def test_old_jobs_are_forgotten_with_their_results(jobs):
    class Large:
        pass

    first = jobs.start("t", lambda job: Large(), owner="a")
    kept = weakref.ref(first.wait(SOON).result)
    name = first.id
    del first
    for _ in range(20):
        jobs.start("t", lambda job: None, owner="a").wait(SOON)
    gc.collect()
    assert kept() is None
    assert len(jobs.of("a")) == 20
    with pytest.raises(NotFoundError, match="You have no job"):
        jobs.get(name, "a")


def test_ended_work_holds_no_data(jobs):
    class Large:
        def __call__(self, job):
            return None

    work = Large()
    held = weakref.ref(work)
    job = jobs.start("t", work, owner="a")
    job.wait(SOON)
    del work
    gc.collect()
    assert held() is None


@pytest.mark.parametrize("name", ["running", "running_each", "waiting_each", "waiting", "seconds"])
def test_limits_that_are_none_are_refused(name):
    with pytest.raises(InputError, match=name):
        JobLimits(**{name: 0})


def lazy(blocks=5):
    values = np.arange(blocks * 4.0).reshape(blocks, 4)
    return xr.Dataset({"a": (("y", "x"), da.from_array(values, chunks=(1, 4))), "b": ("y", np.arange(float(blocks)))})


def test_watched_arrays_are_the_same_and_count_their_chunks(jobs):
    fractions = []

    def work(job):
        with watched(job, lazy()) as data:
            step = job.step
            job.step = lambda done, total: (step(done, total), fractions.append((done, total)))
            return data.compute()

    end = jobs.start("t", work, owner="a").wait(SOON)
    xr.testing.assert_identical(end.result, lazy().compute())
    assert sorted(fractions) == [(k, 5) for k in range(1, 6)]


def test_a_computation_ends_at_the_next_chunk(jobs):
    computed = []

    def work(job):
        def count(block):
            computed.append(1)
            if len(computed) == 2:
                job.cancel()
            return block

        ds = lazy(200)
        ds["a"] = ds["a"].copy(data=ds["a"].data.map_blocks(count, meta=np.empty((0, 0))))
        with watched(job, ds) as data:
            data.compute()

    assert jobs.start("t", work, owner="a").wait(SOON).state is State.CANCELLED
    assert len(computed) < 100


def test_bytes_at_once_is_the_largest_chunk_of_each():
    ds = xr.Dataset({"a": (("y", "x"), da.zeros((10, 10), chunks=((7, 3), 5), dtype="f4")), "b": ("y", np.zeros(10))})
    assert bytes_at_once(ds.data_vars) == 7 * 5 * 4


@pytest.mark.slow
@pytest.mark.parametrize("processes", [False, True], ids=["threads", "processes"])
def test_a_job_on_a_cluster_counts_chunks_and_leaves_nothing_when_cancelled(processes):
    distributed = pytest.importorskip("distributed")
    jobs = Jobs()
    gate = threading.Event()

    def slowly(block):
        time.sleep(0.03)
        return block

    ds = lazy(100)
    ds["a"] = ds["a"].copy(data=ds["a"].data.map_blocks(slowly, meta=np.empty((0, 0))))

    def work(job):
        with watched(job, ds) as data:
            gate.set()
            return data.compute()

    with distributed.Client(n_workers=1, threads_per_worker=2, processes=processes, dashboard_address=None) as client:
        job = jobs.start("t", work, owner="a")
        assert gate.wait(SOON)
        while not job.seen().fraction:
            time.sleep(0.01)
        job.cancel()
        assert job.wait(SOON).state is State.CANCELLED
        for _ in range(200):
            if not client.run_on_scheduler(lambda dask_scheduler: len(dask_scheduler.tasks)):
                break
            time.sleep(0.05)
        assert client.run_on_scheduler(lambda dask_scheduler: len(dask_scheduler.tasks)) == 0
        assert client.submit(lambda: 7).result() == 7, "the client of the user lives on"
        whole = jobs.start("t", work, owner="a").wait(60)
        xr.testing.assert_identical(whole.result, lazy(100).compute())


def test_the_end_of_the_process_removes_drafts(tmp_path):
    """A job in the middle of a file when Python ends: the draft goes with it."""
    code = """
import sys, time
from pathlib import Path
from musyq_lab.archive.draft import draft
from musyq_lab.dashboards._jobs import JOBS
def work(job):
    with draft(Path(sys.argv[1]) / "a.h5") as path:
        path.write_text("half")
        print(path.name, flush=True)
        while True:
            job.check(); time.sleep(0.01)
JOBS.start("t", work, owner="a")
while not list(Path(sys.argv[1]).glob(".a.h5*")): time.sleep(0.01)
"""
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, timeout=60, text=True)
    assert done.returncode == 0, done.stderr
    assert ".a.h5" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_the_view_follows_a_job_and_cancels_it(jobs):
    gate, ends = Gate(), []
    job = jobs.start("Mean <b>LAI</b>", gate, owner="a")
    assert gate.entered.wait(SOON)
    view = JobView(job, ends.append)
    job.say("first line")
    job.step(1, 4)
    view.refresh()
    assert "Mean &lt;b&gt;LAI&lt;/b&gt;</b> runs, 25 %" in view._line.value
    assert (view._bar.value, view._log.value, view.cancel.disabled) == (25, "first line", False)
    view.cancel.clicks += 1
    job.wait(SOON)
    view.refresh()
    view.refresh()
    assert "was cancelled" in view._line.value
    assert view.cancel.disabled
    assert [seen.state for seen in ends] == [State.CANCELLED], "told once"


def test_the_view_shows_why_a_job_failed(jobs):
    def work(job):
        raise InputError("No <script> here.")

    job = jobs.start("t", work, owner="a")
    job.wait(SOON)
    view = JobView(job)
    assert "failed: No &lt;script&gt; here." in view._line.value.replace(", 0 s", "")


class Request:
    def __init__(self, cookies):
        self.cookies = cookies
        self.headers, self.arguments = {}, {}


class Context:
    def __init__(self, cookies):
        self.request = Request(cookies)
        self.server_context = None
        self.id = "s"


def session(cookies):
    from bokeh.document import Document

    document = Document()
    context = Context(cookies)
    document._session_context = lambda: context
    return document, context


def test_a_notebook_has_one_owner():
    assert _jobs_owner.owner() == _jobs_owner.owner()


def test_a_browser_keeps_its_secret_over_a_reload():
    from panel.io.state import set_curdoc

    first, held = session({})
    with set_curdoc(first):
        secret = _jobs_owner.owner()
        assert _jobs_owner.owner() == secret
    scripts = [call.code for calls in first.callbacks._js_event_callbacks.values() for call in calls]
    assert any(f"{_jobs_owner.COOKIE}={secret};" in code and "SameSite=Strict" in code for code in scripts)
    again, held_too = session({_jobs_owner.COOKIE: secret})
    with set_curdoc(again):
        assert _jobs_owner.owner() == secret
    other, held_three = session({})
    with set_curdoc(other):
        assert _jobs_owner.owner() != secret
    assert all((held, held_too, held_three))


@pytest.mark.parametrize("sent", ["", "short", "x" * 44, "a" * 42 + "'", "é" * 43])
def test_a_secret_that_anyone_could_guess_is_not_taken(sent):
    from panel.io.state import set_curdoc

    document, held = session({_jobs_owner.COOKIE: sent})
    with set_curdoc(document):
        assert _jobs_owner.owner() != sent
    assert held
