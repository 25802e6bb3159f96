"""Web servers that fail, lie or stall: each a plain error, in bounded time and memory."""

import pytest
from files.web import serving

from musyq_lab.core.errors import ArchiveError, NotFoundError
from musyq_lab.files import _http
from musyq_lab.files._blocks import BlockFile, forget
from musyq_lab.files._http import HttpStore
from musyq_lab.files._store import Info


@pytest.fixture(autouse=True)
def fresh():
    forget()
    yield
    forget()


@pytest.fixture
def web(tmp_path):
    (tmp_path / "x.bin").write_bytes(bytes(range(200)))
    (tmp_path / "empty.bin").touch()
    with serving(tmp_path) as web:
        yield web


def read(web, name="x.bin"):
    return BlockFile(web.url(name)).read()


FAULTS = {
    "status 404": (NotFoundError, "There is no file"),
    "status 410": (NotFoundError, "answers 410"),
    "status 401": (ArchiveError, "Register there"),
    "status 403": (ArchiveError, "not open to everybody"),
    "status 500": (ArchiveError, "answers 500"),
    "status 503": (ArchiveError, "answers 503"),
    "redirect file:///etc/passwd": (ArchiveError, "not allowed"),
    "redirect ftp://127.0.0.1/x": (ArchiveError, "ftp://, which is not followed"),
    "no content range": (ArchiveError, "without saying which"),
    "cut off": (ArchiveError, "cut off"),
    "too much": (ArchiveError, "sends more than the 200 bytes"),
    "another file": (ArchiveError, "changed while it was read"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_have_their_words(web, fault):
    web.fault = fault
    kind, words = FAULTS[fault]
    with pytest.raises(kind, match=words) as caught:
        read(web)
    assert "x.bin" in str(caught.value)


def test_redirects_within_the_web_are_followed(web):
    target = web.url("x.bin")
    web.fault = ""
    with serving(web.folder) as other:
        other.fault = f"redirect {target}"
        assert BlockFile(other.url("whatever.bin")).read() == bytes(range(200))


def test_from_an_encrypted_to_an_open_connection_is_not_followed():
    from urllib.error import URLError
    from urllib.request import Request

    with pytest.raises(URLError, match="http://, which is not followed"):
        _http._SafeRedirects().redirect_request(Request("https://a/b"), None, 302, "", {}, "http://a/b")


def test_an_empty_file_is_told(web):
    with pytest.raises(ArchiveError, match=r"empty \(0 bytes\)"):
        read(web, "empty.bin")


def test_a_size_that_is_not_told(web):
    web.ranges, web.fault = False, "no length"
    with pytest.raises(ArchiveError, match="has no size"):
        read(web)


def test_a_claim_of_a_petabyte_costs_nothing(web):
    web.fault = "claims a petabyte"
    file = BlockFile(web.url("x.bin"))
    assert file.info.size == 10**15
    with pytest.raises(ArchiveError, match="cut off: 200 of"):
        file.read(10)


def test_a_silent_server_is_given_up(web, monkeypatch):
    monkeypatch.setattr(_http, "TIMEOUT", 0.2)
    web.fault = "silent"
    with pytest.raises(ArchiveError, match="did not answer within"):
        read(web)


def test_a_server_that_drips_is_given_up(web, monkeypatch):
    monkeypatch.setattr(_http, "PATIENCE", 0.3)
    monkeypatch.setattr(_http, "_PIECE", 4)
    web.fault = "drips"
    with pytest.raises(ArchiveError, match="did not come within"):
        HttpStore().read(web.url("x.bin"), 0, 200, Info(200, ""))


def test_nobody_there():
    with pytest.raises(ArchiveError, match=r"cannot be reached: .*refused"):
        BlockFile("http://127.0.0.1:9/x.h5")
    with pytest.raises(ArchiveError, match="cannot be reached"):
        BlockFile("http://127.0.0.1:99999/x.h5")


def test_a_folder_lists_its_own_files_only(web):
    web.fault = (
        "page <a href='a.h5'>a</a> <A HREF=\"./b.h5\">b</A> <a href='../up.h5'>u</a> <a href='/root.h5'>r</a>"
        "<a href='http://elsewhere/c.h5'>c</a> <a class=x href='d%20e.h5?download=1#x'>d</a>"
        "<a href='%2e%2e%2fx.h5'>e</a>"
        "<a href='a.h5'>again</a> <a name='f'>f</a> <a href='中.h5'>g</a>"
    )
    assert HttpStore().names(web.url()) == ["a.h5", "b.h5", "d e.h5", "中.h5"]


def test_an_endless_page_is_refused(web, monkeypatch):
    monkeypatch.setattr(_http, "MAX_INDEX", 1000)
    web.fault = "page " + "<a href='a.h5'>" * 100
    with pytest.raises(ArchiveError, match="more than the 1000 bytes"):
        HttpStore().names(web.url())


def test_names_with_blanks_and_chinese(web):
    (web.folder / "高分 一号.bin").write_bytes(b"here")
    assert read(web, "高分 一号.bin") == b"here"
    assert read(web, "%E9%AB%98%E5%88%86%20%E4%B8%80%E5%8F%B7.bin") == b"here"


def test_what_may_be_secret_stays_out_of_messages(web):
    with pytest.raises(NotFoundError) as caught:
        BlockFile(web.url("gone.bin?token=hidden"))
    assert "hidden" not in str(caught.value)
