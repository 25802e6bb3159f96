"""Addresses as paths: parts beside urllib's, names that stay below their folder, kinds that are not read."""

import pickle
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musyq_lab.core.errors import InputError
from musyq_lab.files.remote import RemotePath, is_remote, place

NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1, max_size=20)


@settings(max_examples=150, deadline=None)
@given(NAMES)
def test_a_name_over_http_comes_back_or_is_refused(name):
    folder = RemotePath("https://example.org/data")
    try:
        made = folder / name
    except InputError:
        return
    parts = urlsplit(made.url)
    assert (parts.netloc, parts.query, parts.fragment) == ("example.org", "", "")
    assert unquote(parts.path) == f"/data/{name}"
    if "/" not in name:
        assert made.name == name
        assert made.parent == folder


@pytest.mark.parametrize("name", ["..", "../x", "a/../b", "%2e%2e", "\n", "a\0b", "\u202ex", "\ud800"])
@pytest.mark.parametrize("scheme", ["https", "memory"])
def test_steps_upwards_never_leave_the_folder(name, scheme):
    folder = RemotePath(f"{scheme}://host/data")
    try:
        made = folder / name
    except InputError:
        return
    # Percents are plain letters of a name: over HTTP they are written as such.
    assert scheme == "https"
    assert name == "%2e%2e"
    assert made.url == "https://host/data/%252e%252e"


@pytest.mark.parametrize(
    ("url", "name", "parent"),
    [
        ("https://h/a/b.h5", "b.h5", "https://h/a"),
        ("https://h/a/b%20c.h5?x=/y", "b c.h5", "https://h/a"),
        ("https://h/a/", "a", "https://h"),
        ("memory://a/b%20c.h5", "b%20c.h5", "memory://a"),
        ("https://h/%E5%8F%B6.h5", "叶.h5", "https://h"),
    ],
)
def test_names_and_folders(url, name, parent):
    path = RemotePath(url)
    assert (path.name, path.parent.url) == (name, parent)
    assert (path.suffix, path.stem) == (Path(name).suffix, Path(name).stem)
    assert path.with_name("z.h5").url == f"{parent}/z.h5"
    assert (str(path), path.absolute(), path.resolve(), path.expanduser()) == (url, path, path, path)


@pytest.mark.parametrize(
    "path",
    ["C:/x", "C:\\x", "/a//b", "file.h5", "~x", "", "a:b", "://x", "1http://x", "ht tp://x", Path("http:/x"), None, 5],
)
def test_what_is_no_address(path):
    assert not is_remote(path)


@pytest.mark.parametrize("path", ["http://x", "HTTPS://x", "s3://b/k", "weird+x-1.0://y", "simplecache::https://x"])
def test_what_is_one_also_of_kinds_that_are_not_read(path):
    assert is_remote(path)
    if path in ("http://x", "HTTPS://x", "s3://b/k"):
        assert str(place(path)) == path
    else:
        with pytest.raises(InputError, match="no address that can be read"):
            place(path)


@pytest.mark.parametrize("url", ["ftp://h/x", "file:///etc/passwd", "http://[::1", "https://u:p@h/x", "https://u@h/x"])
def test_addresses_that_are_refused_say_no_password(url):
    with pytest.raises(InputError) as caught:
        RemotePath(url)
    assert ":p@" not in str(caught.value)


def test_paths_of_this_machine_stay_paths(tmp_path):
    assert place(tmp_path) == tmp_path
    assert place(str(tmp_path)) == tmp_path
    assert isinstance(place("a/b"), Path)


def test_addresses_travel_sort_and_compare():
    one, two = RemotePath("https://h/a"), RemotePath("https://h/b")
    assert sorted([two, one]) == [one, two]
    assert {one, RemotePath("https://h/a")} == {one}
    assert pickle.loads(pickle.dumps(one)) == one


@pytest.mark.parametrize("mode", ["wb", "r", "rb+", "a"])
def test_only_bytes_are_read(mode):
    with pytest.raises(InputError, match="only be read"):
        RemotePath("https://h/a").open(mode)
