"""Unpack an archive that somebody else made, without letting it write outside of its folder.

zip, tar (plain or compressed) and 7z, also in parts. Members that point outside, links, devices and names that stand
twice are set aside; everything else appears in the folder only when all of it is there, so that a broken-off unpacking
leaves nothing half done.
"""

import io
import lzma
import os
import shutil
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import BinaryIO

from tqdm import tqdm

from wemgan.errors import UserError

LONGEST = 240  # bytes of a name, a little less than what file systems take
TARS = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")


def unpack(
    pieces: list[Path], into: Path, before_moving: Callable[[], None] = lambda: None
) -> tuple[int, list[tuple[str, str]]]:
    """Unpack an archive, or the parts of one, into a folder: how many files there were, and (name, reason) of others.

    `before_moving` is called when all is unpacked beside, before it goes to its place. If what it holds has no folder
    in common, it goes into one with the archive's name. UserError if it is no archive, is broken, wants a password, or
    does not fit on the disk.
    """
    archive = pieces[0]
    opened = _open_7z if ".7z" in archive.name else _open_tar if archive.name.endswith(TARS) else _open_zip
    with ExitStack() as stack:
        try:
            members = opened(pieces, stack)
            good, refused = sort_out([(member.name, member.kind) for member in members])
            members = [member for member, fine in zip(members, good, strict=True) if fine]
            if not members:
                raise UserError(f"{archive} holds no file that may be taken; remove it and fetch it again")
            room, wanted = shutil.disk_usage(into).free, sum(member.size for member in members)
            if wanted > room:
                raise UserError(
                    f"{archive.name} holds {wanted / 1e9:.1f} GB, and {into} has room for {room / 1e9:.1f}; "
                    "free some space, or set dataset.directory to another disk"
                )
            aside = into / f".{archive.name}.unpacking"
            shutil.rmtree(aside, ignore_errors=True)
            for member, content in tqdm(_contents(members), f"unpack {archive.name}", len(members), unit=" files"):
                path = aside / member.name
                path.parent.mkdir(parents=True, exist_ok=True)
                with open(path, "wb") as file:
                    shutil.copyfileobj(content, file, 1 << 20)
        except NotImplementedError as unknown:
            raise UserError(
                f"{archive} is packed in a way that is not understood here ({unknown}); unpack it by hand in {into}/"
            ) from None
        except (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, _bad_7z()) as broken:
            parts = f", or another of its {len(pieces)} parts," if len(pieces) > 1 else ""
            raise UserError(f"{archive}{parts} is no whole archive ({broken}); remove it and fetch it again") from None
    before_moving()
    tops = {PurePosixPath(member.name).parts[0] for member in members}
    alone = len(tops) == 1 and all("/" in member.name for member in members)
    _move(aside, into if alone else into / archive.name.split(".")[0])
    return len(members), refused


def sort_out(members: list[tuple[str, str]]) -> tuple[list[bool], list[tuple[str, str]]]:
    """Which members (name, kind) may be written, and (name, reason) of those that may not; folders are passed over."""
    good, refused, seen, folders = [], [], set(), set()
    for name, kind in members:
        path = PurePosixPath(name)
        outside = path.is_absolute() or ".." in path.parts or "\\" in name or PureWindowsPath(name).drive
        reason = ""
        if outside:
            reason = "points outside of its archive"
        elif "__MACOSX" in path.parts or path.name.startswith("._") or path.name in (".DS_Store", "Thumbs.db"):
            reason = "a note of the system beside the files of an archive"
        elif kind == "file" and (not path.name or _longest(path) > LONGEST):
            reason = "its name in the archive is empty or too long"
        elif kind == "file" and (str(path) in folders or any(str(parent) in seen for parent in path.parents)):
            reason = "both a file and a folder in its archive"
        elif kind not in ("file", "folder"):
            reason = f"a {kind} in an archive"
        elif kind == "file" and str(path) in seen:
            reason = "stands twice in its archive; the first is taken"
        if reason:
            refused.append((name, reason))
        good.append(kind == "file" and not reason)
        if good[-1]:
            seen.add(str(path))
            folders.update(str(parent) for parent in path.parents)
    return good, refused


