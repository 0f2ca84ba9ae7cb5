"""Files that are either whole or not there: written beside their place under another name, then moved in."""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from wemgan.errors import UserError


@contextmanager
def whole(path: str | Path) -> Iterator[Path]:
    """Give a temporary path in `path`'s folder; when the block ends well, move it to `path`, else remove it."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # The suffix stays last, so that writers which go by it (PNG, npy, CSV) see the right one.
    temporary = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_bytes(path: str | Path, content: bytes) -> None:
    """Write a file whole; OSError (a full disk among others) leaves what was there before."""
    with whole(path) as temporary:
        temporary.write_bytes(content)


def write_json(path: str | Path, content: dict) -> None:
    """Write readable JSON whole."""
    write_bytes(path, (json.dumps(content, indent=2) + "\n").encode())


def read_json(path: str | Path) -> dict:
    """Read a JSON file; UserError if it is missing or broken."""
    try:
        return json.loads(Path(path).read_text())
    except FileNotFoundError:
        raise UserError(f"there is no file {path}; the step that makes it has to run first") from None
    except json.JSONDecodeError as broken:
        raise UserError(
            f"{path} is not valid JSON ({broken}); delete it and run the step that makes it again"
        ) from None


def check_made_of(path: str | Path, found: str | None, wanted: str, what: str, mend: str) -> None:
    """Refuse a file that carries another digest than what it should be made of has: UserError, with how to mend it."""
    if found != wanted:
        raise UserError(f"{path} was made of {what} than is there now; {mend}")


def digest_of_lines(lines: Iterable[str]) -> str:
    """The first 16 hex digits of the sha256 over some lines, file names among them that are not UTF-8."""
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogateescape")).hexdigest()[:16]


def digest(*paths: str | Path) -> str:
    """The first 16 hex digits of the sha256 over the files' contents, in the order given."""
    total = hashlib.sha256()
    for path in paths:
        with open(path, "rb") as file:
            while block := file.read(1 << 20):
                total.update(block)
    return total.hexdigest()[:16]
