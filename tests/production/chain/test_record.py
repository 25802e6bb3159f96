"""The record inside a file, read by the independent package ``prov``, and the way from a file to its granules."""

import io
import json
from dataclasses import replace

import pytest
from production.chain.test_pool import DAY, TILE, Task

from musyq_lab.archive.lineage import provenance, text_of
from musyq_lab.production.chain import _kept
from musyq_lab.production.chain.record import (
    Origin,
    code_of,
    code_version,
    digest_of,
    options_of,
    origins_of,
    output_of,
    record,
)
from musyq_lab.production.chain.work import _made

TASK = Task(
    "glow.2019182", "product", "retrieve", "glow", "1km", TILE, DAY, "intermediate/MuSyQ.GLOW.1km.here.2019182.v1.h5",
    options=(("method", "fast"), ("gain", 2.0)),
)  # fmt: skip
GRANULE = {"file": "LC08_X", "sensor": "landsat_oli", "time": "2019-07-01T03:00:00Z", "sha256": "c" * 64}
ORIGINS = [
    Origin("scene.nc", "upstream", "b" * 64, GRANULE),
    Origin("a.h5", "air_temperature wind_speed", "a" * 64),
]


def made():
    return record(TASK, ORIGINS, "d" * 64, "1.0+abc")


def test_it_reads_back_what_it_was_told():
    found = json.loads(text_of(made()))
    assert digest_of(found) == "d" * 64
    assert code_of(found) == "1.0+abc"
    assert options_of(found) == {"method": "fast", "gain": "2.0"}
    assert origins_of(found) == sorted(ORIGINS, key=lambda o: o.name)
    named = output_of(found)
    assert named["file"] == "MuSyQ.GLOW.1km.here.2019182.v1.h5"
    assert (named["product"], named["period"], named["tile"]) == ("glow", "2019182", "here")


def test_it_does_not_depend_on_the_order_of_what_was_read():
    assert text_of(made()) == text_of(record(TASK, ORIGINS[::-1], "d" * 64, "1.0+abc"))


def test_it_holds_neither_path_nor_time_nor_host(tmp_path):
    text = text_of(made())
    assert "/" not in text.replace("urn:", "").replace("http://", "")
    assert not {"host", "started", "ended", "seconds"} & set(json.loads(text)["activity"]["musyq:make"])


def test_a_task_that_reads_nothing_has_a_record_too():
    found = record(replace(TASK, options=()), [], "d" * 64, "1.0")
    assert origins_of(found) == []
    assert "used" not in found


@pytest.mark.parametrize("found", [{}, {"activity": {}}, {"activity": {"other": {}}, "agent": {}, "entity": {}}])
def test_records_of_others_say_nothing(found):
    assert (digest_of(found), code_of(found), output_of(found)) == ("", "", {})
    assert (options_of(found), origins_of(found)) == ({}, [])


def test_the_version_of_the_code_can_be_named(monkeypatch):
    monkeypatch.setenv("MUSYQ_CODE_VERSION", "named")
    code_version.cache_clear()
    assert code_version() == "named"
    monkeypatch.delenv("MUSYQ_CODE_VERSION")
    code_version.cache_clear()
    assert code_version() != "named"
    code_version.cache_clear()


class TestIndependentReader:
    @pytest.fixture
    def model(self):
        return pytest.importorskip("prov.model", reason="prov, an independent reader of PROV-JSON, is not installed")

    def parsed(self, model, found):
        return model.ProvDocument.deserialize(io.StringIO(text_of(found)), format="json")

    def test_it_is_prov_json(self, model):
        document = self.parsed(model, made())
        kinds = [type(one).__name__ for one in document.get_records()]
        assert {k: kinds.count(k) for k in sorted(set(kinds))} == {
            "ProvActivity": 1, "ProvAgent": 1, "ProvAssociation": 1, "ProvDerivation": 3, "ProvEntity": 4,
            "ProvGeneration": 1, "ProvUsage": 2,
        }  # fmt: skip

    def test_every_name_is_qualified_and_every_relation_leads_to_something(self, model):
        document = self.parsed(model, made())
        known = {str(one.identifier) for one in document.get_records(model.ProvElement)}
        for relation in document.get_records(model.ProvRelation):
            ends = [str(value) for _, value in relation.formal_attributes if value is not None]
            assert len(ends) >= 2
            assert set(ends) <= known
        agent = next(iter(document.get_records(model.ProvAgent)))
        assert {str(t) for t in agent.get_asserted_types()} == {"prov:SoftwareAgent"}

    def test_it_survives_a_round_through_the_other_package(self, model):
        document = self.parsed(model, made())
        text = document.serialize(format="json")
        assert model.ProvDocument.deserialize(io.StringIO(text), format="json") == document

    def test_the_records_of_a_production(self, model, unbroken):
        for path in unbroken.files:
            document = self.parsed(model, provenance(path))
            assert len(list(document.get_records(model.ProvUsage))) == len(origins_of(provenance(path)))


def test_the_chain_from_a_file_to_what_it_was_made_from(unbroken, weather):
    """Each checksum that a record names is the one of the file it names."""
    from musyq_lab.files.digest import sha256

    sums = {f.name.text: sha256(f.path) for f in weather.layers} | {p.name: sha256(p) for p in unbroken.files}
    for path in unbroken.files:
        origins = origins_of(provenance(path))
        assert {o.name: o.sha256 for o in origins}.items() <= sums.items()
        roles = {o.role for o in origins}
        assert roles == ({"air_temperature wind_speed"} if ".GLOW." in path.name else {"upstream", "wind_speed"})


def test_a_scene_is_followed_to_its_granule(tmp_path):
    from musyq_lab.production.chain.task import Read

    scene = Task("s", "scene", "standardize", "", "1km", TILE, DAY, "s.nc", (Read("granule", "LC08_X", "/x/LC08_X"),))
    kept = _kept.Record("d" * 64, "c" * 64, reason="cut off", granule="LC08_X", sensor="landsat_oli", time="T")
    _kept.note(tmp_path / "s.nc", kept)
    origin = _made(scene, tmp_path)
    assert origin.granule == {
        "file": "LC08_X", "sensor": "landsat_oli", "time": "T", "sha256": "c" * 64, "aside": "cut off",
    }  # fmt: skip
    assert origin.sha256 == f"{'d' * 64} aside: cut off"