def _longest(path: PurePosixPath) -> int:
    """Bytes of the longest name in a path."""
    return max(len(part.encode("utf-8", "replace")) for part in path.parts)


class _Member:
    """A member of an archive: its name, kind (file, folder, link...), size in bytes, and how to read it."""

    def __init__(self, name: str, kind: str, size: int, opened):
        self.name, self.kind, self.size, self.open = name, kind, size, opened


def _contents(members: list[_Member]) -> Iterator[tuple[_Member, BinaryIO]]:
    for member in members:
        with member.open() as content:
            yield member, content


def _open_zip(pieces: list[Path], stack: ExitStack) -> list[_Member]:
    archive = stack.enter_context(zipfile.ZipFile(pieces[0]))
    if any(info.flag_bits & 1 for info in archive.infolist()):
        raise UserError(
            f"{pieces[0]} wants a password; unpack it by hand with the one that its authors gave you, "
            f"in {pieces[0].parent}/"
        )
    kinds = {0o120000: "link", 0o060000: "device", 0o020000: "device", 0o010000: "pipe", 0o140000: "socket"}
    return [
        _Member(
            info.filename,
            "folder" if info.is_dir() else kinds.get((info.external_attr >> 16) & 0o170000, "file"),
            info.file_size,
            lambda info=info: archive.open(info),
        )
        for info in archive.infolist()
    ]


def _open_tar(pieces: list[Path], stack: ExitStack) -> list[_Member]:
    archive = stack.enter_context(tarfile.open(pieces[0]))  # noqa: SIM115

    def kind(info: tarfile.TarInfo) -> str:
        if info.isreg():
            return "file"
        return "folder" if info.isdir() else "link" if info.issym() or info.islnk() else "device"

    return [
        _Member(info.name, kind(info), info.size, lambda info=info: archive.extractfile(info))
        for info in archive.getmembers()
    ]


def _open_7z(pieces: list[Path], stack: ExitStack) -> list[_Member]:
    """7z holds all files in one stream: the first that is wanted has all unpacked, into a folder beside."""
    import multivolumefile
    import py7zr

    first = pieces[0]
    if first.suffix == ".7z":
        file = stack.enter_context(first.open("rb"))
    else:
        # It takes all files for parts that begin like one: so it is shown these alone.
        alone = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for piece in pieces:
            (alone / piece.name).symlink_to(piece.resolve())
        parts = multivolumefile.MultiVolume(alone / first.stem, "rb", ext_digits=3)
        file = stack.enter_context(io.BufferedReader(parts))  # which reads on where a part ends
    locked = UserError(f"{first} wants a password; unpack it by hand, in {first.parent}/")
    try:
        archive = stack.enter_context(py7zr.SevenZipFile(file))
    except py7zr.PasswordRequired:
        raise locked from None
    if archive.needs_password():
        raise locked
    infos = archive.list()
    kinds = ["folder" if i.is_directory else "file" if i.is_file else "link" for i in infos]
    good, _ = sort_out([(i.filename, kind) for i, kind in zip(infos, kinds, strict=True)])
    beside = first.parent / f".{first.name}.unpacking_7z"
    stack.callback(shutil.rmtree, beside, ignore_errors=True)

    @cache
    def unpacked() -> Path:
        shutil.rmtree(beside, ignore_errors=True)
        archive.extract(beside, targets=[i.filename for i, fine in zip(infos, good, strict=True) if fine])
        return beside

    def opened(name: str) -> BinaryIO:
        path = unpacked() / name
        content = path.open("rb")
        path.unlink()  # so that the disk holds it once: its room is free when it is closed
        return content

    return [
        _Member(i.filename, kind, i.uncompressed, lambda i=i: opened(i.filename))
        for i, kind in zip(infos, kinds, strict=True)
    ]


def _bad_7z() -> type[Exception]:
    import py7zr

    return py7zr.exceptions.ArchiveError


def _move(source: Path, target: Path) -> None:
    """Move every file of a folder to its place in another, and remove the folder."""
    for here, _, files in os.walk(source):
        there = target / Path(here).relative_to(source)
        there.mkdir(parents=True, exist_ok=True)
        for name in files:
            os.replace(Path(here) / name, there / name)
    shutil.rmtree(source)
