"""A production of a few files from layers alone, which the tests of the mechanics share."""

import shutil
from contextlib import contextmanager
from dataclasses import replace

import pytest
from production.chain import own_world

from musyq_lab.files.digest import sha256
from musyq_lab.production.chain import record
from musyq_lab.production.chain.produce import produce
from musyq_lab.production.contract import session

PERIODS = "2019-07-01/2019-07-14"


@contextmanager
def surroundings():
    """The algorithms of own_world, registered and taken as checked; the version of the code held still."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MUSYQ_CODE_VERSION", "test")
        patch.setenv("MUSYQ_DISABLE_JIT", "1")
        record.code_version.cache_clear()
        patch.setattr(own_world.PRODUCTS, "_added", {})
        patch.setattr(own_world.RETRIEVALS, "_added", {})
        own_world.register()
        patch.setattr(session, "_passed", dict(own_world.OWN))
        yield own_world
    record.code_version.cache_clear()


@pytest.fixture
def own():
    with surroundings() as world:
        yield world


@pytest.fixture(scope="session")
def weather(tmp_path_factory):
    """Stock of layers for three periods; none of the tests may change it."""
    return own_world.layers(tmp_path_factory.mktemp("weather"), PERIODS)


@pytest.fixture(scope="session")
def unbroken(weather, tmp_path_factory):
    """A production that nothing disturbed; none of the tests may change it."""
    with surroundings() as own:
        return produce(*own.KEYS, period=PERIODS, inputs=weather, out=tmp_path_factory.mktemp("unbroken"), jobs=1)


@pytest.fixture
def made(own, unbroken, tmp_path):
    """A copy of the unbroken production, to be disturbed."""
    shutil.copytree(unbroken.folder, tmp_path / "made")
    return replace(unbroken, folder=tmp_path / "made")


def hashes(folder):
    """Name -> SHA-256 of the product files and checksums below a folder."""
    found = sorted(p for p in folder.rglob("*") if p.suffix in (".h5", ".sha256"))
    return {p.relative_to(folder).as_posix(): sha256(p) for p in found}
