"""Judges, pairs, measures, tables, figures, and other programs' edits, one after the other on a small set of blobs."""

import contextlib
import importlib
import io
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from training import measured

from wemgan import compare, controls, hog, judge, pairs, summarize, tables
from wemgan.checkpoint import load_weights, save_weights
from wemgan.errors import UserError
from wemgan.files import digest
from wemgan.generator import Generator

NAMES = ["AU12", "AU26"]
CONTROLS = ("copy", "truth", "wrong", "blur", "jpeg", "fooled")


def step(module, *flags):
    """Run a step of the chain in this process; returns what it printed."""
    printed = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(printed):
        patch.setattr(sys, "argv", [module, *map(str, flags)])
        importlib.import_module(f"wemgan.{module}").main()
    return printed.getvalue()


@pytest.fixture
def chain(labelled, config):
    """The blobs with judges, pairs and an untrained model, and the flags that every evaluation shares."""
    stage = {"data": config["data"], "weights": {"directory": "", "download": False}}
    stage["evaluate"] = {"faces": 12, "targets": 2, "people": 4, "response_people": 3, "strengths": [0.0, 0.5, 1.0]}
    stage["judge"] = {"width": 8, "images": 256, "batch": 16, "lr": 0.003, "bf16": False}
    stage["judge"] |= {"aus": ["judge", "hog"], "identity": ["judge"], "features": ["judge"], "detector": ""}
    (labelled / "stage.json").write_text(json.dumps(stage))
    pd.read_csv(labelled / "aus.csv").to_csv(labelled / "truth.csv", index=False)
    data = {name: labelled / f"{name}.csv" for name in ("aus", "split", "pairs")}
    shared = ["--config", labelled / "stage.json", "--faces", labelled / "faces.npy", "--table", labelled / "faces.csv"]
    learn = [*shared, "--truth", labelled / "truth.csv"]
    step("judge", *learn, "--model", labelled / "judge.pt")
    step("hog", *learn, "--model", labelled / "hog.npz")
    who = ["--judge", labelled / "judge.pt", "--hog", labelled / "hog.npz"]
    rest = ["--aus", data["aus"], "--split", data["split"], "--pairs", data["pairs"]]
    step("pairs", *shared[:2], *shared[4:], *rest)
    real = ["--out", labelled / "reference.npz", "--about", labelled / "judges.json"]
    step("reference", *shared, "--split", data["split"], *who, *real)
    drawn, ids = pd.read_csv(data["pairs"]), pd.read_csv(labelled / "faces.csv")["id"]
    # The truth of this test: the blob of the wanted AUs, made from another face where that is one.
    rows = {name: row for row, name in enumerate(ids)}
    faces = np.load(labelled / "faces.npy")
    np.save(labelled / "truth.npy", faces[[rows.get(name, 0) for name in drawn["target"]]])
    np.save(labelled / "wrong.npy", np.roll(np.load(labelled / "truth.npy"), 1, 0))
    torch.manual_seed(0)
    (labelled / "config.json").write_text(json.dumps(config))
    about = {"config": config, "aus": NAMES, "size": 64, "data_digest": digest(data["aus"], data["split"])}
    about["config_digest"] = digest(labelled / "config.json")
    save_weights(labelled / "model.pt", Generator(config["model"], 2).state_dict(), about)
    return labelled, shared, [*shared, *rest, *who, "--reference", labelled / "reference.npz"]


def evaluate(folder, flags, place, *what):
    """Measure a row into runs/ or controls/; returns its metrics."""
    (folder / place).mkdir(parents=True, exist_ok=True)
    if "--model" in what:
        shutil.copy(folder / "config.json", folder / place)
        shutil.copy(folder / "model.pt", folder / place)
        what = ("--model", folder / place / "model.pt", "--run-config", folder / place / "config.json")
    names = {"--metrics": "metrics.json", "--measures": "measures.csv", "--edits": "edits.npy"}
    step("evaluate", *flags, *what, *(word for flag, name in names.items() for word in (flag, folder / place / name)))
    metrics = json.loads((folder / place / "metrics.json").read_text())
    del metrics["made_of"]
    return metrics


