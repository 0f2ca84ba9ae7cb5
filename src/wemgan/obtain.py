"""Bring a data set here: download what may be downloaded, check what was put there, unpack it.

    python -m wemgan.obtain --config config.json --fetching fetching.json --files files.csv --set-aside set_aside.csv

Everything lies in `dataset.directory`/<name of the data set>, for all experiments. What is there already is checked and
kept; an archive that somebody has unpacked by hand is not wanted.
"""

import argparse
import fcntl
import os
import re
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from wemgan.download import Pinned, check, download, sum_of, wrong_sum
from wemgan.errors import UserError, run_cli
from wemgan.faces import SET_ASIDE_COLUMNS, write_table
from wemgan.files import read_json, write_json
from wemgan.inventory import DATASETS, FFHQ_PHOTOS, Dataset, File, folder, release_of
from wemgan.unpack import unpack

FILE_COLUMNS = ("file", "bytes", "sha256", "unpacked")
# At Google Drive, FFHQ's photos are files of their own.
THREADS = 16


def obtain(dataset: dict, source: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Bring a data set here; its files (file, bytes, sha256, unpacked) and what of its archives was set aside.

    `dataset` is the section of that name in params.yaml. UserError if its terms are not accepted, or for what is
    missing or is another file than it should be.
    """
    data, release = DATASETS[source], DATASETS[source].releases[release_of(dataset, source)]
    if source not in dataset["accept"]:
        raise UserError(
            f"{data.title} comes on terms ({data.licence}; {data.home}). "
            f"If they fit what you do, accept them in params.yaml, under dataset: `accept: [{source}]`"
        )
    root = Path(folder(dataset, source)).expanduser()
    rows, aside, missing = [], [], []
    with _alone(root):
        for file in release.files:
            found, refused = bring(file, root, dataset, data)
            missing += [file] if found is None else []
            rows += found or []
            aside += [{"id": name, "source": f"{file.path}:{name}", "reason": reason} for name, reason in refused]
        if missing:
            raise UserError(_ask_for(missing, root, data))
        if source == "ffhq" and dataset["fetch"]:
            rows.append(_ffhq_photos(root, release_of(dataset, source), dataset["mirror"]))
    files = pd.DataFrame(rows, columns=list(FILE_COLUMNS)).astype({"bytes": "Int64"}).drop_duplicates(ignore_index=True)
    return files, pd.DataFrame(aside, columns=list(SET_ASIDE_COLUMNS)).drop_duplicates(ignore_index=True)


def bring(file: File, root: Path, dataset: dict, data: Dataset) -> tuple[list[dict] | None, list]:
    """One file of a data set: its rows, or None where it is not to be had; and what of an archive was set aside."""
    pieces, note, place = [root / piece for piece in file.pieces], file.note(root), file.found(root)
    if len(pieces) > 1 and (root / file.path).exists():  # somebody has joined the parts
        pieces = [root / file.path]
    if place is not None and not note.exists():
        if file.gives:  # by somebody's hand
            return [_row(root, place, unpacked="by hand")], []
        pieces = [place]
    record = read_json(note) if note.exists() else {}
    whole = record.get("sha256") and place is not None and held(place) >= record["held"]
    absent = [piece for piece in pieces if not piece.exists()]
    if absent and whole and (record["checked"] or not dataset["fetch"]):  # the archive was removed to save space
        return [_row(root, place, record["sha256"], record["files"])], record["refused"]
    if absent and (data.access or not dataset["fetch"]):
        return ([], []) if file.optional else (None, [])
    sums = []
    for number, piece in enumerate(pieces):
        pinned = _pinned(file, number, dataset["mirror"])
        if piece in absent:
            download(pinned, piece)
        sums.append(check(piece, pinned, record=not file.gives) if dataset["fetch"] else sum_of(piece))
    if not file.gives:
        return [_row(root, pieces[0], sums[0])], []
    if not whole or record["sha256"] != " ".join(sums):
        record = _unpacked(file, pieces, root) | {"sha256": " ".join(sums)}
        if dataset["fetch"]:
            for number, piece in enumerate(pieces):  # now that it has proved to be whole
                check(piece, _pinned(file, number, dataset["mirror"]))
    write_json(note, record | {"checked": dataset["fetch"], "bytes": [piece.stat().st_size for piece in pieces]})
    return [_row(root, pieces[0], record["sha256"], record["files"])], record["refused"]


def held(place: Path) -> int:
    """How many files a folder holds; 1 for a file."""
    return 1 if place.is_file() else sum(len(names) for _, _, names in os.walk(place))


def _unpacked(file: File, pieces: list[Path], root: Path) -> dict:
    """Unpack an archive; how many files it had, how many lie where they are read, and which members were refused.

    Its note is blank while they are put in their place, so that half of them do not pass for all.
    """
    note = file.note(root)
    count, refused = unpack(pieces, pieces[0].parent, before_moving=lambda: write_json(note, {"sha256": ""}))
    place = file.found(root)
    if place is None:
        note.unlink()
        raise UserError(f"{pieces[0]} was unpacked, but holds no {file.gives}; it is not the archive that it should be")
    return {"files": count, "held": held(place), "refused": refused}


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    """Keep experiments that run side by side apart: the second waits, and finds the files.

    A folder that may not be written is only read.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
        lock = open(root / ".lock", "w")  # noqa: SIM115
    except OSError as refusal:
        if not root.is_dir():
            raise UserError(
                f"{root} cannot be made ({refusal.strerror}); set dataset.directory to a folder of yours"
            ) from None
        yield
        return
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _pinned(file: File, place: int, mirror: str) -> Pinned:
    """Where a file, or that part of it, is to be had, and the sum that it should have."""
    url = f"{mirror.rstrip('/')}/{file.pieces[place]}" if mirror else ""
    return Pinned(url, "", file.path, "", md5=file.md5, drive="" if mirror or not file.drive else file.drive[place])


def _row(root: Path, path: Path, sha256: str = "", unpacked: object = "") -> dict:
    name, size = path.relative_to(root).as_posix(), path.stat().st_size if path.is_file() else None
    return {"file": name, "bytes": size, "sha256": sha256, "unpacked": unpacked}


def _ask_for(missing: list[File], root: Path, data: Dataset) -> str:
    """What is missing, in words: what to request where, and where to put it."""
    wanted = []
    for file in missing:
        parts = file.path if len(file.pieces) == 1 else f"{file.pieces[0]} to {file.pieces[-1]}"
        hint = f", {file.hint}" if file.hint else ""
        wanted.append(f"{root}/{parts}" + (f" (or unpacked, {root}/{file.target}{hint})" if file.gives else ""))
        if file.note(root).exists():
            wanted[-1] += f" (an unpacking broke off; if you have unpacked all of it by hand, remove {file.note(root)})"
    how = f"Ask for it: {data.access}." if data.access else "dataset.fetch is false, so that nothing is downloaded."
    return f"{data.title} is not here. {how} See {data.home}. Then put there: {'; '.join(wanted)}"


def _ffhq_photos(root: Path, release: str, mirror: str) -> dict:
    """Download the photos that the json lists, each with its own sum; those that are here and have it are kept."""
    kind = FFHQ_PHOTOS[release]
    listed = [entry[kind] for entry in read_json(root / "ffhq-dataset-v2.json").values()]
    for entry in listed:
        if not (root / entry["file_path"]).resolve().is_relative_to(root.resolve()):
            raise UserError(f"the json of FFHQ names {entry['file_path']}, outside of its folder")

    def fetch(entry: dict) -> None:
        path = root / entry["file_path"]
        if path.exists() and not wrong_sum(path, Pinned("", "", "", "", md5=entry["file_md5"])):
            return
        path.unlink(missing_ok=True)
        drive = re.search(r"[?&]id=([\w-]+)", entry["file_url"])
        url = f"{mirror.rstrip('/')}/{entry['file_path']}" if mirror else "" if drive else entry["file_url"]
        drive = drive[1] if drive and not mirror else ""
        download(Pinned(url, "", "", "", md5=entry["file_md5"], drive=drive), path, progress=False)

    with ThreadPoolExecutor(THREADS) as pool:
        tasks = [pool.submit(fetch, entry) for entry in listed]
        try:
            for task in tqdm(tasks, f"download {release}", unit=" photos", mininterval=1):
                task.result()
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    return {
        "file": f"{release}",
        "bytes": sum(entry["file_size"] for entry in listed),
        "sha256": "",
        "unpacked": len(listed),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("--config", "--fetching", "--files", "--set-aside"):
        parser.add_argument(name, required=True)
    args = parser.parse_args()
    config = read_json(args.config)
    files, aside = obtain(config["dataset"] | read_json(args.fetching)["dataset"], config["data"]["source"])
    write_table(args.set_aside, aside)
    write_table(args.files, files)
    print(
        f"{DATASETS[config['data']['source']].title}: {len(files)} files, {len(aside)} members set aside",
        file=sys.stderr,
    )


if __name__ == "__main__":
    run_cli(main)
