"""Metrics on inputs whose value is known, and against other libraries on the same input."""

import numpy as np
import pandas as pd
import pytest
import torch

from wemgan.errors import UserError
from wemgan.metrics import expression, fidelity, response, spread
from wemgan.metrics.frechet import frechet_distance
from wemgan.metrics.identity import identity_distance, same_person_auc
from wemgan.metrics.kernel import kernel_distance


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(20, 230, (5, 64, 64, 3)).astype(np.uint8)


def test_identical_images(images):
    assert (fidelity.psnr(images, images) == 60).all() and fidelity.ssim(images, images) == pytest.approx(np.ones(5))
    assert (fidelity.high_frequency_error(images, images) == 0).all()
    assert not fidelity.moved_region(images, images).any()


def test_psnr_of_a_known_shift(images):
    assert fidelity.psnr(images + np.uint8(5), images) == pytest.approx(np.full(5, 20 * np.log10(255 / 5)))


def test_ssim_is_that_of_scikit_image_without_a_border(images):
    from skimage.metrics import structural_similarity

    other = (images * 0.8).astype(np.uint8)
    expected = [structural_similarity(a, b, channel_axis=2) for a, b in zip(other, images, strict=True)]
    assert fidelity.ssim(other, images) == pytest.approx(expected)


def test_a_change_inside_a_region_is_seen_there_alone(images):
    truth, where = images.copy(), np.zeros(images.shape[:3], bool)
    where[:, 16:32, 16:32] = True
    truth[:, 16:32, 16:32] += 10
    assert fidelity.psnr(images, truth, where) == pytest.approx(np.full(5, 20 * np.log10(255 / 10)))
    assert (fidelity.psnr(images, truth, ~where) == 60).all()
    assert (fidelity.high_frequency_error(images, truth, ~where) == 0).all()
    region = fidelity.moved_region(images, truth)
    assert region[:, 16:32, 16:32].all() and region[:, 14, 20].all() and not region[:, :12].any()
    assert np.isnan(fidelity.psnr(images, truth, np.zeros_like(where))).all()


def test_high_frequencies_of_a_chequered_change(images):
    """A chequered change of 4 levels is all in one of the three bands, with 8 in an orthonormal transform."""
    truth = images.astype(np.int16) + 4 * (-1) ** np.add.outer(np.arange(64), np.arange(64))[..., None]
    assert fidelity.high_frequency_error(images, truth.astype(np.uint8)) == pytest.approx(np.full(5, 8 / 3))
    assert fidelity.high_frequency_error(images, images + np.uint8(9)) == pytest.approx(np.zeros(5))


def test_frechet_distance_of_gaussians_is_the_closed_form():
    """Two axis-aligned Gaussians: |m1 - m2|^2 + sum (s1 - s2)^2, met exactly by standardised samples."""
    rng = np.random.default_rng(0)
    samples = rng.normal(size=(500, 3))
    samples -= samples.mean(0)
    samples = np.linalg.solve(np.linalg.cholesky(np.cov(samples, rowvar=False)), samples.T).T  # covariance exactly 1
    other = samples * [1.0, 2.0, 0.5] + [3.0, 0.0, 4.0]
    assert frechet_distance(samples, other) == pytest.approx(25 + 1 + 0.25)
    assert frechet_distance(samples, samples) == pytest.approx(0, abs=1e-9)


def test_frechet_distance_wants_more_images_than_dimensions():
    few = np.random.default_rng(0).normal(size=(8, 8))
    with pytest.raises(UserError, match="at least 9 images, and there are 8 edited"):
        frechet_distance(np.random.default_rng(1).normal(size=(20, 8)), few)


