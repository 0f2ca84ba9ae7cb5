"""What a failed or killed workflow leaves behind: the sentences that say why, and the lock that is in the way.

Snakemake leaves a lock in its folder when it is killed, and its steps may live on. Both are removed when no other
Snakemake works in the folder; if one does, or another machine holds the lock, everything stays as it is.
"""

import os
import socket
import sys
import time
from pathlib import Path

import psutil

MARK = "WEMGAN_STARTED_BY"  # every step inherits this from the Snakemake that started it


def clear_interrupted(folder: str | Path = ".") -> bool:
    """Remove the lock and the steps of a killed Snakemake in `folder`, and mark what this process will start.

    Returns whether another Snakemake is at work there.
    """
    folder = Path(folder).resolve()
    os.environ[MARK] = str(os.getpid())
    locks = list((folder / ".snakemake" / "locks").glob("*.lock"))
    holder = folder / ".snakemake" / "host"
    here = socket.gethostname()
    others = _others(folder) if locks else []
    for other in others:
        since = time.strftime("%H:%M", time.localtime(other.create_time()))
        print(
            f"another Snakemake (process {other.pid}, since {since}) is at work in this folder; until it has ended, "
            "only dry runs and reports can be made",
            file=sys.stderr,
        )
    if locks and not others and (not holder.exists() or holder.read_text() == here):
        for process in _orphans(folder):
            print(f"ending step {process.pid}, left over from an interrupted run", file=sys.stderr)
            process.kill()
        for lock in locks:
            lock.unlink(missing_ok=True)
        print("an earlier run was interrupted; carrying on", file=sys.stderr)
        locks = []
    if not locks:
        holder.parent.mkdir(exist_ok=True)
        holder.write_text(here)
    return bool(others)


def mistakes(logs: str | Path, since: float) -> str:
    """The sentences with which steps failed, from the logs that were written after the time `since`, one a line."""
    found = {}
    for log in sorted(Path(logs).rglob("*.log")):
        lines = log.read_text(errors="replace").splitlines() if log.stat().st_mtime >= since else []
        if lines and lines[-1].startswith("error: "):
            found[lines[-1]] = log
    return (
        "\n".join(["What went wrong:", *(f"  {line}\n    (in {log})" for line, log in found.items())]) if found else ""
    )


def warnings(logs: str | Path, since: float) -> str:
    """What steps warned of, from the logs that were written after the time `since`, one a line."""
    found = {}
    for log in sorted(Path(logs).rglob("*.log")):
        if log.stat().st_mtime >= since:
            found |= {
                line: log for line in log.read_text(errors="replace").splitlines() if line.startswith("warning: ")
            }
    return "\n".join(f"{line}\n    (in {log})" for line, log in found.items())


def _others(folder: Path) -> list[psutil.Process]:
    """Other Snakemake processes at work in the folder."""
    mine = {process.pid for process in (psutil.Process(), *psutil.Process().parents())}
    return [p for p in _at_work(folder) if p.pid not in mine and "snakemake" in map(_program, p.cmdline()[:3])]


def _program(word: str) -> str:
    return Path(word).name


def _orphans(folder: Path) -> list[psutil.Process]:
    """Processes that were started by a Snakemake that is no more."""
    return [p for p in _at_work(folder) if (mark := p.environ().get(MARK)) and not psutil.pid_exists(int(mark))]


def _at_work(folder: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.cwd() == str(folder) and process.cmdline() and process.environ() is not None:
                found.append(process)
        except psutil.Error:
            continue
    return found
