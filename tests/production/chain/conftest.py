"""A production of a few files from layers alone, which the tests of the mechanics share."""

import pytest

from musyq_lab.files.digest import sha256
from musyq_lab.production.chain import record
from musyq_lab.production.contract import session
from production.chain import own_world

PERIODS = "2019-07-01/2019-07-14"


@pytest.fixture
def own(monkeypatch):
    """The algorithms of own_world, registered and taken as checked; the version of the code held still."""
    monkeypatch.setenv("MUSYQ_CODE_VERSION", "test")
    monkeypatch.setenv("MUSYQ_DISABLE_JIT", "1")
    record.code_version.cache_clear()
    monkeypatch.setattr(own_world.PRODUCTS, "_added", {})
    monkeypatch.setattr(own_world.RETRIEVALS, "_added", {})
    own_world.register()
    monkeypatch.setattr(session, "_passed", dict(own_world.OWN))
    yield own_world
    record.code_version.cache_clear()


@pytest.fixture(scope="session")
def weather(tmp_path_factory):
    """Stock of layers for three periods; none of the tests may change it."""
    return own_world.layers(tmp_path_factory.mktemp("weather"), PERIODS)


@pytest.fixture
def made(own, weather, tmp_path):
    """An unbroken production: folder and result."""
    from musyq_lab.production.chain.produce import produce

    return produce(*own.KEYS, period=PERIODS, inputs=weather, out=tmp_path / "made", jobs=1)


def hashes(folder):
    """Name -> SHA-256 of the product files and checksums below a folder."""
    found = sorted(p for p in folder.rglob("*") if p.suffix in (".h5", ".sha256"))
    return {p.relative_to(folder).as_posix(): sha256(p) for p in found}
