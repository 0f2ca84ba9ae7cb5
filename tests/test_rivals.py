"""The rivals: of the size that their papers state, and trained by the same loop."""

import pandas as pd
import pytest
import torch
from training import arguments

from wemgan import losses, train, training
from wemgan.critics import PatchCritic
from wemgan.rivals import build

OVERRIDES = {
    "ganimation": {"condition": "absolute"},
    "ling": {"condition": "relative"},
}


def parameters(network):
    return sum(weight.numel() for weight in network.parameters()) / 1e6


@pytest.mark.parametrize(("name", "aus", "millions"), [("ganimation", 17, 8.5), ("ling", 13, 57.5)])
def test_generators_have_the_stated_size(config, name, aus, millions):
    generator = build(config["model"] | {"generator": name, "rival_width": 64}, aus)
    assert parameters(generator) == pytest.approx(millions, rel=0.02)


@pytest.mark.parametrize(("aus", "millions"), [(17, 44.9), (13, 44.8)])
def test_their_critic_has_the_stated_size(aus, millions):
    assert parameters(PatchCritic({"width": 64}, 128, aus)) == pytest.approx(millions, rel=0.01)


@pytest.mark.parametrize("name", OVERRIDES)
@pytest.mark.parametrize("size", [64, 80])
def test_edits_have_the_images_size_and_range(config, name, size):
    generator = build(config["model"] | {"generator": name}, 2)
    face = torch.rand(2, 3, size, size) * 2 - 1
    edit = generator(face, torch.tensor([[0.5, 0.0], [0.0, 0.5]]))
    assert edit.image.shape == face.shape and edit.image.abs().max() <= 1
    assert (generator(face, torch.ones(2, 2)).image - edit.image).abs().max() > 0


def test_full_attention_keeps_the_input(config):
    generator = build(config["model"] | {"generator": "ganimation"}, 2)
    torch.nn.init.constant_(generator.attention.weight, 100.0)
    face = torch.rand(1, 3, 64, 64) * 2 - 1
    edit = generator(face, torch.zeros(1, 2))
    kept = edit.attention > 0.999
    assert kept.any() and (edit.image - face).abs().amax(1, keepdim=True)[kept].max() < 0.01


@pytest.mark.parametrize("name", OVERRIDES)
def test_each_rival_trains_with_its_own_losses(labelled, config, name):
    config["model"] |= {"generator": name} | OVERRIDES[name]
    config["critic"] |= {"kind": "patches", "high_frequency": False}
    config["loss"] |= {"gan": "wgan_gp", "r1": 0.0}
    config["train"] |= {"images": 8, "critic_steps": 2}
    args = arguments(labelled, name, config)
    train.run(args)
    history = pd.read_csv(args.history)
    assert history["gradient_penalty"].iloc[0] > 0 and "r1" not in history
    assert ("attention" in history) == (name == "ganimation")
    assert ("identity" in history) and history["identity"].iloc[0] > 0


def test_more_critic_steps_use_batches_of_their_own(labelled, config, monkeypatch):
    config["train"] |= {"images": 4, "critic_steps": 3}
    seen = []
    step = training.Training._critics_step

    def noted(self, image, *rest):
        seen.append(image.sum().item())
        return step(self, image, *rest)

    monkeypatch.setattr(training.Training, "_critics_step", noted)
    train.run(arguments(labelled, "run", config))
    assert len(seen) == 3 and len(set(seen)) == 3


def test_gradient_penalty_of_a_linear_critic():
    real, fake = torch.randn(4, 3, 8, 8), torch.randn(4, 3, 8, 8)
    weight = torch.full((3, 8, 8), 0.5)  # a gradient of norm sqrt(192) / 2
    penalty = losses.gradient_penalty(
        lambda image: (image * weight).sum((1, 2, 3))[:, None, None, None], real, fake, torch.rand(4, 1, 1, 1)
    )
    assert penalty.item() == pytest.approx((192**0.5 / 2 - 1) ** 2, rel=1e-5)


def test_attention_counts_what_is_painted_and_variation_its_edges():
    kept = torch.ones(2, 1, 8, 8)
    assert losses.attention(kept) == 0 and losses.variation(kept) == 0
    kept[..., 4:] = 0
    assert losses.attention(kept) == 0.5 and losses.variation(kept) == 8
