"""Photos whose true edit is another photo of the same person."""

import sys

import numpy as np
import pandas as pd
import pytest
import torch

from wemgan import own_photo
from wemgan.checkpoint import save_weights
from wemgan.errors import UserError
from wemgan.generator import Generator

NAMES = ["AU12", "AU26"]


class Brightness:
    """Judges who see AUs and identity in the mean colour, and a face in everything."""

    aus, identity, features, detector, about = ["bright"], ["bright"], [], "", {"bright": "the mean colour"}

    def __init__(self, *_):
        pass

    def digest(self):
        return "bright"

    def measure(self, faces, kinds=("aus", "identity", "features")):
        mean = np.asarray(faces).mean((1, 2)) / 255
        said = {("aus", "bright"): mean[:, :2], ("identity", "bright"): mean / np.linalg.norm(mean, axis=1)[:, None]}
        return {key: value for key, value in said.items() if key[0] in kinds}


def test_the_calmest_photo_is_edited_to_the_one_that_differs_most():
    faces = pd.DataFrame({
        "id": ["a0", "a1", "a2", "b0", "c0", "c1"], "identity": list("aaabcc"),
        "AU12": [0.2, 0.1, 0.9, 0.0, 0.3, 0.3], "AU26": [0.0, 0.0, 0.5, 0.0, 0.6, 0.1],
    })  # fmt: skip
    pairs = own_photo.choose(faces, NAMES)
    assert pairs[["identity", "source", "target"]].to_numpy().tolist() == [["a", "a1", "a2"], ["c", "c1", "c0"]]
    assert pairs[NAMES].to_numpy().tolist() == [[0.9, 0.5], [0.3, 0.6]]
    with pytest.raises(UserError, match="fewer than two people have two photos"):
        own_photo.choose(faces[faces["identity"] == "a"], NAMES)


def test_models_stand_beside_the_controls(labelled, config, monkeypatch, capsys):
    torch.manual_seed(0)
    model = labelled / "results" / "trial" / "runs" / "full" / "seed0" / "model.pt"
    about = {"config": config, "aus": NAMES, "size": 64, "data_digest": "x"}
    save_weights(model, Generator(config["model"], 2).state_dict(), about)
    monkeypatch.setattr(own_photo, "Judges", Brightness)
    words = ["--data", labelled, "--model", model, "--out", labelled / "own", "--weights", labelled]
    monkeypatch.setattr(sys, "argv", ["own_photo", *map(str, words)])
    own_photo.main()
    printed = capsys.readouterr().out
    assert "24 people" in printed and "| trial full seed0 |" in printed
    intervals = pd.read_csv(labelled / "own" / "intervals.csv").set_index(["run", "metric"])["mean"]
    assert intervals["truth", "psnr"] == 60 and intervals["copy", "acd_bright"] == 0
    assert intervals["truth", "acd_bright"] > 0  # two photos of one person are not one
    differences = pd.read_csv(labelled / "own" / "differences.csv")
    assert set(differences["run"]) == {"trial full seed0"}
    assert {"edits.png", "origin.json", "summary.md"} <= {path.name for path in (labelled / "own").iterdir()}
