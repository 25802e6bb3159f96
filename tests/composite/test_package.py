"""``ml.composite`` is the function, whichever of the package's modules was imported before."""

import subprocess
import sys

import pytest

CALL = """
import musyq_lab as ml
from musyq_lab.core.errors import InputError
try:
    ml.composite([], period="2019-07-01")
except InputError as error:
    print(error)
"""


@pytest.mark.parametrize(
    "first", ["", "import musyq_lab.composite.report\n", "from musyq_lab.composite import gapfill\n"]
)
def test_it_is_called_whatever_was_imported_first(first):
    words = [sys.executable, "-c", f"{first}{CALL}"]
    made = subprocess.run(words, capture_output=True, text=True, check=True)
    assert made.stdout == "composite() got no scenes.\n"
