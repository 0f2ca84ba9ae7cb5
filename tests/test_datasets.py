"""The readers of data sets, on small ones of the official layout: who, where, what people said, what does not fit."""

import importlib.util
import io
import json
import os
import stat
import sys
import zipfile
from pathlib import Path

import numpy as np
import official
import pandas as pd
import pytest
from project import ROOT, environment, make_project, snakemake
from test_labellers import PROGRAM
from test_obtain import put

from wemgan import datasets
from wemgan.errors import UserError

PHOTOS = [f"photo {place}".encode() for place in range(9)]


def unpacked(folder, files):
    """The files, with every archive unpacked beside itself."""
    for name, content in files.items():
        put(folder, {name: content})
        if name.endswith(".zip"):
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                archive.extractall((folder / name).parent)


def config(source, release="default", limit=None):
    return {
        "data": {"source": source, "limit": limit}, "dataset": {"directory": "datasets", "release": release},
    }  # fmt: skip


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path / "datasets"


def listed(source, release="default", limit=None):
    photos, aside, human = datasets.list_photos(config(source, release, limit))
    assert list(photos.columns) == ["id", "identity", "source", "official", "left", "top", "right", "bottom"]
    assert photos["id"].is_unique and list(human["id"]) == list(photos["id"])
    return photos.set_index("id"), aside.set_index("source")["reason"].to_dict(), human.set_index("id")


def test_celeba_has_people_parts_and_attributes(here):
    unpacked(here / "celeba", official.celeba(PHOTOS))
    photos, aside, human = listed("celeba")
    assert aside == {} and len(photos) == 9
    assert photos.loc["000004.jpg", ["identity", "source", "official"]].tolist() == [
        "2881", "img_align_celeba/000004.jpg", "train",
    ]  # fmt: skip
    assert photos["official"].tolist() == ["train"] * 4 + ["validation"] * 2 + ["test"] * 3
    assert human["Smiling"].tolist() == [1, 0, 0] * 3 and human["Male"].tolist() == [1, 0] * 4 + [1]
    assert photos["left"].isna().all()


def test_the_wild_photos_of_celeba_have_boxes(here):
    unpacked(here / "celeba", official.celeba(PHOTOS, "img_celeba"))
    photos, _, _ = listed("celeba", "in_the_wild")
    assert photos.loc["000001.jpg", ["left", "top", "right", "bottom"]].tolist() == [95, 71, 95 + 226, 71 + 313]
    assert photos.loc["000001.jpg", "source"] == "img_celeba/000001.jpg"


def test_rows_and_photos_of_celeba_that_do_not_fit_are_set_aside(here):
    unpacked(here / "celeba", official.celeba(PHOTOS))
    put(here / "celeba" / "img_align_celeba", {"stray.jpg": b"x", "notes.txt": b"x", "Zoë.jpg": b"x"})
    (here / "celeba" / "img_align_celeba" / "000002.jpg").unlink()
    with open(here / "celeba" / "identity_CelebA.txt", "a") as file:
        file.write("000001.jpg 77\n000003.jpg 2881\nZoë.jpg 99\n")
    photos, aside, _ = listed("celeba")
    assert "000002.jpg" not in photos.index and photos.loc["Zoë.jpg", "identity"] == "99"
    assert aside == {
        "img_align_celeba/000001.jpg": "named twice in identity_CelebA.txt, and differently; the first is taken",
        "img_align_celeba/000002.jpg": "named in identity_CelebA.txt, but there is no such photo",
        "img_align_celeba/stray.jpg": "not named in identity_CelebA.txt",
        "img_align_celeba/notes.txt": "its name does not end in .jpg, .jpeg, .png, .webp, .bmp, .tif, .tiff",
    }
    assert photos.loc["000001.jpg", "identity"] == "2880"


def test_a_list_of_celeba_with_another_layout_is_told(here):
    unpacked(here / "celeba", official.celeba(PHOTOS))
    put(here / "celeba", {"identity_CelebA.txt": b"000001.jpg 2880\n000002.jpg\n"})
    with pytest.raises(UserError, match="line 2 of .*identity_CelebA.txt has 1 columns, not 2"):
        listed("celeba")


