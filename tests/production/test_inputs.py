"""What a run reads: hashed before it starts, own files by name alone, damage refused; and where shipped files lie."""

import dataclasses
import hashlib
import os
from pathlib import Path

import pytest

from musyq_lab.core.errors import ArchiveError, NotFoundError
from musyq_lab.core.resources import resource
from musyq_lab.files.digest import sha256
from musyq_lab.production import sources as places
from musyq_lab.production.inputs import UsedFile, input_entity, used_file, used_files
from musyq_lab.production.parameters import Parameter
from musyq_lab.production.recipes import Recipe, RecipeInput
from musyq_lab.production.sources import damage, locate, sources, verify

REGIONS = "catalogs/regions.yml"
TURBIDITY = "pvlib:data/LinkeTurbidities.h5"


@pytest.fixture
def own(tmp_path: Path) -> Path:
    path = tmp_path / "secret folder" / "mine.nc"
    path.parent.mkdir()
    path.write_bytes(b"12345")
    return path


def values(recipe: Recipe, **given: object) -> dict[str, object]:
    return {p.name: p.default for p in recipe.parameters} | given


def test_an_own_file_is_hashed_and_known_by_its_name_alone(own: Path) -> None:
    item = used_file(RecipeInput("ghi", title="Radiation"), str(own))
    entity = input_entity(item)
    assert entity == {
        "musyq:role": "input",
        "musyq:name": "ghi",
        "musyq:file": "mine.nc",
        "musyq:bytes": 5,
        "musyq:sha256": hashlib.sha256(b"12345").hexdigest(),
        "musyq:title": "Radiation (own file mine.nc)",
    }
    assert "secret folder" not in repr(entity)


def test_an_own_file_without_a_title_is_called_own(own: Path) -> None:
    assert used_file(RecipeInput("ghi"), str(own)).title == "Own file mine.nc"


def test_terms_of_the_shipped_file_are_not_those_of_an_own_one(own: Path) -> None:
    item = RecipeInput("regions", REGIONS, licence="CC0", citation="Somebody")
    found = used_file(item, str(own))
    assert (found.licence, found.citation, found.shipped) == ("", "", "")


def test_a_shipped_file_brings_its_terms() -> None:
    name = next(n for n, e in sources().items() if e.get("licence") and e.get("references"))
    found = used_file(RecipeInput("x", name), None)
    assert found.licence == sources()[name]["licence"]
    assert found.citation == "; ".join(sources()[name]["references"])
    assert found.shipped == input_entity(found)["musyq:file"] == name
    assert found.sha256 == sha256(resource(name))


def test_the_recipe_may_say_the_terms_itself() -> None:
    found = used_file(RecipeInput("t", TURBIDITY, title="T", licence="L", citation="C"), None)
    assert (found.title, found.licence, found.citation, found.shipped) == ("T", "L", "C", TURBIDITY)


def test_a_file_of_another_package_without_terms_has_none() -> None:
    entity = input_entity(used_file(RecipeInput("t", TURBIDITY), None))
    assert not {"musyq:title", "musyq:licence", "musyq:citation"} & set(entity)


@pytest.mark.parametrize("change", ["longer", "touched", "gone", "none"])
def test_a_change_during_the_run_is_seen(own: Path, change: str) -> None:
    item = used_file(RecipeInput("x"), str(own))
    if change == "longer":
        own.write_bytes(b"123456")
    elif change == "touched":
        status = own.stat()
        os.utime(own, ns=(status.st_atime_ns, status.st_mtime_ns + 1_000_000_000))
    elif change == "gone":
        own.unlink()
    assert item.changed is (change != "none")


def test_a_used_file_is_frozen(own: Path) -> None:
    item = used_file(RecipeInput("x"), str(own))
    with pytest.raises(dataclasses.FrozenInstanceError):
        item.name = "y"  # type: ignore[misc]


def test_an_empty_file_counts_no_bytes_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "empty.csv").touch()
    entity = input_entity(used_file(RecipeInput("x"), str(tmp_path / "empty.csv")))
    assert entity["musyq:bytes"] == 0
    assert entity["musyq:sha256"] == hashlib.sha256().hexdigest()


def test_the_shipped_file_is_read_unless_one_is_given(tiny: Recipe, own: Path) -> None:
    (shipped,) = used_files(tiny, values(tiny))
    assert (shipped.name, shipped.shipped) == ("regions", REGIONS)
    (mine,) = used_files(tiny, values(tiny, data=str(own)))
    assert (mine.name, mine.path, mine.shipped) == ("regions", own, "")


