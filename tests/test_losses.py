"""Losses on inputs whose value is known."""

import pytest
import torch

from wemgan import losses
from wemgan.critics import HighFrequencyCritic, ImageCritic


def test_hinge_stops_beyond_the_margin():
    real, fake = torch.tensor([2.0, 0.5]), torch.tensor([-3.0, 0.0])
    assert losses.critic_hinge(real, fake) == pytest.approx(0.25 + 0.5)
    assert losses.generator_adversarial(fake) == pytest.approx(1.5)


def test_r1_of_a_linear_critic_is_half_its_squared_weight():
    image = torch.randn(4, 3, 8, 8).requires_grad_()
    score = (image * 0.1).sum((1, 2, 3)).reshape(4, 1, 1, 1)
    assert losses.r1_penalty(score, image).item() == pytest.approx(0.5 * 3 * 64 * 0.01, rel=1e-5)


def test_flow_smoothness_is_free_for_a_shift_and_counts_slope():
    ramp = torch.linspace(-1, 1, 16).expand(1, 2, 16, 16)
    assert losses.flow_smoothness(torch.full((1, 2, 16, 16), 0.3)) == 0
    assert losses.flow_smoothness(ramp).item() == pytest.approx((2 / 15 * 16) ** 2, rel=1e-4)


def test_critics_see_what_they_are_for():
    """The high-frequency critic is blind to a change of brightness; the image critic is not."""
    torch.manual_seed(0)
    options = {"width": 8, "width_high": 8}
    image = torch.rand(2, 3, 64, 64) - 0.5
    high = HighFrequencyCritic(options, 64, "haar")
    torch.testing.assert_close(high(image), high(image + 0.3), atol=1e-4, rtol=1e-4)
    score, aus = ImageCritic(options, 64, 5)(image)
    assert aus.shape == (2, 5)
    assert (ImageCritic(options, 64, 5)(image + 0.3)[0] - score).abs().max() > 1e-4
