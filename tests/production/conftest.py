from collections.abc import Iterator
from pathlib import Path

import pytest

from musyq_lab.production import provenance
from musyq_lab.production.recipes import Recipe, load_recipe
from musyq_lab.production.run import RecipeResult, run_recipe


@pytest.fixture(scope="session", autouse=True)
def still_tree() -> Iterator[None]:
    """Hold the commit still: one made by somebody while the tests run is none of their business."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(provenance, "git_commit", lambda: "0" * 40)
        yield


@pytest.fixture(scope="session")
def tiny() -> Recipe:
    return load_recipe(Path(__file__).parent / "recipes" / "tiny.yml")


@pytest.fixture(scope="session")
def finished(tiny: Recipe, tmp_path_factory: pytest.TempPathFactory) -> RecipeResult:
    """One finished run that several tests look at (none changes it)."""
    return run_recipe(tiny, out=tmp_path_factory.mktemp("done") / "result", progress=False)
