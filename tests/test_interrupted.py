"""The workflow is killed, or started twice: the same command goes on, and nothing is damaged or made again."""

import fcntl
import os
import re
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from project import command, commit, edit, environment, is_idle, make_project, ran, run, snakemake, stale


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A project whose experiment was run once."""
    folder = make_project(tmp_path_factory.mktemp("interrupted"))
    done = snakemake(folder, "trial")
    assert done.returncode == 0, done.stderr
    commit(folder, "first results")
    return folder


@pytest.fixture
def changed(made):
    """The same with a parameter of all trainings changed to what it never was before."""
    known = (made / "params.yaml").read_text().count("\n#")
    edit(made / "params.yaml", r"^  lr: 0\.000\d+$", f"  lr: 0.000{6 + known}")
    edit(made / "params.yaml", r"\Z", "\n#")
    return made


class Held:
    """A command in a process group of its own, whose trainings wait until they are let go."""

    def __init__(self, folder: Path, words: list[str]):
        hold = folder / "hold"
        shutil.rmtree(hold, ignore_errors=True)
        hold.mkdir()
        os.mkfifo(hold / "reached")
        self.reached = os.open(hold / "reached", os.O_RDWR)
        self.gate = os.open(hold / "gate", os.O_CREAT | os.O_RDWR)
        fcntl.flock(self.gate, fcntl.LOCK_EX)
        self.process = subprocess.Popen(
            words, cwd=folder, env=environment(folder, HOLD=str(hold)), start_new_session=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self.training = int(os.read(self.reached, 64).split()[0])  # of a training that has begun

    def let_go(self) -> int:
        """Let the trainings go on; the exit status of the command."""
        fcntl.flock(self.gate, fcntl.LOCK_UN)
        return self.process.wait()

    def kill(self, whole_group: bool = False) -> None:
        os.killpg(self.process.pid, signal.SIGKILL) if whole_group else self.process.kill()
        self.process.wait()


@pytest.fixture
def held(changed):
    """Starts a command whose first training has begun when it returns; what is left of it afterwards is killed."""
    started = []

    def start(words: list[str]) -> Held:
        started.append(Held(changed, words))
        return started[-1]

    yield start
    for one in started:
        with suppress(ProcessLookupError):
            os.killpg(one.process.pid, signal.SIGKILL)
        one.process.wait()
        os.close(one.gate)
        os.close(one.reached)


def trained(folder: Path) -> bool:
    runs = [folder / "results" / "trial" / "runs" / run / "seed0" for run in ("full", "plain", "told")]
    return all((place / "metrics.json").exists() for place in runs) and stale(folder) == {}


DVC = [sys.executable, "-m", "dvc", "repro"]


def test_snakemake_is_killed_and_its_steps_live_on(changed, held):
    held(command("trial")).kill()
    assert list((changed / ".snakemake" / "locks").iterdir())
    done = snakemake(changed, "trial")
    assert done.returncode == 0, done.stderr
    assert "an earlier run was interrupted; carrying on" in done.stderr
    assert "ending step" in done.stderr  # a training that lived on
    assert trained(changed) and is_idle(changed)


@pytest.mark.parametrize("words", [command("trial"), DVC], ids=["snakemake", "dvc"])
def test_the_whole_process_group_is_killed(changed, held, words):
    held(words).kill(whole_group=True)
    assert not trained(changed)
    done = run(changed, *words)
    assert done.returncode == 0, done.stderr
    assert ran(done.stdout + done.stderr)["train"] == 3
    assert trained(changed) and is_idle(changed)


def test_one_training_is_killed_and_the_others_are_finished(changed, held):
    started = held(command("trial", "runs"))
    os.kill(started.training, signal.SIGKILL)
    assert started.let_go() != 0
    done = snakemake(changed, "trial")
    assert done.returncode == 0 and ran(done.stdout + done.stderr)["train"] == 1
    assert trained(changed)


@pytest.mark.parametrize("first", ["snakemake", "dvc"])
def test_the_second_of_two_says_who_is_at_work_and_harms_nothing(changed, held, first):
    started = held(command("trial") if first == "snakemake" else DVC)
    second = snakemake(changed, "trial")
    assert second.returncode != 0
    assert re.search(r"another Snakemake \(process \d+, since ..:..\) is at work in this folder", second.stderr)
    if first == "snakemake":
        assert f"(process {started.process.pid}," in second.stderr
    else:
        again = run(changed, *DVC)
        assert again.returncode != 0 and str(started.process.pid) in again.stderr and "busy" in again.stderr
    assert stale(changed)["train"] == 3  # a dry run goes on beside it
    assert started.let_go() == 0
    assert trained(changed) and is_idle(changed)
