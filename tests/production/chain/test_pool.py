"""The order of tasks, threads, and what is made of the deaths of workers: with tasks that do nothing."""

import threading
from collections import Counter
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import distributed
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musyq_lab.core.errors import RecipeError
from musyq_lab.core.grid import GeoGrid
from musyq_lab.core.period import Period
from musyq_lab.production.chain import pool
from musyq_lab.production.chain.pool import TRIALS, outcomes
from musyq_lab.production.chain.region import Tile
from musyq_lab.production.chain.task import Task
from musyq_lab.production.chain.work import Outcome

DAY = Period(datetime(2019, 7, 1), datetime(2019, 7, 1) + timedelta(days=5), "2019182")
TILE = Tile("here", GeoGrid("1km", 120, 5400, 12000, 2, 2))


def task(key, *needs):
    return Task(key, "product", "retrieve", "glow", "1km", TILE, DAY, f"{key}.h5", needs=needs)


class Does:
    """Runs tasks by a table of states, and notes their order and how many ran at once."""

    def __init__(self, states=(), during=None):
        self.states, self.during = dict(states), during
        self.begun, self.ended, self.lock = [], [], threading.Lock()
        self.most = 0

    def only(self, task):
        return self

    def __call__(self, task):
        with self.lock:
            self.begun.append(task.key)
            self.most = max(self.most, len(self.begun) - len(self.ended))
        if self.during:
            self.during(task)
        with self.lock:
            self.ended.append(task.key)
        return Outcome(task.key, self.states.get(task.key, "made"))


@st.composite
def graphs(draw):
    """Plans of up to twelve tasks, each needing some of those before it, and the states that some end in."""
    tasks, states = [], {}
    for number in range(draw(st.integers(1, 12))):
        before = [t.key for t in tasks]
        needs = draw(st.lists(st.sampled_from(before), unique=True, max_size=3)) if before else []
        tasks.append(task(f"t{number}", *needs))
        states[f"t{number}"] = draw(st.sampled_from(["made", "made", "kept", "aside", "failed"]))
    return tasks, states


def expected(tasks, states):
    """Walk the plan in its order: what a task needs decides whether it is run."""
    found = {}
    for each in tasks:
        good = all(found[key] in ("made", "kept", "aside") for key in each.needs)
        found[each.key] = states[each.key] if good else "skipped"
    return found


@settings(max_examples=60, deadline=None)
@given(graphs(), st.integers(1, 4))
def test_every_task_ends_once_after_what_it_needs(graph, jobs):
    tasks, states = graph
    does = Does(states)
    ended = list(outcomes(tasks, does, jobs=jobs))
    assert {o.key: o.state for o in ended} == expected(tasks, states)
    assert Counter(o.key for o in ended) == Counter(t.key for t in tasks)
    assert does.most <= jobs
    order = {o.key: place for place, o in enumerate(ended)}
    assert all(order[key] < order[t.key] for t in tasks for key in t.needs)
    assert set(does.begun) == {key for key, state in expected(tasks, states).items() if state != "skipped"}


def test_a_skipped_task_names_what_was_not_made():
    ended = list(outcomes([task("a"), task("b", "a"), task("c", "b")], Does({"a": "failed"})))
    assert [o.state for o in ended] == ["failed", "skipped", "skipped"]
    assert [o.reason for o in ended[1:]] == ["it needs a, which was not made", "it needs b, which was not made"]


def test_one_job_takes_the_plans_own_order():
    tasks = [task("z"), task("y"), task("x", "y"), task("w")]
    does = Does()
    list(outcomes(tasks, does, jobs=1))
    assert does.begun == ["z", "y", "x", "w"]


def test_jobs_really_run_at_once():
    barrier = threading.Barrier(3, timeout=30)
    ended = list(outcomes([task(name) for name in "abc"], Does(during=lambda _: barrier.wait()), jobs=3))
    assert {o.state for o in ended} == {"made"}


def test_a_plan_without_tasks():
    assert list(outcomes([], Does(), jobs=2)) == []


def test_thousands_of_tasks_are_ordered_at_once():
    chain = [task(f"a{n}", *([f"a{n - 1}"] if n % 7 else [])) for n in range(4000)]
    assert len(list(outcomes(chain, Does(), jobs=2))) == 4000


# --- a stand-in for a cluster: each future says at once how it ends


@dataclass(eq=False)
class Future:
    key: str
    status: str
    value: object

    def result(self):
        return self.value

    def exception(self):
        return self.value


class KilledWorker(Exception):
    pass


