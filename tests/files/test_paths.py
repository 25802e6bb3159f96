"""Names inside a folder, by chance: whatever passes lies below it (the chosen hostile ones: tests/faults)."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musyq_lab.core.errors import InputError
from musyq_lab.files.paths import MAX_NAME, MAX_PART, inside, stays

PIECES = st.sampled_from(
    ["..", ".", "/", "\\", "%2e", "a", "b.h5", "～", "．", "／", "…", "\u202e", "\0", " ", "-", "雨", "é"]
)
ROOT = Path(tempfile.gettempdir()) / "a folder that is not there"


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, max_size=8).map("".join) | st.text(max_size=20))
def test_whatever_passes_is_below_the_folder_and_can_be_made(name):
    try:
        path = inside(ROOT, name)
    except InputError:
        return
    assert stays(ROOT, name)
    assert path.is_relative_to(ROOT)
    assert path != ROOT
    assert ".." not in path.parts
    assert path.resolve().is_relative_to(ROOT.resolve())
    assert str(path.relative_to(ROOT)) == name


@pytest.mark.parametrize(
    ("name", "passes"),
    [
        ("x" * MAX_PART, True),
        ("x" * (MAX_PART + 1), False),
        ("é" * (MAX_PART // 2), True),
        ("é" * (MAX_PART // 2 + 1), False),
        ("/".join(["x" * 100] * 10), True),
        ("/".join(["x" * 100] * 11), False),
        ("con", False),
        ("CON.h5", False),
        ("conx", True),
        ("a/nul/b", False),
        ("a.", False),
        ("ﬁle", True),
        ("a／b", False),
        ("a‥", False),
    ],
)
def test_limits_are_exact(tmp_path, name, passes):
    assert MAX_NAME == 1024
    if passes:
        path = inside(tmp_path, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("it can be written")
    else:
        with pytest.raises(InputError):
            inside(tmp_path, name)


def test_the_folder_itself_is_not_inside(tmp_path):
    (tmp_path / "self").symlink_to(tmp_path)
    for name in ("self", ".", "", "./"):
        assert not stays(tmp_path, name)
    assert stays(tmp_path, "./a")
    assert stays(tmp_path, ".hidden")
    with pytest.raises(InputError):
        inside(tmp_path, ".hidden")
