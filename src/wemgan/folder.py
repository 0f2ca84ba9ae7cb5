"""A tree of photos: which files there are, and who is on each.

    python -m wemgan.folder --config config.json --photos photos.csv --set-aside set_aside.csv

Who is on a photo is told by a regular expression over its path, by a CSV with the columns `source` and `identity`,
or by a file of the layout of CelebA's identity_CelebA.txt (a file name and a number on each line).
"""

import argparse
import hashlib
import os
import re
import sys
from collections import Counter
from pathlib import Path, PurePosixPath

import pandas as pd

from wemgan.errors import UserError, run_cli
from wemgan.faces import SET_ASIDE_COLUMNS, read_table, write_table
from wemgan.files import digest, digest_of_lines, read_json

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")
FEW = 20  # photos, of which it means little that nobody is on two
NO_PHOTO = f"its name does not end in {', '.join(SUFFIXES)}"


def scan(folder: str | Path) -> tuple[list[str], dict[str, str]]:
    """The photos under a folder, as sorted paths relative to it with forward slashes; and why other entries are none.

    Hidden files are passed over. Links are followed, but no folder is read twice. UserError if the folder is missing,
    is a file, or has no photo.
    """
    root = Path(folder).expanduser()
    if not root.exists():
        raise UserError(f"there is no folder {folder}; set folder.path to the folder of your photos")
    if not root.is_dir():
        raise UserError(f"{folder} is a file; set folder.path to the folder that holds your photos")
    found, others, seen = [], {}, {os.path.realpath(root)}
    for here, folders, files in os.walk(root, followlinks=True, onerror=_refuse):
        inside = os.path.relpath(here, root).replace(os.sep, "/")
        inside = "" if inside == "." else f"{inside}/"
        for name in sorted(folders):
            real = os.path.realpath(os.path.join(here, name))
            if name.startswith("."):
                folders.remove(name)
            elif real in seen:
                folders.remove(name)
                others[f"{inside}{name}"] = "a link to a folder that was read already"
            seen.add(real)
        folders.sort()
        paths = [f"{inside}{name}" for name in files if not name.startswith(".")]
        found += [path for path in paths if path.lower().endswith(SUFFIXES)]
        others |= {path: NO_PHOTO for path in paths if not path.lower().endswith(SUFFIXES)}
    if not found:
        rest = f"none of its {len(others)} files ends in" if others else "it is empty; wanted are files that end in"
        raise UserError(f"there is no photo in {folder}: {rest} {', '.join(SUFFIXES)}")
    return sorted(found), dict(sorted(others.items()))


def inventory(folder: dict) -> str | None:
    """A digest of the photos' names and sizes, and of the file that says who is who; `folder` of params.yaml.

    It changes when photos come or go. None where there are none to be read: the step that lists them says why.
    """
    root = Path(folder["path"]).expanduser()
    try:
        lines = [f"{source} {_size(root / source)}" for source in scan(root)[0]]
        if folder["identities"]:
            lines.append(digest(Path(folder["identities"]).expanduser()))
    except (UserError, OSError):
        return None
    return digest_of_lines(lines)


def names_and_sizes(folder: str | Path, suffixes: tuple[str, ...]) -> str:
    """A digest of the names and sizes of the files under a folder that end so."""
    root = Path(folder).expanduser()
    paths = sorted(path for path in root.rglob("*") if path.suffix.lower() in suffixes)
    return digest_of_lines([f"{path.relative_to(root)} {_size(path)}" for path in paths])


def identities_by_pattern(sources: list[str], pattern: str) -> dict[str, str]:
    """Source to identity, by the group `identity` of a regular expression that is searched in each path.

    Paths that it does not match are left out. UserError if the expression is invalid or matches none of them.
    """
    try:
        expression = re.compile(pattern)
    except re.error as broken:
        raise UserError(f"folder.pattern is not a valid regular expression: {broken}, in {pattern!r}") from None
    if "identity" not in expression.groupindex:
        raise UserError(
            f"folder.pattern needs a group (?P<identity>...) that says who is on a photo; it is {pattern!r}"
        )
    matches = {source: expression.search(source) for source in sources}
    found = {source: match["identity"] for source, match in matches.items() if match and match["identity"]}
    if not found:
        raise UserError(
            f"folder.pattern {pattern!r} matches none of the {len(sources)} photos; the first is {sources[0]!r}"
        )
    return found


