"""Running an experiment without Snakemake: its own commands, what is finished stays, and what comes back is checked."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from training import arguments

from wemgan import bare
from wemgan.errors import UserError

ROOT = Path(__file__).parents[1]
ABSENT = ("snakemake", "dvc", "mlflow", "yaml", "jsonschema", "psutil", "mediapipe", "facenet_pytorch", "onnxruntime")


def train_command(folder, name, config):
    paths = vars(arguments(folder, name, config))
    flags = " ".join(f"--{key} {path}" for key, path in paths.items() if path)
    return f"python -m wemgan.train {flags} 2>&1 | tee {folder}/{name}.log"


@pytest.fixture
def jobs(labelled, config, monkeypatch):
    """A plan of two trainings, in the folder that it is run in, on a machine that has torch and little else."""
    config["train"]["images"] = 8
    block = labelled / "packages"
    block.mkdir()
    for name in ABSENT:
        (block / f"{name}.py").write_text(f"raise ImportError('{name} is not on a bare machine')\n")
    monkeypatch.chdir(labelled)
    monkeypatch.setenv("PYTHONPATH", str(block))
    commands = [train_command(labelled, name, config | {"run": name}) for name in ("one", "two")]
    return {"experiment": "trial", "commit": "abc", "commands": commands}


def test_a_plan_has_every_step_of_an_experiment_in_an_order_that_can_run():
    made = bare.plan("demo")
    steps = [command.split()[2] for command in made["commands"]]
    assert steps.count("wemgan.train") == 4 and steps.count("wemgan.evaluate") == 10
    assert "wemgan.track" not in steps
    order = ("render", "label", "pairs", "hog", "reference", "au_network", "train", "evaluate", "compare", "charts")
    first = [steps.index(f"wemgan.{step}") for step in order]
    assert first == sorted(first)


def test_without_the_workflows_packages_the_commands_run_and_only_once(jobs, labelled, capfd):
    bare.run(jobs, at_once=2)
    first = {name: (labelled / name / "model.pt").stat().st_mtime_ns for name in ("one", "two")}
    assert json.loads((labelled / "one" / "speed.json").read_text())["commit"] == "abc"
    bare.run(jobs, at_once=1)
    assert "0 of 2 to run" in capfd.readouterr().out
    assert {name: (labelled / name / "model.pt").stat().st_mtime_ns for name in ("one", "two")} == first


def test_a_failed_command_is_named_and_the_finished_stay(jobs, labelled, capfd):
    aside = labelled / "two" / "config.json"
    content = aside.read_text()
    aside.write_text("{")
    with pytest.raises(UserError, match="wemgan.train .*two/config.json.* failed"):
        bare.run(jobs, at_once=1)
    aside.write_text(content)
    bare.run(jobs, at_once=1)
    assert "1 of 2 to run" in capfd.readouterr().out
    assert (labelled / "two" / "model.pt").exists()


def test_a_command_whose_configuration_changed_runs_again(jobs, labelled, capfd):
    bare.run(jobs, at_once=1)
    path = labelled / "one" / "config.json"
    config = json.loads(path.read_text())
    config["train"]["images"] = 4
    path.write_text(json.dumps(config))
    bare.run(jobs, at_once=1)
    assert "1 of 2 to run" in capfd.readouterr().out


def test_what_came_back_is_checked_against_the_configuration(labelled, config, monkeypatch):
    (labelled / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    (labelled / "experiments").mkdir()
    overlay = "data: {aus: [AU12, AU26]}\ntrain: {images: 12}\nmodel: {width: 8}\nruns: {full: {}}\nseeds: [0]\n"
    (labelled / "experiments" / "trial.yaml").write_text(overlay + "loss: {teacher: critic}\n")
    monkeypatch.chdir(labelled)
    place = labelled / "results" / "trial"
    (place / "data").mkdir(parents=True)
    for name in ("aus.csv", "split.csv"):
        (place / "data" / name).write_bytes((labelled / name).read_bytes())
    subprocess.run([sys.executable, "-m", "wemgan.config", "--experiment", "trial"], check=True)
    run = place / "runs" / "full" / "seed0"
    flags = [f"--{name}={run / file}" for name, file in (
        ("config", "config.json"), ("model", "model.pt"), ("history", "history.csv"), ("samples", "samples.png"),
        ("state", "state.pt"), ("speed", "speed.json"))]  # fmt: skip
    data = [f"--faces={labelled / 'faces.npy'}", f"--aus={labelled / 'aus.csv'}", f"--split={labelled / 'split.csv'}"]
    subprocess.run([sys.executable, "-m", "wemgan.train", *flags, *data], check=True, env=os.environ)
    assert bare.check("trial")[0].startswith("full seed 0: ")
    (labelled / "experiments" / "trial.yaml").write_text(overlay.replace("12}", "24}") + "loss: {teacher: critic}\n")
    with pytest.raises(UserError, match="full/seed0/model.pt was trained with another configuration"):
        bare.check("trial")
