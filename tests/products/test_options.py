"""Options that the chosen method does not use."""

import pytest

from musyq_lab.core.errors import InputError
from musyq_lab.products._options import refuse_idle

DEFAULTS = {"pathway": "c3", "share": 0.0, "table": ""}
USED = {"pathway": ("light", "leaf"), "share": ("heat",)}


@pytest.mark.parametrize(
    ("method", "options"),
    [
        ("heat", {}),
        ("heat", DEFAULTS),
        ("leaf", {"pathway": "c4"}),
        ("light", {"pathway": "c4"}),
        ("heat", {"share": 0.5, "pathway": "c3"}),
        ("heat", {"table": "own.csv"}),
    ],
)
def test_what_is_used_or_left_alone_passes(method, options):
    refuse_idle("any", method, options, DEFAULTS, USED)


@pytest.mark.parametrize(
    ("method", "options", "match"),
    [
        ("heat", {"pathway": "c4"}, r"pathway='c4'\) would change nothing: the method 'heat'.*one of light, leaf"),
        ("leaf", {"pathway": "c4", "share": 0.5}, r"share=0\.5.*one of heat"),
    ],
)
def test_what_would_change_nothing_is_refused(method, options, match):
    with pytest.raises(InputError, match=match):
        refuse_idle("any", method, options, DEFAULTS, USED)
