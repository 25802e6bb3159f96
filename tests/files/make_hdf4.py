"""HDF4 files for tests: small ones written by pyhdf, and damaged copies of them."""

import random
import struct
from pathlib import Path

import numpy as np
from pyhdf.SD import SD, SDC

KINDS = {
    "int8": SDC.INT8,
    "uint8": SDC.UINT8,
    "int16": SDC.INT16,
    "uint16": SDC.UINT16,
    "int32": SDC.INT32,
    "uint32": SDC.UINT32,
    "float32": SDC.FLOAT32,
    "float64": SDC.FLOAT64,
}


def make(path, layers, *, texts=None, attributes=None, dims=None, compressed=()):
    """Write arrays by name, global texts, and attributes (text or numbers as float64) of each array."""
    file = SD(str(path), SDC.WRITE | SDC.CREATE)
    for name, text in (texts or {}).items():
        file.attr(name).set(SDC.CHAR, text)
    for name, data in layers.items():
        sds = file.create(name, KINDS[data.dtype.name], data.shape)
        for axis, dim in enumerate((dims or {}).get(name, ())):
            sds.dim(axis).setname(dim)
        for key, value in (attributes or {}).get(name, {}).items():
            sds.attr(key).set(SDC.CHAR if isinstance(value, str) else SDC.FLOAT64, value)
        if name in compressed:
            sds.setcompress(SDC.COMP_DEFLATE, 6)
        sds[:] = data
        sds.endaccess()
    file.end()
    return Path(path)


def plain(path, name):
    """Return an array as pyhdf reads it."""
    file = SD(str(path), SDC.READ)
    data = np.asarray(file.select(name).get())
    file.end()
    return data


def descriptors(data):
    """Yield position, tag, reference, offset and length of each data descriptor."""
    block = 4
    while block:
        count, following = struct.unpack(">HI", data[block : block + 6])
        for i in range(count):
            position = block + 6 + 12 * i
            yield position, *struct.unpack(">HHII", data[position : position + 12])
        block = following


def mutants(data, number, seed=0):
    """Yield damaged copies: descriptors, short elements (which describe the others), anything, or the end cut off."""
    rng = random.Random(seed)
    rows = [row for row in descriptors(data) if row[1] != 1]
    short = [row for row in rows if 0 < row[4] < 2000]
    for i in range(number):
        copy = bytearray(data)
        if i % 4 == 0:
            position = rng.choice(rows)[0]
            copy[position + rng.randrange(12)] = rng.randrange(256)
        elif i % 4 == 1:
            for _ in range(3):
                row = rng.choice(short)
                copy[row[3] + rng.randrange(row[4])] = rng.choice((0, 127, 128, 255))
        elif i % 4 == 2:
            for _ in range(60):
                copy[rng.randrange(len(copy))] = rng.randrange(256)
        else:
            del copy[rng.randrange(len(copy)) :]
        yield bytes(copy)
