"""HDF5 files that lead out of themselves, ask for more memory than there is, or are not what they say.

Each function of :data:`REFUSED` and :data:`HARMLESS` changes a good file that is open; those of :data:`BYTES` change
its bytes. A secret lies beside the file: :func:`secrets` makes it.
"""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path

import h5py
import numpy as np

SECRET = 424242.0
MEGABYTE = 2**20


def secrets(folder: Path) -> None:
    """Write what no hostile file may show."""
    with h5py.File(folder / "secret.h5", "w") as file:
        file["data"] = np.full((4, 4), SECRET)
        file.attrs["note"] = "secret"
    (folder / "secret.bin").write_bytes(np.full(16, SECRET).tobytes())


@cache
def packed(size: int) -> bytes:
    """Return zeros, deflated: a thousandth of their size."""
    packer = zlib.compressobj(9)
    return b"".join(packer.compress(bytes(MEGABYTE)) for _ in range(size // MEGABYTE)) + packer.flush()


def external_link(file: h5py.File, folder: Path) -> None:
    file["away"] = h5py.ExternalLink(str(folder / "secret.h5"), "/data")


def relative_link(file: h5py.File, folder: Path) -> None:
    file["away"] = h5py.ExternalLink("secret.h5", "/data")


def deep_link(file: h5py.File, folder: Path) -> None:
    file.create_group("/".join("abcdefghij"))["away"] = h5py.ExternalLink("secret.h5", "/")


def link_to_a_device(file: h5py.File, folder: Path) -> None:
    file["away"] = h5py.ExternalLink("/dev/zero", "/")


def link_to_itself(file: h5py.File, folder: Path) -> None:
    file["away"] = h5py.ExternalLink(Path(file.filename).name, "/")


def link_behind_a_soft_link(file: h5py.File, folder: Path) -> None:
    file.create_group("hidden")["away"] = h5py.ExternalLink("secret.h5", "/data")
    file["soft"] = h5py.SoftLink("/hidden/away")


def external_storage(file: h5py.File, folder: Path) -> None:
    file.create_dataset("raw", (16,), "f8", external=[(str(folder / "secret.bin"), 0, 128)])


def external_storage_relative(file: h5py.File, folder: Path) -> None:
    file.create_dataset("deep/raw", (16,), "f8", external=[("secret.bin", 0, 64), ("../secret.bin", 0, 64)])


def external_storage_without_end(file: h5py.File, folder: Path) -> None:
    file.create_dataset("raw", (16,), "f8", external=[("/dev/zero", 0, h5py.h5f.UNLIMITED)])


def virtual(file: h5py.File, folder: Path) -> None:
    layout = h5py.VirtualLayout((4, 4), "f8")
    layout[:] = h5py.VirtualSource(str(folder / "secret.h5"), "data", (4, 4))
    file.create_virtual_dataset("view", layout)


def virtual_of_itself(file: h5py.File, folder: Path) -> None:
    layout = h5py.VirtualLayout((4,), "f8")
    layout[:] = h5py.VirtualSource(".", "view", (4,))
    file.create_virtual_dataset("view", layout)


def _raw(file: h5py.File, name: bytes, filters: list[tuple[int, tuple[int, ...]]], chunk: int = 4) -> None:
    creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    creation.set_chunk((chunk,))
    for number, values in filters:
        creation.set_filter(number, h5py.h5z.FLAG_OPTIONAL, values)
    h5py.h5d.create(file.id, name, h5py.h5t.NATIVE_INT32, h5py.h5s.create_simple((chunk,)), creation)


def unknown_filter(file: h5py.File, folder: Path) -> None:
    _raw(file, b"odd", [(32999, ())])


def filter_of_a_plugin(file: h5py.File, folder: Path) -> None:
    _raw(file, b"odd", [(1, (4,)), (32013, (1, 2, 3))])


def deflated_twice(file: h5py.File, folder: Path) -> None:
    _raw(file, b"odd", [(1, (9,)), (1, (9,))])


def filters_in_disorder(file: h5py.File, folder: Path) -> None:
    _raw(file, b"odd", [(1, (9,)), (2, (4,))])


def giant_chunk(file: h5py.File, folder: Path) -> None:
    file.create_dataset("bomb", (2**27,), "f8", chunks=(2**27,), compression="gzip")


def giant_chunk_of_two_axes(file: h5py.File, folder: Path) -> None:
    file.create_dataset("bomb", (2**13, 2**13), "f8", chunks=(2**13, 2**13), compression="gzip")


def large_chunk_of_another_filter(file: h5py.File, folder: Path) -> None:
    file.create_dataset("bomb", (2**11, 2**11), "f8", chunks=(2**11, 2**11), compression="lzf")


def giant_declaration(file: h5py.File, folder: Path) -> None:
    file.create_dataset("vast", (2**20, 2**20), "f8", chunks=(1024, 1024))


def many_large_declarations(file: h5py.File, folder: Path) -> None:
    for number in range(20):
        file.create_dataset(f"vast{number}", (2**15, 2**14), "f8", chunks=(1024, 1024))


def giant_record(file: h5py.File, folder: Path) -> None:
    file.create_dataset("vast", (2**20,), np.dtype([("x", "f8", (2**14,))]), chunks=(1,))


def giant_line(file: h5py.File, folder: Path) -> None:
    file.create_dataset("line", (2**31,), "f8", chunks=(2**16,), compression="gzip")


def crowd(file: h5py.File, folder: Path) -> None:
    for number in range(10_001):
        file.create_group(f"g/{number}")


def crowd_of_attributes(file: h5py.File, folder: Path) -> None:
    group = file.create_group("full")
    for number in range(1_001):
        group.attrs[f"a{number}"] = 1


REFUSED: dict[Callable[[h5py.File, Path], None], str] = {
    external_link: "link to another file",
    relative_link: "link to another file",
    deep_link: "link to another file",
    link_to_a_device: "link to another file",
    link_to_itself: "link to another file",
    link_behind_a_soft_link: "link to another file",
    external_storage: "lie in another file",
    external_storage_relative: "lie in another file",
    external_storage_without_end: "lie in another file",
    virtual: "virtual dataset",
    virtual_of_itself: "virtual dataset",
    unknown_filter: "unknown filter 32999",
    filter_of_a_plugin: "unknown filter 32013",
    deflated_twice: "one over another",
    filters_in_disorder: "one over another",
    giant_chunk: "more than",
    giant_chunk_of_two_axes: "more than 64 MiB",
    large_chunk_of_another_filter: "more than 8 MiB",
    giant_declaration: "more than 64 GiB",
    many_large_declarations: "more than 64 GiB",
    giant_record: "more than",
    giant_line: "one axis",
    crowd: "more than 10000 objects",
    crowd_of_attributes: "more than 1000 attributes",
}


def circles(file: h5py.File, folder: Path) -> None:
    group = file.create_group("round/and/round")
    group["again"] = file["/"]
    group["self"] = group
    group["soft1"], group["soft2"] = h5py.SoftLink("soft2"), h5py.SoftLink("soft1")
    group["up"] = h5py.SoftLink("../../../../etc/passwd")


def references(file: h5py.File, folder: Path) -> None:
    kinds = {"objects": (h5py.ref_dtype, file.ref), "regions": (h5py.regionref_dtype, None)}
    for name, (dtype, value) in kinds.items():
        dataset = file.create_dataset(f"extra/{name}", (3,), dtype)
        if value is not None:
            dataset[0] = value
        file["extra"].attrs.create(name, [value] if value is not None else [h5py.RegionReference()], dtype=dtype)


def odd_types(file: h5py.File, folder: Path) -> None:
    file["named"] = np.dtype("f8")
    file.create_dataset("extra/opaque", data=np.void(b"\0" * 40))
    file.create_dataset("extra/compound", data=np.zeros(3, [("a", "i4"), ("b", "S9")]))
    file.create_dataset("extra/ragged", (2,), h5py.vlen_dtype("f8"))
    file.create_dataset("extra/nothing", data=h5py.Empty("f8"))
    file.attrs["null"] = h5py.Empty("f8")


def deep_groups(file: h5py.File, folder: Path) -> None:
    group = file
    for _ in range(2000):
        group = group.create_group("d")


def long_text(file: h5py.File, folder: Path) -> None:
    file.attrs["story"] = "x" * 60_000
    file.create_group("\u202ename/🌍")


HARMLESS = (circles, references, odd_types, deep_groups, long_text)


def cut(data: bytes, dice: random.Random) -> bytes:
    return data[: dice.randrange(8, len(data))]


def other_superblock(data: bytes, dice: random.Random) -> bytes:
    return data[:8] + bytes([dice.randrange(4, 256)]) + data[9:]


def other_offsets(data: bytes, dice: random.Random) -> bytes:
    return data[:9] + bytes([*data[9:13], dice.choice([1, 3, 255]), dice.choice([1, 3, 255])]) + data[15:]


def other_signature(data: bytes, dice: random.Random) -> bytes:
    return (
        dice.choice([b"\x89HDF\r\n\x1a\r", b"\x89hdf\r\n\x1a\n", b"CDF\x05\0\0\0\0", b"PK\x03\x04\0\0\0\0", bytes(8)])
        + data[8:]
    )


def scattered(data: bytes, dice: random.Random) -> bytes:
    made = bytearray(data)
    for _ in range(dice.randrange(1, 200)):
        made[dice.randrange(8, len(made))] = dice.randrange(256)
    return bytes(made)


def all_ones(data: bytes, dice: random.Random) -> bytes:
    start = dice.randrange(8, min(len(data), 4096))
    return data[:start] + b"\xff" * 64 + data[start + 64 :]


BYTES = (cut, other_superblock, other_offsets, other_signature, scattered, all_ones)