def test_celeba_is_cut_by_whole_people(here):
    unpacked(here / "celeba", official.celeba(PHOTOS))
    photos, _, human = listed("celeba", limit=3)
    assert len(photos) in (3, 4) and photos.groupby("identity").size().isin([1, 2]).all() and len(human) == len(photos)


def test_ffhq_has_authors_for_people(here):
    unpacked(here / "ffhq", official.ffhq(PHOTOS))
    (here / "ffhq" / "thumbnails128x128" / "00000" / "00002.png").unlink()
    photos, aside, human = listed("ffhq")
    assert photos.loc["00000/00001.png", ["identity", "source", "official"]].tolist() == [
        "author Author 0", "thumbnails128x128/00000/00001.png", "train",
    ]  # fmt: skip
    assert photos["official"].tolist() == ["train"] * 6 + ["validation"] * 2 and human.shape == (8, 0)
    assert aside == {
        "thumbnails128x128/00000/00002.png": "named in ffhq-dataset-v2.json, but there is no such photo",
    }  # fmt: skip


def test_affectnets_lists_have_boxes_and_codes(here):
    files = official.affectnet_lists(PHOTOS)
    unpacked(here / "affectnet", files)
    lists = here / "affectnet" / "Manually_Annotated_file_lists" / "training.csv"
    lines = lists.read_text().splitlines()
    first, second, third = (line.split(",") for line in lines[1:4])
    first[1], second[6], third[6] = "NULL", "10", "9"
    lines[1:4] = [",".join(cells) for cells in (first, second, third)]
    lists.write_text("\n".join([*lines, "1/gone.jpg,1,2,3,4,0;0,1,0,0"]))
    photos, aside, human = listed("affectnet", "lists")
    inside = "Manually_Annotated/Manually_Annotated_Images/"
    assert aside == {
        f"{inside}{second[0]}": "annotated as no face",
        f"{inside}1/gone.jpg": "named in the lists of AffectNet, but there is no such photo",
    }
    assert np.isnan(photos.loc[first[0], "left"])
    row = photos.loc[third[0]]
    assert row[["left", "top", "right", "bottom"]].tolist() == [10, 20, 210, 240]
    assert row["identity"] == third[0] and photos["official"].tolist() == ["train"] * 7 + ["test"]
    assert human.loc[first[0], "neutral"] == 1 and human.loc[third[0]].isna().all()  # 9 is uncertain
    lists.write_text("image,emotion\na.jpg,1\n")
    with pytest.raises(UserError, match="training.csv lacks the columns subDirectory_filePath, face_x"):
        listed("affectnet", "lists")


def test_affectnets_arrays_are_read_without_unpickling(here):
    unpacked(here / "affectnet", official.affectnet_arrays(PHOTOS))
    notes = here / "affectnet" / "train_set" / "annotations"
    np.save(notes / "1_exp.npy", np.array([{"a": 1}], dtype=object))
    (notes / "2_exp.npy").write_bytes(b"")
    np.save(notes / "3_exp.npy", np.array(10))
    np.save(notes / "4_exp.npy", np.array(7))
    (notes / "5_exp.npy").unlink()
    (here / "affectnet" / "train_set" / "images" / "6.jpg").unlink()
    photos, aside, human = listed("affectnet", "arrays")
    assert {name.removeprefix("train_set/images/"): reason for name, reason in aside.items()} == {
        "1.jpg": "its annotation cannot be read", "2.jpg": "its annotation cannot be read",
        "3.jpg": "annotated as no face", "5.jpg": "not named in the annotations",
        "6.jpg": "named in the annotations, but there is no such photo",
    }  # fmt: skip
    assert photos["official"].to_dict() == {
        "train_set/images/0.jpg": "train", "train_set/images/4.jpg": "train", "train_set/images/7.jpg": "train",
        "val_set/images/8.jpg": "test",
    }  # fmt: skip
    assert human.idxmax(axis=1).tolist() == ["neutral", "contempt", "contempt", "neutral"]


@pytest.mark.parametrize(("release", "suffix"), [("aligned", "_aligned"), ("original", "")])
def test_rafdb_has_parts_in_its_names_and_boxes_for_the_originals(here, release, suffix):
    unpacked(here / "rafdb", official.rafdb(PHOTOS))
    photos, aside, human = listed("rafdb", release)
    assert aside == {} and list(photos.index)[-1] == f"test_0001{suffix}.jpg"
    assert photos["official"].tolist() == ["train"] * 8 + ["test"]
    assert photos["source"].iloc[0] == f"basic/Image/{release}/train_00001{suffix}.jpg"
    assert photos["left"].notna().all() == (release == "original")
    assert human.idxmax(axis=1).tolist()[:7] == ["surprise", "fear", "disgust", "happy", "sad", "anger", "neutral"]


