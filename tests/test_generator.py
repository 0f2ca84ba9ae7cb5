"""What the generator promises whatever its weights, and what its switches switch."""

import pytest
import torch

from wemgan.generator import Generator, condition, warp


def made(config, **options):
    torch.manual_seed(0)
    generator = Generator(config["model"] | options, aus=2)
    for parameter in generator.parameters():  # as if trained: the output layers start near zero
        torch.nn.init.normal_(parameter, std=0.1)
    return generator


@pytest.fixture
def face():
    return torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(1)) * 2 - 1


@pytest.mark.parametrize("output", ["warp", "residual"])
def test_no_change_of_aus_is_no_change_of_the_image(config, face, output):
    edit = made(config, output=output)(face, torch.zeros(2, 2)).image
    assert (edit - face).abs().max() < 1e-5


@pytest.mark.parametrize("output", ["warp", "residual", "paint"])
@pytest.mark.parametrize("size", [64, 80, 112, 256])
def test_any_multiple_of_16_is_edited_in_range(config, output, size):
    face = torch.rand(1, 3, size, size) * 2 - 1
    edit = made(config, output=output)(face, torch.tensor([[0.8, -0.5]])).image
    assert edit.shape == face.shape and edit.abs().max() <= 1
    assert (edit - face).abs().max() > 0.01


@pytest.mark.parametrize(
    "option",
    [{"dit": False}, {"skips": False}, {"fusion": "once"}, {"output": "residual"}, {"wavelet": "db2"}],
    ids=lambda option: next(iter(option)),
)
def test_each_switch_changes_the_edit(config, face, option):
    aus = torch.tensor([[0.8, -0.5], [0.1, 0.9]])
    full, changed = made(config), made(config, **option)
    shared = {k: v for k, v in full.state_dict().items() if k in changed.state_dict()}
    changed.load_state_dict(shared)
    assert (full(face, aus).image - changed(face, aus).image).abs().max() > 1e-3


def test_relative_and_absolute_conditions():
    source, target = torch.tensor([[0.2, 0.9]]), torch.tensor([[0.7, 0.1]])
    torch.testing.assert_close(condition({"condition": "relative"}, source, target), torch.tensor([[0.5, -0.8]]))
    torch.testing.assert_close(condition({"condition": "absolute"}, source, target), target)


def test_warp_moves_the_image_by_the_flow():
    image = torch.zeros(1, 1, 8, 8)
    image[..., 4, 5] = 1.0
    flow = torch.zeros(1, 2, 8, 8)
    flow[:, 0] = 2 / 8 * 2  # look two pixels to the right: what is there comes two pixels to the left
    assert warp(image, flow)[0, 0, 4, 3] == pytest.approx(1.0, abs=1e-5)
