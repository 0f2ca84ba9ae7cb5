"""Pinned downloads, from a server that the test starts on this machine."""

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from wemgan import download
from wemgan.errors import UserError

CONTENT = bytes(range(256)) * 1000


class Server(ThreadingHTTPServer):
    """Serves CONTENT. `ranges` False ignores the Range header; `cut` closes that many answers half-way."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.ranges, self.cut, self.content, self.asked = True, 0, CONTENT, []


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        server = self.server
        server.asked.append(self.headers.get("Range"))
        if self.path != "/model":
            return self.send_error(404)
        start = 0
        if server.ranges and self.headers.get("Range"):
            start = int(self.headers["Range"].removeprefix("bytes=").rstrip("-"))
            if start >= len(server.content):
                return self.send_error(416)
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(server.content) - start))
        self.end_headers()
        rest = server.content[start:]
        if server.cut:
            server.cut -= 1
            rest = rest[: len(rest) // 2]
        self.wfile.write(rest)

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def pinned(server, path="/model"):
    url = f"http://127.0.0.1:{server.server_port}{path}"
    return download.Pinned(url, hashlib.sha256(CONTENT).hexdigest(), "a model", "none")


def test_whole_file_arrives_and_nothing_else_is_left(server, tmp_path):
    path = download.download(pinned(server), tmp_path / "deep" / "model.bin")
    assert path.read_bytes() == CONTENT
    assert [file.name for file in path.parent.iterdir()] == ["model.bin"]


def test_what_an_earlier_try_left_is_carried_on(server, tmp_path):
    (tmp_path / ".model.bin.part").write_bytes(CONTENT[:1000])
    assert download.download(pinned(server), tmp_path / "model.bin").read_bytes() == CONTENT
    assert server.asked == ["bytes=1000-"]


def test_answers_that_break_off_are_carried_on(server, tmp_path):
    server.cut = 2
    assert download.download(pinned(server), tmp_path / "model.bin").read_bytes() == CONTENT
    assert server.asked == [None, f"bytes={len(CONTENT) // 2}-", f"bytes={len(CONTENT) * 3 // 4}-"]


def test_a_server_that_breaks_off_again_and_again_is_told_and_what_came_is_kept(server, tmp_path):
    server.cut = 9
    with pytest.raises(UserError, match="could not be downloaded.*same command again to carry on"):
        download.download(pinned(server), tmp_path / "model.bin")
    assert not (tmp_path / "model.bin").exists()
    server.cut = 0
    assert download.download(pinned(server), tmp_path / "model.bin").read_bytes() == CONTENT


def test_a_server_without_ranges_sends_it_all_again(server, tmp_path):
    server.ranges = False
    (tmp_path / ".model.bin.part").write_bytes(b"x" * 5000)
    assert download.download(pinned(server), tmp_path / "model.bin").read_bytes() == CONTENT


def test_a_part_that_is_already_whole_is_taken(server, tmp_path):
    (tmp_path / ".model.bin.part").write_bytes(CONTENT)
    assert download.download(pinned(server), tmp_path / "model.bin").read_bytes() == CONTENT


def test_other_content_is_refused_and_thrown_away(server, tmp_path):
    server.content = CONTENT[::-1]
    with pytest.raises(UserError, match="not the pinned file"):
        download.download(pinned(server), tmp_path / "model.bin")
    assert list(tmp_path.iterdir()) == []


def test_a_missing_page_and_a_missing_server_are_told(server, tmp_path):
    with pytest.raises(UserError, match="Not Found.*fetch it by hand"):
        download.download(pinned(server, "/gone"), tmp_path / "model.bin")
    assert len(server.asked) == 1
    nobody = download.Pinned("http://127.0.0.1:9/model", "0", "a model", "none")
    with pytest.raises(UserError, match="could not be downloaded"):
        download.download(nobody, tmp_path / "model.bin")


def test_directory_is_looked_in_first_and_its_file_is_checked(server, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(download.FILES, "model.bin", pinned(server))
    (tmp_path / "mine").mkdir()
    weights = {"directory": str(tmp_path / "mine"), "download": False}
    with pytest.raises(UserError, match="weights.download is off"):
        download.find("model.bin", weights)

    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "model.bin").write_bytes(CONTENT)
    assert download.find("model.bin", weights).parent.name == "weights"
    (tmp_path / "mine" / "model.bin").write_bytes(b"other")
    with pytest.raises(UserError, match="is not the file that the project is pinned to"):
        download.find("model.bin", weights)
    (tmp_path / "mine" / "model.bin").unlink()
    (tmp_path / "weights" / "model.bin").unlink()
    assert download.find("model.bin", weights | {"download": True}) == tmp_path / "mine" / "model.bin"
