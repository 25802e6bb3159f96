import os
from collections.abc import Callable
from pathlib import Path

import pytest

from musyq_lab.core.errors import ArchiveError, InputError, RecipeError
from musyq_lab.production import staging
from musyq_lab.production.provenance import write_record
from musyq_lab.production.staging import RECORD, foreign_files, publish, result_folder

FILES = ["a.txt", "deep/er/b.txt", "tables/c.csv"]


def fill(partial: Path, generation: str, names: list[str]) -> list[str]:
    """Write a finished set of files with its record; return their names."""
    for name in names:
        (partial / name).parent.mkdir(parents=True, exist_ok=True)
        (partial / name).write_text(generation * 100, encoding="utf-8")
    entity = {name: {"musyq:role": "output", "musyq:file": name} for name in names}
    write_record(partial / RECORD, {"entity": entity, "generation": generation})
    return [*names, RECORD]


def make(out: Path, generation: str, names: list[str]) -> None:
    with result_folder(out) as partial:
        publish(out, partial, fill(partial, generation, names))


def fail_late(out: Path) -> None:
    with result_folder(out) as partial:
        fill(partial, "9", FILES)
        raise ZeroDivisionError


def content(out: Path) -> dict[str, str]:
    return {p.relative_to(out).as_posix(): p.read_text(encoding="utf-8") for p in out.rglob("*") if p.is_file()}


def generations(out: Path) -> set[str]:
    """Return the generations under final names; every such file must be whole."""
    texts = {n: t for n, t in content(out).items() if not n.startswith(".") and n != RECORD}
    assert all(len(text) == 100 for text in texts.values())
    return {text[0] for text in texts.values()}


