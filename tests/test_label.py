"""Labels: the renderer's truth, MediaPipe on real faces, and the check against human labels.

MediaPipe's model file is taken from ../shared/weights, where a development machine keeps it.
"""

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from wemgan import label, mediapipe_aus
from wemgan.errors import UserError
from wemgan.faces import face_writer, read_table, write_table
from wemgan.label_check import area_under_curve, check, read_human

ROOT = Path(__file__).parents[1]
WEIGHTS = {"directory": str(ROOT.parent / "shared" / "weights"), "download": False}
PHOTOS = Path(importlib.util.find_spec("feat").origin).parent / "tests" / "data"
AUS = ["AU04", "AU12", "AU25", "AU26"]
NEUTRAL = {
    f"{name}{side}": 0.0 for name in ("mouthLowerDown", "mouthUpperUp", "eyeBlink") for side in ("Left", "Right")
}

needs_model = pytest.mark.skipif(
    not (Path(WEIGHTS["directory"]) / mediapipe_aus.MODEL).is_file(),
    reason="needs ../shared/weights/face_landmarker.task",
)


@pytest.fixture(scope="module")
def faces():
    """An astonished, a smiling and a frowning face, aligned at 64 px, and a picture of noise."""
    from wemgan.align import Detector, align
    from wemgan.photo import read_photo

    detector = Detector(0.1, 0.9)
    names = ("0-f1-su-ph.jpg", "0-f15-hao-ph.jpg", "15-f13-anc-ph.jpg")
    aligned = [
        align(read_photo(PHOTOS / name), detector, 64, {"min_interocular": 16, "max_turn": 1})[0] for name in names
    ]
    return np.stack([*aligned, np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)])


def config(tool, aus=AUS):
    return {"data": {"aus": aus}, "label": {"tool": tool}, "weights": WEIGHTS}


def table(ids):
    return pd.DataFrame({"id": ids, "identity": ids, "source": ids})


def test_sides_are_averaged_and_the_strongest_part_counts():
    assert mediapipe_aus.unit(NEUTRAL | {"eyeBlinkLeft": 0.8}, "AU43") == pytest.approx(0.4)
    shapes = NEUTRAL | {"jawOpen": 0.3, "mouthUpperUpLeft": 0.5, "mouthUpperUpRight": 0.7}
    assert mediapipe_aus.unit(shapes, "AU25") == pytest.approx(0.6)
    assert mediapipe_aus.unit(NEUTRAL | {"jawOpen": 0.3}, "AU25") == pytest.approx(0.3)


def test_aus_that_mediapipe_does_not_have_are_named():
    with pytest.raises(UserError, match="MediaPipe cannot label AU06, AU09;"):
        mediapipe_aus.measure(np.zeros((1, 64, 64, 3), np.uint8), ["AU06", "AU12", "AU09"], WEIGHTS)


@needs_model
def test_mediapipe_tells_expressions_apart_on_small_faces(faces):
    measured = pd.DataFrame(mediapipe_aus.measure(faces, AUS, WEIGHTS), columns=AUS)
    astonished, smiling, frowning = (measured.loc[i] for i in range(3))
    assert smiling["AU12"] > 0.6 > 0.2 > max(astonished["AU12"], frowning["AU12"])
    assert astonished["AU26"] > 0.25 > 0.1 > max(smiling["AU26"], frowning["AU26"])
    assert min(astonished["AU25"], smiling["AU25"]) > 0.2 > frowning["AU25"]
    assert frowning["AU04"] > 0.25 > max(smiling["AU04"], astonished["AU04"])
    assert measured.loc[3].isna().all()


@needs_model
def test_step_writes_labels_and_names_the_faces_without_one(faces, tmp_path, monkeypatch):
    with face_writer(tmp_path / "faces.npy", 64) as writer:
        writer.append(faces)
    write_table(tmp_path / "faces.csv", table(["a", "b", "c", "noise"]))
    (tmp_path / "config.json").write_text(json.dumps(config("mediapipe")))
    arguments = ["label", "--config", "config.json", "--faces", "faces.npy", "--table", "faces.csv"]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [*arguments, "--aus", "aus.csv", "--unlabelled", "unlabelled.csv"])
    label.main()
    aus, without = read_table("aus.csv"), read_table("unlabelled.csv")
    assert list(aus["id"]) == ["a", "b", "c"]
    assert aus[AUS].min().min() >= 0
    assert aus[AUS].max().max() <= 1
    assert set(aus["tool"]) == {"mediapipe"}
    assert without.to_dict("records") == [{"id": "noise", "source": "noise", "reason": "MediaPipe finds no face"}]


