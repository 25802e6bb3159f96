"""The served pages without a browser: what they list, what they refuse, which origins may connect."""

from types import SimpleNamespace

import pytest

from musyq_lab.core.errors import InputError
from musyq_lab.dashboards import serve as module
from musyq_lab.dashboards.serve import allowed_origins, explorer_page, pages, serve, start_page


def asked(monkeypatch, **arguments: str) -> None:
    """Let a page see the arguments of an address."""
    state = SimpleNamespace(session_args={k: [v.encode()] for k, v in arguments.items()}, curdoc=None)
    monkeypatch.setattr(module.pn, "state", state, raising=True)


def test_this_machine_only_by_default():
    assert allowed_origins(5006, "127.0.0.1") == ["127.0.0.1:5006", "localhost:5006"]
    assert allowed_origins(80, "0.0.0.0", ["lab.example.org:443"]) == ["0.0.0.0:80", "lab.example.org:443"]


@pytest.mark.parametrize(
    "origin", ["*", "*.example.org:443", "example.org", "https://example.org", "a b:1", ":80", "x:"]
)
def test_patterns_are_no_origins(origin):
    with pytest.raises(InputError, match="host:port"):
        allowed_origins(5006, "127.0.0.1", [origin])


@pytest.mark.parametrize(
    ("host", "accepted"),
    [
        ("127.0.0.1:5006", True),
        ("localhost:5006", True),
        ("localhost:5006.evil.tld", False),
        ("localhost.evil.tld:5006", False),
        ("127.0.0.1.evil.tld:5006", False),
        ("127.0.0.1:50060", False),
        ("evil.tld", False),
    ],
)
def test_origins_are_compared_whole(host, accepted):
    """By Bokeh's own check, as the server uses it (CVE-2026-21883 compared by prefix)."""
    from bokeh.server.util import check_allowlist

    assert check_allowlist(host, allowed_origins(5006, "127.0.0.1")) is accepted


def test_start_page_lists_samples_and_runs(tmp_path):
    (tmp_path / "MuSyQ.DSR.0p25deg.global.climatology.v1.h5").touch()
    html = start_page(tmp_path)[0].object
    assert "./explorer?sample=ghi_merra2_monthly" in html
    assert "./explorer?run=Downward" in html
    assert "tower_matchups" not in html


def test_start_page_without_a_run_says_how_to_make_one(tmp_path):
    assert "musyq run solar_potential" in start_page(tmp_path)[0].object


def test_pages_are_plain_functions(tmp_path):
    assert set(pages(tmp_path)) == {"/", "explorer"}
    assert pages(tmp_path)["/"]()[0].object


def test_explorer_page_shows_what_is_asked_for(tmp_path, monkeypatch):
    asked(monkeypatch, sample="ndvi_endmembers")
    page = explorer_page(tmp_path)
    assert "NDVI" in str(page[1]._panes.header.value if hasattr(page[1], "_panes") else page[1])


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "nothing", "<script>", "\x00", "tower_matchups"])
def test_nothing_but_the_list_can_be_asked_for(tmp_path, monkeypatch, name):
    for key in ("run", "sample"):
        asked(monkeypatch, **{key: name})
        assert "There is nothing named" in explorer_page(tmp_path)[1].object


def test_a_folder_that_does_not_exist_is_a_plain_error(tmp_path):
    with pytest.raises(InputError, match="no folder"):
        serve(root=tmp_path / "none", show=False)


def test_a_taken_port_is_a_plain_error(tmp_path):
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(InputError, match="cannot be used"):
            serve(port=taken.getsockname()[1], show=False, root=tmp_path)
