"""Archives that others made: what is in them comes out, what would escape does not, and it is said."""

import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from wemgan.errors import UserError
from wemgan.unpack import unpack

GOOD = {"img/a.jpg": b"a" * 3000, "img/deep/b.jpg": b"b" * 10, "img/Zoë 写真.jpg": b"c"}


def zipped(path: Path, files: dict, also=()) -> Path:
    """A zip of files (name to content), and of further (ZipInfo, content) as they are."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
        for info, content in also:
            archive.writestr(info, content)
    return path


def tarred(path: Path, files: dict, also=()) -> Path:
    with tarfile.open(path, "w" if path.suffix == ".tar" else "w:gz") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        for info in also:
            archive.addfile(info)
    return path


def seven(path: Path, files: dict, parts: int = 1) -> list[Path]:
    """A 7z of files, in so many parts of equal length as 7-Zip makes them; the paths of its parts."""
    import py7zr

    with py7zr.SevenZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(content, name)
    if parts == 1:
        return [path]
    content = path.read_bytes()
    path.unlink()
    length = -(-len(content) // parts)
    for part in range(parts):
        path.with_name(f"{path.name}.{part + 1:03d}").write_bytes(content[part * length : (part + 1) * length])
    return sorted(path.parent.glob(f"{path.name}.*"))


def found(folder: Path) -> dict:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.fixture
def into(tmp_path):
    (tmp_path / "set").mkdir()
    return tmp_path / "set"


@pytest.mark.parametrize("kind", ["a.zip", "a.tar", "a.tar.gz", "a.7z"])
def test_what_is_in_an_archive_comes_out_whatever_its_kind(tmp_path, into, kind):
    make = {"zip": zipped, "7z": seven}.get(kind.rpartition(".")[2], tarred)
    make(tmp_path / kind, GOOD)
    assert unpack([tmp_path / kind], into) == (3, [])
    assert found(into) == GOOD


def test_an_archive_in_parts(tmp_path, into):
    import random

    files = {f"img/{i}.jpg": random.Random(i).randbytes(4000) for i in range(10)}
    parts = seven(tmp_path / "img_celeba.7z", files, 14)
    assert [part.name for part in parts][:2] == ["img_celeba.7z.001", "img_celeba.7z.002"]
    assert len(parts) == 14
    assert unpack(parts, into) == (10, [])
    assert found(into) == files
    assert not list(tmp_path.glob(".*unpacking*"))


def test_files_without_a_common_folder_go_into_one_with_the_archives_name(tmp_path, into):
    unpack([zipped(tmp_path / "aligned.zip", {"a.jpg": b"a", "b.jpg": b"b"})], into)
    assert set(found(into)) == {"aligned/a.jpg", "aligned/b.jpg"}


def test_members_of_a_zip_that_would_escape_are_set_aside(tmp_path, into):
    link = zipfile.ZipInfo("img/link.jpg")
    link.external_attr = 0o120777 << 16
    also = [("../evil.jpg", b"x"), ("/etc/evil.jpg", b"x"), ("img\\..\\..\\evil.jpg", b"x"), ("C:/evil.jpg", b"x")]
    with pytest.warns(UserWarning, match="Duplicate name"):
        archive = zipped(tmp_path / "a.zip", GOOD, [*also, (link, b"/etc/passwd"), ("img/a.jpg", b"second")])
    count, refused = unpack([archive], into)
    assert count == 3 and found(into) == GOOD
    assert not (tmp_path / "evil.jpg").exists()
    assert dict(refused) == {
        **{name: "points outside of its archive" for name, _ in also},
        "img/link.jpg": "a link in an archive",
        "img/a.jpg": "stands twice in its archive; the first is taken",
    }


def test_members_of_a_tar_that_would_escape_are_set_aside(tmp_path, into):
    kinds = {"soft": tarfile.SYMTYPE, "hard": tarfile.LNKTYPE, "device": tarfile.CHRTYPE}
    also = []
    for name, kind in kinds.items():
        info = tarfile.TarInfo(f"img/{name}")
        info.type, info.linkname = kind, "/etc/passwd"
        also.append(info)
    count, refused = unpack([tarred(tmp_path / "a.tar.gz", GOOD | {"../up.jpg": b"x"}, also)], into)
    assert count == 3 and found(into) == GOOD
    assert dict(refused) == {
        "../up.jpg": "points outside of its archive", "img/soft": "a link in an archive",
        "img/hard": "a link in an archive", "img/device": "a device in an archive",
    }  # fmt: skip


def test_a_broken_archive_is_told_and_leaves_nothing(tmp_path, into):
    import random

    files = {f"img/{i}.jpg": random.Random(i).randbytes(4000) for i in range(10)}
    for archive in (
        zipped(tmp_path / "a.zip", files),
        tarred(tmp_path / "a.tar.gz", files),
        *seven(tmp_path / "a.7z", files),
    ):
        archive.write_bytes(archive.read_bytes()[:20000])
        with pytest.raises(UserError, match="is no whole archive .*fetch it again"):
            unpack([archive], into)
    for archive in seven(tmp_path / "c.7z", files):
        content = bytearray(archive.read_bytes())
        content[5000:5100] = bytes(100)
        archive.write_bytes(content)
        with pytest.raises(UserError, match="is no whole archive"):
            unpack([archive], into)
    damaged = zipped(tmp_path / "b.zip", files)
    content = bytearray(damaged.read_bytes())
    content[1000] ^= 255
    damaged.write_bytes(content)
    with pytest.raises(UserError, match="is no whole archive"):
        unpack([damaged], into)
    assert found(into) == {} or not any(not name.startswith(".") for name in found(into))
    with pytest.raises(UserError, match="holds no file"):
        unpack([zipped(tmp_path / "empty.zip", {})], into)


def test_an_archive_with_a_password_is_to_be_unpacked_by_hand(tmp_path, into):
    archive = zipped(tmp_path / "a.zip", GOOD)
    content = bytearray(archive.read_bytes())
    for sign, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):  # the flag of encryption, in both headers of a member
        place = content.find(sign)
        content[place + at] |= 1
    archive.write_bytes(content)
    with pytest.raises(UserError, match="wants a password; unpack it by hand"):
        unpack([archive], into)


def test_members_that_could_not_be_written_are_set_aside(tmp_path, into):
    also = {
        "__MACOSX/img/._a.jpg": b"x",
        "img/._b.jpg": b"x",
        ".DS_Store": b"x",
        "./": b"",
        f"img/{'l' * 300}.jpg": b"x",
        "img/a.jpg/in": b"x",
    }
    count, refused = unpack([zipped(tmp_path / "a.zip", GOOD | also)], into)
    assert count == 3 and found(into) == GOOD
    assert [reason for _, reason in refused] == [
        *["a note of the system beside the files of an archive"] * 3, "its name in the archive is empty or too long",
        "both a file and a folder in its archive",
    ]  # fmt: skip


def test_an_archive_that_is_packed_in_an_unknown_way_is_to_be_unpacked_by_hand(tmp_path, into):
    archive = zipped(tmp_path / "a.zip", GOOD)
    content = bytearray(archive.read_bytes())
    for sign, at in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):  # the way of compression, in both headers of a member
        place = content.find(sign)
        content[place + at] = 9  # Deflate64, as Windows takes for large files
    archive.write_bytes(content)
    with pytest.raises(UserError, match="packed in a way that is not understood here .*unpack it by hand"):
        unpack([archive], into)


def test_a_7z_with_a_password_is_to_be_unpacked_by_hand(tmp_path, into):
    import py7zr

    for hidden in (False, True):
        with py7zr.SevenZipFile(tmp_path / "a.7z", "w", password="secret", header_encryption=hidden) as archive:
            archive.writestr(b"x", "img/a.jpg")
        with pytest.raises(UserError, match="wants a password; unpack it by hand"):
            unpack([tmp_path / "a.7z"], into)


def test_an_archive_that_the_disk_has_no_room_for_is_told_before(tmp_path, into, monkeypatch):
    import shutil
    from collections import namedtuple

    monkeypatch.setattr(shutil, "disk_usage", lambda path: namedtuple("Usage", "free")(100))
    with pytest.raises(UserError, match="has room for 0.0; free some space, or set dataset.directory"):
        unpack([zipped(tmp_path / "a.zip", GOOD)], into)


def test_an_unpacking_that_broke_off_is_begun_again(tmp_path, into):
    (into / ".a.zip.unpacking" / "img").mkdir(parents=True)
    (into / ".a.zip.unpacking" / "img" / "half.jpg").write_bytes(b"x")
    unpack([zipped(tmp_path / "a.zip", GOOD)], into)
    assert found(into) == GOOD
