"""Write ``raw.yml`` and ``peers.yml``: an entry for each sensor and for each layout of another producer's product.

Run it after one was added; a test compares the files with what this makes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from musyq_lab.archive.peers._registry import LAYOUTS
from musyq_lab.archive.peers.layout import Layout
from musyq_lab.core.sensor import Sensor
from musyq_lab.sensors._registry import SENSORS

RAW = """\
# Raw granules of each sensor, as an intake catalog (version 1); written by derive_raw.py from musyq_lab/sensors.
# ml.open_catalog("raw")["landsat_oli"](root="folder of granules").read() opens the granule in that folder lazily;
# granule="..." chooses where there are several, calibration="counts" or "radiance" where they are wanted.
"""
PEERS = """\
# Products of other producers, as an intake catalog (version 1); written by derive_raw.py from musyq_lab/archive/peers.
# ml.open_catalog("peers")["MOD13"](root="file or folder").read() opens them lazily, decoded, with units.
"""


def entry(spec: Sensor) -> dict[str, Any]:
    """Return the catalog's entry of a sensor."""
    first, last = spec.years
    return {
        "driver": "musyq_scene",
        "description": f"Raw granules of {spec.title}",
        "parameters": {
            "root": {"type": "folder", "default": "", "description": "folder that holds the granules"},
            "granule": {"type": "word", "default": "", "description": "name of one of several granules"},
            "calibration": {
                "type": "str",
                "default": "reflectance",
                "allowed": ["reflectance", "radiance", "counts"],
                "description": "what the bands hold",
            },
        },
        "args": {
            "sensor": spec.key,
            "root": "{{ root }}",
            "granule": "{{ granule }}",
            "calibration": "{{ calibration }}",
        },
        "metadata": {
            "title": spec.title,
            "keywords": ["raw", "granule", spec.key, *spec.platforms],
            "variables": list(dict.fromkeys(band.name for band in spec.bands_of())),
            "resolution": ", ".join(f"{r:g} m" for r in spec.resolutions),
            "period": f"{first}-{last or ''}",
            "origin": f"your own granules; read by {spec.reader}",
        },
    }


def peer(layout: Layout) -> dict[str, Any]:
    """Return the catalog's entry of a layout."""
    return {
        "driver": "musyq_peer",
        "description": layout.title,
        "parameters": {"root": {"type": "folder", "default": "", "description": "file, or folder of files"}},
        "args": {"layout": layout.key, "root": "{{ root }}"},
        "metadata": {
            "title": layout.title,
            "keywords": ["peer", "product", layout.key],
            "variables": list(dict.fromkeys(layer.name for layer in layout.layers)),
            "citation": "; ".join(layout.references),
            "origin": "your own files",
        },
    }


def catalog(name: str, title: str, description: str, entries: dict[str, dict[str, Any]]) -> str:
    """Return a whole catalog as YAML."""
    content = {
        "version": 1,
        "name": name,
        "description": description,
        "metadata": {"title": title, "keywords": [name]},
        "sources": entries,
    }
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=120)


def texts() -> dict[str, str]:
    """Return the files by name."""
    sensors = {key: entry(SENSORS[key]) for key in SENSORS}
    layouts = {layout.key: peer(layout) for layout in LAYOUTS}
    raw = catalog("raw", "Raw granules", "Raw granules of every sensor; choose the folder with root=", sensors)
    peers = catalog(
        "peers", "Products of others", "Products of other producers; choose file or folder with root=", layouts
    )
    return {"raw.yml": RAW + raw, "peers.yml": PEERS + peers}


if __name__ == "__main__":
    for name, content in texts().items():
        Path(__file__).with_name(name).write_text(content, encoding="utf-8")
