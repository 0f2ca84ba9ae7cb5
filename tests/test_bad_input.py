"""Photos of every kind that people have, through listing, alignment and merge: what is taken, and what is set aside.

The rows of docs/data.md's table of bad input, each with the reason that stands in set_aside.csv.
"""

import importlib.util
import io
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from project import ROOT

from wemgan import align, faces, folder
from wemgan.faces import read_table

PHOTOS = Path(importlib.util.find_spec("feat").origin).parent / "tests" / "data"
LUMA = np.array([0.299, 0.587, 0.114])
SMILE, SCENE, GROUP = PHOTOS / "0-f15-hao-ph.jpg", PHOTOS / "free-mountain-vector-01.jpg", PHOTOS / "multi_face.jpg"


def encoded(image: Image.Image, kind: str, **options) -> bytes:
    whole = io.BytesIO()
    image.save(whole, kind, **options)
    return whole.getvalue()


def turned(image: Image.Image, orientation: int) -> bytes:
    """A photo whose camera was held on its side, as its EXIF says."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encoded(image.transpose(Image.Transpose.ROTATE_90), "JPEG", exif=exif, quality=95)


@pytest.fixture(scope="module")
def aligned(tmp_path_factory):
    """The tables of faces and of photos set aside, of one photo of each kind, a person each."""
    here = tmp_path_factory.mktemp("bad")
    with Image.open(SMILE) as file:
        photo = file.convert("RGB")
    jpeg = SMILE.read_bytes()
    grey16 = Image.fromarray(np.asarray(photo.convert("L")).astype(np.uint16) * 257)
    kinds = {
        "plain/a.jpg": jpeg,
        "grey/a.png": encoded(photo.convert("L"), "PNG"),
        "cmyk/a.jpg": encoded(photo.convert("CMYK"), "JPEG", quality=95),
        "sixteen/a.png": encoded(grey16, "PNG"),
        "tiff/a.tif": encoded(photo, "TIFF"),
        "exif/a.jpg": turned(photo, 6),
        "several/a.jpg": GROUP.read_bytes(),
        "Zoë 写真/ß.jpg": jpeg,
        "wrong_name/a.png": jpeg,
        "none/a.jpg": SCENE.read_bytes(),
        "tiny/a.jpg": encoded(photo.resize((40, 40)), "JPEG"),
        "truncated/a.jpg": jpeg[: len(jpeg) // 2],
        "zero/a.jpg": b"",
        "text/a.jpg": b"this is no photo",
        "other/a.txt": jpeg,
        "loose.jpg": jpeg,
    }
    for name, content in kinds.items():
        (here / "photos" / name).parent.mkdir(parents=True, exist_ok=True)
        (here / "photos" / name).write_bytes(content)
    (here / "photos" / "linked").mkdir()
    (here / "photos" / "linked" / "a.jpg").symlink_to(SMILE)
    (here / "photos" / "dangling").mkdir()
    (here / "photos" / "dangling" / "a.jpg").symlink_to(here / "gone.jpg")
    (here / "photos" / "round").symlink_to(here / "photos")
    config = {
        "folder": {"path": str(here / "photos"), "pattern": "^(?P<identity>[^/]+)/", "identities": None},
        "data": {"size": 64, "source": "folder", "limit": None},
        "align": {
            "min_face": 0.1, "min_probability": 0.9, "min_interocular": 16, "max_turn": 1.0, "device": "cpu",
        },
    }  # fmt: skip
    path = {
        name: str(here / name) for name in ("config.json", "photos.csv", "aside.csv", "s.npy", "s.csv", "s_aside.csv")
    }
    Path(path["config.json"]).write_text(json.dumps(config))
    words = ["--config", path["config.json"], "--photos", path["photos.csv"], "--set-aside"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["folder", *words, path["aside.csv"]])
        folder.main()
        patch.setattr(
            sys, "argv", ["align", *words, path["s_aside.csv"], "--faces", path["s.npy"], "--table", path["s.csv"]]
        )
        align.main()
    out = [str(here / name) for name in ("faces.npy", "faces.csv", "set_aside.csv")]
    faces.merge([path["s.npy"]], [path["s.csv"]], [path["aside.csv"], path["s_aside.csv"]], *out)
    return np.load(out[0]), read_table(out[1]).set_index("id"), read_table(out[2]).set_index("id")["reason"]


SAME = [
    "grey/a.png",
    "cmyk/a.jpg",
    "sixteen/a.png",
    "tiff/a.tif",
    "exif/a.jpg",
    "Zoë 写真/ß.jpg",
    "wrong_name/a.png",
    "linked/a.jpg",
]


@pytest.mark.parametrize("name", SAME)
def test_a_face_comes_out_the_same_whatever_its_file_is_like(aligned, name):
    pictures, table, _ = aligned
    plain, other = (pictures[list(table.index).index(one)] @ LUMA for one in ("plain/a.jpg", name))
    assert np.abs(plain - other).mean() < 8  # grey, and inks, are not the same colours
    assert np.corrcoef(plain.ravel(), other.ravel())[0, 1] > 0.97


def test_of_several_faces_the_largest_is_taken_and_they_are_counted(aligned):
    _, table, _ = aligned
    assert table.loc["several/a.jpg", "faces_found"] >= 3
    assert table.loc["plain/a.jpg", "faces_found"] == 1


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("none/a.jpg", "no face found"),
        ("tiny/a.jpg", "face too small: less than 16 px between the eyes"),
        ("truncated/a.jpg", "truncated image"),
        ("zero/a.jpg", "not an image, or a broken one"),
        ("text/a.jpg", "not an image, or a broken one"),
        ("other/a.txt", folder.NO_PHOTO),
        ("dangling/a.jpg", "cannot be read: No such file or directory"),
        ("round", "a link to a folder that was read already"),
        ("loose.jpg", "its path does not match folder.pattern"),
    ],
)
def test_what_is_no_use_is_set_aside_with_its_reason(aligned, name, reason):
    _, table, aside = aligned
    assert aside[name] == reason and name not in table.index


def test_nothing_gets_lost(aligned):
    pictures, table, aside = aligned
    assert len(pictures) == len(table) == len(SAME) + 2
    assert len(aside) == 9 and not set(aside.index) & set(table.index)


def test_a_face_that_is_turned_away_is_set_aside(aligned):
    """Nothing that may be shown here is a profile: points as MTCNN gives them on one stand in for it."""
    from wemgan.photo import UnusablePhoto

    class Profile:
        def __call__(self, photo, box=None):
            points = np.array([[180.0, 200], [200, 198], [240, 240], [190, 290], [205, 288]])
            return align.Detection(points, 0.99, 1)

    photo = Image.new("RGB", (400, 400), "gray")
    with pytest.raises(UnusablePhoto, match="turned away: a turn of more than 1"):
        align.align(photo, Profile(), 64, {"min_interocular": 10, "max_turn": 1.0})
    _, row = align.align(photo, Profile(), 64, {"min_interocular": 10, "max_turn": 100.0})
    assert row["turn"] > 1


def test_the_documentation_has_every_reason(aligned):
    _, _, aside = aligned
    words = (ROOT / "docs" / "data.md").read_text()
    assert [reason for reason in set(aside) if reason.partition(":")[0] not in words] == []


def test_the_set_aside_table_of_a_run_has_archives_lists_and_photos(tmp_path):
    """Reasons of every step end in one table."""
    for name, reason in (
        ("files", "points outside of its archive"),
        ("listed", "not named in x"),
        ("s", "no face found"),
    ):
        pd.DataFrame({"id": [name], "source": [name], "reason": [reason]}).to_csv(tmp_path / f"{name}.csv", index=False)
    with faces.face_writer(tmp_path / "a.npy", 8) as writer:
        writer.append(np.zeros((1, 8, 8, 3), np.uint8))
    pd.DataFrame({"id": ["p"], "identity": ["1"], "source": ["p"]}).to_csv(tmp_path / "a.csv", index=False)
    paths = [str(tmp_path / f"{name}.csv") for name in ("files", "listed", "s")]
    out = [str(tmp_path / name) for name in ("faces.npy", "faces.csv", "set_aside.csv")]
    faces.merge([str(tmp_path / "a.npy")], [str(tmp_path / "a.csv")], paths, *out)
    assert read_table(out[2])["id"].tolist() == ["files", "listed", "s"]
