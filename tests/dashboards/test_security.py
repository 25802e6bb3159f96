"""The settings of a served platform: what is refused, and that no refusal repeats a secret."""

import json

import pytest
from bokeh.server.util import check_allowlist, create_hosts_allowlist
from tornado.httputil import HTTPHeaders

from musyq_lab.core.errors import InputError
from musyq_lab.dashboards import _download_work, _granules_upload, _security
from musyq_lab.dashboards._jobs import JOBS, JobLimits
from musyq_lab.dashboards._security import FRAMES, HEADERS, Headers, Safety, cookie_secret, limited, origins, passwords


@pytest.fixture(autouse=True)
def _as_before(monkeypatch):
    """Limits are of the process; secrets of this machine are none of a test's."""
    for name in (_security.SECRET, _security.OAUTH_KEY, _security.OAUTH_SECRET, "BOKEH_ALLOW_WS_ORIGIN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(JOBS, "limits", JOBS.limits)
    monkeypatch.setattr(_download_work.PLACE, "limits", _download_work.PLACE.limits)
    monkeypatch.setattr(_granules_upload.LIMITS, "most", _granules_upload.LIMITS.most)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "people.json"
    path.write_text(json.dumps({"ada": "correct horse", "林": "电池钉书钉马正确的词"}), encoding="utf-8")
    path.chmod(0o600)
    return path


def test_this_machine_alone_by_default():
    assert origins(5006, "127.0.0.1") == ["127.0.0.1:5006", "localhost:5006"]
    assert origins(5006, "localhost") == ["127.0.0.1:5006", "localhost:5006"]
    assert origins(80, "0.0.0.0", ["Lab.Example.org:443"]) == ["0.0.0.0:80", "lab.example.org:443"]


@pytest.mark.parametrize(
    "origin",
    [
        "*", "*:443", "*.example.org:443", "example.org", "https://example.org:443", "a b:1", ":80", "x:", "x:0",
        "x:65536", "x:٤٤٣", "x:-1", "x:80/path", "user@x:80", "x:80,y:80", "", "a..:80/", "x:80\n", "-x:80", "[::1]:80",
    ],
)  # fmt: skip
def test_patterns_are_no_origins(origin):
    with pytest.raises(InputError, match="host:port"):
        origins(5006, "127.0.0.1", [origin])


@pytest.mark.parametrize(
    ("host", "accepted"),
    [
        ("good.host:443", True),
        ("127.0.0.1:5006", True),
        ("good.host.evil.tld:443", False),
        ("good.host:443.evil.tld", False),
        ("evil-good.host:443", False),
        ("evil.good.host:443", False),
        ("good.host:4430", False),
        ("good.host:80", False),
        ("good.host", False),
        ("good.hos:443", False),
        ("localhost:5007", False),
        ("null", False),
        ("", False),
    ],
)
def test_origins_are_compared_whole(host, accepted):
    """By Bokeh's own check on the list that its server makes of ours (CVE-2026-21883 compared by prefix)."""
    allowed = create_hosts_allowlist(origins(5006, "127.0.0.1", ["good.host:443"]), 5006)
    assert check_allowlist(host, allowed) is accepted


def test_a_variable_that_would_override_the_origins_is_refused(monkeypatch):
    monkeypatch.setenv("BOKEH_ALLOW_WS_ORIGIN", "*")
    with pytest.raises(InputError, match="Unset it"):
        origins(5006, "127.0.0.1")


def test_a_file_of_passwords_is_handed_to_panel(file):
    found = Safety(basic_auth=file).options(5006, "0.0.0.0")
    assert found["basic_auth"] == str(file)
    assert len(found["cookie_secret"]) >= 43
    assert "correct" not in repr(found)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "not JSON"),
        ("[]", "names and passwords"),
        ("{}", "names and passwords"),
        ('{"ada": 12345678}', "names and passwords"),
        ('{" ": "long enough"}', "names and passwords"),
        ('{"ada": "hunter2"}', "fewer than 8"),
        ("[" * 100_000, "not JSON"),
    ],
)
def test_what_is_no_file_of_passwords(file, text, why):
    file.write_text(text)
    with pytest.raises(InputError, match=why) as caught:
        passwords(file)
    assert "hunter2" not in str(caught.value)


