"""The losses, one function each: x is an image, y = G(x, r) its edit by r = t - s; D scores, R estimates AUs."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor


def critic_hinge(real: Tensor, fake: Tensor) -> Tensor:
    """mean(max(0, 1 - D(x))) + mean(max(0, 1 + D(y))), over patches (Lim & Ye 2017)."""
    return F.relu(1 - real).mean() + F.relu(1 + fake).mean()


def critic_wasserstein(real: Tensor, fake: Tensor) -> Tensor:
    """mean(D(y)) - mean(D(x)) (Arjovsky et al. 2017); goes with `gradient_penalty`."""
    return fake.mean() - real.mean()


def generator_adversarial(fake: Tensor) -> Tensor:
    """-mean(D(y)), with either critic's loss."""
    return -fake.mean()


def gradient_penalty(critic: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor, share: Tensor) -> Tensor:
    """mean (||grad_z D(z)|| - 1)^2 at z = share x + (1 - share) y (Gulrajani et al. 2017); `share` (N, 1, 1, 1)."""
    mixed = torch.lerp(fake, real, share).detach().requires_grad_()
    (gradient,) = torch.autograd.grad(critic(mixed).mean((1, 2, 3)).sum(), mixed, create_graph=True)
    return (gradient.flatten(1).norm(dim=1) - 1).square().mean()


def r1_penalty(score: Tensor, image: Tensor) -> Tensor:
    """1/2 mean ||grad_x D(x)||^2 on real images (Mescheder et al. 2018); `image` must require a gradient."""
    (gradient,) = torch.autograd.grad(score.mean((1, 2, 3)).sum(), image, create_graph=True)
    return 0.5 * gradient.square().sum((1, 2, 3)).mean()


def expression(estimate: Tensor, target: Tensor) -> Tensor:
    """mean_k (R(y)_k - t_k)^2."""
    return F.mse_loss(estimate, target)


def paired(edit: Tensor, truth: Tensor) -> Tensor:
    """mean |G(x, r) - y*| with the true edit y*, which only rendered faces have: an upper bound, not the method."""
    return (edit - truth).abs().mean()


def cycle(image: Tensor, back: Tensor) -> Tensor:
    """mean |G(y, -r) - x|."""
    return (back - image).abs().mean()


def identity(image: Tensor, same: Tensor) -> Tensor:
    """mean |G(x, 0) - x|; zero by construction where `rivals.keeps_unasked` says so."""
    return (same - image).abs().mean()


def change(painted: Tensor) -> Tensor:
    """mean |c| + mean |grad c| of what is painted on, c: what can be moved is not painted, nor in dots."""
    across, down = painted[..., 1:] - painted[..., :-1], painted[..., 1:, :] - painted[..., :-1, :]
    return painted.abs().mean() + across.abs().mean() + down.abs().mean()


def attention(kept: Tensor) -> Tensor:
    """mean (1 - A): how much is painted anew; with A in [0, 1] the share of the input that is kept.

    GANimation's attention loss, without which it repaints the whole image (Pumarola et al. 2018).
    """
    return (1 - kept).mean()


def variation(kept: Tensor) -> Tensor:
    """sum |grad A|^2 over the pixels of A (N, 1, H, W), in the mean over images: a smooth attention."""
    across, down = kept[..., 1:] - kept[..., :-1], kept[..., 1:, :] - kept[..., :-1, :]
    return (across.square().sum() + down.square().sum()) / len(kept)


def flow_smoothness(flow: Tensor) -> Tensor:
    """Mean squared difference of neighbouring flow vectors (N, 2, h, w), in units of half the image side, times h^2."""
    side = flow.shape[-1]
    across, down = flow[..., 1:] - flow[..., :-1], flow[..., 1:, :] - flow[..., :-1, :]
    return (across.square().mean() + down.square().mean()) * side**2
