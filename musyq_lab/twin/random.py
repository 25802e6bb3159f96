"""Random numbers of the simulated Earth: one independent stream for every thing that has a name.

A stream depends on the seed and on names alone, never on the order of calls, threads or chunks, so that any part of a
world can be made again without the rest. Philox (Salmon et al. 2011, doi 10.1145/2063384.2063405) is specified bit by
bit, and NumPy keeps the streams of its generators' ``standard_normal`` and ``random`` between versions in practice.
"""

import hashlib

import numpy as np


def stream(seed: int, *names: object) -> np.random.Generator:
    """Return the generator of a named thing.

    Parameters
    ----------
    seed
        Seed of the world.
    *names
        What the numbers are for, such as ``"terrain"`` or ``("noise", "landsat_oli", "B4")``.
    """
    text = "\0".join([str(int(seed)), *map(str, names)])
    key = int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "little")
    return np.random.Generator(np.random.Philox(key=key))
