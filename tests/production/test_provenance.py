import hashlib
import json
import shutil
from pathlib import Path

import pytest

from musyq_lab.core.errors import ArchiveError, NotFoundError
from musyq_lab.files.digest import sha256
from musyq_lab.production import sources as sources_module
from musyq_lab.production.citation import citation, cite_folder
from musyq_lab.production.inputs import used_files
from musyq_lab.production.provenance import git_commit, record, show
from musyq_lab.production.recipes import Recipe
from musyq_lab.production.run import RecipeResult, run_recipe
from musyq_lab.production.sources import damage, locate, sources, verify

DEFAULTS = {
    "language": "en",
    "count": 3,
    "factor": 1.5,
    "strict": True,
    "label": None,
    "data": None,
    "tags": ["a", "b"],
    "region": "all",
    "fault": "none",
}


def test_two_runs_give_the_same_bytes_but_for_the_run_part(
    tiny: Recipe, finished: RecipeResult, tmp_path: Path
) -> None:
    again = run_recipe(tiny, out=tmp_path / "elsewhere" / "other", progress=False)
    assert again.files == finished.files
    different = [n for n in again.files if (again.folder / n).read_bytes() != (finished.folder / n).read_bytes()]
    assert different == ["run.json"]


def test_every_output_is_listed_with_its_own_hash(finished: RecipeResult) -> None:
    outputs = {e["musyq:file"]: e for e in finished.provenance.entities("output")}
    assert set(outputs) == set(finished.files) - {"provenance.json"}
    for name, entity in outputs.items():
        if name != "run.json":
            data = (finished.folder / name).read_bytes()
            assert entity["musyq:sha256"] == hashlib.sha256(data).hexdigest()
            assert entity["musyq:bytes"] == len(data)


def test_the_record_is_closed_prov_json(finished: RecipeResult) -> None:
    content = finished.provenance.content
    known = set(content["entity"]) | set(content["activity"]) | set(content["agent"])
    relations = [r for kind in ("used", "wasGeneratedBy", "wasAssociatedWith") for r in content[kind].values()]
    assert all(target in known for relation in relations for target in relation.values())
    assert {r["prov:entity"] for r in content["wasGeneratedBy"].values()} == {
        key for key, e in content["entity"].items() if e["musyq:role"] == "output"
    }


def test_nothing_of_machine_or_person_is_in_the_record(finished: RecipeResult) -> None:
    import getpass
    import socket

    text = (finished.folder / "provenance.json").read_text(encoding="utf-8")
    values = json.dumps(list(json.loads(text)["entity"].values()) + list(json.loads(text)["activity"].values()))
    assert str(finished.folder.parent) not in text
    assert str(Path.home()) + "/" not in text
    assert socket.gethostname() not in values
    assert f'"{getpass.getuser()}"' not in values


def test_the_recipe_and_the_shipped_input_are_identified(tiny: Recipe, finished: RecipeResult) -> None:
    entity = finished.provenance.content["entity"]
    assert entity["musyq:recipe"]["musyq:sha256"] == sha256(tiny.notebook)
    assert entity["musyq:recipe"]["musyq:description_sha256"] == sha256(tiny.description)
    regions = entity["musyq:input.regions"]
    assert regions["musyq:file"] == "catalogs/regions.yml"
    assert regions["musyq:sha256"] == hashlib.sha256(locate("catalogs/regions.yml").read_bytes()).hexdigest()
    assert "M49" in regions["musyq:licence"] + regions["musyq:citation"]


def test_an_own_file_replaces_the_shipped_one_by_name_only(tiny: Recipe, tmp_path: Path) -> None:
    own = tmp_path / "my data.nc"
    own.write_bytes(b"abc")
    values = {**DEFAULTS, "data": str(own)}
    content = record(tiny, values, used_files(tiny, values))
    entity = content["entity"]["musyq:input.regions"]
    assert entity["musyq:file"] == "my data.nc"
    assert entity["musyq:sha256"] == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-4
    assert content["activity"]["musyq:run"]["musyq:parameter.data"] == "my data.nc"
    assert str(tmp_path) not in json.dumps(content)


def test_a_change_of_an_input_is_seen(tiny: Recipe, tmp_path: Path) -> None:
    own = tmp_path / "own.nc"
    own.write_bytes(b"abc")
    (used,) = used_files(tiny, {**DEFAULTS, "data": str(own)})
    assert not used.changed
    own.write_bytes(b"abcd")
    assert used.changed
    own.unlink()
    assert used.changed


def test_a_damaged_shipped_file_is_refused(tiny: Recipe, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken = tmp_path / "regions.yml"
    data = bytearray(locate("catalogs/regions.yml").read_bytes())
    data[100] ^= 1
    broken.write_bytes(data)
    monkeypatch.setattr(sources_module, "resource", lambda name: broken)
    assert "differs" in damage("catalogs/regions.yml")
    with pytest.raises(ArchiveError, match="Reinstall"):
        verify("catalogs/regions.yml")
    broken.write_bytes(data[:-1])
    assert "bytes instead of" in damage("catalogs/regions.yml")


def test_shipped_files_are_whole_and_named_from_the_top() -> None:
    assert len(sources()) > 5
    assert [fault for name in sources() if (fault := damage(name))] == []
    assert "catalogs/samples/ghi_merra2_monthly.nc" in sources()
    verify("README.md")  # not a sample: nothing to compare with


def test_files_inside_packages_are_found_without_importing_them() -> None:
    assert locate("yaml:loader.py").name == "loader.py"
    for name in ("yaml:absent.h5", "no_such_package:x", "../x:y"):
        with pytest.raises(NotFoundError, match="has no file"):
            locate(name)


def test_the_block_for_people(finished: RecipeResult, tmp_path: Path) -> None:
    shown = show(finished.folder)
    assert "Where the numbers come from" in shown._repr_html_()  # type: ignore[union-attr]
    assert "count = 3" in str(shown)
    markdown = shown._repr_markdown_().splitlines()  # type: ignore[union-attr]
    assert {line.replace("\\|", "").count("|") for line in markdown} == {5}
    assert "run by hand" in str(show(tmp_path))


def test_the_notebook_shows_the_block(finished: RecipeResult) -> None:
    last = json.loads(finished.notebook.read_text(encoding="utf-8"))["cells"][-1]
    page = "".join(last["outputs"][0]["data"]["text/html"])
    assert "Regions" in page
    assert "musyq-lab" in page


def test_citations(tiny: Recipe, finished: RecipeResult, tmp_path: Path) -> None:
    text = citation(tiny)
    assert "doi:10.1000/182" in text
    assert "Regions" in text
    assert cite_folder(finished.folder / "figures") == finished.citation == text
    assert cite_folder(finished.folder / "figures" / "square.svg") == text
    with pytest.raises(NotFoundError, match=r"citation\.txt"):
        cite_folder(tmp_path)


def test_the_commit_is_told_only_in_a_tree(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from musyq_lab.production import provenance

    monkeypatch.setattr(provenance, "_TREE", tmp_path)
    assert git_commit() == ""
    (tmp_path / ".git").mkdir()  # a broken tree must not break a run
    assert git_commit() == ""


def test_a_lost_record_is_told(finished: RecipeResult, tmp_path: Path) -> None:
    from dataclasses import replace

    from musyq_lab.core.errors import RecipeError

    shutil.copytree(finished.folder, tmp_path / "copy")
    (tmp_path / "copy" / "provenance.json").unlink()
    with pytest.raises(RecipeError, match="Run the recipe again"):
        _ = replace(finished, folder=tmp_path / "copy").provenance