def in_child(work: Callable[[], None]) -> int:
    """Run in a process of its own, which may end at once; return its exit code."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
        except BaseException:
            os._exit(99)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def dying(rename: Callable[[Path, Path], None], step: int, *, after: bool) -> Callable[[Path, Path], None]:
    """Return a rename that ends the process before or after its nth call."""
    calls = iter(range(step + 1))

    def wrapped(source: Path, target: Path) -> None:
        last = next(calls) == step
        if last and not after:
            os._exit(7)
        rename(source, target)
        if last:
            os._exit(7)

    return wrapped


def test_nothing_shows_before_the_end_and_all_after(tmp_path: Path) -> None:
    out = tmp_path / "new" / "result"
    with result_folder(out) as partial:
        names = fill(partial, "1", FILES)
        assert [p for p in out.iterdir() if not p.name.startswith(".")] == []
        publish(out, partial, names)
    assert set(content(out)) == set(names)


def test_a_failure_leaves_not_even_the_folder(tmp_path: Path) -> None:
    out = tmp_path / "a" / "b" / "c"
    with pytest.raises(ZeroDivisionError):
        fail_late(out)
    assert list(tmp_path.iterdir()) == []


def test_a_failure_leaves_the_former_result_as_it_was(tmp_path: Path) -> None:
    make(tmp_path, "1", FILES)
    before = content(tmp_path)
    with pytest.raises(ZeroDivisionError):
        fail_late(tmp_path)
    assert content(tmp_path) == before


def test_a_new_result_replaces_the_whole_former_one(tmp_path: Path) -> None:
    make(tmp_path, "1", ["a.txt", "gone/only_before.txt", "tables/c.csv"])
    make(tmp_path, "2", FILES)
    assert set(content(tmp_path)) == {*FILES, RECORD}
    assert generations(tmp_path) == {"2"}
    assert not (tmp_path / "gone").exists()


def test_files_of_a_persons_own_stay(tmp_path: Path) -> None:
    make(tmp_path, "1", FILES)
    (tmp_path / "tables" / "mine.txt").write_text("x" * 100, encoding="utf-8")
    make(tmp_path, "2", ["a.txt"])
    assert set(content(tmp_path)) == {"a.txt", RECORD, "tables/mine.txt"}


def test_a_persons_own_file_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("mine", encoding="utf-8")
    assert foreign_files(tmp_path, FILES) == ["a.txt"]
    with pytest.raises(InputError, match=r"a\.txt, made by no recipe run"):
        make(tmp_path, "1", FILES)
    assert content(tmp_path) == {"a.txt": "mine"}


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("former", [None, ["a.txt", "gone/x.txt", "tables/c.csv"]])
def test_a_death_at_any_move_mixes_nothing_and_is_repaired(
    tmp_path: Path, former: list[str] | None, after: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    moves = len(FILES) + 1 + (len(former) + 1 if former else 0)
    for step in range(moves):
        out = tmp_path / f"{step}"
        if former:
            make(out, "1", former)
        monkeypatch.setattr(staging, "_rename", dying(staging._rename, step, after=after))
        assert in_child(lambda out=out: make(out, "2", FILES)) == 7
        monkeypatch.undo()
        assert len(generations(out)) <= 1
        if (out / RECORD).exists():  # then the set it lists is whole
            assert set(staging._recorded(out)) <= set(content(out))
        # What was ready is finished by the next run, even if that fails by itself.
        with pytest.raises(ZeroDivisionError), result_folder(out):
            raise ZeroDivisionError
        assert set(content(out)) == {*FILES, RECORD}
        assert generations(out) == {"2"}


def test_a_death_before_the_moves_leaves_the_former_result(tmp_path: Path) -> None:
    make(tmp_path, "1", FILES)

    def work() -> None:
        with result_folder(tmp_path) as partial:
            fill(partial, "2", FILES)
            os._exit(7)

    assert in_child(work) == 7
    assert generations(tmp_path) == {"1"}
    make(tmp_path, "3", FILES)
    assert set(content(tmp_path)) == {*FILES, RECORD}
    assert generations(tmp_path) == {"3"}


def test_two_at_once_are_refused_and_the_first_goes_on(tmp_path: Path) -> None:
    with result_folder(tmp_path) as partial:
        names = fill(partial, "1", FILES)
        with pytest.raises(RecipeError, match="Another run works in"), result_folder(tmp_path):
            pytest.fail("the second must not start")
        code = in_child(lambda: make(tmp_path, "2", FILES))
        publish(tmp_path, partial, names)
    assert code == 99
    assert generations(tmp_path) == {"1"}
    make(tmp_path, "3", FILES)  # and afterwards the folder is free
    assert generations(tmp_path) == {"3"}


def test_a_file_in_the_way_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    for out in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(InputError, match="is a file"), result_folder(out):
            pass


def test_a_place_where_nothing_can_be_made_is_told() -> None:
    with pytest.raises(ArchiveError, match="Choose another folder"), result_folder(Path("/proc/musyq/result")):
        pass


def test_a_read_only_folder_is_told_and_left_alone(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)

    def work() -> None:
        if os.geteuid() == 0:  # root may write everywhere: look as somebody else
            os.setgid(65534)
            os.setuid(65534)
        try:
            with result_folder(tmp_path):
                os._exit(1)
        except ArchiveError as error:
            os._exit(3 if "Choose another folder" in str(error) else 2)
        except PermissionError:
            os._exit(4)

    for parent in tmp_path.parents[:2]:
        parent.chmod(0o755)
    code = in_child(work)
    tmp_path.chmod(0o755)
    assert code == 3
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_during_the_moves_leaves_a_repairable_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path, "1", FILES)

    def full(path: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(staging, "_sync", full)
    with pytest.raises(OSError, match="No space"):
        make(tmp_path, "2", FILES)
    monkeypatch.undo()
    assert generations(tmp_path) == {"1"}
    assert set(content(tmp_path)) == {*FILES, RECORD}


def test_a_locked_folder_goes_if_nothing_came_of_it_and_stays_otherwise(tmp_path: Path) -> None:
    with staging.locked_folder(tmp_path / "a" / "b"):
        with pytest.raises(RecipeError, match="Another run"), staging.locked_folder(tmp_path / "a" / "b"):
            pass
        with result_folder(tmp_path / "a" / "b" / "c=1"):
            pass  # the folders of a sweep's runs have locks of their own
    assert list(tmp_path.iterdir()) == []
    with staging.locked_folder(tmp_path / "a"):
        (tmp_path / "a" / "x").touch()
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["x"]
