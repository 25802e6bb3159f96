"""The scripts of the builders, imported by their plain names and forgotten afterwards."""

import importlib
import importlib.util
import sys
from pathlib import Path

import pytest

CATALOGS = Path(__file__).resolve().parents[2] / "catalogs"
NAMES = ("runs", "gases", "adding", "scattering", "tables")


@pytest.fixture(scope="module")
def scripts():
    """Modules of the builder of the atmosphere tables, by name."""
    before = {name: sys.modules.pop(name, None) for name in NAMES}
    sys.path.insert(0, str(CATALOGS / "atmosphere"))
    try:
        yield {name: importlib.import_module(name) for name in NAMES}
    finally:
        sys.path.remove(str(CATALOGS / "atmosphere"))
        for name, module in before.items():
            sys.modules.pop(name, None)
            if module is not None:
                sys.modules[name] = module


@pytest.fixture(scope="module")
def spectra_script():
    """The builder of the table of spectra."""
    spec = importlib.util.spec_from_file_location("spectra_derive", CATALOGS / "spectra" / "derive.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