class _Pooled(torch.nn.Module):
    """Features for torchmetrics that are as many numbers as an 8 x 8 average has."""

    num_features = 12

    def forward(self, images):
        return torch.nn.functional.adaptive_avg_pool2d(images.double() / 255, 2).flatten(1)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_distances_of_sets_are_those_of_torchmetrics(images):
    from torchmetrics.image.fid import FrechetInceptionDistance
    from torchmetrics.image.kid import KernelInceptionDistance

    rng, pooled = np.random.default_rng(0), _Pooled()
    real, fake = (torch.from_numpy(rng.integers(0, top, (40, 3, 16, 16), np.uint8)) for top in (255, 200))
    features = [pooled(x).numpy() for x in (real, fake)]
    fid = FrechetInceptionDistance(feature=pooled).set_dtype(torch.float64)
    kid = KernelInceptionDistance(feature=pooled, subsets=1, subset_size=40)
    for metric in (fid, kid):
        metric.update(real, real=True)
        metric.update(fake, real=False)
    assert frechet_distance(*features) == pytest.approx(float(fid.compute()), rel=1e-4)
    assert kernel_distance(*features) == pytest.approx(float(kid.compute()[0]), rel=1e-4)


def test_kernel_distance_of_one_distribution_is_about_zero_and_grows():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 500, 4))
    assert abs(kernel_distance(a, b)) < 0.05 < kernel_distance(a, b + 1)
    many = rng.normal(size=(4500, 4))
    assert kernel_distance(a, many + 1) == pytest.approx(kernel_distance(a, many[:500] + 1), rel=0.1)
    with pytest.raises(UserError, match="wants 2 images"):
        kernel_distance(a, b[:1])


def test_a_shifted_au_gives_the_shift():
    target = np.random.default_rng(0).random((10, 4)) * 0.5
    measured = target + [0.2, 0, 0, 0]
    assert expression.absolute_error(measured, target) == pytest.approx(np.full(10, 0.05))
    assert expression.expression_distance(measured, target) == pytest.approx(np.full(10, 0.2))


def test_agreement_of_known_ratings():
    """Half as strong is r = 1 and ICC(3,1) = 2 cov / (var + var) = 2 * 0.5 / 1.25; a shift costs neither anything."""
    target = np.random.default_rng(0).random((30, 2))
    measured = target * [0.5, 1.0] + [0.1, 0.3]
    measured[4] = np.nan  # no face was found
    assert expression.pearson(measured, target) == pytest.approx([1, 1])
    assert expression.icc(measured, target) == pytest.approx([0.8, 1.0])
    weights = np.ones((2, 30))
    assert expression.icc(measured, target, weights) == pytest.approx(np.array([[0.8, 1.0]] * 2))


def test_an_au_that_never_moves_does_not_agree():
    target, measured = np.random.default_rng(0).random((20, 1)), np.zeros((20, 1))
    assert expression.pearson(measured, target) == [0] and expression.icc(measured, target) == [0]
    assert expression.pearson(measured, target, np.ones((3, 20))).tolist() == [[0]] * 3


def test_icc_is_that_of_the_analysis_of_variance():
    rng = np.random.default_rng(0)
    target, measured = (x := rng.random(25)), x * 0.7 + rng.normal(0, 0.1, 25)
    ratings = np.stack([target, measured], 1)
    of_faces, of_raters = ratings.mean(1), ratings.mean(0)
    between = 2 * ((of_faces - ratings.mean()) ** 2).sum() / 24
    rest = ((ratings - of_faces[:, None] - of_raters + ratings.mean()) ** 2).sum() / 24
    assert expression.icc(measured[:, None], target[:, None]) == pytest.approx([(between - rest) / (between + rest)])


def test_identity_distance_of_opposite_embeddings_is_two():
    one = np.array([[1.0, 0.0], [0.0, 1.0]])
    assert identity_distance(one, one * [[1], [-1]]) == pytest.approx([0, 2])


def test_same_person_auc_of_known_embeddings():
    people = np.array([0, 0, 1, 1])
    apart = np.array([[1, 0], [1, 0.1], [0, 1], [0.1, 1]])
    assert same_person_auc(apart, people) == 1.0
    assert same_person_auc(apart, np.array([0, 1, 0, 1])) == 0.25
    assert np.isnan(same_person_auc(apart, np.arange(4)))