def test_from_judges_to_tables_and_pictures(chain):
    folder, shared, flags = chain
    known = [*flags, "--truth", folder / "truth.npy"]
    found = {
        name: evaluate(folder, [*known, "--wrong", folder / "wrong.npy"], f"controls/{name}", "--control", name)
        for name in CONTROLS
    }
    found["full"] = evaluate(folder, known, "runs/full/seed0", "--model", folder / "model.pt")
    other = evaluate(folder, known, "runs/other/seed0", "--model", folder / "model.pt")
    assert found["copy"]["acd_judge"] == 0 and found["copy"]["psnr"] < 40 and found["copy"]["self_psnr"] == 60
    assert found["copy"]["monotonicity_hog"] == found["copy"]["leakage_hog"] == 0
    assert found["truth"]["psnr"] == 60 and found["truth"]["hf"] == 0
    for of in ("judge", "hog"):
        assert found["truth"][f"au_mae_{of}"] < found["copy"][f"au_mae_{of}"]
        assert found["truth"][f"icc_{of}"] > found["copy"][f"icc_{of}"]
    assert found["fooled"]["au_mae_judge"] < found["copy"]["au_mae_judge"]
    assert found["fooled"]["disagreement_judge_hog"] > found["copy"]["disagreement_judge_hog"]
    assert found["fooled"]["hf"] > found["copy"]["hf"] and found["wrong"]["psnr"] < found["truth"]["psnr"]
    drawn = pd.read_csv(folder / "pairs.csv")
    edits = np.load(folder / "runs/full/seed0/edits.npy")
    assert edits.shape == np.load(folder / "truth.npy").shape and found["full"]["self_psnr"] == 60
    assert len(pd.read_csv(folder / "runs/full/seed0/measures.csv")) == len(drawn)
    assert found["full"] == other

    rows = ["runs/full/seed0", "runs/other/seed0", *(f"controls/{name}" for name in CONTROLS)]
    spread = ["--intervals", folder / "intervals.csv", "--differences", folder / "differences.csv"]
    measures = [folder / row / "measures.csv" for row in rows]
    step("compare", "--pairs", folder / "pairs.csv", "--aus", *NAMES, "--measures", *measures, *spread)
    intervals, differences = pd.read_csv(folder / "intervals.csv"), pd.read_csv(folder / "differences.csv")
    full = intervals[intervals["run"] == "full"].set_index("metric")["mean"]
    for name, value in found["full"].items():  # the intervals are of the very numbers of the table
        if name in full:
            assert full[name] == pytest.approx(value, abs=2e-5), name
    assert (intervals["low"] <= intervals["mean"] + 1e-5).all() and (
        intervals["mean"] <= intervals["high"] + 1e-5
    ).all()
    assert set(differences["run"]) == {"other"} and not differences["significant"].any()
    assert (differences["difference"] == 0).all()

    cards = ["--renders", folder / "faces.npy", "--renders-table", folder / "faces.csv"]
    cards += ["--renders-truth", folder / "truth.csv", "--cards", folder / "cards.csv"]
    step("cards", *shared, "--split", folder / "split.csv", *flags[12:16], *cards)
    assert {"judge", "hog"} == set(pd.read_csv(folder / "cards.csv")["judge"])
    outputs = ["--summary", folder / "s.csv", "--expressions", folder / "e.csv", "--markdown", folder / "s.md"]
    outputs += ["--scores", folder / "scores.json"]
    inputs = [*spread, "--cards", folder / "cards.csv", "--about", folder / "judges.json"]
    step(
        "summarize",
        "--config",
        folder / "stage.json",
        "--metrics",
        *(folder / row / "metrics.json" for row in rows),
        *inputs,
        *outputs,
    )
    text = (folder / "s.md").read_text()
    scores = json.loads((folder / "scores.json").read_text())
    assert set(scores) == {"full", "other"} and scores["full"]["psnr"] == pytest.approx(found["full"]["psnr"])
    assert pd.read_csv(folder / "s.csv")["run"].tolist() == [*CONTROLS, "full", "other"]
    assert {"smile", "jaw drop", "happiness"} <= set(pd.read_csv(folder / "e.csv")["expression"])
    assert "UNEXPLAINED" not in text.split("psnr")[0] and "`truth`: it is what the edit should be" in text
    assert "0.0000" not in text and "| other | 1 | " in text and " = |" in text

    pictured = [*flags[2:6], "--pairs", folder / "pairs.csv", "--truth", folder / "truth.npy"]
    pictured += ["--edits", folder / "runs/full/seed0/edits.npy"]
    worst = ["--measures", measures[0], "--aus", *NAMES]
    for figure, width in (("edits", 5), ("runs", 3), ("differences", 6), ("failures", 4), ("worst", 10)):
        step("figures", figure, "--out", folder / f"{figure}.png", *pictured, *(worst if figure == "worst" else []))
        with Image.open(folder / f"{figure}.png") as picture:
            assert picture.width >= width * 128
    charted = ["--pairs", folder / "pairs.csv", "--intervals", folder / "intervals.csv", "--aus", *NAMES]
    for chart in ("trade", "units", "responses"):
        step("charts", chart, *charted, "--measures", *measures, "--out", folder / f"{chart}.png")
        with Image.open(folder / f"{chart}.png") as picture:
            assert picture.width > 600
    sweeps = ["--expressions", folder / "expressions.png", "--single", folder / "aus.png"]
    step("sweeps", *flags[:10], "--model", folder / "model.pt", "--run-config", folder / "config.json", *sweeps)
    with Image.open(folder / "aus.png") as picture:
        assert picture.width >= 5 * 128 and picture.height >= 2 * 128