def test_boxes_that_cannot_be_read_are_set_aside(here):
    unpacked(here / "rafdb", official.rafdb(PHOTOS))
    boxes = here / "rafdb" / "basic" / "Annotation" / "boundingbox"
    (boxes / "train_00001_boundingbox.txt").write_bytes(b"")
    (boxes / "train_00002_boundingbox.txt").write_bytes(b"10 20 x 40")
    (boxes / "train_00003_boundingbox.txt").unlink()
    photos, aside, _ = listed("rafdb", "original")
    assert len(photos) == 6 and set(aside.values()) == {"its annotation cannot be read"} and len(aside) == 3


def test_rafdb_may_lie_without_the_folder_basic(here):
    unpacked(here / "rafdb", {name.removeprefix("basic/"): content for name, content in official.rafdb(PHOTOS).items()})
    assert listed("rafdb")[0]["source"].iloc[0] == "Image/aligned/train_00001_aligned.jpg"


def test_a_data_set_without_any_photo_that_can_be_used_is_told(here):
    unpacked(here / "celeba", official.celeba(PHOTOS))
    put(here / "celeba", {"identity_CelebA.txt": b"else.jpg 1\n"})
    with pytest.raises(UserError, match="CelebA in datasets/celeba has no photo that can be used; 10 are set aside"):
        listed("celeba")


def test_the_documentation_of_the_data_sets_is_current():
    from wemgan.inventory import DATASETS, describe

    assert (ROOT / "DATA.md").read_text() == describe(), "run `make docs`"
    assert set(datasets.READERS) == set(DATASETS)


def test_the_json_of_ffhq_that_is_broken_is_told(here):
    put(here / "ffhq", {"ffhq-dataset-v2.json": json.dumps({"0": {}})[:-1].encode()})
    with pytest.raises(UserError, match="is not valid JSON"):
        listed("ffhq")


OVERLAY = """
data: {source: celeba, aus: [AU01, AU12, AU43]}
dataset: {accept: [celeba], fetch: false}
align: {shards: 2}
label: {tool: openface}
split: {by: official}
evaluate: {faces: 4, targets: 1}
judge: {aus: [hog], identity: [], features: []}
"""


def test_an_official_archive_becomes_labelled_faces_by_the_rules(tmp_path):
    """From the archive and lists of CelebA, with real photos, through every rule of the data."""
    carried = Path(importlib.util.find_spec("feat").origin).parent / "tests" / "data"
    names = ["0-f1-su-ph.jpg", "0-f15-hao-ph.jpg", "15-f13-anc-ph.jpg", "free-mountain-vector-01.jpg"]
    real = [(carried / name).read_bytes() for name in names]
    project = make_project(tmp_path / "project", "real", pretend=False, overlay=OVERLAY)
    order = [0, 1, 2, 0, 1, 2, 0, 1, 3, 2]
    put(project / "datasets" / "celeba", official.celeba([real[place] for place in order]))
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "FaceLandmarkImg"
    program.write_text(PROGRAM.format(python=sys.executable))
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    path = f"{program.parent}{os.pathsep}{environment(project)['PATH']}"
    done = snakemake(project, "real", "data", PATH=path)
    assert done.returncode == 0, done.stderr[-3000:]
    data = project / "results" / "real" / "data"
    aside = pd.read_csv(data / "set_aside.csv")
    assert aside[["id", "reason"]].to_numpy().tolist() == [["000009.jpg", "no face found"]]
    split = pd.read_csv(data / "split.csv")
    assert split.groupby("split")["identity"].nunique().to_dict() == {"test": 2, "train": 2, "validation": 1}
    labels = pd.read_csv(data / "aus.csv")
    assert len(labels) == 9 and labels["tool"].eq("openface").all() and np.load(data / "faces.npy").shape[0] == 9
    assert pd.read_csv(data / "labels" / "attributes.csv")["attribute"].isin(["Smiling", "Male"]).all()
    assert (data / "labels" / "labels.png").exists()
