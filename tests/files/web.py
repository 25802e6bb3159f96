"""A small web server on this machine that stands in for a data archive: byte ranges, an index page, and faults."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote


@dataclass
class Web:
    """What the server does, and what it was asked."""

    folder: Path
    port: int = 0
    ranges: bool = True
    tags: bool = True
    fault: str = ""
    asked: list[tuple[str, str]] = field(default_factory=list)
    sent: int = 0
    ended: threading.Event = field(default_factory=threading.Event)

    def url(self, name: str = "") -> str:
        return f"http://127.0.0.1:{self.port}/{name}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, web: Web, *args: object) -> None:
        self.web = web
        super().__init__(*args)

    def log_message(self, *args: object) -> None:
        """Stay silent."""

    def do_GET(self) -> None:
        web, name = self.web, unquote(self.path.partition("?")[0]).lstrip("/")
        span = self.headers.get("Range", "")
        web.asked.append((name, span))
        if web.fault.startswith("status "):
            return self.answer(int(web.fault.split()[1]), b"no")
        if web.fault.startswith("redirect "):
            return self.answer(302, b"", Location=web.fault.split()[1])
        path = web.folder / name
        if path.is_dir():
            links = "".join(f'<li><a href="{item.name}">{item.name}</a></li>' for item in sorted(path.iterdir()))
            page = web.fault.removeprefix("page ") if web.fault.startswith("page ") else f"<ul>{links}</ul>"
            return self.answer(200, page.encode())
        if not path.is_file():
            return self.answer(404, b"no such file")
        return self.file(path.read_bytes(), span, {"ETag": f'"{path.stat().st_mtime_ns}"'} if web.tags else {})

    def file(self, data: bytes, span: str, headers: dict[str, str]) -> None:
        match = re.fullmatch(r"bytes=(\d+)-(\d+)", span)
        if not match or not self.web.ranges:
            return self.answer(200, data, **headers)
        start, stop = int(match[1]), min(int(match[2]) + 1, len(data))
        if start >= len(data):
            return self.answer(416, b"", **{"Content-Range": f"bytes */{len(data)}"})
        total = 10**15 if self.web.fault == "claims a petabyte" else len(data)
        if self.web.fault == "no content range":
            return self.answer(206, data[start:stop], **headers)
        if self.web.fault == "another file" and start + 1 < stop:
            headers = {"ETag": '"another"'}
        body = data[start:stop] + (b"x" * 2**20 if self.web.fault == "too much" else b"")
        return self.answer(206, body, **headers, **{"Content-Range": f"bytes {start}-{stop - 1}/{total}"})

    def drip(self, body: bytes) -> None:
        """Send nothing, or a little now and then, until the test ends."""
        with suppress(OSError):
            while not self.web.ended.wait(0.02):
                if self.web.fault == "drips":
                    self.wfile.write(b"x")

    def answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        cut = self.web.fault == "cut off" and len(body) > 1
        slow = self.web.fault in ("silent", "drips") and len(body) > 1
        if self.web.fault != "no length" or status != 200:
            self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        if slow:
            self.drip(body)
        with suppress(OSError):  # the reader may have had enough
            self.wfile.write(body[: len(body) // 2] if cut else body)
        self.web.sent += len(body)
        self.close_connection = True


@contextmanager
def serving(folder: Path, **settings: object) -> Iterator[Web]:
    """Serve a folder at 127.0.0.1 until the block ends."""
    web = Web(folder, **settings)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, web))
    web.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield web
    finally:
        web.ended.set()
        server.shutdown()
        server.server_close()
        thread.join()