def test_responses_that_rise_fall_stay_and_spill():
    asked = np.array([0.0, 0.5, 1.0])
    measured = np.zeros((4, 3, 3))
    measured[0, :, 1] = [0.1, 0.3, 0.5]
    measured[1, :, 1] = [0.5, 0.4, 0.0]
    measured[2, :, 0] = [0.2, 0.3, 0.6]  # AU 1 stays, AU 0 moves by 0.4 of which the mean over two is 0.2
    measured[3] = np.nan
    assert response.monotonicity(measured, asked, 1) == pytest.approx([1, -1, 0, np.nan], nan_ok=True)
    assert response.slope(measured, asked, 1)[:3] == pytest.approx([0.4, -0.5, 0])
    assert response.leakage(measured, 1) == pytest.approx([0, 0, 0.2, np.nan], nan_ok=True)


def test_monotonicity_is_the_rank_correlation_of_scipy():
    from scipy.stats import spearmanr

    rng = np.random.default_rng(0)
    measured, asked = rng.random((6, 5, 2)).round(1), np.linspace(0, 1, 5)
    expected = [spearmanr(asked, face[:, 0]).statistic for face in measured]
    assert response.monotonicity(measured, asked, 0) == pytest.approx(expected)


def test_intervals_are_over_people_not_images():
    """Many images of few people tell little more than one image of each."""
    rng = np.random.default_rng(0)
    person = np.repeat(np.arange(20), 50)
    value = rng.normal(size=20)[person] + rng.normal(0, 0.01, 1000)
    weights = spread.draw_people(20)
    low, high = spread.interval(spread.resampled_means(value, person, weights))
    by_person = value.reshape(20, 50).mean(1)
    assert high - low == pytest.approx(2 * 1.96 * by_person.std() / np.sqrt(20), rel=0.1)
    assert low < value.mean() < high


def test_intervals_hold_what_they_promise():
    """Of 300 samples of 40 people whose true mean is 0, about 95 % have an interval that contains it."""
    rng = np.random.default_rng(1)
    weights, held = spread.draw_people(40, draws=1000), 0
    for _ in range(300):
        low, high = spread.interval(spread.resampled_means(rng.normal(size=40), np.arange(40), weights))
        held += low < 0 < high
    assert 0.90 < held / 300 < 0.98


def test_the_spread_over_seeds_widens_an_interval():
    rng = np.random.default_rng(0)
    draws = rng.normal(0, 0.1, (2, 4000)) + [[-1], [1]]
    low, high = spread.interval(spread.over_seeds(draws))
    assert low < -0.8 and high > 0.8
    assert spread.over_seeds(draws[:1]) == pytest.approx(draws[0])


def test_missing_values_are_left_out_of_resampled_means():
    value, person = np.array([1.0, np.nan, 3.0]), np.array([0, 0, 1])
    assert spread.resampled_means(value, person, np.array([[1.0, 1.0], [2.0, 0.0], [0.0, 0.0]])) == pytest.approx(
        [2.0, 1.0, np.nan], nan_ok=True
    )


def test_p_values_of_a_clear_difference_of_none_and_of_several():
    assert spread.two_sided_p(np.full(999, 0.3)) == pytest.approx(2 / 1000)
    assert spread.two_sided_p(np.linspace(-1, 1, 1000)) == pytest.approx(1, abs=0.01)
    assert np.isnan(spread.two_sided_p(np.array([np.nan])))
    corrected = spread.holm(pd.Series([0.04, 0.01, np.nan, 0.03], index=list("abcd")))
    assert corrected["b"] == pytest.approx(0.03) and corrected["d"] == corrected["a"] == pytest.approx(0.06)
    assert np.isnan(corrected["c"])
