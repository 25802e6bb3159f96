"""Metadata against independent readers: pystac and its schemas, DataCite's schema, OWSLib, a YAML reader."""

import json
import re
import socket
from pathlib import Path
from xml.etree import ElementTree

import h5py
import numpy as np
import pytest
import xarray as xr
import yaml
from archive.samples import NAME, SPEC, dataset

from musyq_lab.archive import manifest
from musyq_lab.archive.metadata import iso19115
from musyq_lab.archive.metadata.describe import FORMS, describe
from musyq_lab.archive.metadata.settings import NAME as SETTINGS
from musyq_lab.archive.metadata.settings import settings_of
from musyq_lab.archive.write import write_product
from musyq_lab.core.attributes import DATA_CORE
from musyq_lab.core.errors import ArchiveError, InputError, NotFoundError

COVERAGE = {"time_coverage_start": "2015-01-01T00:00:00Z", "time_coverage_end": "2015-01-06T00:00:00Z"}
PAPER = "https://doi.org/10.1016/j.rse.2008.01.026"
PUBLISHER = {
    "publisher": "Institute of Light & Leaves",
    "publisher_url": "https://example.org",
    "creators": [{"name": "Carberry, Josiah", "orcid": "0000-0002-1825-0097", "affiliation": "Brown"}, "A Group"],
    "contact": "data@example.org",
    "licence": "CC-BY-4.0",
    "licence_url": "https://creativecommons.org/licenses/by/4.0/",
    "landing_page": "https://example.org/demo",
    "access_url": "https://example.org/data/",
    "doi": {"demo": "10.1234/demo"},
    "year": 2025,
}


