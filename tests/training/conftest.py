"""What tests of the workshop folder share."""

from pathlib import Path

import pytest
from training import stub

from musyq_lab.training import _wheels


@pytest.fixture
def house(tmp_path, monkeypatch) -> Path:
    """Return a folder of wheels of a small project that stands in for the real one."""
    site = tmp_path / "site"
    needs = ("stub-one>=1", "stub-two; extra == 'lab'", "absent; python_version < '3'", "absent; extra == 'test'")
    stub.install(site, "musyq_stub", "1.0", needs)
    stub.install(site, "stub_one", "1.5")
    stub.install(site, "stub_two", "2.0", ("stub-one[more]",))
    monkeypatch.syspath_prepend(site)
    monkeypatch.setattr(_wheels, "PROJECT", "musyq-stub")
    monkeypatch.setattr(_wheels, "source_tree", lambda: None)
    for name, version in (("stub_one", "1.5"), ("stub_two", "2.0")):
        stub.wheel(tmp_path / "house", name, version)
    return tmp_path / "house"
