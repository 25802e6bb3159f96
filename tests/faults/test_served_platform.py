"""A served platform under attack: other origins, other people, hostile names. One server for all of it."""

import http.client
import json
import subprocess
import sys
import time
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser.stage import environment, free_port

pytestmark = pytest.mark.slow

PASSWORD = "a password that must not show"
SERVE = """
import sys
from pathlib import Path
from musyq_lab.dashboards._extension import pn
from musyq_lab.dashboards._security import Safety, limited
port, people = int(sys.argv[1]), Path(sys.argv[2])
safety = Safety(origins=("good.host:443",), basic_auth=people)
page = limited(lambda: pn.pane.Markdown("inside"), safety.sessions)
pn.serve({"page": page}, port=port, address="127.0.0.1", show=False, **safety.options(port, "127.0.0.1"))
"""


class Platform:
    """Speaks plain HTTP, as an attacker does, and keeps no cookies but those it is given."""

    def __init__(self, port: int, log: Path) -> None:
        self.port, self.log = port, log

    def ask(self, address: str, method: str = "GET", body: str | None = None, **headers: str):
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        link.request(method, address, body, {k.replace("_", "-"): v for k, v in headers.items()})
        answer = link.getresponse()
        text = b"" if answer.status == 101 else answer.read()
        link.close()
        return answer, text

    def signed_in(self) -> str:
        """Cookies of somebody who knows the password."""
        form = urllib.parse.urlencode({"username": "ada", "password": PASSWORD})
        answer, _ = self.ask("/login", "POST", form, Content_Type="application/x-www-form-urlencoded")
        assert answer.status == 302
        return "; ".join(cookie.split(";")[0] for cookie in answer.msg.get_all("Set-Cookie"))

    def connect(self, origin: str, cookies: str) -> int:
        """Status of the answer to a page that wants to open a websocket."""
        headers = {"Connection": "Upgrade", "Upgrade": "websocket", "Origin": origin, "Cookie": cookies}
        headers |= {"Sec_WebSocket_Version": "13", "Sec_WebSocket_Key": "x3JJHMbDL1EzLkh9GBhXDw=="}
        headers |= {"Sec_WebSocket_Protocol": "bokeh, token"}
        return self.ask("/page/ws", **headers)[0].status


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    folder, port = tmp_path_factory.mktemp("served"), free_port()
    people = folder / "people.json"
    people.write_text(json.dumps({"ada": PASSWORD}))
    people.chmod(0o600)
    log = folder / "log"
    with log.open("w") as out:
        command = [sys.executable, "-c", SERVE, str(port), str(people)]
        server = subprocess.Popen(command, stdout=out, stderr=out, env=environment(), cwd=folder)
        try:
            made = Platform(port, log)
            for _ in range(240):
                try:
                    made.ask("/page")
                    break
                except OSError:
                    assert server.poll() is None, log.read_text()
                    time.sleep(0.25)
            yield made
        finally:
            server.terminate()
            server.wait(20)


@pytest.fixture(scope="module")
def cookies(platform) -> str:
    return platform.signed_in()


def test_nothing_is_shown_to_who_has_not_signed_in(platform):
    for address in ("/page", "/page/ws", "/page/autoload.js?bokeh-autoload-element=1", "/page/metadata"):
        answer, text = platform.ask(address)
        assert answer.status in (302, 400, 403, 404), address
        assert b"inside" not in text


def test_a_wrong_password_opens_nothing(platform):
    form = urllib.parse.urlencode({"username": "ada", "password": "wrong"})
    answer, _ = platform.ask("/login", "POST", form, Content_Type="application/x-www-form-urlencoded")
    assert "user=" not in str(answer.msg)


def test_who_has_signed_in_is_let_in_and_a_forged_cookie_is_not(platform, cookies):
    assert platform.ask("/page", Cookie=cookies)[0].status == 200
    assert platform.ask("/page", Cookie='user="2|1:0|10:1700000000|4:user|4:YWRh|' + "0" * 64 + '"')[0].status == 302


def test_cookies_are_out_of_reach_of_scripts(platform):
    form = urllib.parse.urlencode({"username": "ada", "password": PASSWORD})
    answer, _ = platform.ask("/login", "POST", form, Content_Type="application/x-www-form-urlencoded")
    signed = [c for c in answer.msg.get_all("Set-Cookie") if c.startswith(("user=", "id_token="))]
    assert signed
    assert all("httponly" in cookie.lower() for cookie in signed)


@pytest.mark.parametrize(
    "origin",
    [
        "https://good.host.evil.tld",
        "https://good.host.evil.tld:443",
        "https://good.host:443.evil.tld",
        "https://evil.tld",
        "https://evilgood.host:443",
        "https://good.host:444",
        "http://good.host",
        "http://localhost:1",
        "http://localhost.evil.tld:{port}",
        "http://127.0.0.1.evil.tld:{port}",
        "http://127.0.0.1:{port}0",
        "http://good.host:443@evil.tld",
        "null",
        "file://",
    ],
)
def test_pages_of_other_origins_cannot_connect(platform, cookies, origin):
    assert platform.connect(origin.format(port=platform.port), cookies) == 403


@pytest.mark.parametrize("origin", ["http://127.0.0.1:{port}", "http://LOCALHOST:{port}", "https://GOOD.host:443"])
def test_pages_of_this_server_can(platform, cookies, origin):
    assert platform.connect(origin.format(port=platform.port), cookies) == 101


def test_every_answer_carries_the_headers(platform, cookies):
    for address in ("/page", "/login", "/static/js/bokeh.min.js", "/none", "/stream/" + "A" * 43 + "/x"):
        answer, _ = platform.ask(address, Cookie=cookies)
        assert answer.getheader("X-Content-Type-Options") == "nosniff", address
        assert "frame-ancestors 'self'" in answer.getheader("Content-Security-Policy"), address
        assert answer.getheader("Access-Control-Allow-Origin") != "*", address


@pytest.mark.parametrize(
    "address",
    [
        "/static/../../../../etc/passwd",
        "/static/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
        "/static/..%2f..%2f..%2fetc%2fpasswd",
        "/static//etc/passwd",
        "/static/extensions/panel/../../../../../../../etc/passwd",
        "/components/../../etc/passwd",
        "/components/panel.io.server/secret/__file__/etc/passwd",
        "/page/../../etc/passwd",
    ],
)
def test_no_file_of_the_machine_is_handed_out(platform, cookies, address):
    answer, text = platform.ask(address, Cookie=cookies)
    assert answer.status != 200 or b"root:" not in text
    assert b"root:" not in text


def test_there_is_no_admin_page(platform, cookies):
    assert platform.ask("/admin", Cookie=cookies)[0].status == 404
    assert platform.ask("/rest/session_info", Cookie=cookies)[0].status == 404


def test_the_log_holds_no_secret(platform, cookies):
    text = platform.log.read_text()
    assert PASSWORD not in text
    values = [cookie.partition("=")[2].strip('"') for cookie in cookies.split("; ")]
    assert any(values)
    assert not any(value in text for value in values if value)
