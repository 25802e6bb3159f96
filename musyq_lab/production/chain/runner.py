"""What a thread or a worker is given to run tasks of a production with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from musyq_lab.core.errors import InputError
from musyq_lab.core.progress import quiet
from musyq_lab.production.chain._local import arrays_in_threads
from musyq_lab.production.chain.own_code import is_own, own_code
from musyq_lab.production.chain.record import code_version
from musyq_lab.production.chain.report import REPORT
from musyq_lab.production.chain.task import Task
from musyq_lab.production.chain.work import Outcome, run
from musyq_lab.production.contract.own import adopt, session_algorithms
from musyq_lab.production.contract.session import require
from musyq_lab.products._registry import RETRIEVALS
from musyq_lab.products._resolve import upstream
from musyq_lab.products._retrieval import Retrieval


@dataclass(frozen=True)
class Runner:
    """Runs a task with the tasks it needs at hand."""

    out: str
    """Folder of the production."""
    tasks: Mapping[str, Task] = field(repr=False)
    """Tasks by key."""
    code: str
    """Version of the code."""
    own: Mapping[str, str] = field(default_factory=dict)
    """Own algorithm -> digest of its code."""
    algorithms: Mapping[str, Retrieval] = field(default_factory=dict, repr=False)
    """Own algorithms of this session, which no other process knows."""
    far: bool = False
    """Whether it may run in another process than the one that drew the plan."""

    def only(self, task: Task) -> Runner:
        """Return what runs one task in another process."""
        needed = {key: self.tasks[key] for key in task.needs}
        sent = self.algorithms if task.product in self.own else {}
        return replace(self, tasks=needed, algorithms=sent, far=True)

    def __call__(self, task: Task) -> Outcome:
        """Run a task, its arrays in the threads of this process: never on the client whose worker this may be."""
        if self.far and (reason := self._unfit(task)):
            return Outcome(task.key, "failed", reason=reason)
        needs = {key: self.tasks[key] for key in task.needs}
        with arrays_in_threads(), quiet():
            return run(task, self.out, needs, self.code_for(task))

    def code_for(self, task: Task) -> str:
        """Return the version of all code that makes a task."""
        return versions(task.product, self.code, self.own)

    def _unfit(self, task: Task) -> str:
        """Say why this process cannot run a task of a production that was started elsewhere."""
        if (here := code_version()) != self.code:
            return (
                f"the worker runs {here}, the production {self.code}. Install the same version on the workers; where "
                "it is the same, set MUSYQ_CODE_VERSION alike for both."
            )
        if not (Path(self.out) / REPORT).is_file():
            return f"the worker does not see the folder {self.out}. Choose one that all workers share."
        # One that was typed anew replaces the one that a worker was sent before.
        adopt(a for key, a in self.algorithms.items() if key not in RETRIEVALS or own_code(key) != self.own.get(key))
        if task.product in self.own and (wrong := _other_code(task.product, self.own[task.product])):
            return wrong
        return ""


def _other_code(key: str, expected: str) -> str:
    if key not in RETRIEVALS:
        return f"the worker does not have the algorithm {key!r}. Install its package on the workers."
    if own_code(key) != expected:
        return f"the worker has another version of the algorithm {key!r}. Install the same one, or restart the workers."
    return ""


def runner(out: Path, tasks: Sequence[Task]) -> Runner:
    """Return the runner of a production.

    Parameters
    ----------
    out : Path
        Its folder.
    tasks : sequence of Task
        Its tasks.

    Raises
    ------
    RecipeError
        If an own algorithm does not keep the contract.
    """
    own = {key: own_code(key) for key in own_products(tasks)}
    for key in own:
        require(key)
    session = {made.spec.key: made for made in session_algorithms()}
    return Runner(str(out), {task.key: task for task in tasks}, code_version(), own, session)


def own_products(tasks: Sequence[Task]) -> list[str]:
    """Return the own algorithms that take part, also those that a product makes its inputs with by itself."""
    keys = dict.fromkeys(task.product for task in tasks if task.product in RETRIEVALS)
    chain = dict.fromkeys(key for each in keys for key in (each, *(s.key for s in upstream(RETRIEVALS[each].spec))))
    return [key for key in chain if is_own(key)]


def versions(product: str, code: str, own: Mapping[str, str]) -> str:
    """Return the version of the code that makes a product, with the digest of own algorithms behind it."""
    if not own or product not in RETRIEVALS:  # a scene, or something on the way that is no product
        return code
    chain = [product, *(spec.key for spec in upstream(RETRIEVALS[product].spec))]
    return "+".join([code, *(f"{key}.{own[key][:16]}" for key in chain if own.get(key))])


def portable(algorithms: Mapping[str, Retrieval]) -> None:
    """Refuse algorithms that cannot be sent to another process.

    Raises
    ------
    InputError
        If one holds something that cannot be pickled, such as an open file or a lock.
    """
    import cloudpickle

    for key, algorithm in algorithms.items():
        try:
            cloudpickle.loads(cloudpickle.dumps(algorithm))
        except Exception as error:
            raise InputError(
                f"The algorithm {key!r} cannot be sent to workers ({type(error).__name__}: {error}). Let it hold no "
                "open file, lock or connection, or produce in threads of this process (without a client)."
            ) from error
