"""The workflow is killed, or started twice: the same command goes on, and nothing is damaged or made again."""

import os
import re
import signal
import sys
from pathlib import Path

import pytest
from project import Held, command, edit, is_idle, make_finished, ran, run, snakemake, stale


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A project whose experiment was run once."""
    return make_finished(tmp_path_factory.mktemp("interrupted"))


@pytest.fixture
def changed(made):
    """The same with a parameter of all trainings changed to what it never was before."""
    known = (made / "params.yaml").read_text().count("\n#")
    edit(made / "params.yaml", r"^  lr: 0\.000\d+$", f"  lr: 0.000{6 + known}")
    edit(made / "params.yaml", r"\Z", "\n#")
    return made


@pytest.fixture
def held(changed):
    """Starts a command whose trainings wait; what is left of it afterwards is killed."""
    started = []

    def start(words: list[str]) -> Held:
        started.append(Held(changed, words))
        return started[-1]

    yield start
    for one in started:
        one.close()


def trained(folder: Path) -> bool:
    runs = [folder / "results" / "trial" / "runs" / run / "seed0" for run in ("full", "plain", "told")]
    return all((place / "metrics.json").exists() for place in runs) and stale(folder) == {}


DVC = [sys.executable, "-m", "dvc", "repro"]


def test_snakemake_is_killed_and_its_steps_live_on(changed, held):
    started = held(command("trial"))
    started.until("start", "train")
    started.kill()
    assert list((changed / ".snakemake" / "locks").iterdir())
    done = snakemake(changed, "trial")
    assert done.returncode == 0, done.stderr
    assert "an earlier run was interrupted; carrying on" in done.stderr
    assert "ending step" in done.stderr  # a training that lived on
    assert trained(changed) and is_idle(changed)


@pytest.mark.parametrize("words", [command("trial"), DVC], ids=["snakemake", "dvc"])
def test_the_whole_process_group_is_killed(changed, held, words):
    started = held(words)
    started.until("start", "train")
    started.kill(whole_group=True)
    assert not trained(changed)
    done = run(changed, *words)
    assert done.returncode == 0, done.stderr
    assert ran(done.stdout + done.stderr)["train"] == 3
    assert trained(changed) and is_idle(changed)


def test_one_training_is_killed_and_the_others_are_finished(changed, held):
    started = held(command("trial", "runs"))
    _, _, training = started.until("start", "train")[-1]
    os.kill(training, signal.SIGKILL)
    started.let_go()
    assert started.process.wait() != 0
    done = snakemake(changed, "trial")
    assert done.returncode == 0 and ran(done.stdout + done.stderr)["train"] == 1
    assert trained(changed)


@pytest.mark.parametrize("first", ["snakemake", "dvc"])
def test_the_second_of_two_says_who_is_at_work_and_harms_nothing(changed, held, first):
    started = held(command("trial") if first == "snakemake" else DVC)
    started.until("start", "train")
    second = snakemake(changed, "trial")
    assert second.returncode != 0
    assert re.search(r"another Snakemake \(process \d+, since ..:..\) is at work in this folder", second.stderr)
    if first == "snakemake":
        assert f"(process {started.process.pid}," in second.stderr
    else:
        again = run(changed, *DVC)
        assert again.returncode != 0 and str(started.process.pid) in again.stderr and "busy" in again.stderr
    assert stale(changed)["train"] == 3  # a dry run goes on beside it
    started.let_go()
    assert started.process.wait() == 0
    assert trained(changed) and is_idle(changed)