def test_another_programs_edits_stand_in_the_same_table(chain, tmp_path):
    """Exported, edited by copying, and scored alone, the copy has the numbers of the control `copy`."""
    folder, _, flags = chain
    control = evaluate(folder, [*flags, "--truth", folder / "truth.npy"], "controls/copy", "--control", "copy")
    data = folder / "results" / "data"
    data.mkdir(parents=True)
    for name in ("faces.npy", "faces.csv", "aus.csv", "split.csv", "pairs.csv", "truth.npy"):
        (data / name).write_bytes((folder / name).read_bytes())
    peer = folder / "peer"
    step("export", "--results", folder / "results", "--out", peer)
    asked = pd.read_csv(peer / "pairs.csv")
    assert {"source", "edited", "AU12", "from_AU12"} <= set(asked)
    (peer / "edited").mkdir()
    for source, edited in zip(asked["source"], asked["edited"], strict=True):
        (peer / "edited" / edited).write_bytes((peer / "real" / source).read_bytes())
    words = ["--real", peer / "real", "--edited", peer / "edited", "--truth", peer / "truth", *flags[12:16]]
    words += ["--pairs", peer / "pairs.csv", "--config", folder / "stage.json", "--out", folder / "others" / "peer"]
    command = [sys.executable, "-m", "wemgan.evaluate", *map(str, words)]  # by the command that a reader would type
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0 and "acd_judge" in done.stdout, done.stderr
    scored = json.loads((folder / "others" / "peer" / "metrics.json").read_text())
    assert scored.pop("set_aside") == 0
    assert scored == control

    (peer / "edited" / asked["edited"][0]).unlink()
    (peer / "edited" / asked["edited"][1]).write_bytes(b"no picture")
    one_step = asked["edited"][asked["group"] == "single"].iloc[1]  # its face's other steps are no curve any more
    Image.new("RGB", (32, 32)).save(peer / "edited" / one_step)
    printed = step("alone", *words)
    assert "already holds" in printed and f"3 of {len(asked)} edits were set aside" in printed
    reasons = pd.read_csv(folder / "others" / "peer" / "set_aside.csv")["reason"].tolist()
    assert reasons[0] == "there is no such file" and "cannot be read" in reasons[1] and "32 pixels" in reasons[2]
    assert len(pd.read_csv(folder / "others" / "peer" / "measures.csv")) == len(asked)
    person = pd.factorize(asked["identity"])[0]
    metrics = compare.metrics_of_row(str(folder / "others/peer/measures.csv"), asked, NAMES, person)
    assert metrics["psnr"].all() == pytest.approx(
        json.loads((folder / "others/peer/metrics.json").read_text())["psnr"], abs=1e-4
    )

    assert len(metrics["monotonicity_hog"].value) == 2 * 3  # AUs and faces; one of these is not known
    assert np.isnan(metrics["monotonicity_hog"].value).sum() == 1
    rows = [str(folder / "controls/copy/metrics.json"), str(folder / "others/peer/metrics.json")]
    assert summarize.gather(rows)["run"].tolist() == ["copy", "other: peer"]
    other = json.loads((folder / "others/peer/metrics.json").read_text()) | {"pairs": "0123456789abcdef"}
    (folder / "others/peer/metrics.json").write_text(json.dumps(other))
    with pytest.raises(UserError, match="measured on other pairs than .*copy"):
        summarize.gather(rows)

    asked.assign(AU12=3.0).to_csv(peer / "pairs.csv", index=False)
    with pytest.raises(UserError, match=r"line 2: AUs are asked for in \[0, 1\]"):
        step("alone", *words)
    asked.drop(columns="edited").to_csv(peer / "pairs.csv", index=False)
    with pytest.raises(UserError, match="has no column edited"):
        step("alone", *words)


