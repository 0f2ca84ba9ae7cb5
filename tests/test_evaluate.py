"""Judge, pairs, evaluation, summary and figures, one after the other on a small set of blobs."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from wemgan import judge, pairs, summarize
from wemgan.checkpoint import save_weights
from wemgan.files import digest
from wemgan.generator import Generator

NAMES = ["AU12", "AU26"]


def step(module, *flags):
    command = [sys.executable, "-m", f"wemgan.{module}", *map(str, flags)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def chain(labelled, config):
    """The blobs with a judge, pairs and an untrained model, and the flags that every evaluation shares."""
    stage = {"data": config["data"], "weights": {"directory": ""}, "evaluate": {"pairs": 40, "people": 2}}
    stage["judge"] = {"use": "trained", "width": 8, "images": 256, "batch": 16, "lr": 0.003, "bf16": False}
    (labelled / "stage.json").write_text(json.dumps(stage))
    labels = pd.read_csv(labelled / "aus.csv")
    labels.to_csv(labelled / "truth.csv", index=False)
    paths = {
        name: labelled / name for name in ("stage.json", "faces.npy", "faces.csv", "aus.csv", "split.csv", "pairs.csv")
    }
    shared = ["--config", paths["stage.json"], "--faces", paths["faces.npy"], "--table", paths["faces.csv"]]
    step(
        "judge",
        *shared,
        "--truth",
        labelled / "truth.csv",
        "--model",
        labelled / "judge.pt",
        "--report",
        labelled / "report.csv",
    )
    rest = ["--aus", paths["aus.csv"], "--split", paths["split.csv"], "--pairs", paths["pairs.csv"]]
    step("pairs", "--config", paths["stage.json"], "--table", paths["faces.csv"], *rest)
    torch.manual_seed(0)
    about = {"config": config, "aus": NAMES, "data_digest": digest(paths["aus.csv"], paths["split.csv"])}
    save_weights(labelled / "model.pt", Generator(config["model"], 2).state_dict(), about)
    return labelled, [*shared, *rest, "--judge", labelled / "judge.pt"]


def test_from_judge_to_table_and_pictures(chain):
    folder, flags = chain
    drawn = pd.read_csv(folder / "pairs.csv")
    table = pd.read_csv(folder / "faces.csv").set_index("id")
    faces = drawn[drawn["kind"] == "faces"]
    assert len(faces) == 40 and {"smile", "jaw drop"} <= set(drawn["kind"])
    assert (
        table.loc[faces["source"], "identity"].to_numpy() != table.loc[faces["target"], "identity"].to_numpy()
    ).all()
    # The truth of this test: each target's own face, so that the control `truth` is known to be perfect.
    rows = {name: row for row, name in enumerate(table.index)}
    truth = np.load(folder / "faces.npy")[[rows.get(name, 0) for name in drawn["target"]]]
    np.save(folder / "truth.npy", truth)
    outs = {"copy": "controls/copy", "truth": "controls/truth", "model": "runs/full/seed0"}
    for row, place in outs.items():
        (folder / place).mkdir(parents=True)
        what = ["--model", folder / "model.pt"] if row == "model" else ["--control", row]
        out = ["--metrics", folder / place / "metrics.json", "--edits", folder / place / "edits.npy"]
        step("evaluate", *flags, "--truth", folder / "truth.npy", *what, *out)
    metrics = {row: json.loads((folder / place / "metrics.json").read_text()) for row, place in outs.items()}
    assert metrics["copy"]["acd_judge"] == 0 and metrics["copy"]["psnr"] < 40
    assert metrics["truth"]["psnr"] == 60 and metrics["truth"]["au_mae_judge"] < metrics["copy"]["au_mae_judge"]
    assert np.load(folder / "runs/full/seed0/edits.npy").shape == truth.shape

    outputs = ["--summary", folder / "s.csv", "--expressions", folder / "e.csv", "--markdown", folder / "s.md"]
    printed = step("summarize", "--metrics", *(folder / place / "metrics.json" for place in outs.values()), *outputs)
    assert printed.count("\n|") == 4 + 3 and "psnr (higher is better)" in printed
    assert pd.read_csv(folder / "s.csv")["run"].tolist() == ["copy", "truth", "full"]
    assert set(pd.read_csv(folder / "e.csv")["expression"]) == {"smile", "jaw drop"}

    edits = [folder / place / "edits.npy" for place in ("runs/full/seed0",)]
    shared = [*flags[2:6], "--pairs", folder / "pairs.csv", "--truth", folder / "truth.npy", "--edits", *edits]
    for figure, width in (("edits", 5), ("runs", 3), ("differences", 6), ("failures", 4)):
        step("figures", figure, "--out", folder / f"{figure}.png", *shared)
        with Image.open(folder / f"{figure}.png") as picture:
            assert picture.width >= width * 128

    sweeps = ["--expressions", folder / "expressions.png", "--single", folder / "aus.png"]
    step("sweeps", *flags[:10], "--model", folder / "model.pt", *sweeps)
    with Image.open(folder / "aus.png") as picture:
        assert picture.width >= 5 * 128 and picture.height >= 2 * 128


def test_a_model_of_other_labels_is_refused(chain):
    folder, flags = chain
    with open(folder / "aus.csv", "a") as file:
        file.write("\n")
    out = ["--metrics", folder / "metrics.json", "--edits", folder / "edits.npy"]
    command = [sys.executable, "-m", "wemgan.evaluate", *flags, "--model", folder / "model.pt", *out]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    assert done.returncode == 1 and "train it again" in done.stderr and "Traceback" not in done.stderr


def test_same_person_auc_of_known_embeddings():
    people = np.array([0, 0, 1, 1])
    apart = np.array([[1, 0], [1, 0.1], [0, 1], [0.1, 1]])
    assert judge.same_person_auc(apart, people) == 1.0
    assert judge.same_person_auc(apart, np.array([0, 1, 0, 1])) == 0.25


def test_expression_pairs_start_from_the_calmest_face_and_skip_what_the_aus_cannot_make():
    faces = pd.DataFrame(
        {"id": ["a0", "a1", "b0"], "identity": ["a", "a", "b"], "AU12": [0.9, 0.1, 0.5], "AU43": [0, 0.2, 0]}
    )
    made = pairs.expression_pairs(faces, ["AU12", "AU43"], people=2)
    assert made["source"].tolist() == ["a1", "b0", "a1", "b0"]
    assert made["kind"].tolist() == ["smile", "smile", "eyes closed", "eyes closed"]
    assert made["AU43"].tolist() == [0, 0, 1, 1]


def test_summary_gives_the_spread_over_seeds(tmp_path):
    paths = []
    for seed, value in enumerate((20.0, 22.0)):
        path = tmp_path / "runs" / "full" / f"seed{seed}" / "metrics.json"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps({"n": 5, "psnr": value}))
        paths.append(str(path))
    assert "| full | 2 | 5 | 21 ± 1.4 |" in summarize.markdown(summarize.gather(paths))


def test_runs_stand_between_the_controls():
    summary = pd.DataFrame({
        "run": ["copy", "truth", "full", "full", "other"], "seed": ["", "", 0, 1, 0],
        "au_mae_judge": [0.3, 0.1, 0.12, 0.14, 0.2], "acd_judge": [0.0, 0.4, 0.41, 0.43, 0.3],
    })  # fmt: skip
    expressions = pd.DataFrame({
        "run": ["copy", "copy", "full", "full", "full", "full", "other", "other"], "seed": ["", "", 0, 0, 1, 1, 0, 0],
        "expression": ["smile", "jaw drop"] * 4, "psnr": [20.0, 30.0, 23, 33, 25, 35, 20, 29],
    })  # fmt: skip
    text = summarize.standing(summary, expressions)
    assert "| full | 85.0 ± 7.1 | +4.00 ± 1.4 | 1 + 2 = 3 |" in text
    assert "| other | 50.0 | -0.50 | 2 + 1 = 3 |" in text
    assert summarize.standing(summary[summary["run"] != "truth"], expressions) == ""
