"""XML metadata of a granule, read so that a hostile file cannot reach out of itself or fill the memory.

No document type and so no entity (internal "bombs", external files) is accepted; size and number of elements are
bounded before a tree is built.
"""

from __future__ import annotations

from pathlib import Path
from xml.etree.ElementTree import Element, ParseError, fromstring
from xml.parsers.expat import ExpatError, ParserCreate

from musyq_lab.core.errors import NotFoundError, SceneError

MAX_BYTES = 64 * 2**20
"""Largest file that is read (the largest of the programme, a Sentinel-2 datastrip, has 13 MB)."""

MAX_MARKUP = 2_000_000
"""Most elements and attributes together, counted by their ``<`` and ``=`` (about 100 bytes of memory each)."""


def read_xml(source: str | Path | bytes, name: str = "") -> Element:
    """Return the root element of an XML document.

    Parameters
    ----------
    source : str, pathlib.Path or bytes
        The file, or its bytes.
    name : str, optional
        What to call it in messages where bytes are given.

    Raises
    ------
    NotFoundError
        If there is no such file.
    SceneError
        If it is empty, too large, no well-formed XML, or declares a document type.
    """
    data, label = (source, name or "The XML text") if isinstance(source, bytes) else (_read(Path(source)), str(source))
    if not data.strip(b"\0 \t\r\n"):
        raise SceneError(f"{label} is empty (nothing but blanks). Fetch it again.")
    if len(data) > MAX_BYTES:
        raise SceneError(_too_large(label, len(data)))
    if data.count(b"<") + data.count(b"=") > MAX_MARKUP:
        raise SceneError(f"{label} is refused: it holds more than {MAX_MARKUP} elements and attributes.")
    try:
        _refuse_document_type(data, label)
        return fromstring(data)
    except (ExpatError, ParseError, ValueError, LookupError) as error:
        raise SceneError(
            f"{label} is no well-formed XML ({error}). It is cut short or damaged: fetch it again."
        ) from error


def _read(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise SceneError(_too_large(str(path), size))
        return path.read_bytes()
    except FileNotFoundError:
        raise NotFoundError(f"There is no file {path}.") from None
    except OSError as error:
        if isinstance(error, SceneError):
            raise
        raise SceneError(f"{path} cannot be read: {error.strerror or error}.") from error


def _too_large(label: str, size: int) -> str:
    return f"{label} is refused: {size / 2**20:.0f} MB of XML are more than {MAX_BYTES // 2**20} MB. Is it metadata?"


def _refuse_document_type(data: bytes, label: str) -> None:
    """Parse once without building anything: an entity can only be declared in a document type."""

    def refuse(*_: object) -> None:
        raise SceneError(
            f"{label} is refused because it declares a document type (DOCTYPE), by which XML can reach other files. No "
            "producer's metadata do: fetch it again."
        )

    parser = ParserCreate()
    parser.StartDoctypeDeclHandler = refuse
    parser.Parse(data, True)