def test_what_was_made_otherwise_is_refused(chain, config):
    """A model of another configuration, what other judges said of the real faces, and a model of other labels."""
    folder, _, flags = chain
    out = ["--metrics", folder / "m.json", "--measures", folder / "m.csv", "--edits", folder / "edits.npy"]
    weights, about = load_weights(folder / "model.pt")
    (folder / "config.json").write_text(json.dumps(config))
    save_weights(folder / "model.pt", weights, about | {"config_digest": digest(folder / "config.json")})
    made_by = ["--run-config", folder / "config.json"]
    step("evaluate", *flags, "--model", folder / "model.pt", *made_by, *out)
    (folder / "config.json").write_text(json.dumps(config | {"seed": 1}))
    with pytest.raises(UserError, match="trained with another configuration .* train it again"):
        step("evaluate", *flags, "--model", folder / "model.pt", *made_by, *out)
    ridge = hog.load(folder / "hog.npz")
    ridge.bias += 0.1
    hog.save(folder / "hog.npz", ridge)
    with pytest.raises(UserError, match="measured by other judges; run the step wemgan.reference again"):
        step("evaluate", *flags, "--control", "copy", *out)


def test_a_model_of_other_labels_is_refused(chain):
    folder, _, flags = chain
    with open(folder / "aus.csv", "a") as file:
        file.write("\n")
    out = ["--metrics", folder / "m.json", "--measures", folder / "m.csv", "--edits", folder / "edits.npy"]
    with pytest.raises(UserError, match="train it again"):
        step("evaluate", *flags, "--model", folder / "model.pt", *out)


