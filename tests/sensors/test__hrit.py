"""HRIT by its bytes: header records written here as CGMS 03, section 4, has them."""

import pickle
import struct

import numpy as np
import pytest

from musyq_lab.core.errors import MusyqError, SceneError
from musyq_lab.sensors._hrit import HritLayer, HritLines, read_bytes, read_hrit, text
from musyq_lab.sensors._msg import unpack10

COUNTS = np.arange(32).reshape(4, 8) * 31 % 1024


def packed(counts, bits):
    """Return counts as a stream of bits, the highest first."""
    return np.packbits(
        [[int(b) for b in f"{int(c):0{bits}b}"] for c in np.ravel(counts)], axis=None, bitorder="big"
    ).tobytes()


def hrit(path, counts=COUNTS, *, bits=10, compression=0, records=(), keep=None):
    lines, columns = counts.shape
    every = [(1, struct.pack(">BHHB", bits, columns, lines, compression)), *records]
    headers = b"".join(struct.pack(">BH", kind, len(value) + 3) + value for kind, value in every)
    data = packed(counts, bits)
    primary = struct.pack(">BHBIQ", 0, 16, 0, 16 + len(headers), 8 * len(data))
    path.write_bytes((primary + headers + data)[:keep])
    return path


def test_four_counts_of_ten_bits_lie_in_five_bytes():
    raw = np.frombuffer(bytes([0b11111111, 0b11000000, 0b00000000, 0b01000000, 0b00000010]), "u1")
    np.testing.assert_array_equal(unpack10(raw), [1023, 0, 16, 2])
    values = np.random.default_rng(1).integers(0, 1024, (3, 12))
    np.testing.assert_array_equal(unpack10(np.frombuffer(packed(values, 10), "u1").reshape(3, 15)), values)


def test_header_records_are_a_chain(tmp_path):
    """Record 0 has 16 bytes: type 0, length 16, file type, length of all headers, length of the data in bits."""
    file = read_hrit(hrit(tmp_path / "a", records=[(4, b"NAME\0\0"), (5, bytes(7)), (4, b"AGAIN")]))
    assert file.header == 16 + (3 + 6) + (3 + 6) + (3 + 7) + (3 + 5)
    assert text(file.records[4]) == "NAME"
    assert sorted(file.records) == [0, 1, 4, 5]
    assert file.structure() == (10, 8, 4)


@pytest.mark.parametrize("bits", [8, 10, 16])
def test_counts_of_any_depth_come_back(tmp_path, bits):
    counts = COUNTS % 2 ** min(bits, 10)
    file = read_hrit(hrit(tmp_path / "a", counts, bits=bits))
    lines = HritLines((str(file.path),), (file.header,), (0,), 4, 8, bits)
    np.testing.assert_array_equal(lines.read(0, 4), counts)
    np.testing.assert_array_equal(lines.read(1, 2), counts[1:3])


def test_lines_come_from_their_segments(tmp_path):
    files = [read_hrit(hrit(tmp_path / str(n), COUNTS[::-1] + n if n else COUNTS)) for n in (0, 2)]
    paths, offsets = tuple(str(f.path) for f in files), tuple(f.header for f in files)
    layer = HritLayer(HritLines(paths, offsets, (0, 2), 4, 8, 10, fill=7), 12)
    whole = np.concatenate([COUNTS, np.full((4, 8), 7), COUNTS[::-1] + 2])
    assert (layer.shape, layer.dtype, layer.ndim) == ((12, 8), np.dtype("u2"), 2)
    for key in ((slice(None), slice(None)), (slice(2, 10), slice(1, 4)), (slice(11, 0, -4), 3), (-1, slice(None))):
        np.testing.assert_array_equal(layer[key], whole[key])
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(layer))[:], whole)


def test_wavelets_are_refused_with_the_remedy(tmp_path):
    with pytest.raises(SceneError, match=r"compressed.*xRITDecompress"):
        read_hrit(hrit(tmp_path / "a", compression=1)).structure()


@pytest.mark.parametrize("bits", [0, 7, 12])
def test_depths_that_no_satellite_has_are_refused(tmp_path, bits):
    path = hrit(tmp_path / "a")
    raw = bytearray(path.read_bytes())
    raw[19] = bits
    path.write_bytes(raw)
    with pytest.raises(SceneError, match=f"pixels of {bits} bits"):
        read_hrit(path).structure()


def test_file_without_image(tmp_path):
    path = tmp_path / "PRO"
    path.write_bytes(struct.pack(">BHBIQ", 0, 16, 128, 16, 80) + bytes(10))
    with pytest.raises(SceneError, match=r"PRO holds no image"):
        read_hrit(path).structure()


@pytest.mark.parametrize("keep", [0, 3, 15, 17, 24, 30, -1])
def test_cut_short(tmp_path, keep):
    with pytest.raises(SceneError, match=r"named.*(cut short|no HRIT)"):
        read_hrit(hrit(tmp_path / "named", keep=keep))


def test_lengths_that_lead_nowhere(tmp_path):
    path = hrit(tmp_path / "named")
    raw = bytearray(path.read_bytes())
    struct.pack_into(">H", raw, 17, 0)  # a record of no length would be met for ever
    path.write_bytes(raw)
    with pytest.raises(SceneError, match="record of type 1"):
        read_hrit(path)
    struct.pack_into(">I", raw, 4, 2**31)
    path.write_bytes(raw)
    with pytest.raises(SceneError, match="its header has 2147483648 bytes"):
        read_hrit(path)


def test_image_longer_than_its_file(tmp_path):
    path = hrit(tmp_path / "named")
    raw = bytearray(path.read_bytes())
    struct.pack_into(">H", raw, 22, 5000)
    path.write_bytes(raw)
    with pytest.raises(SceneError, match=r"named is cut short"):
        read_hrit(path).structure()


def test_file_that_shrinks_after_it_was_opened(tmp_path):
    path = hrit(tmp_path / "named")
    file = read_hrit(path)
    path.write_bytes(path.read_bytes()[:-5])
    lines = HritLines((str(path),), (file.header,), (0,), 4, 8, 10)
    np.testing.assert_array_equal(lines.read(0, 3), COUNTS[:3])
    with pytest.raises(SceneError, match=r"named is cut short"):
        lines.read(3, 1)
    path.unlink()
    with pytest.raises(SceneError, match="named"):
        read_bytes(path, 0, 1)


@pytest.mark.parametrize("seed", range(40))
def test_random_headers_are_plain_errors_or_images(tmp_path, seed):
    path = hrit(tmp_path / "named", records=[(4, b"NAME"), (128, bytes(10))])
    dice, raw = np.random.default_rng(seed), bytearray(path.read_bytes())
    for place in dice.integers(0, 45, 4):
        raw[place] = dice.integers(256)
    path.write_bytes(raw)
    told = "named"
    try:
        read_hrit(path).structure()
    except MusyqError as error:
        told = str(error)
    assert "named" in told
