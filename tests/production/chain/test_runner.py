"""What a worker is sent, and what it refuses to run."""

import threading
from dataclasses import replace

import cloudpickle
import dask
import pytest

from musyq_lab.core.errors import InputError
from musyq_lab.production.chain._local import arrays_in_threads
from musyq_lab.production.chain.own_code import own_code
from musyq_lab.production.chain.runner import own_products, portable, runner, versions
from musyq_lab.products._registry import RETRIEVALS
from musyq_lab.products._retrieval import retrieval


@pytest.fixture
def far(made):
    """The runner of a finished production as a worker gets it for its last task."""
    whole = runner(made.folder, made.plan.tasks)
    return whole.only(made.plan.tasks[-1]), made.plan.tasks[-1]


def test_a_worker_is_sent_little(far, made):
    sent, task = far
    assert set(sent.tasks) == set(task.needs)
    assert set(sent.algorithms) == {"glow", "glimmer"}
    assert len(cloudpickle.dumps(sent)) < 20_000
    assert sent.code_for(task).startswith("test+glimmer.")


def test_it_knows_that_the_task_is_done(far):
    sent, task = far
    assert sent(task).state == "kept"
    assert cloudpickle.loads(cloudpickle.dumps(sent))(task).state == "kept"


def test_another_version_of_the_package_is_refused(far):
    sent, task = far
    outcome = replace(sent, code="2.0")(task)
    assert outcome.state == "failed"
    assert outcome.reason.startswith("the worker runs test, the production 2.0. Install the same version")
    assert replace(sent, code="2.0", far=False).far is False


def test_a_folder_that_it_does_not_see_is_refused(far, tmp_path):
    sent, task = far
    assert "Choose one that all workers share" in replace(sent, out=str(tmp_path / "elsewhere"))(task).reason


def test_an_algorithm_that_it_lacks_is_refused(far, monkeypatch):
    sent, task = far
    monkeypatch.setattr(RETRIEVALS, "_added", {})
    assert "does not have the algorithm 'glimmer'" in replace(sent, algorithms={})(task).reason


def test_it_takes_what_it_was_sent(far, monkeypatch):
    sent, task = far
    monkeypatch.setattr(RETRIEVALS, "_added", {})
    assert sent(task).state == "kept"
    assert "glimmer" in RETRIEVALS.added


def test_what_was_typed_anew_replaces_what_it_had(far, own):
    sent, task = far
    old = retrieval(own.GLIMMER)(lambda *, ndvi, wind_speed: ndvi - wind_speed)
    RETRIEVALS.add("glimmer", old)
    assert sent(task).state == "kept"
    assert RETRIEVALS["glimmer"] is not old


def test_another_version_of_an_algorithm_is_refused(far):
    sent, task = far
    assert (
        "another version of the algorithm 'glimmer'"
        in replace(sent, own={"glimmer": "0" * 64}, algorithms={})(task).reason
    )


def test_what_cannot_be_sent_is_refused_in_words(own):
    lock = threading.Lock()
    bad = retrieval(own.GLOW)(lambda *, air_temperature, wind_speed: (lock, air_temperature)[1])
    with pytest.raises(InputError, match=r"The algorithm 'glow' cannot be sent to workers .* open file, lock"):
        portable({"glow": bad})
    portable(own.OWN)


def test_the_own_algorithms_that_take_part(own, made):
    assert own_products(made.plan.tasks) == ["glow", "glimmer"]
    only = [t for t in made.plan.tasks if t.product == "glimmer"]
    assert own_products(only) == ["glimmer", "glow"]


def test_the_version_names_all_code_behind_a_product(own):
    digests = {key: own_code(key) for key in own.KEYS}
    assert versions("glow", "1.0", digests) == f"1.0+glow.{digests['glow'][:16]}"
    behind = versions("glimmer", "1.0", digests)
    assert behind == f"1.0+glimmer.{digests['glimmer'][:16]}+glow.{digests['glow'][:16]}"
    assert versions("lai", "1.0", digests) == "1.0"
    assert versions("", "1.0", digests) == "1.0"


class TestLocal:
    def test_it_is_set_inside_and_not_after(self):
        before = dask.config.get("scheduler", None)
        with arrays_in_threads():
            with arrays_in_threads():
                assert dask.config.get("scheduler") == "threads"
            assert dask.config.get("scheduler") == "threads"
        assert dask.config.get("scheduler", None) == before

    def test_threads_that_leave_in_another_order_do_not_take_it_from_one_another(self):
        first_in, second_in, first_out = (threading.Event() for _ in range(3))
        seen = []

        def first():
            with arrays_in_threads():
                first_in.set()
                second_in.wait(30)
            first_out.set()

        def second():
            first_in.wait(30)
            with arrays_in_threads():
                second_in.set()
                first_out.wait(30)
                seen.append(dask.config.get("scheduler", None))

        threads = [threading.Thread(target=work) for work in (first, second)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert seen == ["threads"]
        assert dask.config.get("scheduler", None) is None

    def test_an_error_inside_leaves_nothing_set(self):
        with pytest.raises(ValueError, match="x"), arrays_in_threads():
            raise ValueError("x")
        assert dask.config.get("scheduler", None) is None
