"""Identity embeddings: the crop's geometry, and that they tell people apart.

The network's file and the photos are those of ../shared, where a development machine keeps them.
"""

from pathlib import Path

import numpy as np
import pytest

from wemgan.errors import UserError
from wemgan.identity_onnx import MODEL, POINTS, embed, recognition_crop
from wemgan.template import template_points

SHARED = Path(__file__).parents[2] / "shared"
WEIGHTS = {"directory": str(SHARED / "weights"), "download": False}


@pytest.mark.parametrize("size", [64, 128, 512])
def test_the_five_points_land_on_those_of_the_recognition_crop(size):
    y, x = np.mgrid[0:size, 0:size]
    for target, point in zip(POINTS, template_points(size), strict=True):
        blob = np.exp(-((x - point[0]) ** 2 + (y - point[1]) ** 2) / (2 * (0.03 * size) ** 2))
        crop = recognition_crop((blob[..., None] * np.full(3, 255)).astype(np.uint8))[..., 0]
        v, u = np.mgrid[0:112, 0:112]
        seen = np.array([(crop * u).sum(), (crop * v).sum()]) / crop.sum()
        # The two templates have slightly different proportions, so a similarity cannot make all five coincide.
        assert np.hypot(*(seen - target)) < 2.5


def test_a_network_that_is_not_there_is_told(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="mobilefacenet.onnx .* set weights.directory to it"):
        embed(np.zeros((1, 64, 64, 3), np.uint8), {"directory": "none", "download": True})


@pytest.mark.skipif(not (SHARED / "weights" / MODEL).is_file(), reason=f"needs ../shared/weights/{MODEL}")
@pytest.mark.skipif(not (SHARED / "data" / "london").is_dir(), reason="needs ../shared/data/london")
def test_a_smile_does_not_make_another_person():
    from wemgan.align import Detector, align
    from wemgan.photo import read_photo

    people = ["003", "004", "005", "006"]
    detector = Detector(0.1, 0.9)
    photos = [SHARED / "data" / "london" / mood / f"{name}.jpg" for mood in ("neutral", "smiling") for name in people]
    vectors = embed(np.stack([align(read_photo(photo), detector, 64, 16)[0] for photo in photos]), WEIGHTS)
    assert vectors.shape == (8, 128)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(8), abs=1e-5)
    alike = vectors[:4] @ vectors[4:].T
    assert np.diag(alike).min() > alike[~np.eye(4, dtype=bool)].max()
