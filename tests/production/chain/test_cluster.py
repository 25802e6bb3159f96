"""Productions on processes of dask: the bytes of a run in threads, through the deaths of workers."""

import os
import signal
import threading
import time

import pytest
from production.chain.conftest import PERIODS, hashes

from musyq_lab.archive.lineage import provenance
from musyq_lab.core.errors import RecipeError
from musyq_lab.production.chain.command import Request, show
from musyq_lab.production.chain.own_code import own_code
from musyq_lab.production.chain.produce import active_client, produce
from musyq_lab.production.chain.record import code_of
from musyq_lab.production.chain.report import logged
from musyq_lab.production.contract import session
from musyq_lab.products._registry import RETRIEVALS
from musyq_lab.products._retrieval import retrieval

distributed = pytest.importorskip("distributed")
pytestmark = pytest.mark.slow


def cluster(workers):
    return distributed.LocalCluster(
        n_workers=workers, threads_per_worker=1, processes=True, host="127.0.0.1", dashboard_address=None
    )


@pytest.fixture
def lively(own, monkeypatch):
    """Two worker processes; several failures of a worker are needed before dask gives a task up."""
    monkeypatch.setenv("OWN_WORLD_SLOW", "0.02")
    with cluster(2) as made, distributed.Client(made) as client:
        yield client


def test_one_two_and_four_processes_give_the_bytes_of_threads(own, weather, unbroken, tmp_path):
    with cluster(1) as made, distributed.Client(made, set_as_default=False) as client:
        for workers in (1, 2, 4):
            made.scale(workers)
            client.wait_for_workers(workers)
            out = tmp_path / str(workers)
            got = produce(*own.KEYS, period=PERIODS, inputs=weather, out=out, client=client)
            assert {o.state for o in got.outcomes} == {"made"}
            assert hashes(out) == hashes(unbroken.folder)


def test_the_active_client_is_found_and_a_typed_algorithm_travels(own, weather, tmp_path, lively):
    """The function has no module that a worker could import: it goes by value."""
    assert active_client() is lively
    pid = os.getpid()
    scope: dict[str, object] = {"pid": pid}
    exec(
        "import os\n"
        "def body(*, air_temperature, wind_speed):\n"
        "    if os.getpid() == pid:\n"
        "        raise RuntimeError('this ran in the process that asked')\n"
        "    return air_temperature / 400.0 - wind_speed / 1000.0\n",
        scope,
    )
    scope["body"].__module__ = "__main__"
    made = retrieval(own.GLOW)(scope["body"])
    RETRIEVALS.add("glow", made)
    session.remember("glow", made)
    got = produce("glow", period=PERIODS, inputs=weather, out=tmp_path)
    assert not got.failed, got.failed[0].reason
    assert len(got.files) == 3
    assert code_of(provenance(got.files[0])) == f"test+glow.{own_code('glow')[:16]}"


def test_workers_that_die_again_and_again_cost_nothing(own, weather, unbroken, tmp_path, monkeypatch):
    """A worker is killed every four seconds until three have been, one run after the other meanwhile."""
    monkeypatch.setenv("OWN_WORLD_SLOW", "0.02")
    with cluster(2) as made, distributed.Client(made, set_as_default=False) as client:
        stop, killed = threading.Event(), []

        def reaper():
            while len(killed) < 3 and not stop.wait(4):
                pids = [n.pid for n in made.workers.values() if n.pid and n.pid != os.getpid()]
                if pids:
                    killed.append(pids[len(killed) % len(pids)])
                    os.kill(killed[-1], signal.SIGKILL)

        thread = threading.Thread(target=reaper)
        thread.start()
        try:
            rounds = 0
            while len(killed) < 3 and rounds < 40:
                got = produce(*own.KEYS, period=PERIODS, inputs=weather, out=tmp_path / str(rounds), client=client)
                assert not got.failed, got.failed[0].reason
                assert hashes(tmp_path / str(rounds)) == hashes(unbroken.folder)
                rounds += 1
        finally:
            stop.set()
            thread.join()
        assert len(killed) == 3


def test_a_task_that_kills_its_workers_is_named_and_the_others_finish(own, weather, tmp_path, monkeypatch):
    monkeypatch.setenv("OWN_WORLD_GLIMMER", "exit")
    import dask

    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 1}),
        cluster(2) as made,
        distributed.Client(made, set_as_default=False) as client,
    ):
        one = f"{weather.layers[0].period.start:%Y-%m-%d}"
        got = produce(*own.KEYS, period=one, inputs=weather, out=tmp_path, client=client)
    assert [o.key.partition(".")[0] for o in got.failed] == ["glimmer"]
    assert "every worker that ran it died" in got.failed[0].reason
    assert len(got.files) == 1
    assert {row["key"].partition(".")[0]: row["state"] for row in logged(tmp_path)} == {
        "glow": "made",
        "glimmer": "failed",
    }


def test_workers_may_retire_in_the_middle(own, weather, unbroken, tmp_path, lively):
    timer = threading.Timer(0.7, lambda: lively.retire_workers([next(iter(lively.scheduler_info()["workers"]))]))
    timer.start()
    got = produce(*own.KEYS, period=PERIODS, inputs=weather, out=tmp_path, client=lively)
    timer.join()
    assert not got.failed
    assert hashes(tmp_path) == hashes(unbroken.folder)


def again_and_again(own, weather, folder, client):
    for number in range(100):
        produce(*own.KEYS, period=PERIODS, inputs=weather, out=folder / f"{number}", client=client)


def test_a_scheduler_that_stops_is_told_and_the_run_goes_on_later(own, weather, unbroken, tmp_path, monkeypatch):
    monkeypatch.setenv("OWN_WORLD_SLOW", "0.05")
    made = cluster(1)
    client = distributed.Client(made, set_as_default=False)
    closer = threading.Timer(1.0, made.close)
    closer.start()
    try:
        with pytest.raises(RecipeError, match="scheduler is gone"):
            again_and_again(own, weather, tmp_path, client)
    finally:
        closer.join()
        client.close()
    time.sleep(0.1)
    last = max((p for p in tmp_path.iterdir() if p.name.isdigit()), key=lambda p: int(p.name))
    monkeypatch.setenv("OWN_WORLD_SLOW", "0")
    produce(*own.KEYS, period=PERIODS, inputs=weather, out=last, jobs=1)
    assert hashes(last) == hashes(unbroken.folder)


def request(tmp_path, **more):
    values = dict.fromkeys(Request.__dataclass_fields__)
    values |= {"products": ("glow",), "inputs": "none.yml", "edition": "1km", "step": "5d", "out": tmp_path}
    return Request(**{**values, "methods": (), "workers": 0, **more})


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nonsense://x", "127.0.0.1:notaport"])
def test_an_address_where_nobody_answers(tmp_path, address):
    with pytest.raises(RecipeError, match="No dask scheduler answers at"):
        show(request(tmp_path, scheduler=address))
