"""Put an experiment's tables and pictures into docs/ and its table into the README, with where they came from.

Only experiments on rendered faces: pictures of people do not belong into a repository.
"""

import argparse
import os
import platform
from pathlib import Path

import pandas as pd

from wemgan.errors import UserError, run_cli
from wemgan.files import digest, read_json, write_bytes, write_json
from wemgan.summarize import markdown
from wemgan.track import code_commit

START, END = "<!-- results: written by `snakemake publish` -->", "<!-- end of results -->"


def block(summary: str | Path, provenance: dict) -> str:
    """The README's results: the table of `summary` (a summary.csv), and the sentence that says where it was made."""
    frame = pd.read_csv(summary, dtype={"run": str})
    seeds = ", ".join(map(str, provenance["seeds"]))
    origin = (
        f"Experiment `{provenance['experiment']}`, seed {seeds}, {provenance['images']:,} images per run, code "
        f"`{provenance['commit']}`, configuration `{provenance['config_digest']}`, data `{provenance['data_digest']}`, "
        f"on {provenance['cores']} cores ({provenance['processor']})."
    )
    return f"{START}\n{markdown(frame)}\n{origin}\n{END}"


def insert(readme: str, text: str) -> str:
    """`readme` with what stands between the markers replaced by `text`; UserError if it has no markers."""
    if readme.count(START) != 1 or readme.count(END) != 1:
        raise UserError(
            f"README.md should hold the lines {START} and {END} once each; put them where the table belongs"
        )
    return readme[: readme.index(START)] + text + readme[readme.index(END) + len(END) :]


def processor() -> str:
    """The processor's name, as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.machine()


def describe_origin(results: Path, runs: dict) -> dict:
    """What a reader must know of where the results were made."""
    first = next(iter(runs.values()))
    return {
        "experiment": first["experiment"],
        "seeds": sorted({run["seed"] for run in runs.values()}),
        "images": first["train"]["images"],
        "commit": code_commit(),
        "config_digest": digest(results / "config" / "runs.json"),
        "data_digest": digest(results / "data" / "aus.csv", results / "data" / "split.csv"),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "processor": processor(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", required=True, type=Path, help="results/<experiment>")
    parser.add_argument("--out", required=True, type=Path, help="docs/<experiment>")
    parser.add_argument("--readme", type=Path, default=Path("README.md"))
    args = parser.parse_args()
    if not (args.results / "data" / "truth.npy").exists():
        raise UserError(
            f"{args.results} holds photos of people, which are not published; share its summary.csv by hand"
        )
    origin = describe_origin(args.results, read_json(args.results / "config" / "runs.json"))
    for name in ("summary.csv", "expressions.csv", "judge/report.csv", "figures/edits.png", "figures/runs.png"):
        write_bytes(args.out / Path(name).name, (args.results / name).read_bytes())
    write_json(args.out / "provenance.json", origin)
    text = insert(args.readme.read_text(encoding="utf-8"), block(args.out / "summary.csv", origin))
    write_bytes(args.readme, text.encode())


if __name__ == "__main__":
    run_cli(main)
