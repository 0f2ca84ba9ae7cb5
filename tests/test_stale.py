"""What does not carry the digest of its configuration and of what it was made of is refused by the next step."""

import json
import shutil
import sys

import pandas as pd
import pytest
import torch
from training import arguments, measured

from wemgan import au_network, label, split, train
from wemgan.checkpoint import save_weights
from wemgan.errors import UserError
from wemgan.files import digest
from wemgan.judges import _same_training
from wemgan.labelled import LabelledFaces
from wemgan.rows import read_metrics


@pytest.fixture
def chain(labelled, config, monkeypatch):
    """Labels and split of the blobs by the steps' own commands, and a function that runs the split again."""
    monkeypatch.chdir(labelled)
    (labelled / "label.json").write_text(json.dumps({"data": config["data"], "label": {"tool": "truth"}}))
    (labelled / "split.json").write_text('{"split": {"by": "identity", "validation": 0.1, "test": 0.2, "seed": 0}}')
    shutil.copy("aus.csv", "truth.csv")
    faces = "--faces faces.npy --table faces.csv --aus aus.csv"

    def run(step, words):
        monkeypatch.setattr(sys, "argv", [step.__name__, *words.split()])
        step.main()

    def split_again():
        run(split, f"--config split.json --label-config label.json {faces} --split split.csv")

    run(label, f"--config label.json {faces} --truth truth.csv --unlabelled unlabelled.csv")
    split_again()
    return split_again


def test_labels_by_another_configuration_are_refused(chain):
    with open("label.json", "a") as file:
        file.write("\n")
    with pytest.raises(UserError, match="aus.csv was made of other faces or another configuration .* label the faces"):
        chain()


@pytest.mark.parametrize("name", ["faces.npy", "faces.csv"])
def test_labels_of_other_faces_are_refused(chain, name):
    with open(name, "ab") as file:
        file.write(b"\n")
    with pytest.raises(UserError, match="aus.csv was made of other faces"):
        chain()


def test_labels_that_do_not_say_of_what_they_are_are_refused(chain):
    pd.read_csv("aus.csv").drop(columns="made_by").to_csv("aus.csv", index=False)
    with pytest.raises(UserError, match="aus.csv was made of other faces"):
        chain()


def test_a_split_of_other_labels_is_refused(chain):
    with open("aus.csv", "a") as file:
        file.write("\n")
    with pytest.raises(UserError, match="split.csv was made of other labels than is there now; split the faces again"):
        LabelledFaces("faces.npy", "aus.csv", "split.csv", ["AU12"])


def test_a_teacher_by_another_configuration_or_of_other_labels_is_refused(labelled, config):
    args = arguments(labelled, "run", config)
    config_file = labelled / "au_network.json"
    config_file.write_text("{}")
    args.au_network, args.au_network_config = str(labelled / "au_network.pt"), str(config_file)
    right = {"config_digest": digest(config_file), "data_digest": digest(args.aus, args.split)}
    for name, what in (("config_digest", "another configuration"), ("data_digest", "other labels or another split")):
        about = {"width": 8, "size": 64, "aus": ["AU12", "AU26"]} | right | {name: "0" * 16}
        save_weights(args.au_network, au_network.AUNetwork(8, 64, 2).state_dict(), about)
        with pytest.raises(UserError, match=f"au_network.pt was made of {what} .* train the AU network again"):
            train.run(args)
    save_weights(args.au_network, au_network.AUNetwork(8, 64, 2).state_dict(), about | right)
    assert au_network.load(args.au_network, torch.device("cpu"), *right.values())


def test_a_judge_trained_otherwise_is_refused():
    trained = {"data": {"seed": 0}, "judge": {"lr": 0.003, "width": 8}}
    asked = {"data": {"seed": 0}, "judge": {"lr": 0.01, "width": 8, "aus": ["judge"]}}
    with pytest.raises(UserError, match="trained with another judge.lr than is asked for; train it again"):
        _same_training("judge.pt", trained, asked)
    with pytest.raises(UserError, match="does not say how it was trained"):
        _same_training("judge.pt", None, asked)
    _same_training("judge.pt", trained, {"judge": {"lr": 0.003, "aus": ["judge"]}})


@pytest.mark.parametrize("name", ["config.json", "model.pt", "measures.csv"])
def test_metrics_of_another_run_are_refused(tmp_path, name):
    place = tmp_path / "runs" / "full" / "seed0"
    place.mkdir(parents=True)
    for file in ("config.json", "model.pt"):
        (place / file).write_text("{}")
    measured(place, {"psnr": 20.0})
    assert read_metrics(place / "metrics.json") == {"psnr": 20.0}
    (place / name).write_text("changed")
    with pytest.raises(UserError, match=f"metrics.json was made of another {name} than is there now; measure it again"):
        read_metrics(place / "metrics.json")


def test_metrics_by_another_evaluation_are_refused(tmp_path):
    place = tmp_path / "controls" / "copy"
    place.mkdir(parents=True)
    (tmp_path / "evaluate.json").write_text("{}")
    metrics = {"made_of": {"config": digest(tmp_path / "evaluate.json")}, "psnr": 20.0}
    (place / "metrics.json").write_text(json.dumps(metrics))
    assert read_metrics(place / "metrics.json", tmp_path / "evaluate.json") == {"psnr": 20.0}
    (tmp_path / "evaluate.json").write_text('{"other": 1}')
    with pytest.raises(UserError, match="was made of another evaluate.json than is there now"):
        read_metrics(place / "metrics.json", tmp_path / "evaluate.json")
