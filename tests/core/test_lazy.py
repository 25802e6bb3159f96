"""Public names are found where the table says, and an unknown one lists the known."""

import pytest

from musyq_lab.core.lazy import attribute


def test_a_name_comes_from_its_module() -> None:
    assert attribute("json", {"JSONDecoder": "decoder"}, "JSONDecoder").__module__ == "json.decoder"


def test_an_unknown_name_lists_the_known_ones_in_order() -> None:
    with pytest.raises(AttributeError, match=r"'json' has no attribute 'c'\. Public names: a, b"):
        attribute("json", {"b": "x", "a": "y"}, "c")
