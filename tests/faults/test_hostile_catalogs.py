"""500 hostile catalogs: each is refused in less than a second, and imports, fetches and touches nothing."""

import sys
import time

import pytest
import yaml
from faults.hostile_catalogs import GOOD, catalogs

from musyq_lab.catalog.open import open_catalog
from musyq_lab.catalog.safe import load_catalog
from musyq_lab.core.errors import CatalogError

TEXTS = list(catalogs())
EVENTS = ("open", "import", "exec", "os.system", "subprocess.Popen", "socket.connect", "socket.getaddrinfo")
_watched: list[tuple[str, tuple]] = []
_on = False


def _watch(event: str, args: tuple) -> None:
    """Note what a catalog must not make a process do. A hook stays for good, so it can be turned off."""
    if _on and event in (
        "open",
        "import",
        "exec",
        "os.system",
        "subprocess.Popen",
        "socket.connect",
        "socket.getaddrinfo",
    ):
        _watched.append((event, args))


def test_there_are_500_and_always_the_same():
    assert len(set(TEXTS)) == 500
    assert list(catalogs()) == TEXTS


def test_the_good_one_passes(tmp_path):
    (tmp_path / "c.yml").write_text(yaml.safe_dump(GOOD))
    assert list(open_catalog(tmp_path / "c.yml")) == ["rain"]


def test_none_comes_through(tmp_path, monkeypatch):
    """The audit events of Python (PEP 578) tell what each one did."""
    global _on
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "c.yml"
    path.write_text(yaml.safe_dump(GOOD))
    load_catalog(path)  # whatever is loaded once is loaded
    sys.addaudithook(_watch)
    passed, slow, wordy, did = [], [], [], []
    for text in TEXTS:
        path.write_text(text, encoding="utf-8")
        _watched.clear()
        started, _on = time.process_time(), True
        try:
            open_catalog(path)
        except CatalogError as error:
            wordy += [text[:60]] if len(str(error)) > 2000 else []
        else:
            passed.append(text)
        finally:
            _on = False
        slow += [text[:60]] if time.process_time() - started > 1 else []
        did += [(event, args) for event, args in _watched if event != "open" or str(args[0]) != str(path)]
    assert passed == []
    assert slow == []
    assert wordy == []
    assert did == []
    assert sorted(item.name for item in tmp_path.iterdir()) == ["c.yml"]


@pytest.mark.parametrize("allow_remote", [False, True])
def test_what_may_name_addresses_still_reaches_none_when_it_is_opened(tmp_path, allow_remote):
    """Even where addresses are allowed, a catalog only names them: nothing is fetched before an entry is read."""
    global _on
    path = tmp_path / "c.yml"
    _watched.clear()
    for text in TEXTS:
        path.write_text(text, encoding="utf-8")
        _on = True
        try:
            catalog = open_catalog(path, allow_remote=allow_remote)
            catalog.table()
            repr(catalog)
        except CatalogError:
            pass
        finally:
            _on = False
    assert [event for event, _ in _watched if event not in ("open", "import")] == []
