"""Identity embeddings: the crop's geometry, and that they tell people apart.

The network's file and the photos are those of ../shared, where a development machine keeps them.
"""

from pathlib import Path

import numpy as np
import pytest

from wemgan.errors import UserError
from wemgan.identity_onnx import IMAGENET, MODEL, POINTS, Recognition, recognition_crop
from wemgan.template import template_points

SHARED = Path(__file__).parents[2] / "shared"


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


def test_a_file_that_is_no_network_is_told(tmp_path):
    (tmp_path / "broken.onnx").write_bytes(b"nothing")
    with pytest.raises(UserError, match="not a network that onnxruntime can read"):
        Recognition(tmp_path / "broken.onnx", *IMAGENET)


@pytest.mark.skipif(not (SHARED / "weights" / MODEL).is_file(), reason=f"needs ../shared/weights/{MODEL}")
@pytest.mark.skipif(not (SHARED / "data" / "london").is_dir(), reason="needs ../shared/data/london")
def test_a_smile_does_not_make_another_person():
    from wemgan.align import Detector, align
    from wemgan.photo import read_photo

    people = ["003", "004", "005", "006"]
    detector = Detector(0.1, 0.9)
    photos = [SHARED / "data" / "london" / mood / f"{name}.jpg" for mood in ("neutral", "smiling") for name in people]
    network = Recognition(SHARED / "weights" / MODEL, *IMAGENET)
    limits = {"min_interocular": 16, "max_turn": 1}
    vectors = network(np.stack([align(read_photo(photo), detector, 64, limits)[0] for photo in photos]))
    assert vectors.shape == (8, 128)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(8), abs=1e-5)
    alike = vectors[:4] @ vectors[4:].T
    assert np.diag(alike).min() > alike[~np.eye(4, dtype=bool)].max()