class Client:
    """Ends each submission by a function of task and how often it was submitted; notes what ran at once."""

    def __init__(self, ends, threads=2):
        self.ends, self.threads = ends, threads
        self.times, self.log, self.cancelled = Counter(), [], None

    def wait_for_workers(self, number, timeout):
        if not self.threads:
            raise TimeoutError

    def as_current(self):
        return nullcontext()

    def nthreads(self):
        return {"w": self.threads}

    def submit(self, run, task, *, key, pure, retries):
        assert not pure
        self.times[task.key] += 1
        self.log.append(("start", task.key))
        status, value = self.ends(task, self.times[task.key])
        return Future(key, status, run(task) if value is None else value)

    def cancel(self, futures):
        self.cancelled = list(futures)


@pytest.fixture(autouse=True)
def waiting(monkeypatch):
    def wait(futures, return_when):
        assert return_when == "FIRST_COMPLETED"
        client = waiting.client
        client.log.append(("end", len(futures)))
        return type("Done", (), {"done": {futures[0]}})

    monkeypatch.setattr(distributed, "wait", wait)
    return waiting


def on(client, tasks, does=None):
    waiting.client = client
    return {o.key: o for o in outcomes(tasks, does or Does(), client=client)}


def killer(*names):
    return lambda t, n: ("error", KilledWorker("three workers died")) if t.key in names else ("finished", None)


def test_a_poison_task_is_named_and_the_others_finish():
    client = Client(killer("bad"))
    ended = on(client, [task("a"), task("bad"), task("b", "a"), task("c", "bad")])
    assert {k: o.state for k, o in ended.items()} == {"a": "made", "bad": "failed", "b": "made", "c": "skipped"}
    assert "every worker that ran it died" in ended["bad"].reason
    assert client.times["bad"] == 1 + TRIALS


def test_the_neighbour_of_a_poison_task_is_cleared_when_it_runs_alone():
    ends = lambda t, n: ("error", KilledWorker("")) if t.key == "bad" or n == 1 else ("finished", None)  # noqa: E731
    client = Client(ends)
    ended = on(client, [task("near"), task("bad"), task("far")])
    assert {k: o.state for k, o in ended.items()} == {"near": "made", "bad": "failed", "far": "made"}


def test_suspects_run_alone():
    client = Client(lambda t, n: ("error", KilledWorker("")) if n == 1 else ("finished", None))
    on(client, [task(f"t{n}") for n in range(9)])
    running, trials = set(), Counter()
    ends = iter([row for row in client.log if row[0] == "end"])
    again = set()
    for what, name in client.log:
        if what == "start":
            if name in again:
                trials[name] += 1
            again.add(name)
        running.add(name)
    assert set(trials.values()) == {1}
    # A wait that follows a second start is for that task alone.
    places = [i for i, (what, name) in enumerate(client.log) if what == "start" and ("start", name) in client.log[:i]]
    assert places
    assert all(client.log[i + 1] == ("end", 1) for i in places)
    assert next(ends)


def test_an_error_of_the_cluster_is_one_of_the_task():
    ended = on(Client(lambda t, n: ("error", TypeError("cannot pickle")) if t.key == "a" else ("finished", None)),
               [task("a"), task("b")])  # fmt: skip
    assert (ended["a"].state, ended["b"].state) == ("failed", "made")
    assert ended["a"].reason == "TypeError: cannot pickle"


@pytest.mark.parametrize("status", ["cancelled", "lost"])
def test_a_scheduler_that_is_gone_stops_the_run(status):
    client = Client(lambda t, n: (status, "x"))
    with pytest.raises(RecipeError, match="start the same production again"):
        on(client, [task("a"), task("b")])
    assert [f.key.partition("-")[0] for f in client.cancelled] == ["b"]


def test_a_closed_connection_stops_the_run(monkeypatch):
    def broken(*_, **__):
        raise distributed.comm.CommClosedError("closed")

    monkeypatch.setattr(distributed, "wait", broken)
    with pytest.raises(RecipeError, match="scheduler is gone"):
        list(outcomes([task("a")], Does(), client=Client(killer())))


def test_a_cluster_without_workers(monkeypatch):
    monkeypatch.setattr(pool, "PATIENCE", 1)
    with pytest.raises(RecipeError, match=r"No worker joined the dask scheduler within 1 s\. Start some"):
        list(outcomes([task("a")], Does(), client=Client(killer(), threads=0)))


def test_a_cluster_is_not_flooded():
    client = Client(killer(), threads=3)
    on(client, [task(f"t{n:03d}") for n in range(100)])
    assert max(count for what, count in client.log if what == "end") == pool._AHEAD * 3


def test_keys_differ_between_productions():
    seen = []
    for _ in range(2):
        client = Client(killer())
        client.submit = lambda run, task, *, key, pure, retries: (seen.append(key), Future(key, "finished", run(task)))[
            1
        ]
        on(client, [task("a")])
    assert len(set(seen)) == 2
    assert all(key.startswith("a-") for key in seen)


def test_states_that_let_others_go_on():
    base, states = Outcome("k", "made"), ("made", "kept", "aside", "failed", "skipped")
    assert [s for s in states if replace(base, state=s).good] == ["made", "kept", "aside"]
