"""The AU network: what it is shown, and the sizes that it takes."""

import pytest
import torch

from wemgan import au_network
from wemgan.critics import HighFrequencyCritic, ImageCritic
from wemgan.draws import Draws

SIZE = 16


def test_an_image_is_disturbed_alike_from_the_same_random_state():
    image = torch.rand(4, 3, SIZE, SIZE) * 2 - 1
    first, second, other = (au_network.disturb(image, Draws(k)) for k in (1, 1, 2))
    assert torch.equal(first, second) and not torch.equal(first, other)


def test_an_attack_makes_the_error_larger_and_stays_within_its_reach():
    torch.manual_seed(0)
    network = au_network.AUNetwork(8, SIZE, 2)
    image, target = torch.rand(4, 3, SIZE, SIZE) * 2 - 1, torch.rand(4, 2)
    attacked = au_network.attack(network, image, target, 0.02)
    assert (attacked - image).abs().max() <= 0.02 + 1e-6
    error = [torch.nn.functional.mse_loss(network(x), target).item() for x in (image, attacked)]
    assert error[1] > error[0]


@pytest.mark.parametrize("size", [64, 80, 112, 256])
def test_networks_that_estimate_aus_take_any_multiple_of_16(size):
    image = torch.rand(1, 3, size, size) * 2 - 1
    critic = {"width": 8, "width_high": 8}
    assert au_network.AUNetwork(8, size, 3)(image).shape == (1, 3)
    assert ImageCritic(critic, size, 3)(image)[1].shape == (1, 3)
    assert HighFrequencyCritic(critic, size, "haar")(image).ndim == 4