def write(root: Path, period: str = "2015001", version: str = "v1", **attrs: object) -> Path:
    ds = dataset(4, 6, 2).assign_attrs({**COVERAGE, "references": PAPER, **attrs})
    return write_product(ds, root, spec=SPEC, edition=NAME["edition"], period=period, version=version)


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    def refuse(*_args, **_kwargs):
        raise AssertionError("metadata went to the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.fixture
def product(tmp_path):
    return write(tmp_path)


@pytest.fixture
def known():
    return settings_of(PUBLISHER)


def one(path, form, **settings):
    records = describe(path, form, **settings)
    assert records.failed == {}
    return next(iter(records.texts.values()))


def validate_stac(record):
    """Validate against the schemas of STAC that pystac carries; those of extensions are not on this machine."""
    pystac = pytest.importorskip("pystac")
    made = pystac.read_dict(json.loads(json.dumps(record)))
    made.stac_extensions = []
    made.validate()
    return pystac.read_dict(json.loads(json.dumps(record)))


# STAC


def test_an_item_is_valid_and_says_what_the_file_holds(product, known):
    record = json.loads(one(product, "stac", settings=known))
    item = validate_stac(record)
    assert item.id == product.stem
    assert item.collection_id == "musyq-demo-0p25deg"
    assert item.bbox == [95.0, 49.0, 96.5, 50.0]
    assert item.datetime.isoformat() == "2015-01-01T00:00:00+00:00"
    asset = item.assets["data"]
    assert asset.href == f"https://example.org/data/{product.name}"
    assert asset.extra_fields["file:size"] == product.stat().st_size
    assert asset.extra_fields["file:checksum"] == "1220" + manifest.listed(product)
    bands = {band["name"]: band for band in record["assets"]["data"]["bands"]}
    assert set(bands) == {"flux", "flux_uncertainty", "demo_qa"}
    assert (bands["flux"]["raster:scale"], bands["flux"]["nodata"], bands["flux"]["data_type"]) == (
        0.02,
        -32768,
        "int16",
    )
    assert "nodata" not in bands["demo_qa"]
    properties = record["properties"]
    assert properties["cube:variables"]["flux"]["extent"] == [0.0, 600.0]
    assert properties["cube:variables"]["demo_qa"]["type"] == "auxiliary"
    assert properties["cube:dimensions"]["longitude"]["extent"] == [95.125, 96.375]
    assert properties["sci:doi"] == "10.1234/demo"
    assert properties["license"] == "CC-BY-4.0"
    assert {"rel": "cite-as", "href": "https://doi.org/10.1234/demo"} in record["links"]


def test_the_grid_of_an_item_gives_back_every_cell_centre(product):
    properties = json.loads(one(product, "stac"))["properties"]
    from affine import Affine

    transform, (rows, columns) = Affine(*properties["proj:transform"]), properties["proj:shape"]
    with h5py.File(product) as file:
        for row, latitude in enumerate(file["latitude"][...]):
            assert (transform @ (0.5, row + 0.5))[1] == pytest.approx(latitude, abs=1e-9)
        for column, longitude in enumerate(file["longitude"][...]):
            assert (transform @ (column + 0.5, 0.5))[0] == pytest.approx(longitude, abs=1e-9)
        assert file["flux"].shape[-2:] == (rows, columns)


def test_pystac_reads_the_extensions(product):
    pystac = pytest.importorskip("pystac")
    from pystac.extensions.datacube import DatacubeExtension
    from pystac.extensions.file import FileExtension
    from pystac.extensions.projection import ProjectionExtension

    item = pystac.read_dict(json.loads(one(product, "stac")))
    assert ProjectionExtension.ext(item).epsg == 4326
    assert FileExtension.ext(item.assets["data"]).size == product.stat().st_size
    cube = DatacubeExtension.ext(item)
    assert set(cube.variables) == {"flux", "flux_uncertainty", "demo_qa"}
    assert cube.variables["flux"].dimensions == ["month", "latitude", "longitude"]


def test_a_folder_becomes_a_collection_that_pystac_walks(tmp_path, known):
    pystac = pytest.importorskip("pystac")
    for period in ("2015001", "2015006", "2015011"):
        write(tmp_path, period)
    records = describe(tmp_path, "stac", out=tmp_path, settings=known)
    assert len(records.texts) == 4
    path = tmp_path / "MuSyQ.DEMO.0p25deg.stac.json"
    made = validate_stac(json.loads(path.read_text()))
    assert made.license == "CC-BY-4.0"
    collection = pystac.Collection.from_file(str(path))
    items = list(collection.get_items())
    assert sorted(item.id for item in items) == sorted(p.stem for p in tmp_path.glob("*.h5"))
    assert all(item.get_collection() is not None for item in items)
    assert made.extent.spatial.bboxes == [[95.0, 49.0, 96.5, 50.0]]
    assert [p.roles for p in made.providers] == [["producer"], ["producer"], ["licensor", "host"]]


def test_records_elsewhere_lead_to_the_files(tmp_path):
    (tmp_path / "data").mkdir()
    product = write(tmp_path / "data")
    describe(tmp_path / "data", "stac", out=tmp_path / "records")
    record = json.loads((tmp_path / "records" / f"{product.stem}.stac.json").read_text())
    href = record["assets"]["data"]["href"]
    assert (tmp_path / "records" / href).resolve() == product
    assert json.loads(one(product, "stac"))["assets"]["data"]["href"] == f"./{product.name}"


# DataCite


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("stated", [True, False])
def test_datacite_records_are_valid(product, known, whole, stated):
    schema = pytest.importorskip("datacite.schema45")
    settings = known if stated else settings_of({})
    record = json.loads(one(product.parent if whole else product, "datacite", settings=settings))
    schema.validate(record)
    assert record["formats"] == ["application/x-hdf5"]
    assert record.get("doi") == ("10.1234/demo" if stated else None)
    if stated:
        assert record["publicationYear"] == "2025"
        assert record["creators"][0]["familyName"] == "Carberry"
        assert record["creators"][1] == {"name": "A Group"}
        assert record["rightsList"][0]["rightsIdentifier"] == "cc-by-4.0"
    else:
        assert record["creators"] == [{"name": ":unav"}]
        assert record["publisher"] == {"name": ":unav"}
    related = record["relatedIdentifiers"]
    assert related == [
        {"relatedIdentifier": PAPER[16:], "relatedIdentifierType": "DOI", "relationType": "IsDescribedBy"}
    ]
    assert record["geoLocations"][0]["geoLocationBox"]["northBoundLatitude"] == 50.0


def test_the_year_comes_from_the_settings_else_from_the_record_else_not_at_all(product):
    year = json.loads(manifest.side_file(product, manifest.RUN_SUFFIX).read_text())["ended"][:4]
    assert json.loads(one(product, "datacite"))["publicationYear"] == year
    manifest.side_file(product, manifest.RUN_SUFFIX).unlink()
    with pytest.raises(InputError, match="Set year"):
        describe(product, "datacite")
    assert json.loads(one(product, "datacite", settings=settings_of({"year": 2020})))["publicationYear"] == "2020"


# ISO 19115


def test_owslib_reads_the_xml(product, known):
    owslib = pytest.importorskip("owslib.iso")
    from owslib.etree import etree

    text = one(product, "iso19115", settings=known)
    metadata = owslib.MD_Metadata(etree.fromstring(text.encode()))
    assert metadata.identifier == product.stem
    assert metadata.hierarchy == "dataset"
    assert metadata.referencesystem.code == "4326"
    (found,) = metadata.identification if isinstance(metadata.identification, list) else [metadata.identification]
    assert found.title == "A title of its own, 0p25deg, 2015001"
    box = found.bbox or found.extent.boundingBox
    assert [float(x) for x in (box.minx, box.miny, box.maxx, box.maxy)] == [95.0, 49.0, 96.5, 50.0]
    words = [k.name for group in found.keywords for k in group.keywords]
    assert set(DATA_CORE) <= set(words)
    assert found.otherconstraints[0] == "CC-BY-4.0"
    assert found.temporalextent_start == "2015-01-01T00:00:00Z"
    links = [resource.url for resource in metadata.distribution.online]
    assert links == ["https://example.org/demo", f"https://example.org/data/{product.name}"]
    assert metadata.dataquality.lineage.startswith("musyq-lab ")


ORDER = [
    *("fileIdentifier", "language", "characterSet", "hierarchyLevel", "contact", "dateStamp", "metadataStandardName"),
    *("metadataStandardVersion", "spatialRepresentationInfo", "referenceSystemInfo", "identificationInfo"),
    *("contentInfo", "distributionInfo", "dataQualityInfo"),
]
IDENTIFICATION = [
    *("citation", "abstract", "status", "pointOfContact", "descriptiveKeywords", "resourceConstraints"),
    *("spatialRepresentationType", "spatialResolution", "language", "topicCategory", "extent"),
]


def test_elements_stand_in_the_order_of_the_schema(product):
    root = ElementTree.fromstring(one(product, "iso19115"))
    gmd = f"{{{iso19115.GMD}}}"
    assert [child.tag for child in root] == [gmd + name for name in ORDER]  # gmd/metadataEntity.xsd
    inside = [child.tag for child in root.find(f"{gmd}identificationInfo/{gmd}MD_DataIdentification")]
    assert list(dict.fromkeys(inside)) == [gmd + name for name in IDENTIFICATION]  # gmd/identification.xsd
    for element in root.iter():
        nil = element.get(f"{{{iso19115.GCO}}}nilReason")
        assert nil or list(element) or (element.text or "").strip(), element.tag  # nothing is silently empty


def test_what_xml_cannot_hold_is_replaced(tmp_path):
    product = write(tmp_path, title="a\x01b <&> \ufffe 叶面积")
    root = ElementTree.fromstring(one(product, "iso19115"))
    texts = [element.text for element in root.iter(f"{{{iso19115.GCO}}}CharacterString")]
    assert "a b <&>   叶面积, 0p25deg, 2015001" in texts


# citation and Data-CORE


def test_citations(product, known):
    records = describe(product, "citation", settings=known)
    text, bib, cff = records.texts.values()
    assert (
        text.startswith(
            "Carberry, Josiah; A Group (2025): A title of its own, 0p25deg, 2015001, version v1. "
            "Institute of Light & Leaves [Data set]. https://doi.org/10.1234/demo"
        )
        or "Institute of Light & Leaves" in text.splitlines()[0]
    )
    assert manifest.listed(product) in text
    assert PAPER in text
    assert "Not stated" not in text
    assert re.search(r"author +\= \{Carberry, Josiah and \{A Group\}\},", bib)
    assert r"Light \& Leaves" in bib
    assert bib.count("{") == bib.count("}")
    told = yaml.safe_load(cff)
    assert told["cff-version"] == "1.2.0"
    assert told["authors"][0]["orcid"] == "https://orcid.org/0000-0002-1825-0097"
    assert told["authors"][1] == {"name": "A Group"}
    assert (told["doi"], told["license"], told["type"]) == ("10.1234/demo", "CC-BY-4.0", "dataset")


def test_a_citation_says_what_nobody_stated(product):
    text, bib, cff = describe(product, "citation").texts.values()
    assert "[creator not stated]" in text
    assert "Not stated: creators, publisher, doi. Set them in musyq-publisher.yml." in text
    assert "doi" not in bib
    assert "10.1234" not in cff


def test_tex_and_yaml_survive_any_title(tmp_path):
    product = write(tmp_path, title='50 % "of" {it}: #1 & _x_ \\ ~')
    _, bib, cff = describe(product, "citation").texts.values()
    line = next(line for line in bib.splitlines() if line.startswith("  title"))
    assert r"50 \% " in line
    assert r"\#1 \& \_x\_ \textbackslash{} \textasciitilde{}" in line
    assert yaml.safe_load(cff)["title"].startswith('50 % "of" {it}: #1 & _x_ \\ ~')


def test_datacore_tags_come_from_the_file_alone(tmp_path, known):
    record = json.loads(one(write(tmp_path), "datacore", settings=known))
    assert record["dataCore"] is True
    assert [item["tag"] for item in record["tags"]] == list(DATA_CORE)
    assert record["missing"] == []
    record = json.loads(one(write(tmp_path, "2015006", keywords="forest, geossAttribution"), "datacore"))
    assert (record["dataCore"], record["registration"], record["attribution"]) == (False, False, True)
    assert len(record["missing"]) == 4


# every form


@pytest.mark.parametrize("form", FORMS)
def test_the_same_files_give_the_same_records_anywhere(tmp_path, form, known):
    places = tmp_path / "one", tmp_path / "another place"
    product = write(places[0])
    places[1].mkdir()
    for path in product.parent.iterdir():
        (places[1] / path.name).write_bytes(path.read_bytes())
    first, second = (describe(place, form, settings=known).texts for place in places)
    assert first == second
    assert str(tmp_path) not in "".join(first.values())


@pytest.mark.parametrize("form", FORMS)
def test_bad_files_do_not_cost_the_others(tmp_path, form):
    good, cut, empty = (write(tmp_path, period) for period in ("2015001", "2015006", "2015011"))
    cut.write_bytes(cut.read_bytes()[:2000])
    empty.write_bytes(b"")
    (tmp_path / "theirs.h5").write_bytes(good.read_bytes())
    records = describe(tmp_path, form)
    assert set(records.failed) == {cut.name, empty.name, "theirs.h5"}
    assert good.stem in records.text or "MuSyQ.DEMO.0p25deg" in records.text
    assert all(str(tmp_path) not in why for why in records.failed.values())
    assert "not described" in records._repr_html_()
    for path in (good, cut, empty):
        path.unlink()
    with pytest.raises(NotFoundError, match="no product that could be described"):
        describe(tmp_path, form)


@pytest.mark.parametrize("form", FORMS)
def test_series_of_years_and_versions(tmp_path, form, known):
    write(tmp_path)
    write(tmp_path, "2016001", "v2", time_coverage_start="2016-01-01", time_coverage_end="2016-01-06")
    text = describe(tmp_path, form, settings=known).text
    assert "v2" in text or form == "datacore"
    if form in ("stac", "iso19115"):
        assert "2015-01-01T00:00:00Z" in text
        assert "2016-01-06T00:00:00Z" in text
    if form == "citation":
        assert "2015-2016" in text
    if form == "iso19115":
        assert ">series<" in text


def test_files_of_one_name_in_two_folders_are_not_mixed_up(tmp_path):
    write(tmp_path / "a")
    write(tmp_path / "b")
    records = describe(tmp_path, "stac")
    assert len(records.texts) == 2
    assert list(records.failed) == ["b/MuSyQ.DEMO.0p25deg.global.2015001.v1.h5"]


def test_a_file_without_place_or_period_is_described_all_the_same(tmp_path):
    ds = xr.Dataset(
        {"flux": ("month", np.ones(3), {"units": "W m-2"})}, {"month": [1, 2, 3]}, {"product": "demo", "title": "Table"}
    )
    product = write_product(ds, tmp_path, spec=SPEC, edition="none", period="2011-2015")
    item = json.loads(one(product, "stac"))
    validate_stac(item)
    assert item["geometry"] is None
    assert item["properties"]["start_datetime"] == "2011-01-01T00:00:00Z"
    assert item["properties"]["end_datetime"] == "2015-12-31T23:59:59Z"
    for form in FORMS:
        assert describe(product, form).failed == {}
    timeless = write_product(ds, tmp_path, spec=SPEC, edition="none", period="climatology")
    with pytest.raises(InputError, match="states no time"):
        describe(timeless, "stac")
    assert list(describe(tmp_path, "stac").failed) == [timeless.name]
    for form in FORMS[1:]:
        assert describe(timeless, form).failed == {}


def test_settings_are_found_beside_the_files(tmp_path):
    product = write(tmp_path)
    (tmp_path / SETTINGS).write_text("licence: CC0-1.0\n")
    assert json.loads(one(product, "stac"))["properties"]["license"] == "CC0-1.0"


def test_records_are_written_whole_or_not_at_all(tmp_path):
    product = write(tmp_path)
    paths = describe(product, "citation").write(tmp_path / "new" / "folder")
    assert sorted(p.name for p in (tmp_path / "new" / "folder").iterdir()) == sorted(p.name for p in paths)
    (tmp_path / "taken").write_text("")
    with pytest.raises(ArchiveError, match="in the place of the folder"):
        describe(product, "citation", out=tmp_path / "taken")


def test_what_cannot_be_described_is_told(tmp_path):
    with pytest.raises(InputError, match="Did you mean 'datacite'"):
        describe(tmp_path, "datacit")
    with pytest.raises(NotFoundError, match="no file or folder"):
        describe(tmp_path / "absent", "stac")
    (tmp_path / "mine.h5").write_bytes(b"x")
    with pytest.raises(ArchiveError, match="not an HDF5 file"):
        describe(tmp_path / "mine.h5", "stac")


def test_records_show_themselves(product):
    records = describe(product, "datacore")
    assert repr(records) == records.text
    many = describe(product, "citation")
    assert many.table()[0] == ["record", "size"]
    assert product.stem in repr(many)
    assert "3 records (citation)" in many._repr_html_()
