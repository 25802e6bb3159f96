"""Write ``raw.yml``: one entry for each sensor of the registry (run it after a sensor was added)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from musyq_lab.core.sensor import Sensor
from musyq_lab.sensors._registry import SENSORS

HEADER = """\
# Raw granules of each sensor, as an intake catalog (version 1); written by derive_raw.py from musyq_lab/sensors.
# ml.open_catalog("raw")["landsat_oli"](root="folder of granules").read() opens the granule in that folder lazily;
# granule="..." chooses where there are several, calibration="counts" or "radiance" where they are wanted.
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


def text() -> str:
    """Return the whole catalog as YAML."""
    catalog = {
        "version": 1,
        "name": "raw",
        "description": "Raw granules of every sensor; choose the folder with root=",
        "metadata": {"title": "Raw granules", "keywords": ["raw", "sensors"]},
        "sources": {key: entry(SENSORS[key]) for key in SENSORS},
    }
    return HEADER + yaml.safe_dump(catalog, sort_keys=False, allow_unicode=True, width=120)


if __name__ == "__main__":
    Path(__file__).with_name("raw.yml").write_text(text(), encoding="utf-8")
