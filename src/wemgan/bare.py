"""Run an experiment on a machine that has Python and torch but no Snakemake, and check what comes back.

    python -m wemgan.bare plan --experiment synthetic --plan bare/plan.json    where the workflow is
    python -m wemgan.bare run --plan bare/plan.json --at-once 2                on the bare machine; again after a kill
    python -m wemgan.bare check --experiment synthetic                         where the workflow is, on what came back

The commands are Snakemake's own, so there is one DAG. docs/gpu.md says what to carry.
"""

import argparse
import hashlib
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from pathlib import Path

from wemgan.checkpoint import load_weights
from wemgan.errors import UserError, run_cli
from wemgan.files import digest, read_json, write_bytes, write_json
from wemgan.origin import code_commit

# In this order every step finds what it reads; `track` stays where MLflow is.
STEPS = (
    "obtain", "datasets", "folder", "align", "faces", "render", "label", "label_report", "split", "pairs",
    "judge", "hog", "reference", "cards", "au_network", "partners", "train", "evaluate",
    "compare", "summarize", "figures", "charts", "sweeps",
)  # fmt: skip


def plan(experiment: str) -> dict:
    """The commands of all of an experiment's jobs, in an order in which they can run, and the code's commit."""
    words = [sys.executable, "-m", "snakemake", "--dry-run", "--printshellcmds", "--forceall"]
    done = subprocess.run([*words, "--config", f"experiment={experiment}"], capture_output=True, text=True)
    if done.returncode:
        raise UserError(f"Snakemake cannot plan {experiment}: {done.stderr.strip().splitlines()[-1]}")
    commands = re.findall(r"^Shell command: (python -m wemgan\..*)$", done.stdout + done.stderr, re.M)
    known = [command for command in commands if _step(command) in STEPS]
    return {
        "experiment": experiment,
        "commit": code_commit(),
        "commands": sorted(known, key=lambda command: STEPS.index(_step(command))),
    }


def run(jobs: dict, at_once: int) -> None:
    """Run the commands that were not run before, trainings and measurements `at_once` side by side.

    A command counts as run when it ended well after the same commands, on the same configuration and code, before it.
    UserError names the first that failed; what is finished stays, and a training resumes.
    """
    notes = Path("results") / jobs["experiment"] / "bare"
    state = hashlib.sha256(jobs["commit"].encode())
    os.environ["WEMGAN_COMMIT"] = jobs["commit"]  # there may be no git
    with ThreadPoolExecutor(at_once) as pool:
        for step, group in groupby(jobs["commands"], _step):
            commands = list(group)
            marks = {}
            for command in commands:
                own = state.copy()
                own.update(command.encode() + _config(command))
                marks[command] = notes / f"{own.hexdigest()[:16]}.done"
            for command in commands:
                state.update(command.encode() + _config(command))
            waiting = [command for command in commands if not marks[command].exists()]
            print(f"{step}: {len(waiting)} of {len(commands)} to run", flush=True)
            list(pool.map(lambda command, marks=marks: _do(command, marks[command]), waiting))


def _do(command: str, mark: Path) -> None:
    command = command.split(" 2>&1 | tee ")[0]
    done = subprocess.run([sys.executable, *command.split()[1:]])
    if done.returncode:
        raise UserError(f"`{command}` failed; what it said stands above. The same command again carries on")
    write_bytes(mark, f"{command}\n".encode())


def _step(command: str) -> str:
    return command.split()[2].removeprefix("wemgan.")


def _config(command: str) -> bytes:
    """The configuration that a command reads, as bytes; empty if it reads none."""
    words = command.split()
    return Path(words[words.index("--config") + 1]).read_bytes() if "--config" in words else b""


def check(experiment: str) -> list[str]:
    """A line on each run of an experiment in results/: where it was made; UserError if it is not what is asked for."""
    from wemgan import config  # wants YAML, which the bare machine may lack

    params = config.load("params.yaml", experiment)
    folder = Path("results") / experiment
    config.write_stages(params, folder)
    data, lines = digest(folder / "data" / "aus.csv", folder / "data" / "split.csv"), []
    for name in params["runs"]:
        for seed in params["seeds"]:
            place = folder / "runs" / name / f"seed{seed}"
            _, about = load_weights(place / "model.pt")
            for what, found, wanted in (
                ("configuration", about["config_digest"], digest(place / "config.json")),
                ("labels or split", about["data_digest"], data),
            ):
                if found != wanted:
                    raise UserError(f"{place}/model.pt was trained with another {what}; bring that run back anew")
            speed = read_json(place / "speed.json")
            lines.append(f"{name} seed {seed}: {speed['gpu'] or speed['processor']}, code {speed['commit']}")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("plan", "run", "check"))
    parser.add_argument("--experiment", help="for plan and check")
    parser.add_argument("--plan", help="the file that plan writes and run reads")
    parser.add_argument("--at-once", type=int, default=1, help="trainings side by side")
    args = parser.parse_args()
    if args.what == "run":
        run(read_json(args.plan), args.at_once)
    elif args.what == "plan":
        write_json(args.plan, plan(args.experiment))
    else:
        print("\n".join(check(args.experiment)))


if __name__ == "__main__":
    run_cli(main)