def test_photos_have_the_wrong_person_where_the_aus_are_a_face_s(chain):
    folder, _, flags = chain
    found = evaluate(folder, flags, "controls/wrong", "--control", "wrong")
    drawn = pd.read_csv(folder / "pairs.csv")
    assert found["n"] == (drawn["group"] == "faces").sum() and "psnr" not in found
    assert not any("/" in name or name.startswith("monotonicity") for name in found)
    person = pd.factorize(drawn["identity"])[0]
    metrics = compare.metrics_of_row(str(folder / "controls/wrong/measures.csv"), drawn, NAMES, person)
    assert metrics["au_mae_hog"].all() == pytest.approx(found["au_mae_hog"], abs=1e-4)


@pytest.fixture
def held_out():
    """Faces of four people, two of each but one of the last."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.random((7, 2)).round(2), columns=["AU12", "AU43"])
    table.insert(0, "identity", ["a", "a", "b", "b", "c", "c", "d"])
    table.insert(0, "id", [f"{person}{k % 2}" for k, person in enumerate(table["identity"])])
    return table


def test_every_group_of_pairs_asks_for_what_it_says(held_out):
    options = {"faces": 5, "targets": 2, "people": 2, "response_people": 3, "strengths": [0.0, 1.0]}
    names = ["AU12", "AU43"]
    table = pairs.choose(held_out, names, options, seed=0)
    groups = dict(list(table.groupby("group")))
    person = held_out.set_index("id")["identity"]
    assert (table["identity"] == table["source"].map(person)).all()
    faces = groups["faces"]
    assert len(faces) == 10 and set(faces["identity"]) == set("abcd")  # of everyone one before a second
    assert (faces["identity"] != faces["target"].map(person)).all()
    assert not faces.duplicated(["source", "target"]).any()
    assert len(groups["zero"]) == 5 and (groups["zero"]["source"] == groups["zero"]["target"]).all()
    same = groups["zero"].merge(held_out, left_on="source", right_on="id")
    assert (same["AU12_x"] == same["AU12_y"]).all()
    assert len(groups["single"]) == 2 * 3 * 2
    lids = groups["single"][groups["single"]["kind"] == "AU43"].merge(held_out, left_on="source", right_on="id")
    assert (lids["AU43_x"] == lids["strength"]).all() and (lids["AU12_x"] == lids["AU12_y"]).all()
    pd.testing.assert_frame_equal(table, pairs.choose(held_out, names, options, seed=0))


def test_expression_pairs_start_from_the_calmest_face_and_skip_what_the_aus_cannot_make():
    faces = pd.DataFrame(
        {"id": ["a0", "a1", "b0"], "identity": ["a", "a", "b"], "AU12": [0.9, 0.1, 0.5], "AU43": [0, 0.2, 0]}
    )
    made = pairs.expression_pairs(faces, ["AU12", "AU43"], people=2)
    assert made["source"].tolist() == ["a1", "b0"] * 3
    assert made["kind"].tolist() == ["smile", "smile", "eyes closed", "eyes closed", "happiness", "happiness"]
    assert made["AU43"].tolist() == [0, 0, 1, 1, 0, 0]


def test_emotions_need_half_of_their_aus_and_differ():
    made = pairs.makeable_basic(["AU01", "AU02", "AU12", "AU15", "AU26"])
    assert list(made) == ["happiness", "sadness", "surprise"]  # fear would want four of seven
    assert made["surprise"] == {"AU01": 0.8, "AU02": 0.8, "AU12": 0, "AU15": 0, "AU26": 0.8}
    # Of fear four AUs are there, and it would equal surprise.
    assert "fear" not in pairs.makeable_basic(["AU01", "AU02", "AU05", "AU26"])


def test_controls_are_what_they_say():
    image = np.zeros((1, 64, 64, 3), np.uint8)
    image[:, :, 32:] = 200
    blurred = controls.blur(image)
    assert 0 < blurred[0, 30, 31, 0] < 100 < blurred[0, 30, 32, 0] < 200 and blurred[0, 30, 40, 0] == 200
    assert 0 < np.abs(controls.jpeg(image).astype(int) - image).mean() < 10


def test_noise_deceives_the_judge_within_its_reach():
    torch.manual_seed(0)
    network = judge.Judge(8, 2, 3).eval()
    images = np.random.default_rng(0).integers(60, 200, (4, 64, 64, 3)).astype(np.uint8)
    target = np.full((4, 2), 0.8, np.float32)
    noisy = controls.fool(images, target, network, torch.device("cpu"))
    error = [np.abs(judge.measure(network, x, torch.device("cpu"))[0] - target).mean() for x in (images, noisy)]
    assert error[1] < 0.8 * error[0]
    assert np.abs(noisy.astype(int) - images).max() <= controls.FOOLED_REACH


def measures(folder, rng, shift, seed):
    """A run's measures of 240 pairs of 40 people, by a judge who sees the AUs `shift` too strong."""
    path = folder / f"seed{seed}" / "measures.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pd.DataFrame({"AU12_judge": 0.5 + shift + rng.normal(0, 0.05, 240), "acd_judge": rng.random(240)})
    table["self_psnr"] = table["self_l1"] = np.nan
    table.to_csv(path, index=False)
    return str(path)