def test_a_file_that_others_can_read_is_refused(file):
    file.chmod(0o640)
    with pytest.raises(InputError, match="chmod 600"):
        passwords(file)
    with pytest.raises(InputError, match="cannot be used"):
        passwords(file.with_name("none"))


def test_the_secret_of_cookies(monkeypatch):
    assert cookie_secret() != cookie_secret()
    monkeypatch.setenv(_security.SECRET, "x" * 32)
    assert cookie_secret() == "x" * 32
    monkeypatch.setenv(_security.SECRET, "swordfish")
    with pytest.raises(InputError, match="fewer than 32") as caught:
        cookie_secret()
    assert "swordfish" not in str(caught.value)


def test_oauth_takes_its_secrets_from_the_environment(monkeypatch):
    with pytest.raises(InputError, match=_security.OAUTH_KEY):
        Safety(oauth="github").options(5006, "127.0.0.1")
    monkeypatch.setenv(_security.OAUTH_KEY, "key")
    monkeypatch.setenv(_security.OAUTH_SECRET, "hidden")
    found = Safety(oauth="github", redirect="https://lab.example.org/login").options(5006, "127.0.0.1")
    assert (found["oauth_provider"], found["oauth_key"], found["oauth_secret"]) == ("github", "key", "hidden")
    assert found["oauth_redirect_uri"] == "https://lab.example.org/login"
    with pytest.raises(InputError, match="'github'"):
        Safety(oauth="gitub").options(5006, "127.0.0.1")


def test_settings_that_contradict_each_other(file):
    with pytest.raises(InputError, match="not both"):
        Safety(basic_auth=file, oauth="github")
    with pytest.raises(InputError, match="nobody in"):
        Safety(sessions=0)
    with pytest.raises(InputError, match="a browser can send"):
        Safety(upload="25 MB")


def test_limits_come_into_force():
    Safety(upload="0", jobs=JobLimits(running=1)).options(5006, "127.0.0.1")
    assert _granules_upload.LIMITS.most == 0
    assert JOBS.limits.running == 1
    Safety().options(5006, "127.0.0.1")
    assert _granules_upload.LIMITS.most == 20_000_000


def test_open_to_others_without_a_sign_in_is_warned_of(caplog, file):
    Safety().options(5006, "127.0.0.1")
    Safety(basic_auth=file).options(5006, "0.0.0.0")
    assert caplog.text == ""
    Safety().options(5006, "0.0.0.0")
    assert "nobody has to sign in" in caplog.text


def test_no_sign_in_unless_asked_for_and_no_admin_page():
    found = Safety().options(5006, "127.0.0.1")
    assert not {"basic_auth", "oauth_provider", "cookie_secret"} & set(found)
    assert found["admin"] is False


def test_headers_are_added_and_those_of_a_handler_stay():
    given = HTTPHeaders({"Referrer-Policy": "no-referrer", "Content-Security-Policy": "sandbox"})
    _, found, chunk = Headers(None).transform_first_chunk(200, given, b"x", True)
    assert chunk == b"x"
    assert found["Referrer-Policy"] == "no-referrer"
    assert found["Content-Security-Policy"] == f"sandbox; {FRAMES}"
    _, found, _ = Headers(None).transform_first_chunk(200, HTTPHeaders({"Access-Control-Allow-Origin": "*"}), b"", True)
    assert {name: found[name] for name in HEADERS} == dict(HEADERS)
    assert found["Content-Security-Policy"] == FRAMES
    assert "Access-Control-Allow-Origin" not in found


def test_too_many_pages_are_told_to_come_back(monkeypatch):
    made = []
    page = limited(lambda: made.append(1) or "page", 2)
    monkeypatch.setattr(_security, "live_sessions", lambda: 2)
    assert page() == "page"
    monkeypatch.setattr(_security, "live_sessions", lambda: 3)
    assert "Try again" in page().object
    assert made == [1]
