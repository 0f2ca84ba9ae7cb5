"""The workflow with steps that only pretend: what is stale, how it fails and resumes, what DVC covers."""

import os
import re
from pathlib import Path

import pytest
import yaml
from project import (
    MINE,
    OF_A_SET,
    ROOT,
    TRIAL,
    Held,
    command,
    environment,
    make_finished,
    make_project,
    ran,
    snakemake,
    stale,
)

from wemgan import dag, records
from wemgan.command import with_cores
from wemgan.recovery import mistakes, warnings
from wemgan.sources import sources


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A project after a first run of the experiment `trial`."""
    return make_finished(tmp_path_factory.mktemp("project"))


@pytest.fixture(scope="module")
def photos(made):
    """The same project after the data of the experiment `mine`, of photos, were made."""
    folder = (made / "experiments" / "folder.yaml").read_text()
    (made / "experiments" / "mine.yaml").write_text(f"{folder}\n{MINE}")
    done = snakemake(made, "mine", "data")
    assert done.returncode == 0, done.stderr
    return made


@pytest.fixture(scope="module")
def dataset(made):
    """The same project after the data of the experiment `set`, of a data set that is labelled twice, were made."""
    overlay = yaml.safe_load((made / "experiments" / "celeba.yaml").read_text()) | yaml.safe_load(OF_A_SET)
    (made / "experiments" / "set.yaml").write_text(yaml.safe_dump(overlay))
    done = snakemake(made, "set", "data")
    assert done.returncode == 0, done.stderr
    return made


@pytest.fixture(scope="module")
def files(made, photos, dataset):
    """By experiment, every output that the workflow has made with its inputs."""
    return {experiment: files_by_rule(made, experiment) for experiment in ("trial", "mine", "set")}


def test_a_second_run_has_nothing_to_do(made):
    assert stale(made) == {}
    assert (made / "results" / "trial" / "summary.csv").exists()


def test_the_report_has_every_figure_with_its_own_caption(made):
    done = snakemake(made, "trial", "--report", "report.html")
    assert done.returncode == 0, done.stderr
    html = (made / "report.html").read_text(encoding="utf-8")
    for words in ("and their edits to strong expressions", "The ten edits of each run", "Crosses are 95 % intervals"):
        assert words in html


def test_photos_are_aligned_in_shards_that_do_not_stay(photos):
    data = photos / "results" / "mine" / "data"
    assert {"faces.npy", "faces.csv", "set_aside.csv", "aus.csv", "pairs.csv"} <= {path.name for path in data.iterdir()}
    assert not (data / "truth.csv").exists()
    assert not list((data / "shards").glob("*"))


def test_a_part_of_an_alignment_that_failed_is_all_that_is_aligned_again(photos):
    folder = (photos / "experiments" / "folder.yaml").read_text()
    (photos / "experiments" / "parts.yaml").write_text(f"{folder}\n{MINE.replace('shards: 1', 'shards: 3')}")
    assert snakemake(photos, "parts", "data", FAIL="--shard 1 ").returncode != 0
    done = snakemake(photos, "parts", "data")
    assert done.returncode == 0, done.stderr
    assert ran(done.stderr)["align"] == 1


def test_a_data_set_is_brought_listed_labelled_twice_and_looked_at(dataset):
    data = dataset / "results" / "set" / "data"
    assert {"files.csv", "files_set_aside.csv", "human.csv", "faces.npy", "aus.csv"} <= {p.name for p in data.iterdir()}
    labels = {path.name for path in (data / "labels").iterdir()}
    assert labels == {
        "openface.csv", "openface_unlabelled.csv", "report.csv", "agreement.csv", "attributes.csv", "labels.png",
        "faces.png",
    }  # fmt: skip
    assert stale(dataset, "set").keys().isdisjoint({"obtain", "listing", "align", "label", "label_again"})


def test_a_further_tool_to_compare_with_labels_again_and_nothing_else(dataset):
    path = dataset / "experiments" / "set.yaml"
    content = path.read_text()
    assert snakemake(dataset, "set", "data").returncode == 0
    path.write_text(content.replace("- openface\n", "- openface\n  - pyfeat\n"))
    done = snakemake(dataset, "set", "data", "--dry-run")
    path.write_text(content)
    found = {rule: int(n) for rule, n in re.findall(r"^(\w+) +(\d+)$", done.stdout + done.stderr, re.M)}
    assert {rule: n for rule, n in found.items() if rule not in ("data", "total")} == {
        "label_again": 2,
        "label_report": 1,
    }


def test_a_changed_parameter_redoes_what_it_touches(made):
    (made / "experiments" / "trial.yaml").write_text(TRIAL.replace("false", "true") + "judge: {lr: 0.1}")
    found = stale(made)
    (made / "experiments" / "trial.yaml").write_text(TRIAL)
    tables = {"all", "compare", "summary", "compared", "charts", "sweeps", "curves_figure", "track"}
    assert {rule: n for rule, n in found.items() if rule not in tables} == {
        "train": 1, "judge": 1, "cards": 1, "reference": 1, "control": 6, "evaluate": 3,
    }  # fmt: skip


def test_a_changed_module_redoes_the_steps_that_use_it(made):
    path = made / "src" / "wemgan" / "judge.py"
    content = path.read_text()
    path.write_text(content + "\n# changed\n")
    found = stale(made)
    path.write_text(content)
    assert "judge" in found and "evaluate" in found
    assert not {"render", "label", "train", "au_network"} & set(found)


def test_one_failed_training_leaves_the_other(made):
    (made / "experiments" / "trial.yaml").write_text(TRIAL + "loss: {cycle: 1}")
    done = snakemake(made, "trial", "runs", FAIL="runs/plain/seed0/config.json")
    runs = made / "results" / "trial" / "runs"
    assert done.returncode != 0
    assert "What went wrong:\n  error: this run was told to fail" in done.stderr
    assert (runs / "full" / "seed0" / "metrics.json").exists()
    assert (runs / "plain" / "seed0" / "state.pt").exists()  # what a training resumes from
    assert not (runs / "plain" / "seed0" / "model.pt").exists()


def test_a_mistake_in_the_configuration_stops_it_before_anything_runs(made):
    (made / "experiments" / "wrong.yaml").write_text("runs: {a: {}, a: {}}")
    done = snakemake(made, "wrong")
    assert done.returncode != 0
    assert "a stands twice" in done.stderr and "Traceback" not in done.stderr
    assert not (made / "results" / "wrong").exists()


def files_by_rule(folder: Path, experiment: str) -> list[tuple[str, list[str]]]:
    """Every output that was made, with its inputs."""
    targets = [] if experiment == "trial" else ["data"]
    done = snakemake(folder, experiment, "--detailed-summary", *targets)
    rows = [line.split("\t") for line in done.stdout.splitlines() if line.startswith("results/")]
    made = [(row[0], row[4].split(",")) for row in rows if row[4] != "-"]
    assert made, done.stderr
    return made


def dvc_stages(experiment: str) -> dict:
    return yaml.safe_load((ROOT / "dvc.yaml").read_text().replace("${experiment}", experiment))["stages"]


def covers(entry: str, path: str) -> bool:
    return path == entry or path.startswith(f"{entry}/")


@pytest.mark.parametrize("experiment", ["trial", "mine", "set"])
def test_every_file_of_the_workflow_is_in_one_stage_of_dvc(files, experiment):
    stages = dvc_stages(experiment)
    outs = {out: name for name, stage in stages.items() for entry in stage["outs"] for out in entry}
    owner = {}
    for path, _ in files[experiment]:
        owners = [name for out, name in outs.items() if covers(out, path)]
        assert len(owners) == 1, f"{path} is in the outs of {owners}, and should be in those of one stage of dvc.yaml"
        owner[path] = owners[0]
    for path, inputs in files[experiment]:
        stage = owner[path]
        for file in inputs:
            inside = owner.get(file) == stage or re.search(r"/runs/.*/config\.json$", file)
            known = inside or any(covers(dep, file) for dep in stages[stage]["deps"])
            assert known, f"stage {stage} of dvc.yaml lacks the dep {file}"


def test_dvc_has_nothing_that_the_workflow_does_not_know(files):
    needed: dict[str, set[str]] = {}
    for experiment, made in files.items():
        stages = dvc_stages(experiment)
        outs = {out: name for name, stage in stages.items() for entry in stage["outs"] for out in entry}
        for path, inputs in made:
            stage = next(name for out, name in outs.items() if covers(out, path))
            needed.setdefault(stage, set()).update(file.replace(f"/{experiment}/", "/trial/") for file in inputs)
    stages = dvc_stages("trial")
    for name, inputs in needed.items():
        for dep in stages[name]["deps"]:
            of_runs = dep.endswith("config/runs.json")  # all the runs' config.json in one
            assert of_runs or any(covers(dep, file) for file in inputs), f"stage {name} has the needless dep {dep}"
    for out in (out for stage in list(stages.values())[1:] for entry in stage["outs"] for out in entry):
        assert any(covers(out, path) for path, _ in files["trial"]), f"no rule makes the out {out} of dvc.yaml"


def test_every_folder_that_dvc_stores_has_its_records(files):
    outs = {out for stage in dvc_stages("trial").values() for entry in stage["outs"] for out in entry}
    folders = {Path(out).name for out in outs if not Path(out).suffix}
    assert folders - {"config"} == set(records.PARTS)  # no rule makes the configuration


def test_dvc_runs_nothing_but_snakemake():
    stages = dvc_stages("trial").values()
    assert all(
        re.fullmatch(r"snakemake( \w+)? --cores \w+ --config experiment=trial", stage["cmd"]) for stage in stages
    )


def test_one_training_at_a_time_takes_the_gpu_and_other_steps_go_on_beside_it(tmp_path):
    folder = make_project(tmp_path / "project")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "nvidia-smi").symlink_to("/bin/true")  # a machine with a GPU, as far as the workflow looks
    path = os.pathsep.join([str(tmp_path / "bin"), environment(folder)["PATH"]])
    started = Held(folder, [*command("trial"), "--cores", "4"], "judge", PATH=path)
    on_gpu = {"judge", "reference", "cards", "au_network", "train", "evaluate"}
    try:
        started.until("start", "judge")
        seen = started.until("end", "pairs", "hog")
        assert not on_gpu - {"judge"} & {step for _, step, _ in seen}  # au_network could have begun with the pairs
        started.let_go()
        started.until("end", "track")
    finally:
        started.close()
    at_work = 0
    for what, step, _ in seen:
        at_work += {"start": 1, "end": -1}[what] if step in on_gpu else 0
        assert at_work <= 1
    assert at_work == 0 and sum(step == "train" for _, step, _ in seen) == 6


def test_the_drawing_of_the_workflow_is_of_these_rules(monkeypatch):
    monkeypatch.chdir(ROOT)
    assert (ROOT / "docs" / "dag.md").read_text() == dag.draw()


def test_sources_follow_imports():
    assert "src/wemgan/wavelet.py" in sources("train")
    assert "src/wemgan/render/__main__.py" in sources("render")
    assert "src/wemgan/judge.py" not in sources("train")
    assert all((ROOT / path).exists() for path in sources("evaluate"))


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["--cores"], ["--cores", "all"]),
        (["--cores", "2", "x"], ["--cores", "2", "x"]),
        (["-c", "-n"], ["-c", "all", "-n"]),
        (["x", "--cores", "results/demo/summary.csv"], ["x", "--cores", "all", "results/demo/summary.csv"]),
    ],
)
def test_cores_alone_means_all(words, meant):
    assert with_cores(words) == meant


def test_mistakes_are_found_in_the_newest_logs(tmp_path):
    (tmp_path / "old.log").write_text("error: long ago\n")
    os.utime(tmp_path / "old.log", (1000, 1000))
    (tmp_path / "fine.log").write_text("error: 0.1\ndone\n")
    (tmp_path / "new.log").write_text("50%\rerror: no face\n".replace("\r", "\n"))
    assert mistakes(tmp_path, 2000) == f"What went wrong:\n  error: no face\n    (in {tmp_path / 'new.log'})"


def test_warnings_of_this_run_are_told_at_its_end(tmp_path):
    (tmp_path / "old.log").write_text("warning: long ago\n")
    os.utime(tmp_path / "old.log", (1000, 1000))
    (tmp_path / "label_report.log").write_text("50%\r100%\nwarning: hardly any has AU26\n")
    (tmp_path / "fine.log").write_text("done\n")
    assert warnings(tmp_path, 2000) == f"warning: hardly any has AU26\n    (in {tmp_path / 'label_report.log'})"
