"""Snakemake and DVC on the same results: exactly what changed is redone, by either, and nothing stale is kept."""

import io
import os
import shutil

import pandas as pd
import pytest
from project import (
    MINE,
    ROOT,
    TRIAL,
    Held,
    command,
    dvc,
    edit,
    git,
    is_idle,
    make_finished,
    make_project,
    ran,
    run,
    snakemake,
    stale,
)

TABLES = {"compare": 1, "summary": 1, "charts": 3, "track": 1}
MEASURED = {"control": 6, "evaluate": 3, "compared": 5, **TABLES}
# What is changed where, to what, and how often each rule has to run for it.
CHANGES = {
    "an override of one run": (
        "experiments/trial.yaml", "model.dit: false", "model.skips: false",
        {"train": 1, "evaluate": 1, "curves_figure": 1, "compared": 3, **TABLES},
    ),
    "a parameter of all trainings": (
        "params.yaml", "^  lr: 0.0005", "  lr: 0.001",
        {"train": 3, "evaluate": 3, "curves_figure": 1, "sweeps": 1, "compared": 5, **TABLES},
    ),
    "a parameter of the evaluation": (
        "params.yaml", "^  people: 64", "  people: 32",
        {"pairs": 1, "sweeps": 1, **MEASURED},
    ),
    "a module that trains": (
        "src/wemgan/losses.py", r"\Z", "# changed\n",
        {"train": 3, "evaluate": 3, "curves_figure": 1, "sweeps": 1, "compared": 5, **TABLES},
    ),
    "a module of the source": (
        "src/wemgan/judge.py", r"\A", "# changed\n",
        {"judge": 1, "hog": 1, "cards": 1, "reference": 1, **MEASURED},
    ),
    "a comment in the rules": ("Snakefile", r"\A", "# changed\n", {}),
}  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A project whose experiment was run by Snakemake, and whose results are committed."""
    return make_finished(tmp_path_factory.mktemp("tools"))


@pytest.fixture
def project(made):
    """The same, and again so after the test: what is committed comes back, results and all, without a step."""
    yield made
    git(made, "checkout", "--quiet", "main")
    git(made, "reset", "--quiet", "--hard", "first")
    dvc(made, "checkout", "--force")
    assert is_idle(made)


@pytest.fixture(scope="module", autouse=True)
def first(made):
    git(made, "tag", "first")


def test_after_snakemake_both_tools_have_nothing_to_do(made):
    assert is_idle(made)


@pytest.mark.parametrize("change", CHANGES)
def test_both_tools_redo_exactly_what_a_change_touches(project, change):
    path, old, new, expected = CHANGES[change]
    edit(project / path, old, new)
    assert stale(project) == expected
    assert ran(dvc(project, "repro")) == expected
    assert is_idle(project)


def test_an_alignment_parameter_redoes_what_is_made_of_aligned_photos(tmp_path):
    overlay = (ROOT / "experiments" / "folder.yaml").read_text() + MINE
    folder = make_project(tmp_path, "mine", overlay=overlay)
    assert snakemake(folder, "mine").returncode == 0 and is_idle(folder, "mine")
    edit(folder / "params.yaml", "^  min_face: 0.1", "  min_face: 0.2")
    expected = stale(folder, "mine")
    assert {"align", "merge", "label", "split", "pairs", "au_network", "train", "evaluate", "control"} <= set(expected)
    assert not {"photos", "judge_faces"} & set(expected)
    assert ran(dvc(folder, "repro")) == expected and is_idle(folder, "mine")


def test_a_run_comes_and_goes(project):
    overlay = project / "experiments" / "trial.yaml"
    overlay.write_text(TRIAL.replace("}}", "}, fourth: {model.skips: false}}"))
    assert stale(project)["train"] == stale(project)["evaluate"] == 1
    assert snakemake(project, "trial").returncode == 0
    model = project / "results" / "trial" / "runs" / "fourth" / "seed0" / "model.pt"
    overlay.write_text(TRIAL)
    expected = stale(project)
    assert not {"train", "evaluate", "control"} & set(expected) and expected["summary"] == 1
    assert ran(dvc(project, "repro")) == expected and is_idle(project)
    assert model.exists()
    tidy = [run(project, "python", "-m", "wemgan.tidy", *words).stdout for words in ([], ["--remove"], [])]
    assert "results/trial/runs/fourth/seed0" in tidy[0] and "results/trial/runs/fourth/seed0" in tidy[1]
    assert "nothing" in tidy[2] and not model.exists()
    assert stale(project) == {}


def test_a_clone_with_pulled_results_has_nothing_to_do_and_notices_a_change(made, tmp_path):
    dvc(made, "remote", "add", "--local", "--force", "--default", "shared", str(tmp_path / "remote"))
    dvc(made, "push")
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", str(made), str(clone))
    dvc(clone, "remote", "add", "--local", "--default", "shared", str(tmp_path / "remote"))
    assert stale(clone)["train"] == 3  # and that leaves nothing in the way of what follows
    dvc(clone, "pull")
    assert is_idle(clone)
    edit(clone / "params.yaml", "^  lr: 0.0005", "  lr: 0.001")
    expected = stale(clone)
    assert expected == CHANGES["a parameter of all trainings"][3]
    assert ran(dvc(clone, "repro")) == expected and is_idle(clone)


def test_older_results_under_newer_parameters_are_not_taken_for_new(project):
    expected = CHANGES["a parameter of all trainings"][3]
    edit(project / "params.yaml", "^  lr: 0.0005", "  lr: 0.001")
    assert snakemake(project, "trial").returncode == 0 and is_idle(project)
    git(project, "checkout", "--quiet", "dvc.lock")
    dvc(project, "checkout", "--force")  # the first results, and Snakemake has made others since
    assert stale(project) == expected
    assert ran(dvc(project, "repro")) == expected and is_idle(project)


def test_a_changed_file_that_looks_older_than_the_results_is_noticed(project):
    path = project / "src" / "wemgan" / "judge.py"
    edit(path, r"\A", "# changed\n")
    os.utime(path, (1e9, 1e9))
    assert stale(project) == CHANGES["a module of the source"][3]


def test_what_is_edited_while_it_runs_is_not_recorded(project):
    edit(project / "params.yaml", "^  lr: 0.0005", "  lr: 0.001")
    started = Held(project, command("trial"))
    try:
        started.until("start", "train")
        edit(project / "params.yaml", "^  lr: 0.001", "  lr: 0.002")
        assert stale(project)["train"] == 3  # and does not change what the trainings read
        started.let_go()
        assert started.process.wait() == 0
    finally:
        started.close()
    assert "up to date" not in dvc(project, "status")
    assert '"lr": 0.001' in (project / "results/trial/runs/full/seed0/config.json").read_text()
    assert stale(project)["train"] == 3


def test_what_a_killed_run_has_made_is_not_made_again(project):
    edit(project / "params.yaml", "^  lr: 0.0005", "  lr: 0.001")
    done = snakemake(project, "trial", "--no-hooks")  # as if killed after the last step
    (project / ".snakemake" / "metadata" / ".cmVzdWx0cy90.4711").write_text("half of a rec")
    assert done.returncode == 0 and stale(project) == {}
    assert ran(dvc(project, "repro")) == {} and is_idle(project)


def test_a_sweep_keeps_its_results_apart(project):
    before = (project / "results" / "trial" / "runs" / "full" / "seed0" / "model.pt").read_text()
    dvc(project, "exp", "run", "--name", "faster", "--set-param", "train.lr=0.001")
    after = (project / "results" / "trial" / "runs" / "full" / "seed0" / "model.pt").read_text()
    assert before != after and is_idle(project)
    shown = run(project, "dvc", "exp", "show", "--csv").stdout
    table = pd.read_csv(io.StringIO(shown))
    table.index = table["Experiment"].fillna(table["rev"])
    assert table.loc["faster", "train.lr"] == 0.001 and table.loc["main", "train.lr"] == 0.0005
    assert table.loc["faster", "full.psnr"] != table.loc["main", "full.psnr"]
    git(project, "reset", "--quiet", "--hard", "first")
    dvc(project, "checkout")
    assert (project / "results" / "trial" / "runs" / "full" / "seed0" / "model.pt").read_text() == before
    dvc(project, "exp", "apply", "faster")
    assert (project / "results" / "trial" / "runs" / "full" / "seed0" / "model.pt").read_text() == after
    assert is_idle(project)
    shutil.copy(project / "experiments" / "trial.yaml", project / "experiments" / "other.yaml")
    assert snakemake(project, "other").returncode == 0
    assert is_idle(project) and stale(project, "other") == {}
