"""A project whose steps only pretend, in a git and DVC repository of its own, and the tools to work in it.

The rules, Snakemake, DVC and the configuration are the real ones; every `python -m wemgan.<step>` is replaced by a
script that writes, into each output, a digest of all inputs and of the code.
"""

import fcntl
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).parents[1]
COPIED = (
    "Snakefile", "workflow", "profiles", "environment.yml", "params.yaml", "experiments", "dvc.yaml", "src",
    ".dvcignore", ".gitignore",
)  # fmt: skip

FAKE = """
import fcntl, hashlib, os, pathlib, sys
from wemgan.sources import sources
OUTPUTS = {
    "render": "faces table truth", "folder": "photos set-aside", "align": "faces table set-aside",
    "faces": "out-faces out-table out-set-aside", "label": "aus unlabelled", "split": "split",
    "obtain": "files set-aside", "datasets": "photos set-aside human", "label_report": "tables picture sheet",
    "pairs": "pairs truth wrong",
    "judge": "model", "au_network": "model", "train": "model history samples state speed",
    "evaluate": "metrics measures edits", "summarize": "summary expressions markdown scores", "figures": "out",
    "track": "tracked", "sweeps": "expressions single",
    "partners": "partners pixels", "hog": "model", "reference": "out about", "cards": "cards", "charts": "out",
    "compare": "intervals differences",
}
step, words = sys.argv[1], sys.argv[2:]
if os.environ.get("FAIL") and os.environ["FAIL"] in " ".join(words):
    sys.exit("error: this run was told to fail")
hold = pathlib.Path(os.environ.get("HOLD", ""))
def tell(what):
    if os.environ.get("HOLD"):
        with open(hold / "events", "w") as events:
            print(what, step, os.getpid(), file=events)
tell("start")
if os.environ.get("SLURM_JOB_ID"):
    with open("on_slurm.txt", "a") as jobs:
        print(step, os.environ.get("SLURM_GPUS_ON_NODE", 0), file=jobs)
if os.environ.get("HOLD_STEP") == step:
    with open(hold / "gate") as gate:
        fcntl.flock(gate, fcntl.LOCK_SH)  # waits until the test lets go
inputs, outputs, flag = [], [], None
for word in words:
    if word.startswith("--"):
        flag = word[2:]
    elif flag in OUTPUTS[step].split():
        outputs.append(word)
    elif os.path.exists(word):
        inputs.append(word)
total = hashlib.sha256(b"".join(pathlib.Path(path).read_bytes() for path in inputs + sources(step))).hexdigest()
for path in outputs:
    pathlib.Path(path).parent.mkdir(parents=True, exist_ok=True)
    text = total + path
    if path.endswith("scores.json"):
        text = '{"full": {"psnr": %d}}' % int(total[:4], 16)
    pathlib.Path(path).write_text(text)
tell("end")
"""

TOLD = ", told: {loss.paired: 1}"  # for rendered faces alone
TRIAL = f"runs: {{full: {{}}, plain: {{model.dit: false}}{TOLD}}}\n"
# The whole chain for real, with nothing learnt: a minute on two cores.
TINY = """
data: {aus: [AU12, AU26]}
rendered: {identities: 30, faces_per_identity: 3, judge_identities: 30, judge_faces_per_identity: 3}
judge: {images: 320, width: 8, batch: 16, detector: ""}
au_network: {images: 320, width: 8}
evaluate: {faces: 16, targets: 1, people: 4, response_people: 2, strengths: [0.0, 1.0]}
model: {width: 8, levels: 2, blocks: 1}
critic: {width: 8, width_high: 8}
train: {images: 96, batch: 8, log_every: 24, save_every: 48}
runs: {full: {}, no_dit: {model.dit: false}}
"""
TARGETS = ("all", "configure", "data", "judged", "runs")  # rules that make nothing themselves
MINE = f"align: {{shards: 1}}\n{TRIAL.replace(TOLD, '')}"  # over experiments/folder.yaml
OF_A_SET = MINE.replace("1}", "1}\nlabel: {tool: mediapipe, compare_with: [openface]}")  # over experiments/celeba.yaml


