import importlib.metadata
from pathlib import Path

import pytest

from musyq_lab.kernels import _store
from musyq_lab.production import doctor
from musyq_lab.production.doctor import available_memory, examine


def test_a_sound_installation_passes_but_for_the_machine() -> None:
    found = {check.title: check for check in examine()}
    assert len(found) == 11
    faults = {title: check.found for title, check in found.items() if not check.passed}
    assert set(faults) <= {"disk", "memory"}
    assert all(check.remedy for check in found.values())


def version_of(name: str, version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.metadata.version
    monkeypatch.setattr(importlib.metadata, "version", lambda n: version if n == name else real(n))


@pytest.mark.parametrize(
    ("name", "version"), [("bokeh", "3.8.1"), ("jupyter-server", "2.17.0"), ("distributed", "2021.9.1")]
)
def test_known_holes_are_seen(name: str, version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    version_of(name, version, monkeypatch)
    fault, found = doctor._holes()
    assert fault
    assert name in found
    assert "CVE" in found


def test_the_first_safe_release_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    version_of("bokeh", "3.8.2", monkeypatch)
    assert not doctor._holes()[0]


def test_an_old_or_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    version_of("xarray", "2020.1.0", monkeypatch)
    assert doctor._packages()[0]
    assert "xarray 2020.1.0, needs" in doctor._packages()[1]

    def missing(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", missing)
    assert "xarray is missing" in doctor._packages()[1]


def test_the_pins_of_the_project_close_the_holes() -> None:
    from packaging.requirements import Requirement

    needs = {r.name: r.specifier for r in map(Requirement, importlib.metadata.requires("musyq-lab") or ())}
    for name, (safe, _) in doctor.HOLES.items():
        assert not needs[name].contains("0.1")
        assert needs[name].contains(safe) or name == "distributed"


def test_a_check_that_breaks_is_a_fault_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> tuple[bool, str]:
        raise OSError("disk on fire")

    monkeypatch.setattr(doctor, "_CHECKS", (("x", "buy another", broken),))
    (check,) = examine()
    assert not check.passed
    assert check.found == "OSError: disk on fire"
    assert check.remedy == "buy another"


def test_damaged_data_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "damage", lambda name: f"{name} is missing" if name.endswith("regions.yml") else "")
    assert doctor._data() == (True, "catalogs/regions.yml is missing")


def test_memory_is_that_of_the_container_if_less(tmp_path: Path) -> None:
    (tmp_path / "meminfo").write_text("MemTotal: 8000 kB\nMemAvailable:    4000 kB\n", encoding="ascii")
    assert available_memory(tmp_path, tmp_path) == 4000 * 1024
    (tmp_path / "memory.current").write_text("1000\n", encoding="ascii")
    (tmp_path / "memory.max").write_text("3000\n", encoding="ascii")
    assert available_memory(tmp_path, tmp_path) == 2000
    (tmp_path / "memory.max").write_text("max\n", encoding="ascii")
    assert available_memory(tmp_path, tmp_path) == 4000 * 1024
    assert available_memory(tmp_path / "absent", tmp_path) is None


def test_little_memory_and_disk_are_faults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "available_memory", lambda: 10**9)
    assert doctor._memory() == (True, "1.0 GB available")
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda path: type("Usage", (), {"free": 10**8})())
    assert doctor._disk()[0]


# ---- the store of compiled kernels -----------------------------------------------------------------------------------
@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MUSYQ_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("MUSYQ_KERNEL_STORE", "1")
    return tmp_path / "musyq-lab" / "kernels"


def test_the_store_tells_what_it_holds(cache: Path) -> None:
    assert doctor._store() == (False, f"0 compiled loops, 0.0 MB, in {cache}")
    _store.save("ab", _store.Code("entry", "environment", (), b"x" * 1_000_000))
    assert doctor._store() == (False, f"1 compiled loops, 1.0 MB, in {cache}")


def test_a_store_that_others_may_write_is_a_fault(cache: Path) -> None:
    cache.mkdir(parents=True)
    cache.chmod(0o777)
    fault, found = doctor._store()
    assert fault
    assert "may be written by others" in found


def test_a_store_that_is_off_or_out_of_reach_is_told(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor.os, "access", lambda path, mode: False)
    assert doctor._store() == (
        False,
        f"{cache.parent.parent} cannot be written: new kernels are compiled again in every process",
    )
    monkeypatch.setenv("MUSYQ_KERNEL_STORE", "0")
    assert doctor._store() == (False, "MUSYQ_KERNEL_STORE=0: every process compiles its kernels again")


def test_a_file_in_place_of_the_store_is_no_fault(cache: Path) -> None:
    cache.parent.write_text("in the way", encoding="ascii")
    fault, found = doctor._store()
    assert not fault
    assert "again in every process" in found