def test_a_path_that_no_input_declares_is_an_input_too(tiny: Recipe, own: Path) -> None:
    extra = Parameter("mask", "path", None, "A mask", nullable=True)
    more = dataclasses.replace(tiny, parameters=(*tiny.parameters, extra))
    assert [f.name for f in used_files(more, values(more))] == ["regions"]
    found = used_files(more, values(more, mask=str(own)))
    assert [f.name for f in found] == ["regions", "mask"]
    assert found[1].title == "A mask (own file mine.nc)"


def test_an_input_without_a_file_is_read_only_where_one_is_given(tiny: Recipe, own: Path) -> None:
    bare = dataclasses.replace(tiny, inputs=(RecipeInput("site", parameter="data", title="Site"),))
    assert used_files(bare, values(bare)) == ()
    (item,) = used_files(bare, values(bare, data=str(own)))
    assert item.title == "Site (own file mine.nc)"


def test_a_damaged_shipped_file_is_refused_before_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = {**sources()[REGIONS], "sha256": "0" * 64}
    monkeypatch.setattr(places, "sources", lambda: {REGIONS: entry})
    with pytest.raises(ArchiveError, match="differs from the file that was shipped"):
        used_file(RecipeInput("x", REGIONS), None)
    assert isinstance(used_file(RecipeInput("x", REGIONS), None, check=False), UsedFile)


@pytest.mark.parametrize("size", [0, 1, 65_536, 1_000_003])
def test_the_hash_is_that_of_all_bytes(tmp_path: Path, size: int) -> None:
    content = bytes(k % 251 for k in range(size))
    (tmp_path / "x").write_bytes(content)
    assert sha256(tmp_path / "x") == hashlib.sha256(content).hexdigest()


def test_files_of_the_package_and_of_another_are_located() -> None:
    assert locate(REGIONS) == resource(REGIONS)
    path = locate(TURBIDITY)
    assert path.is_file()
    assert path.parts[-3:] == ("pvlib", "data", "LinkeTurbidities.h5")


@pytest.mark.parametrize(
    "name",
    [
        "pvlib:data/none.h5",
        "pvlib:",
        "pvlib:data",
        "no_such_package_at_all:x",
        "not-an-identifier:x",
        "../etc:passwd",
        ":x",
        "a.b:c",
    ],
)
def test_what_no_package_has_is_told_with_what_to_do(name: str) -> None:
    with pytest.raises(NotFoundError, match="has no file") as told:
        locate(name)
    assert "pip install" in str(told.value)


@pytest.mark.parametrize("name", ["catalogs/none.yml", "none"])
def test_a_shipped_file_that_is_not_there_is_told(name: str) -> None:
    with pytest.raises(NotFoundError):
        locate(name)


def test_every_source_has_a_digest_and_lies_inside_the_catalogs() -> None:
    for name, entry in sources().items():
        assert name.startswith("catalogs/"), name
        assert ".." not in name
        assert len(entry["sha256"]) == 64
        assert int(entry["sha256"], 16) >= 0


def one(monkeypatch: pytest.MonkeyPatch, **entry: object) -> None:
    monkeypatch.setattr(places, "sources", lambda: {REGIONS: entry, "catalogs/gone.nc": entry})


def test_damage_is_told_by_its_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    size, digest = resource(REGIONS).stat().st_size, sha256(resource(REGIONS))
    one(monkeypatch, bytes=size, sha256=digest)
    assert damage(REGIONS) == ""
    assert damage("catalogs/gone.nc") == "catalogs/gone.nc is missing"
    one(monkeypatch, bytes=size + 1, sha256=digest)
    assert damage(REGIONS) == f"{REGIONS} has {size} bytes instead of {size + 1}"
    one(monkeypatch, bytes=size, sha256=digest[::-1])
    assert "sha256" in damage(REGIONS)


@pytest.mark.parametrize("entry", [{}, {"bytes": None}])
def test_a_size_that_nobody_stated_is_no_damage(monkeypatch: pytest.MonkeyPatch, entry: dict[str, object]) -> None:
    one(monkeypatch, sha256=sha256(resource(REGIONS)), **entry)
    assert damage(REGIONS) == ""


def test_verify_refuses_damage_and_lets_unlisted_files_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    one(monkeypatch, bytes=1, sha256="")
    with pytest.raises(ArchiveError, match="Reinstall"):
        verify(REGIONS)
    with pytest.raises(ArchiveError, match="missing"):
        verify("catalogs/gone.nc")
    verify("catalogs/never_listed.nc")
    verify(TURBIDITY)