def test_a_difference_must_exceed_chance_and_hold_for_every_seed(tmp_path):
    rng = np.random.default_rng(0)
    drawn = pd.DataFrame({"group": "faces", "kind": "faces", "identity": np.arange(240) % 40, "AU12": 0.5})
    paths = [
        measures(tmp_path / "runs" / run, rng, shift, seed)
        for run, shifts in {"full": (0.1, 0.1), "worse": (0.15, 0.16), "same": (0.1, 0.1), "split": (0.2, 0.08)}.items()
        for seed, shift in enumerate(shifts)
    ]
    intervals, differences = compare.compare(paths, drawn, ["AU12"])
    found = differences[differences["metric"] == "au_mae_judge"].set_index("run")
    assert found["significant"].to_dict() == {"worse": True, "same": False, "split": False}
    assert found.loc["worse", "low"] < 0.055 < found.loc["worse", "high"] and not found.loc["split", "seeds_agree"]
    row = intervals[(intervals["metric"] == "au_mae_judge") & (intervals["run"] == "split")].iloc[0]
    assert row["seeds"] == 2 and row["people"] == 40 and row["n"] == 240
    assert row["mean"] == pytest.approx(0.14, abs=0.01) and row["sd"] == pytest.approx(0.12 / 2**0.5, abs=0.01)


def test_a_peer_without_seeds_is_compared_with_every_seed(tmp_path):
    rng = np.random.default_rng(0)
    drawn = pd.DataFrame({"group": "faces", "kind": "faces", "identity": np.arange(240) % 40, "AU12": 0.5})
    paths = [measures(tmp_path / "runs" / "full", rng, shift, seed) for seed, shift in enumerate((0.1, 0.3))]
    for name, shift in (("between", 0.2), ("worse", 0.4)):
        made = measures(tmp_path / name, rng, shift, 0)
        (tmp_path / "others" / name).mkdir(parents=True)
        paths.append(str(tmp_path / "others" / name / "measures.csv"))
        Path(made).rename(paths[-1])
    found = compare.compare(paths, drawn, ["AU12"])[1]
    found = found[found["metric"] == "au_mae_judge"].set_index("run")
    assert found["seeds_agree"].to_dict() == {"other: between": False, "other: worse": True}


def test_too_few_people_make_nothing_significant(tmp_path):
    rng = np.random.default_rng(0)
    drawn = pd.DataFrame({"group": "faces", "kind": "faces", "identity": np.arange(240) % 4, "AU12": 0.5})
    paths = [measures(tmp_path / "runs" / run, rng, shift, 0) for run, shift in (("full", 0), ("worse", 0.3))]
    assert not compare.compare(paths, drawn, ["AU12"])[1]["significant"].any()