def identities_by_file(sources: list[str], path: str | Path) -> tuple[dict[str, str], dict[str, str]]:
    """Source to identity, from a CSV (columns source, identity) or a file of CelebA's layout ('000001.jpg 2880').

    A photo is looked up by its path relative to the folder, then by its file name alone. Also the reason for each that
    has none, and for what the file names in vain. UserError if the file is missing, broken, or names no photo at all.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise UserError(f"there is no file {path}, which folder.identities names")
    rows = _read_csv(path) if path.suffix.lower() == ".csv" else _read_celeba(path)
    table = dict(reversed(rows))  # of a name that stands twice, the first
    twice = {name for name, identity in rows if identity != table[name]}
    same_name = Counter(PurePosixPath(source).name for source in sources)
    found, reasons, used = {}, {}, set()
    for source in sources:
        key = source if source in table else PurePosixPath(source).name
        used.add(key)
        if key in twice:
            reasons[source] = f"named twice in {path.name}, as different people"
        elif not table.get(key):
            reasons[source] = f"not named in {path.name}"
        elif key != source and same_name[key] > 1:
            reasons[source] = f"one of several files of this name, and {path.name} does not say which"
        else:
            found[source] = table[key]
    if not found:
        raise UserError(
            f"{path} names none of the {len(sources)} photos; it names {next(iter(table), 'nobody')!r}, "
            f"and the first photo is {sources[0]!r}"
        )
    return found, reasons | {
        name: f"named in {path.name}, but there is no such photo" for name in table if name not in used
    }


def rank(identity: str, seed: int | str) -> bytes:
    """A fixed pseudo-random place of an identity among all others, whoever they are: sorts identities evenly mixed."""
    return hashlib.sha256(f"{seed}/{identity}".encode()).digest()


def take(photos: pd.DataFrame, limit: int | None) -> pd.DataFrame:
    """Whole identities, in the order of `rank`, until at least `limit` photos are in; None takes all of them.

    The order of the rows is kept. A photo that is added to the folder changes who else is taken as little as can be.
    """
    if limit is None or limit >= len(photos):
        return photos
    counts = photos["identity"].value_counts()
    people = sorted(counts.index, key=lambda identity: rank(identity, "limit"))
    before = counts.loc[people].cumsum().shift(fill_value=0)
    return photos[photos["identity"].isin(before.index[before < limit])].reset_index(drop=True)


def list_photos(folder: dict, limit: int | None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The photos to align (id, identity, source) and those set aside (id, source, reason); `folder` of params.yaml."""
    sources, others = scan(folder["path"])
    # Tables are UTF-8, so a photo whose name is not cannot be found again through one.
    reasons = {source: "file name is not UTF-8" for source in sources if shown(source) != source}
    sources = [source for source in sources if source not in reasons]
    if folder["identities"]:
        known, without = identities_by_file(sources, folder["identities"])
    else:
        known = identities_by_pattern(sources, folder["pattern"])
        without = {source: "its path does not match folder.pattern" for source in sources if source not in known}
    reasons |= without | others
    photos = [{"id": s, "identity": known[s], "source": s} for s in sources if s in known]
    aside = [{"id": shown(name), "source": shown(name), "reason": reason} for name, reason in reasons.items()]
    photos = pd.DataFrame(photos, columns=["id", "identity", "source"])
    return take(photos, limit), pd.DataFrame(aside, columns=list(SET_ASIDE_COLUMNS))


def shown(name: str) -> str:
    """A file name as it can stand in a table."""
    return name.encode("utf-8", "backslashreplace").decode()


def _size(path: Path) -> int:
    """A file's size; -1 of what is not there, as behind a link that leads nowhere."""
    try:
        return path.stat().st_size
    except OSError:
        return -1


def _refuse(failure: OSError) -> None:
    raise UserError(f"the folder {failure.filename} cannot be read ({failure.strerror})")


def _read_csv(path: Path) -> list[tuple[str, str]]:
    table = read_table(path)
    if not {"source", "identity"} <= set(table.columns):
        raise UserError(f"{path} needs the columns source and identity; it has {', '.join(map(str, table.columns))}")
    return list(zip(table["source"], table["identity"], strict=True))


def _read_celeba(path: Path) -> list[tuple[str, str]]:
    found = []
    for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
        if not line.strip():
            continue
        name, _, identity = line.strip().rpartition(" ")
        if not name.strip():
            raise UserError(f"line {number} of {path} is not a file name and an identity: {line.strip()!r}")
        found.append((name.strip(), identity))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("--config", "--photos", "--set-aside"):
        parser.add_argument(name, required=True)
    args = parser.parse_args()
    config = read_json(args.config)
    photos, aside = list_photos(config["folder"], config["data"]["limit"])
    write_table(args.set_aside, aside)
    write_table(args.photos, photos)
    people = photos["identity"].nunique()
    if len(photos) >= FEW and people > 0.9 * len(photos):
        print(
            f"warning: {len(photos)} photos are of {people} identities, hardly any of which has two; "
            "does folder.pattern (or folder.identities) tell people apart, and not photos?",
            file=sys.stderr,
        )
    print(f"{len(photos)} photos of {people} identities, {len(aside)} files set aside", file=sys.stderr)


if __name__ == "__main__":
    run_cli(main)
