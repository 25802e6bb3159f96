"""Files over HTTP: all bytes arrive, once; a broken transfer goes on; nobody else gets them; memory stays bounded."""

import asyncio
import hashlib
import http.client
import os
import subprocess
import sys
import threading
import time
import zipfile
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace

import pytest
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.web import Application, HTTPError

from musyq_lab.core.errors import InputError
from musyq_lab.dashboards import _stream
from musyq_lab.dashboards._stream import Desk, Offer, offer, offer_file, patterns
from musyq_lab.production.download.outcome import Download

DATA = bytes(range(256)) * 9000  # more than two pieces


class Server:
    """A server in a thread: the test is the browser."""

    def __init__(self, **provider):
        self.desk = Desk()
        self._ready = threading.Event()
        self._provider = provider
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._ready.wait(10)

    def _run(self):
        async def main():
            application = Application(patterns(self.desk))
            if self._provider:
                application.auth_provider = SimpleNamespace(get_user_async=None, **self._provider)
            server = HTTPServer(application)
            socket, self.port = bind_unused_port()
            server.add_socket(socket)
            self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
            self._ready.set()
            await self._stop.wait()
            server.stop()
            await server.close_all_connections()

        asyncio.run(main())

    def close(self):
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    def ask(self, address, method="GET", **headers):
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        link.request(method, address.removeprefix("."), headers={k.replace("_", "-"): v for k, v in headers.items()})
        answer = link.getresponse()
        body = answer.read()
        link.close()
        return answer, body


@pytest.fixture(scope="module")
def server():
    made = Server()
    yield made
    made.close()


@pytest.fixture
def file(tmp_path) -> Path:
    path = tmp_path / "données 数据.nc"
    path.write_bytes(DATA)
    return path


def test_the_file_arrives_with_its_size_name_and_checksum(server, file):
    answer, body = server.ask(server.desk.address(offer_file(file), "me"))
    assert answer.status == 200
    assert body == DATA
    assert answer.getheader("Content-Length") == str(len(DATA))
    assert answer.getheader("X-SHA256") == hashlib.sha256(DATA).hexdigest()
    assert answer.getheader("ETag") == f'"{hashlib.sha256(DATA).hexdigest()}"'
    name = answer.getheader("Content-Disposition")
    assert name.startswith("attachment; ")
    assert "filename*=UTF-8''donn%C3%A9es%20%E6%95%B0%E6%8D%AE.nc" in name
    assert answer.getheader("X-Content-Type-Options") == "nosniff"
    assert answer.getheader("Cache-Control") == "no-store"


def test_the_digest_is_that_of_rfc_9530(server, file):
    import base64

    answer, body = server.ask(server.desk.address(offer_file(file), "me"))
    said = answer.getheader("Repr-Digest").removeprefix("sha-256=:").removesuffix(":")
    assert base64.b64decode(said) == hashlib.sha256(body).digest()


def test_an_address_serves_the_file_once(server, file):
    spent = threading.Event()
    address = server.desk.address(offer_file(file), "once", spent=spent.set)
    assert server.ask(address)[0].status == 200
    assert spent.wait(5)
    answer, body = server.ask(address)
    assert answer.status == 404
    assert b"saved already" in body