def test_summary_gives_the_spread_over_seeds(tmp_path):
    paths = []
    for seed, value in enumerate((20.0, 22.0)):
        place = tmp_path / "runs" / "full" / f"seed{seed}"
        place.mkdir(parents=True)
        for name in ("config.json", "model.pt"):
            (place / name).write_text("{}")
        measured(place, {"n": 5, "psnr": value})
        paths.append(str(place / "metrics.json"))
    assert "| full | 2 | 21 ± 1.4 |" in tables.markdown(summarize.gather(paths), ["psnr"])


def test_a_control_that_wins_without_a_known_cause_is_called_out():
    frame = pd.DataFrame({"run": ["copy", "blur", "full"], "acd_judge": [0.0, 0.2, 0.1], "psnr": [20.0, 30.0, 25.0]})
    text = tables.wins(frame, ["acd_judge", "psnr"])
    assert "`copy`: it is the input itself (`acd_judge`)" in text
    assert "`blur`: UNEXPLAINED, distrust the metric (`psnr`)" in text
    assert tables.wins(frame[frame["run"] == "full"], ["psnr"]) == ""


def test_runs_stand_between_the_controls():
    summary = pd.DataFrame({
        "run": ["copy", "truth", "full", "full", "other", "told", "peer"], "seed": ["", "", 0, 1, 0, 0, ""],
        "au_mae_judge": [0.3, 0.1, 0.12, 0.14, 0.2, 0.1, 0.15], "au_mae_hog": [0.4, 0.2, 0.3, 0.3, 0.22, 0.2, 0.4],
        "acd_judge": [0.0, 0.4, 0.41, 0.43, 0.3, 0.2, 0.5],
    })  # fmt: skip
    expressions = pd.DataFrame({
        "run": ["copy", "copy", "full", "full", "full", "full", "other", "other", "other"],
        "seed": ["", "", 0, 0, 1, 1, 0, 0, 0], "group": [*["strong"] * 8, "basic"],
        "expression": [*["smile", "jaw drop"] * 4, "fear"], "psnr": [20.0, 30.0, 23, 33, 25, 35, 20, 29, 99],
    })  # fmt: skip
    text = tables.standing(summary, expressions, ["told"])
    assert "| full | 85.0 ± 7.1 | 50.0 ± 0 | +4.00 ± 1.4 | 2 + 2 = 4 |" in text
    assert "| other | 50.0 | 90.0 | -0.50 | 1 + 1 = 2 |" in text
    assert "| told | 100.0 | 100.0 | +nan | told the truth, not ranked |" in text
    assert "| peer | 75.0 | 0.0 |" in text
    assert tables.standing(summary[summary["run"] != "truth"], expressions, []) == ""
    nobody = tables.standing(summary.drop(columns="acd_judge"), expressions, ["told"])
    assert "| rank by AU error |" in nobody and "| other | 50.0 | 90.0 | -0.50 | 1 = 1 |" in nobody


def test_without_an_expression_there_is_a_table_all_the_same():
    frame = pd.DataFrame({
        "run": ["copy", "truth", "full"], "seed": ["", "", 0], "n": 5, "people": 3, "au_mae_hog": [0.3, 0.1, 0.2],
    })  # fmt: skip
    expressions = summarize.by_expression(frame)
    differences = pd.DataFrame(columns=["run", "metric", "significant"])
    assert expressions.empty and "expression" in expressions
    assert "| full | 1 | 0.2 |" in tables.short(frame, expressions, differences, [])


def test_only_the_judge_that_noise_was_made_against_may_be_deceived():
    frame = pd.DataFrame({"run": ["fooled", "full"], "au_mae_judge": [0.1, 0.2], "au_mae_hog": [0.1, 0.2]})
    text = tables.wins(frame, ["au_mae_judge", "au_mae_hog"])
    assert "its noise was made to deceive this judge, and the other judge's measures show it (`au_mae_judge`)" in text
    assert "`fooled`: UNEXPLAINED, distrust the metric (`au_mae_hog`)" in text
