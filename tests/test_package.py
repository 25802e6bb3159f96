import subprocess
import sys

import pytest

import musyq_lab as ml

HEAVY = {"numba", "dask", "xarray", "panel", "intake", "satpy", "papermill", "numpy", "pandas", "matplotlib", "typer"}


def fresh(code: str) -> str:
    """Run code in a new interpreter and return what it prints."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    return done.stdout.strip()


def test_import_loads_nothing_heavy() -> None:
    loaded = fresh("import sys, musyq_lab; print(*{name.partition('.')[0] for name in sys.modules})").split()
    assert "musyq_lab" in loaded
    assert HEAVY.isdisjoint(loaded)


def test_recipes_and_their_parameters_load_nothing_heavy() -> None:
    code = (
        "import sys, musyq_lab as ml; ml.RECIPES, ml.run_recipe; list(ml.RECIPES)\n"
        "print(*{name.partition('.')[0] for name in sys.modules})"
    )
    assert {"numba", "dask", "xarray", "panel", "intake", "papermill", "matplotlib"}.isdisjoint(fresh(code).split())


def test_looking_around_loads_nothing_heavy() -> None:
    code = "import sys, musyq_lab as ml; dir(ml); ml.__version__; print(*{n.partition('.')[0] for n in sys.modules})"
    assert {"numba", "dask", "xarray", "panel", "intake", "papermill"}.isdisjoint(fresh(code).split())


@pytest.mark.parametrize("name", ml.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(ml, name) is not None
    assert name in dir(ml)


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(AttributeError, match="run_recipe"):
        _ = ml.run_recipee