def make_project(folder: Path, experiment: str = "trial", pretend: bool = True, overlay: str = TRIAL) -> Path:
    """A committed checkout in `folder`, whose params.yaml names the experiment."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        else:
            shutil.copy(ROOT / name, folder / name)
    (folder / ".dvc").mkdir()
    shutil.copy(ROOT / ".dvc" / "config", folder / ".dvc" / "config")
    if pretend:
        for rules in (folder / "workflow" / "rules").glob("*.smk"):
            rules.write_text(rules.read_text().replace("python -m wemgan.", "python fake.py "))
        (folder / "fake.py").write_text(FAKE)
    (folder / "experiments" / f"{experiment}.yaml").write_text(overlay)
    edit(folder / "params.yaml", r"^experiment: \w+", f"experiment: {experiment}")
    git(folder, "init", "--quiet", "--initial-branch", "main")
    commit(folder, "begin")
    return folder


def make_finished(folder: Path, experiment: str = "trial", **more) -> Path:
    """A project whose experiment was run by Snakemake, and whose results are committed."""
    make_project(folder, experiment, **more)
    done = snakemake(folder, experiment)
    assert done.returncode == 0, done.stderr[-5000:]
    commit(folder, "first results")
    return folder


def edit(path: Path, pattern: str, new: str) -> None:
    """Replace the one place in a file that matches."""
    text, count = re.subn(pattern, new, path.read_text(), flags=re.M)
    assert count == 1, f"{pattern} stands {count} times in {path}"
    path.write_text(text)


def command(experiment: str, *words: str) -> list[str]:
    return [sys.executable, "-m", "snakemake", "--cores", "2", *words, "--config", f"experiment={experiment}"]


def environment(folder: Path, **more: str) -> dict[str, str]:
    """Of a shell in which the project's environment is active, and the code is the project's."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    who = {
        f"GIT_{role}_{what}": "someone@example.org" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
    }
    return os.environ | who | {"PATH": path, "PYTHONPATH": str(folder / "src")} | more


def run(folder: Path, *words: str, **more: str) -> subprocess.CompletedProcess:
    """Run a command in a folder, and keep what it says."""
    return subprocess.run(words, cwd=folder, env=environment(folder, **more), capture_output=True, text=True)


def snakemake(folder: Path, experiment: str, *words: str, **more: str) -> subprocess.CompletedProcess:
    """Run Snakemake in a folder, with that folder's package."""
    return run(folder, *command(experiment, *words), **more)


class Held:
    """A command in a process group of its own, whose steps of one kind wait until they are let go."""

    def __init__(self, folder: Path, words: list[str], step: str = "train", **more: str):
        hold = folder / "hold"
        shutil.rmtree(hold, ignore_errors=True)
        hold.mkdir()
        os.mkfifo(hold / "events")
        self._events, self._unread = os.open(hold / "events", os.O_RDWR), b""
        self.seen: list[tuple[str, str, int]] = []
        self._gate = os.open(hold / "gate", os.O_CREAT | os.O_RDWR)
        fcntl.flock(self._gate, fcntl.LOCK_EX)
        self.process = subprocess.Popen(
            words, cwd=folder, env=environment(folder, HOLD=str(hold), HOLD_STEP=step, **more),
            start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def event(self) -> tuple[str, str, int]:
        """The next thing that happens: `start` or `end`, of which step, and its process."""
        while b"\n" not in self._unread:
            self._unread += os.read(self._events, 4096)
        line, _, self._unread = self._unread.partition(b"\n")
        what, step, pid = line.decode().split()
        return what, step, int(pid)

    def until(self, what: str, *steps: str) -> list[tuple[str, str, int]]:
        """All that has happened when that has happened to each of these steps."""
        while not set(steps) <= {step for happened, step, _ in self.seen if happened == what}:
            self.seen.append(self.event())
        return self.seen

    def let_go(self) -> None:
        fcntl.flock(self._gate, fcntl.LOCK_UN)

    def kill(self, whole_group: bool = False) -> None:
        os.killpg(self.process.pid, signal.SIGKILL) if whole_group else self.process.kill()
        self.process.wait()

    def close(self) -> None:
        """Kill what is left of it."""
        with suppress(ProcessLookupError):
            self.kill(whole_group=True)
        os.close(self._gate)
        os.close(self._events)


def free_ports(count: int) -> list[int]:
    """Ports of loopback on which nobody listens."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def git(folder: Path, *words: str) -> str:
    done = run(folder, "git", *words)
    assert done.returncode == 0, done.stderr
    return done.stdout


def commit(folder: Path, message: str) -> None:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", message)


def dvc(folder: Path, *words: str) -> str:
    done = run(folder, sys.executable, "-m", "dvc", *words)
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout + done.stderr


def stale(folder: Path, experiment: str = "trial") -> dict[str, int]:
    """How often each rule would run now."""
    done = snakemake(folder, experiment, "--dry-run")
    assert done.returncode == 0, done.stderr
    table = re.findall(r"^(\w+) +(\d+)$", done.stdout + done.stderr, re.M)
    return {rule: int(n) for rule, n in table if rule not in ("total", *TARGETS)}


def ran(said: str) -> dict[str, int]:
    """How often each rule that makes something has run, by what Snakemake said."""
    rules = re.findall(r"^Finished jobid: \d+ \(Rule: (\w+)\)", said, re.M)
    return {rule: rules.count(rule) for rule in rules if rule not in TARGETS}


def is_idle(folder: Path, experiment: str = "trial") -> bool:
    """Whether neither Snakemake nor DVC has anything to do."""
    status = dvc(folder, "status")
    return stale(folder, experiment) == {} and "up to date" in status
