"""What Snakemake knows of every output, kept beside the outputs, so that it goes wherever they go.

Snakemake decides what is stale by its records in .snakemake/: of each output the inputs with their checksums, the
parameters, and the command. When results come or change from outside (`dvc pull`, `dvc checkout`), these are missing,
or of the files that were there before. So each folder of results that DVC stores as one holds a copy, records.json:

    recall   before a run: where other files lie than those that Snakemake knows, its records become those that came
             with the files; and an input whose content is not the recorded one is dated now, so that it is looked at
    keep     after a run: the copies are written anew
    enter    after a whole run: DVC's own record (dvc.lock and its cache) is brought up to date

What is then stale is what has changed, whichever tool put the files there.
"""

import hashlib
import json
import os
import subprocess
import sys
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from pathlib import Path

import yaml

from wemgan.files import digest, read_json, write_json

# The folders of an experiment that dvc.yaml stores as one each; what lies outside of them is recorded in LAST.
PARTS = ("data", "judge", "au_network", "runs", "controls", "figures")
LAST = "figures"
NAME = "records.json"
SEEN = "records_seen.json"  # in .snakemake: digests of the copies as they were written here, to know others by
SMALL = 1 << 20  # bytes: configuration and code, whose content is compared at every start


def recall(results: str | Path, folder: str | Path = ".snakemake/metadata") -> None:
    """Bring Snakemake's records of the experiment whose results lie in `results` to what lies there."""
    results, folder = Path(results), Path(folder)
    known, seen, arrived = dict(_records(folder, results)), _seen(folder), []
    for path in (results / part / NAME for part in PARTS):
        if not path.exists():
            continue
        foreign = seen.get(str(path)) != digest(path)
        for output, record in read_json(path).items():
            mine = known.get(output)
            # Of a run that was killed before it wrote the copy, Snakemake's own record is the newer one.
            if mine != record and (foreign or mine is None or not _is_of(output, mine)):
                known[output] = record
                arrived.append(output)
    if arrived:
        (folder.parent / "incomplete").mkdir(parents=True, exist_ok=True)  # or Snakemake takes them for an older format
    for output in arrived:
        _write(folder, output, known[output])
    _date(arrived, known)
    _show_changes(known)


def keep(results: str | Path, folder: str | Path = ".snakemake/metadata", empty: bool = False) -> None:
    """Write records.json of each part of `results`, where it is not as it should be.

    `empty`: also of a part without outputs, whose folder DVC wants all the same.
    """
    results = Path(results)
    parts: dict[str, dict] = {part: {} for part in PARTS}
    for output, record in sorted(_records(Path(folder), results)):
        part = Path(output).relative_to(results).parts[0]
        if Path(output).parent.exists():
            parts[part if part in PARTS else LAST][output] = record
    seen = _seen(Path(folder))
    for part, records in parts.items():
        path = results / part / NAME
        if not records and not empty:
            continue  # nothing was made there yet, and `dvc pull` would not go over a file that it does not know
        if not path.exists() or read_json(path) != records:
            write_json(path, records)
        seen[str(path)] = digest(path)
    write_json(Path(folder).parent / SEEN, seen)


def enter(results: str | Path, since: float) -> None:
    """Record the experiment in DVC as it lies there, if params.yaml names it: `dvc status` then has nothing to do.

    Only for results of which a Snakemake that started at the time `since` has just said that all is up to date, and not
    if configuration or code were edited after that. A failure is told in a sentence.
    """
    named = yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))["experiment"]
    if named != Path(results).name or "DVC_ROOT" in os.environ:
        return  # within `dvc repro`, DVC does it itself
    if not Path(".dvc").exists() or not Path(".git").exists():
        return  # DVC keeps its records in git
    read = [Path("params.yaml"), Path("experiments", f"{named}.yaml"), *Path("src").rglob("*.py")]
    if edited := [path for path in read if path.exists() and path.stat().st_mtime > since]:
        print(
            f"{edited[0]} was edited while this ran: not recorded in DVC; run the same command again", file=sys.stderr
        )
        return
    done = subprocess.run([sys.executable, "-m", "dvc", "commit", "--force"], capture_output=True, text=True)
    if done.returncode:
        why = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        print(f"not recorded in DVC ({why}); `dvc repro` does it", file=sys.stderr)


def _date(arrived: list[str], records: dict[str, dict]) -> None:
    """Date files that arrived: as when they were made if all that was made of them was made of this content, else now.

    Snakemake looks only at the content of inputs that are newer than what was made of them.
    """
    wanted: dict[str, set[str]] = {output: set() for output in arrived}
    for record in records.values():
        for path, checksum in record["input_checksums"].items():
            if path in wanted:
                wanted[path].add(checksum)
    for output, checksums in wanted.items():
        if Path(output).exists():
            same = not checksums or checksums == {_checksum(output)}
            os.utime(output, (records[output]["endtime"],) * 2 if same else None)


def _show_changes(records: dict[str, dict]) -> None:
    """Date small inputs now whose content is not the one that an output was made of, though they are older than it."""
    found: dict[str, str] = {}
    for output, record in records.items():
        for path, checksum in record["input_checksums"].items():
            if not (os.path.exists(path) and os.path.exists(output)) or os.path.getsize(path) > SMALL:
                continue
            found.setdefault(path, _checksum(path))
            if found[path] != checksum and os.path.getmtime(path) <= os.path.getmtime(output):
                os.utime(path)


def _is_of(output: str, record: dict) -> bool:
    """Whether the file that lies there is the one of the record, by the time at which it was written."""
    return os.path.exists(output) and abs(os.path.getmtime(output) - record["endtime"]) < 0.001


def _checksum(path: str) -> str:
    with open(path, "rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


def _seen(folder: Path) -> dict[str, str]:
    path = folder.parent / SEEN
    return read_json(path) if path.exists() else {}


def _records(folder: Path, results: Path) -> Iterator[tuple[str, dict]]:
    """The records of the outputs that lie in `results`, by output."""
    for path in folder.rglob("*") if folder.exists() else ():
        if not path.is_file() or path.name.startswith("."):
            continue
        name = "".join(part.removeprefix("@") for part in path.relative_to(folder).parts)
        try:
            output = urlsafe_b64decode(name).decode()
            if output.startswith(f"{results}/"):
                yield output, json.loads(path.read_text())
        except (ValueError, FileNotFoundError):  # being written at this moment by another Snakemake
            continue


def _write(folder: Path, output: str, record: dict) -> None:
    """Write a record where Snakemake looks for it: under the output's name in base64, long ones in pieces."""
    name, most = urlsafe_b64encode(output.encode()).decode(), 254
    pieces = [name[start : start + most] for start in range(0, len(name), most)]
    write_json(folder.joinpath(*(f"@{piece}" for piece in pieces[:-1]), pieces[-1]), record)
