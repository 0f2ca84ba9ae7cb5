"""A server on this machine for tests of downloads: what files it has, how it breaks off, and what it was asked."""

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


class Server(ThreadingHTTPServer):
    """Serves `files` (path to content) and, at /uc?id=..., `drive` (id to content) as Google Drive does.

    `ranges` False ignores the Range header; `cut` closes that many answers half-way; `page` is a web page that is sent
    in the place of every file; `busy` so many answers are the status 429. `asked` are the paths and Range headers.
    """

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, bytes] = {}
        self.drive: dict[str, bytes] = {}
        self.ranges, self.cut, self.page, self.busy = True, 0, "", 0
        self.asked: list[tuple[str, str | None]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        server, parts = self.server, urlsplit(self.path)
        server.asked.append((self.path, self.headers.get("Range")))
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if server.busy:
            server.busy -= 1
            return self.send_error(429)
        if server.page:
            return self._send(server.page.encode(), "text/html")
        if parts.path in ("/uc", "/download") and query.get("id") in server.drive:
            if parts.path == "/uc":  # large files are asked for twice, since they were not scanned for viruses
                hidden = '<input type="hidden" name="confirm" value="t">'
                form = f'<form id="download-form" action="{server.url}/download?id={query["id"]}">{hidden}</form>'
                return self._send(form.encode(), "text/html; charset=utf-8")
            name = {"Content-Disposition": 'attachment; filename="of_drive.bin"'}
            return self._send(server.drive[query["id"]], "application/octet-stream", name)
        content = server.files.get(parts.path.lstrip("/"))
        return self.send_error(404) if content is None else self._send(content, "application/octet-stream")

    def _send(self, content: bytes, kind: str, headers: dict | None = None):
        server, start, asked = self.server, 0, self.headers.get("Range")
        if server.ranges and asked and not kind.startswith("text/html"):
            start = int(asked.removeprefix("bytes=").rstrip("-"))
            if start >= len(content):
                return self.send_error(416)
        self.send_response(206 if start else 200)
        headers = (headers or {}) | {"Content-Length": str(len(content) - start), "Content-Type": kind}
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        rest = content[start:]
        if server.cut and not kind.startswith("text/html"):
            server.cut -= 1
            rest = rest[: len(rest) // 2]
            self.close_connection = True
        self.wfile.write(rest)

    def log_message(self, *_):
        pass


@contextmanager
def serve() -> Iterator[Server]:
    """A server that runs until the block ends."""
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def at_drive(server: Server, monkeypatch) -> None:
    """Send what gdown asks of Google Drive to the server."""
    import requests

    ask = requests.Session.get

    def get(self, url, **options):
        return ask(self, url.replace("https://drive.google.com", server.url), **options)

    monkeypatch.setattr(requests.Session, "get", get)
    monkeypatch.setattr(random, "uniform", lambda low, high: 0)  # how long gdown waits before it tries again
