"""Metrics on inputs whose value is known."""

import numpy as np
import pytest

from wemgan import metrics
from wemgan.errors import UserError


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(20, 230, (5, 64, 64, 3)).astype(np.uint8)


def test_identical_images(images):
    assert (metrics.psnr(images, images) == 60).all() and metrics.ssim(images, images) == pytest.approx(np.ones(5))


def test_psnr_of_a_known_shift(images):
    assert metrics.psnr(images + np.uint8(5), images) == pytest.approx(np.full(5, 20 * np.log10(255 / 5)))


def test_frechet_distance_of_gaussians_is_the_closed_form():
    """Two axis-aligned Gaussians: |m1 - m2|^2 + sum (s1 - s2)^2, met exactly by standardised samples."""
    rng = np.random.default_rng(0)
    samples = rng.normal(size=(500, 3))
    samples -= samples.mean(0)
    samples = np.linalg.solve(np.linalg.cholesky(np.cov(samples, rowvar=False)), samples.T).T  # covariance exactly 1
    other = samples * [1.0, 2.0, 0.5] + [3.0, 0.0, 4.0]
    assert metrics.frechet_distance(samples, other) == pytest.approx(25 + 1 + 0.25)
    assert metrics.frechet_distance(samples, samples) == pytest.approx(0, abs=1e-9)


def test_frechet_distance_wants_more_images_than_dimensions():
    few = np.random.default_rng(0).normal(size=(8, 8))
    with pytest.raises(UserError, match="at least 9 images, and there are 8 edited"):
        metrics.frechet_distance(np.random.default_rng(1).normal(size=(20, 8)), few)


def test_a_shifted_au_gives_the_shift():
    target = np.random.default_rng(0).random((10, 4)) * 0.5
    measured = target + [0.2, 0, 0, 0]
    result = metrics.au_errors(measured, target)
    assert result == {"au_mae": pytest.approx(0.05), "ed": pytest.approx(0.2), "no_face_rate": 0.0}


def test_lost_faces_are_counted_and_left_out_of_the_error():
    target = np.zeros((4, 2))
    measured = np.array([[0.1, 0.1], [np.nan, np.nan], [0.1, 0.1], [0.1, 0.1]])
    assert metrics.au_errors(measured, target) == {
        "au_mae": pytest.approx(0.1), "ed": pytest.approx(0.1 * 2**0.5), "no_face_rate": 0.25,
    }  # fmt: skip
    assert metrics.au_errors(np.full((4, 2), np.nan), target)["no_face_rate"] == 1.0


def test_identity_distance_of_opposite_embeddings_is_two():
    one = np.array([[1.0, 0.0], [0.0, 1.0]])
    assert metrics.identity_distance(one, one * [[1], [-1]]) == pytest.approx([0, 2])