def test_no_two_addresses_are_alike_and_none_is_short(file):
    desk = Desk()
    found = {desk.address(offer_file(file), str(k // 30)).split("/")[2] for k in range(300)}
    assert len(found) == 300
    assert min(map(len, found)) == 43  # 256 bits


def test_looking_first_does_not_spend_it(server, file):
    address = server.desk.address(offer_file(file), "me")
    for _ in range(2):
        answer, body = server.ask(address, "HEAD")
        assert (answer.status, answer.getheader("Content-Length"), body) == (200, str(len(DATA)), b"")
    assert server.ask(address)[1] == DATA


def test_a_transfer_goes_on_where_it_broke_off(server, file):
    address = server.desk.address(offer_file(file), "me")
    first, head = server.ask(address, Range="bytes=0-999999")
    assert (first.status, first.getheader("Content-Range")) == (206, f"bytes 0-999999/{len(DATA)}")
    rest, tail = server.ask(address, Range="bytes=1000000-", If_Range=first.getheader("ETag"))
    assert rest.status == 206
    assert head + tail == DATA
    assert server.ask(address)[0].status == 404, "all has been sent: it is spent"


def test_the_end_alone_does_not_spend_it(server, file):
    address = server.desk.address(offer_file(file), "me")
    assert server.ask(address, Range=f"bytes={len(DATA) - 1}-")[1] == DATA[-1:]
    assert server.ask(address)[1] == DATA


@pytest.mark.parametrize("given", ["bytes=5-2", "bytes=-5", "bytes=0-1,4-5", "lines=1-2", "bytes=" + "9" * 60 + "-"])
def test_what_is_no_simple_range_gets_the_whole(server, file, given):
    address = server.desk.address(offer_file(file), "me")
    answer, body = server.ask(address, Range=given)
    assert (answer.status, len(body)) in {(200, len(DATA)), (416, len(body))}


def test_another_version_is_sent_whole(server, file):
    address = server.desk.address(offer_file(file), "me")
    answer, body = server.ask(address, Range="bytes=5-", If_Range='"another"')
    assert (answer.status, body) == (200, DATA)


def test_behind_the_end_is_nothing(server, file):
    answer, _ = server.ask(server.desk.address(offer_file(file), "me"), Range=f"bytes={len(DATA)}-")
    assert answer.status == 416


def test_a_session_that_ends_takes_its_addresses_along(server, file):
    mine, other = (server.desk.address(offer_file(file), who) for who in ("mine", "other"))
    gone = threading.Event()
    server.desk.close("mine", gone.set)
    assert gone.is_set()
    assert server.ask(mine)[0].status == 404
    assert server.ask(other)[0].status == 200


def test_files_are_cleared_away_only_when_nobody_fetches_them(file):
    desk, gone = Desk(), threading.Event()
    token = desk.address(offer_file(file), "me").split("/")[2]
    with desk.taken(token, None) as ticket:
        desk.close("me", gone.set)
        assert not gone.is_set()
        ticket.sent = ticket.offer.size
    assert gone.is_set()
    assert not desk._owners
    assert not desk._tickets


def test_one_request_at_a_time(file):
    desk = Desk()
    token = desk.address(offer_file(file), "me").split("/")[2]
    with desk.taken(token, None), pytest.raises(HTTPError, match="409"), desk.taken(token, None):
        pass
    with desk.taken(token, None):
        pass


def test_addresses_end_by_themselves(file, monkeypatch):
    desk = Desk()
    monkeypatch.setattr(_stream, "LIFETIME", -1.0)
    token = desk.address(offer_file(file), "me").split("/")[2]
    with pytest.raises(HTTPError, match="404"), desk.taken(token, None):
        pass


def test_a_session_cannot_hoard(file):
    desk, made = Desk(), offer_file(file)
    for _ in range(_stream.MOST_FOR_ONE):
        desk.address(made, "me")
    with pytest.raises(InputError, match="wait to be saved"):
        desk.address(made, "me")
    desk.address(made, "another")


def test_too_many_transfers_are_told_to_wait(file, monkeypatch):
    desk, made = Desk(), offer_file(file)
    monkeypatch.setattr(_stream, "MOST_AT_ONCE", 1)
    first, second = (desk.address(made, "me").split("/")[2] for _ in range(2))
    with desk.taken(first, None), pytest.raises(HTTPError, match="503"), desk.taken(second, None):
        pass


def test_a_signed_in_person_gets_only_what_was_made_for_it(file):
    who = {"user": b"ada"}
    server = Server(get_user=lambda handler: who["user"])
    try:
        address = server.desk.address(offer_file(file), "me", user="ada")
        who["user"] = b"eve"
        assert server.ask(address)[0].status == 404
        who["user"] = None
        assert server.ask(address)[0].status == 404
        who["user"] = b"ada"
        assert server.ask(address)[1] == DATA
    finally:
        server.close()


@pytest.mark.parametrize(
    "address",
    ["/stream/../../etc/passwd", "/stream/" + "A" * 43 + "/x", "/stream//x", "/stream/%2e%2e/%2e%2e", "/stream/"],
)
def test_what_was_not_given_out_is_not_there(server, address):
    assert server.ask(address)[0].status == 404


def test_a_file_that_is_gone_is_told(server, file):
    address = server.desk.address(offer_file(file), "me")
    file.unlink()
    answer, body = server.ask(address)
    assert (answer.status, b"gone" in body) == (410, True)


def test_a_file_that_shrank_never_passes_for_whole(server, file):
    address = server.desk.address(offer_file(file), "me")
    file.write_bytes(DATA[: 2**20 + 5])
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        server.ask(address)


def test_refusals_are_logged_without_the_address(server, file, caplog):
    address = server.desk.address(offer_file(file), "me")
    server.ask(address, Range=f"bytes={len(DATA)}-")
    for _ in range(100):  # the answer is here before its line in the log
        if "416" in caplog.text:
            break
        time.sleep(0.02)
    assert "416" in caplog.text
    assert address.split("/")[2] not in caplog.text


def folder(tmp_path) -> Download:
    path = tmp_path / "maps"
    path.mkdir()
    for k in range(3):
        (path / f"{k}.tif").write_bytes(DATA[k:])
    side = [tmp_path / f"maps.{ending}" for ending in ("sha256", "attribution.txt", "receipt.json")]
    for one in side:
        one.write_text(one.name)
    files = tuple(sorted(path.iterdir()))
    return Download(path, files, "0" * 64, 3 * len(DATA), *side, estimate=None)


def test_a_folder_comes_as_a_zip_of_known_size(server, tmp_path):
    made = offer(folder(tmp_path))
    answer, body = server.ask(server.desk.address(made, "me"))
    assert answer.getheader("Content-Length") == str(len(body))
    assert hashlib.sha256(body).hexdigest() == made.sha256
    with zipfile.ZipFile(BytesIO(body)) as archive:
        assert archive.testzip() is None
        assert archive.read("maps/1.tif") == DATA[1:]
        assert "maps.attribution.txt" in archive.namelist()
    again = server.desk.address(made, "me")
    half = len(body) // 2
    assert b"".join(server.ask(again, Range=r)[1] for r in (f"bytes=0-{half}", f"bytes={half + 1}-")) == body


CHILD = """
import asyncio, hashlib, sys
from pathlib import Path
from tornado.web import Application
from musyq_lab.dashboards._stream import DESK, Offer, offer_file, patterns

async def main():
    server = Application(patterns()).listen(0, "127.0.0.1")
    port = next(iter(server._sockets.values())).getsockname()[1]
    address = DESK.address(offer_file(Path(sys.argv[1]), sha256="0" * 64), "me")
    print(port, address, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


def resident(pid: int, what: str = "VmHWM") -> int:
    """Return bytes: the most so far, or now."""
    line = next(row for row in Path(f"/proc/{pid}/status").read_text().splitlines() if row.startswith(what))
    return int(line.split()[1]) * 1024


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_500_mb_take_no_more_memory_than_a_few_pieces(tmp_path):
    size = 500 * 10**6
    path = tmp_path / "large.nc"
    with path.open("wb") as file:
        file.truncate(size)  # sparse: takes no room on the disk
    root = Path(__file__).resolve().parents[2]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")])}
    command = [sys.executable, "-c", CHILD, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True) as child:
        try:
            port, address = child.stdout.readline().split()
            before = resident(child.pid, "VmRSS")
            link = http.client.HTTPConnection("127.0.0.1", int(port), timeout=60)
            link.request("GET", address.removeprefix("."))
            answer = link.getresponse()
            assert answer.getheader("Content-Length") == str(size)
            got = 0
            while piece := answer.read(2**20):
                got += len(piece)
                if got == len(piece):
                    time.sleep(0.5)  # a slow reader: the server must wait, not read ahead into memory
            assert got == size
            assert resident(child.pid) - before < 60 * 10**6
        finally:
            child.kill()


def test_nothing_is_read_before_it_is_wanted():
    def never(start):
        raise AssertionError("opened")

    desk = Desk()
    desk.address(Offer("x", "text/plain", 5, "0" * 64, never), "me")
    desk.close("me")
