"""200 hostile names at every place that takes one: products, recipes, shipped files, results, downloads, addresses."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import fsspec
import pytest
from faults.hostile_names import GOOD, names

from musyq_lab.archive.naming import FileName, parse
from musyq_lab.archive.open import open_product
from musyq_lab.catalog.open import open_catalog
from musyq_lab.core.errors import InputError, MusyqError, NotFoundError
from musyq_lab.core.resources import resource
from musyq_lab.files.paths import inside, stays
from musyq_lab.files.remote import RemotePath
from musyq_lab.production import staging
from musyq_lab.production.recipes import RECIPES

NAMES = names()
LINKS = ("link/secret.txt", "file.txt", "beside/secret.txt", "round", "round/x", "link/a/b")


@pytest.fixture
def ground(tmp_path):
    """A folder of ours beside others, one with the same beginning of its name, and links that lead out."""
    for name in ("root", "root-private", "away"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "secret.txt").write_text(name)
    root = tmp_path / "root"
    (root / "link").symlink_to(tmp_path / "away")
    (root / "file.txt").symlink_to(tmp_path / "away" / "secret.txt")
    (root / "beside").symlink_to(tmp_path / "root-private")
    (root / "round").symlink_to(root / "round")
    (root / "within").symlink_to(root)
    return root


def everything(folder: Path) -> dict[str, bytes | str]:
    """What lies below a folder, links not followed."""
    return {
        str(path.relative_to(folder)): str(path.readlink()) if path.is_symlink() else path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_symlink() or path.is_file()
    }


def accepted(call: Callable[[str], object], *errors: type[Exception]) -> list[str]:
    """The names that a call takes without one of the errors."""
    taken = []
    for name in NAMES:
        try:
            call(name)
        except errors:
            continue
        taken.append(name)
    return taken


def test_there_are_200_and_always_the_same():
    assert len(set(NAMES)) >= 200
    assert names() == NAMES
    assert names(400)[: len(NAMES)] == NAMES
    assert len(names(400)) == 400


def test_none_leads_out(ground):
    assert accepted(lambda name: inside(ground, name), InputError) == []


def test_the_message_itself_is_plain(ground):
    for name in NAMES:
        with pytest.raises(InputError) as told:
            inside(ground, name)
        assert str(told.value).isprintable()
        assert len(str(told.value)) < 700


@pytest.mark.parametrize("name", LINKS)
def test_no_link_leads_out(ground, name):
    assert not stays(ground, name)
    with pytest.raises(InputError, match="leads out of"):
        inside(ground, name)


@pytest.mark.parametrize("name", GOOD)
def test_plain_names_pass(ground, name):
    assert inside(ground, name) == ground / name
    assert inside(str(ground), name) == ground / name
    assert inside(ground / "not" / "there", name).name == Path(name).name
    assert inside("relative", name) == Path("relative") / name


def test_links_within_pass(ground):
    assert inside(ground, "within/secret.txt").read_text() == "root"


@pytest.mark.parametrize("name", [None, 3, b"x", Path("x"), ["x"]])
def test_what_is_no_text_is_refused(ground, name):
    assert not stays(ground, name)
    with pytest.raises(InputError, match="must be a text"):
        inside(ground, name)


def test_what_stays_is_below_the_folder(ground):
    """The looser question, for names that need not be pretty, by an independent reckoning."""
    kept = [name for name in NAMES if stays(ground, name)]
    assert 50 < len(kept) < len(NAMES)
    for name in kept:
        assert ".." not in name.split("/")
        assert not name.startswith("/")
        assert os.path.normpath(ground / name).startswith(f"{ground}/")


def test_products_have_no_such_names():
    assert [name for name in NAMES if parse(name)] == []
    # A word like COM1 is a period as any other: the file's name begins with MuSyQ.
    words = {name for name in NAMES if name.isascii() and name.isalnum() and len(name) <= 64}
    assert {name for name in NAMES if parse(f"MuSyQ.LAI.1km.global.{name}.v1.h5")} == words
    fields = {"product": "lai", "edition": "1km", "tile": "global", "period": "2015001", "version": "v1"}
    for field in fields:
        taken = accepted(lambda name, field=field: FileName(**{**fields, field: name}), InputError)
        assert set(taken) <= words


def test_recipes_have_no_such_names():
    assert [name for name in NAMES if name in RECIPES] == []
    assert accepted(lambda name: RECIPES[name], NotFoundError) == []


@pytest.mark.parametrize("form", ["{}", "catalogs/{}", "recipes/{}.yml"])
def test_shipped_files_are_those_that_ship(form):
    shipped = [resource(folder).resolve() for folder in ("catalogs", "recipes", "notebooks")]
    for name in NAMES:
        try:
            path = resource(form.format(name)).resolve()
        except (NotFoundError, OSError, ValueError):
            continue
        assert any(path.is_relative_to(folder) for folder in shipped), name


def test_of_a_folder_and_a_catalog_nothing_else_is_opened(ground):
    samples = open_catalog("samples")
    assert accepted(lambda name: open_product(ground, name), MusyqError) == []
    assert accepted(lambda name: samples[name], NotFoundError) == []


def test_at_an_address_none_leads_out():
    root = RemotePath("http://h/folder")
    for name in accepted(lambda name: root / name, InputError):
        url = (root / name).url
        assert url.startswith("http://h/folder/")
        assert ".." not in url.removeprefix("http://h/folder/").split("/")
        assert url.isascii()


def test_a_listing_at_an_address_leads_nowhere_else():
    fs = fsspec.filesystem("memory")
    for name in ("MuSyQ.LAI.1km.global.2015001.v1.h5", "..%2f..%2fx.h5", "-rf.h5"):
        fs.pipe(f"/listing/{name}", b"x")
    found = [path.name for path in RemotePath("memory://listing").glob("*.h5")]
    assert found == ["-rf.h5", "MuSyQ.LAI.1km.global.2015001.v1.h5"]
    fs.rm("/listing", recursive=True)


@pytest.mark.parametrize("mark", ["provenance", "moves"])
def test_a_record_that_names_other_peoples_files_moves_none(ground, mark):
    """A result folder from elsewhere, with a planted record, into which a recipe is run."""
    victims = ["../away/secret.txt", "../root-private/secret.txt", "link/secret.txt"]
    victims += [str(ground.parent / "away/secret.txt"), *NAMES]
    if mark == "provenance":
        entities = {str(n): {"musyq:file": name, "musyq:role": "output"} for n, name in enumerate(victims)}
        entities |= {"odd": {"musyq:file": 3, "musyq:role": "output"}}
        (ground / staging.RECORD).write_text(json.dumps({"entity": entities}))
    else:
        partial = ground / f"{staging._PARTIAL}planted"
        (partial / staging._ASIDE).mkdir(parents=True)
        (partial / staging._MOVES).write_text(json.dumps({"old": victims, "new": victims}))
    before = everything(ground.parent)
    with staging.result_folder(ground) as folder:
        (folder / "new.txt").write_text("made")
        record = {"entity": {"1": {"musyq:file": "new.txt", "musyq:role": "output"}}}
        (folder / staging.RECORD).write_text(json.dumps(record))
        staging.publish(ground, folder, [staging.RECORD, "new.txt"])
    after = everything(ground.parent)
    for name, content in before.items():
        if not name.startswith(("root/.", "root/provenance.json")):
            assert after.get(name) == content, name
    assert after["root/new.txt"] == b"made"
