"""Pinned downloads, from a server that the test starts on this machine."""

import hashlib

import pytest
from loopback import at_drive, serve

from wemgan import download
from wemgan.errors import UserError

CONTENT = bytes(range(256)) * 1000
LARGE = CONTENT * 10
LARGE_HALF = len(LARGE) // 2 // (1 << 19) * (1 << 19)  # gdown keeps half megabytes


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(download, "PAUSE", 0)
    with serve() as server:
        server.files["model"] = CONTENT
        yield server


def ranges(server):
    return [asked for _, asked in server.asked]


def pinned(server, path="/model"):
    return download.Pinned(f"{server.url}{path}", hashlib.sha256(CONTENT).hexdigest(), "a model", "none")


def test_whole_file_arrives_and_nothing_else_is_left(server, tmp_path):
    path = download.download(pinned(server), tmp_path / "deep" / "model.bin")
    assert path.read_bytes() == CONTENT
    assert [file.name for file in path.parent.iterdir()] == ["model.bin"]


def test_what_an_earlier_try_left_is_carried_on(server, tmp_path):
    (tmp_path / ".model.bin.part").write_bytes(CONTENT[:1000])
    assert download.download(pinned(server), tmp_path / "model.bin").read_bytes() == CONTENT
    assert ranges(server) == ["bytes=1000-"]


def test_answers_that_break_off_are_carried_on(server, tmp_path):
    server.cut = 2
    assert download.download(pinned(server), tmp_path / "model.bin").read_bytes() == CONTENT
    assert ranges(server) == [None, f"bytes={len(CONTENT) // 2}-", f"bytes={len(CONTENT) * 3 // 4}-"]


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
    server.files["model"] = CONTENT[::-1]
    with pytest.raises(UserError, match="not the pinned model.bin"):
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


@pytest.mark.parametrize("kind", ["md5", "sha256"])
def test_a_published_sum_of_either_kind_is_checked(server, tmp_path, kind):
    sums = {"sha256": "", "md5": ""} | {kind: hashlib.new(kind, CONTENT).hexdigest()}
    right = download.Pinned(f"{server.url}/model", sums["sha256"], "a model", "none", sums["md5"])
    assert download.download(right, tmp_path / "model.bin").read_bytes() == CONTENT
    server.files["model"] = CONTENT[1:]
    with pytest.raises(UserError, match=f"not the pinned other.bin .its {kind} is"):
        download.download(right, tmp_path / "other.bin")


def test_without_a_published_sum_the_first_file_is_recorded_and_checked_ever_after(server, tmp_path):
    unknown = download.Pinned(f"{server.url}/model", "", "a model", "none")
    path = download.download(unknown, tmp_path / "model.bin")
    assert download.check(path, unknown) == hashlib.sha256(CONTENT).hexdigest()
    path.write_bytes(b"another")
    with pytest.raises(UserError, match="If it is the right one, remove model.bin.sha256"):
        download.check(path, unknown)


def test_a_page_in_place_of_a_file_stops_it_and_is_not_kept(server, tmp_path):
    server.page = "<html>the quota of today is used up</html>"
    with pytest.raises(UserError, match="sent a web page instead of model.bin.*quota"):
        download.download(pinned(server), tmp_path / "model.bin")
    assert list(tmp_path.iterdir()) == []


def of_drive(server):
    server.drive["the-id"] = LARGE
    return download.Pinned("", "", "a set", "none", hashlib.md5(LARGE).hexdigest(), "the-id")


def test_google_drive_is_asked_twice_and_a_cut_is_carried_on(server, tmp_path, monkeypatch):
    at_drive(server, monkeypatch)
    file, server.cut = of_drive(server), 1
    assert download.download(file, tmp_path / "set.zip").read_bytes() == LARGE
    assert server.asked[0] == ("/uc?id=the-id", None)
    assert server.asked[-1][1] == f"bytes={LARGE_HALF}-"
    assert [path.name for path in tmp_path.iterdir()] == ["set.zip"]


def test_what_a_broken_off_download_from_google_drive_left_is_carried_on(server, tmp_path, monkeypatch):
    at_drive(server, monkeypatch)
    file, server.cut = of_drive(server), 99
    with pytest.raises(UserError, match="same command again to carry on"):
        download.download(file, tmp_path / "set.zip")
    server.cut = 0
    assert download.download(file, tmp_path / "set.zip").read_bytes() == LARGE
    assert int(server.asked[-1][1].strip("bytes=-")) > len(LARGE) // 3


def test_google_drives_quota_page_stops_it_with_a_way_out(server, tmp_path, monkeypatch):
    at_drive(server, monkeypatch)
    file = of_drive(server)
    server.page = (
        '<html><p class="uc-error-caption">Sorry</p>'
        '<p class="uc-error-subcaption">Too many users have viewed or downloaded this file recently.</p></html>'
    )
    with pytest.raises(UserError, match="Too many users.*Try again in a day, set dataset.mirror, or fetch it by hand"):
        download.download(file, tmp_path / "set.zip")
    assert not (tmp_path / "set.zip").exists()


def test_other_content_from_google_drive_is_thrown_away(server, tmp_path, monkeypatch):
    at_drive(server, monkeypatch)
    file = of_drive(server)
    server.drive["the-id"] = LARGE[::-1]
    with pytest.raises(UserError, match="not the pinned set.zip"):
        download.download(file, tmp_path / "set.zip")
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_is_busy_is_asked_again(server, tmp_path):
    server.busy = 2
    assert download.download(pinned(server), tmp_path / "model.bin").read_bytes() == CONTENT
    server.busy = 9
    with pytest.raises(UserError, match="could not be downloaded from .*Too Many Requests"):
        download.download(pinned(server), tmp_path / "other.bin")
    assert server.busy == 9 - download.TRIES


@pytest.mark.parametrize("content", [LARGE, LARGE[:-9] + b"otherwise"])
def test_a_download_from_google_drive_that_was_whole_but_not_put_in_its_place_ends_well(
    server, tmp_path, monkeypatch, content
):
    at_drive(server, monkeypatch)
    file = of_drive(server)
    (tmp_path / ".set.zip.part.drive12345678.part").write_bytes(content)
    if content != LARGE:
        with pytest.raises(UserError, match="same command again to carry on"):
            download.download(file, tmp_path / "set.zip")
    assert download.download(file, tmp_path / "set.zip").read_bytes() == LARGE
    assert [path.name for path in tmp_path.iterdir()] == ["set.zip"]


def test_google_drive_without_ranges_sends_it_all_again_at_the_next_command(server, tmp_path, monkeypatch):
    at_drive(server, monkeypatch)
    file, server.ranges = of_drive(server), False
    (tmp_path / ".set.zip.part.drive12345678.part").write_bytes(LARGE[:700000])
    with pytest.raises(UserError, match="same command again to carry on"):
        download.download(file, tmp_path / "set.zip")
    assert download.download(file, tmp_path / "set.zip").read_bytes() == LARGE
