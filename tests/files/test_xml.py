"""Metadata in XML: read as it stands, and nothing that reaches out of the file or fills the memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from musyq_lab.core.errors import NotFoundError, SceneError
from musyq_lab.files import xml
from musyq_lab.files.xml import read_xml

GOOD = b'<?xml version="1.0" encoding="UTF-8"?><a xmlns:n="urn:x"><n:b id="1">2.5</n:b><c/></a>'


def test_reads_a_file_and_its_bytes_alike(tmp_path: Path) -> None:
    path = tmp_path / "MTD.xml"
    path.write_bytes(GOOD)
    for root in (read_xml(path), read_xml(str(path)), read_xml(GOOD)):
        assert root.tag == "a"
        assert [child.tag for child in root] == ["{urn:x}b", "c"]
        assert float(root[0].text or "") == 2.5
        assert root[0].attrib == {"id": "1"}


def test_reads_the_encoding_that_is_declared() -> None:
    text = '<?xml version="1.0" encoding="ISO-8859-1"?><a>21 °C</a>'
    assert read_xml(text.encode("latin-1")).text == "21 °C"
    assert read_xml("<a>卫星</a>".encode()).text == "卫星"
    assert read_xml('<?xml version="1.0" encoding="UTF-16"?><a>é</a>'.encode("utf-16")).text == "é"


@pytest.mark.parametrize(
    "text",
    [
        b'<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/hostname">]><a>&e;</a>',
        b'<!DOCTYPE a [<!ENTITY x "xxxxxxxx"><!ENTITY y "&x;&x;&x;&x;">]><a>&y;</a>',
        b'<!DOCTYPE a SYSTEM "http://127.0.0.1/a.dtd"><a/>',
        '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>'.encode("utf-16"),
    ],
)
def test_a_document_type_is_refused_before_it_is_read(text: bytes, tmp_path: Path) -> None:
    path = tmp_path / "evil.xml"
    path.write_bytes(text)
    with pytest.raises(SceneError, match=r"evil\.xml is refused because it declares a document type"):
        read_xml(path)


@pytest.mark.parametrize("text", [b"", b"\0\0\0", b" \r\n"])
def test_nothing_in_it(text: bytes) -> None:
    with pytest.raises(SceneError, match="scene metadata is empty"):
        read_xml(text, "scene metadata")


@pytest.mark.parametrize(
    "text",
    [
        GOOD[:-5],
        b"GROUP = L1_METADATA_FILE",
        b"<a>&undeclared;</a>",
        b'<?xml version="1.0" encoding="none-such"?><a/>',
        b"\x89HDF\r\n\x1a\n",
        GOOD + b"<b/>",
        b"<a>\xff\xfe</a>",
    ],
)
def test_what_is_no_xml(text: bytes, tmp_path: Path) -> None:
    path = tmp_path / "broken.xml"
    path.write_bytes(text)
    with pytest.raises(SceneError, match=r"broken\.xml is no well-formed XML .* fetch it again"):
        read_xml(path)


def test_size_is_bounded_before_anything_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "large.xml"
    with path.open("wb") as file:
        file.truncate(xml.MAX_BYTES + 1)
    monkeypatch.setattr(Path, "read_bytes", lambda _: pytest.fail("it was read"))
    with pytest.raises(SceneError, match=r"large\.xml is refused: 64 MB"):
        read_xml(path)
    with pytest.raises(SceneError, match="is refused: 64 MB"):
        read_xml(b"<" * (xml.MAX_BYTES + 1))


def test_number_of_elements_is_bounded() -> None:
    with pytest.raises(SceneError, match="more than 2000000 elements"):
        read_xml(b"<a>" + b"<b/>" * xml.MAX_MARKUP + b"</a>")


def test_a_file_that_is_not_there_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"There is no file .*none\.xml"):
        read_xml(tmp_path / "none.xml")
    with pytest.raises(SceneError, match="cannot be read"):
        read_xml(tmp_path)
