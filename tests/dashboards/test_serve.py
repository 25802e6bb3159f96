"""The served pages without a browser: what they list, what they refuse, who may connect."""

from types import SimpleNamespace
from urllib.parse import urlencode

import pytest

from musyq_lab.core.errors import InputError
from musyq_lab.dashboards import serve as module
from musyq_lab.dashboards._security import Safety
from musyq_lab.dashboards._shelf import Shelf
from musyq_lab.dashboards.serve import asked, pages, serve

ADDRESSES = ["explorer", "change", "compute", "download", "granules"]


def asking(monkeypatch, **arguments: str) -> None:
    """Let a page see the arguments of an address."""
    state = SimpleNamespace(session_args={k: [v.encode()] for k, v in arguments.items()}, curdoc=None, location=None)
    monkeypatch.setattr(module.pn, "state", state, raising=True)


def served(monkeypatch, tmp_path) -> dict:
    """What `serve` hands to Panel."""
    given = {}
    monkeypatch.setattr(module.pn, "serve", lambda pages, **options: given.update(options, pages=pages))
    serve(show=False, folders=[tmp_path])
    return given


def test_this_machine_only_by_default(monkeypatch, tmp_path):
    given = served(monkeypatch, tmp_path)
    assert given["address"] == "127.0.0.1"
    assert given["websocket_origin"] == ["127.0.0.1:5006", "localhost:5006"]
    assert given["admin"] is False


def test_a_start_page_and_five_pages(monkeypatch, tmp_path):
    assert list(served(monkeypatch, tmp_path)["pages"]) == ["/", *ADDRESSES]


def test_of_several_values_the_first_counts(monkeypatch):
    state = SimpleNamespace(session_args={"data": [b"a", b"b"], "empty": [], "broken": [b"\xff"]})
    monkeypatch.setattr(module.pn, "state", state, raising=True)
    assert asked() == {"data": "a", "broken": "\N{REPLACEMENT CHARACTER}"}


def test_no_arguments_ask_for_nothing(monkeypatch):
    monkeypatch.setattr(module.pn, "state", SimpleNamespace(session_args=None), raising=True)
    assert asked() == {}


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "nothing", "<script>alert(1)</script>", "\x00"])
@pytest.mark.parametrize("address", ["explorer", "change"])
def test_nothing_but_the_shelf_can_be_asked_for(tmp_path, monkeypatch, name, address):
    from musyq_lab.dashboards.platform import opened

    shown = opened(address, Shelf([tmp_path]), {"data": name})
    assert type(shown).__name__ == "Alert"
    assert "<script>" not in shown.object


def test_as_many_sessions_as_are_allowed(tmp_path, monkeypatch):
    from musyq_lab.dashboards import _security

    start = pages(Shelf([tmp_path]), sessions=1)["/"]
    monkeypatch.setattr(_security, "live_sessions", lambda: 1)
    assert "MuSyQ Lab" in start()[0].object
    monkeypatch.setattr(_security, "live_sessions", lambda: 2)
    assert "Try again" in start().object


def test_a_folder_that_does_not_exist_is_a_plain_error(tmp_path):
    with pytest.raises(InputError, match="no folder"):
        serve(folders=[tmp_path / "none"], show=False)


def test_settings_that_contradict_each_other_start_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(module.pn, "serve", lambda *_, **__: pytest.fail("it was served"))
    with pytest.raises(InputError, match="origin"):
        serve(show=False, folders=[tmp_path], safety=Safety(origins=("*",)))


def test_a_taken_port_is_a_plain_error(tmp_path):
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(InputError, match="cannot be used"):
            serve(port=taken.getsockname()[1], show=False, folders=[tmp_path])


def test_addresses_of_titles_survive_quoting():
    title = "Leaf area index, 1km é & more (musyq-products)"
    from urllib.parse import parse_qs

    assert parse_qs(urlencode({"data": title}))["data"] == [title]