def test_truth_is_taken_by_id_and_restricted_to_the_aus_asked_for(tmp_path):
    truth = pd.DataFrame({"id": ["b", "a"], "AU12": [0.25, 1.0], "AU26": [0.5, 0.0], "AU01": [1.0, 1.0]})
    write_table(tmp_path / "truth.csv", truth)
    options = config("truth", ["AU26", "AU12"])
    faces = np.zeros((3, 8, 8, 3), np.uint8)
    aus, without = label.label(faces, table(["a", "b", "c"]), options, str(tmp_path / "truth.csv"))
    assert aus[["id", "AU26", "AU12"]].to_numpy().tolist() == [["a", 0.0, 1.0], ["b", 0.5, 0.25]]
    assert list(aus.columns) == ["id", "AU26", "AU12", "tool", "version", "settings"]
    assert list(without["id"]) == ["c"]
    with pytest.raises(UserError, match="does not have AU43"):
        label.label(faces, table(["a", "b", "c"]), config("truth", ["AU43"]), str(tmp_path / "truth.csv"))
    with pytest.raises(UserError, match="needs --truth"):
        label.label(faces, table(["a", "b", "c"]), options, None)
    with pytest.raises(UserError, match="3 faces but 2 rows"):
        label.label(faces, table(["a", "b"]), options, None)


def test_area_under_curve():
    yes = np.array([True, True, False, False])
    assert area_under_curve(np.array([3, 4, 1, 2]), yes) == 1
    assert area_under_curve(np.array([1, 2, 3, 4]), yes) == 0
    assert area_under_curve(np.array([1, 1, 1, 1]), yes) == 0.5
    assert area_under_curve(np.array([4, 1, 2, 3]), yes) == 0.5


def test_labels_are_checked_against_celeba_attributes_and_csv(tmp_path):
    labels = pd.DataFrame({"id": ["x/1.jpg", "2.jpg", "3.jpg", "4.jpg"], "AU12": [0.9, 0.8, 0.1, 0.2]})
    labels = labels.assign(AU26=[0.1, 0.9, 0.1, 0.9], tool="mediapipe", version="1", settings="as it is")
    lines = ["5", "Male Smiling", "1.jpg -1 1", "2.jpg  1  1", "3.jpg -1 -1", "4.jpg 1 -1", "5.jpg 1 1"]
    (tmp_path / "list_attr_celeba.txt").write_text("\n".join(lines) + "\n")
    result = check(labels, read_human(tmp_path / "list_attr_celeba.txt", "Smiling", labels["id"])).set_index("au")
    assert list(result.index) == ["AU12", "AU26"]
    assert result["auc"].to_dict() == {"AU12": 1.0, "AU26": 0.5}
    assert result.loc["AU12", ["mean_with", "mean_without", "with", "without"]].tolist() == pytest.approx(
        [0.85, 0.15, 2, 2]
    )

    (tmp_path / "human.csv").write_text("source,smile\nx/1.jpg,0\n2.jpg,0\n3.jpg,1\n")
    result = check(labels, read_human(tmp_path / "human.csv", "smile", labels["id"])).set_index("au")
    assert result.loc["AU12", ["auc", "with", "without"]].tolist() == [0, 1, 2]
    with pytest.raises(UserError, match="has no attribute 'grin'; it has smile"):
        read_human(tmp_path / "human.csv", "grin", labels["id"])
    (tmp_path / "others.csv").write_text("source,smile\nelse.jpg,1\n")
    with pytest.raises(UserError, match="name none of the 4 labelled faces"):
        check(labels, read_human(tmp_path / "others.csv", "smile", labels["id"]))
