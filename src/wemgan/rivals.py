"""The rivals' generators, written anew from their papers, to be trained and measured in the same frame as ours.

Both paint the whole image, and both take the size of their layers from `model.rival_width` (64 in the papers).
What else their papers set (losses, weights, critic steps) are overrides of a run; docs/method.md lists them.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from wemgan.generator import Edit, Generator


def build(model: dict, aus: int) -> nn.Module:
    """The generator that `model.generator` names, for K `aus`; `model` is the section of that name in params.yaml."""
    if model["generator"] == "wemgan":
        return Generator(model, aus)
    return {"ganimation": GANimation, "ling": Ling}[model["generator"]](aus, model["rival_width"])


def keeps_unasked(model: dict) -> bool:
    """Whether no change of AUs is no change of the image whatever the weights are."""
    return model["generator"] == "wemgan" and model["condition"] == "relative" and model["output"] != "paint"


class GANimation(nn.Module):
    """Colour C and attention A from image x and AUs: the edit is A x + (1 - A) C (Pumarola et al. 2018).

    AU maps are concatenated to the image; two halvings, six residual blocks, two doublings.
    """

    def __init__(self, aus: int, width: int = 64):
        super().__init__()
        layers = _convolution(3 + aus, width, 7)
        for channels in (width, 2 * width):
            layers += _convolution(channels, 2 * channels, 4, stride=2)
        layers += [_Residual(4 * width) for _ in range(6)]
        for channels in (4 * width, 2 * width):
            layers += _doubling(channels, channels // 2)
        self.trunk = nn.Sequential(*layers)
        self.colour = nn.Conv2d(width, 3, 7, padding=3, bias=False)
        self.attention = nn.Conv2d(width, 1, 7, padding=3, bias=False)

    def forward(self, image: Tensor, aus: Tensor, paint: float = 1.0) -> Edit:
        """Edit `image` (N, 3, H, W) in [-1, 1] by `aus` (N, K); `paint` is ours alone and changes nothing here."""
        x = self.trunk(torch.cat((image, _maps(aus, image)), 1))
        attention = torch.sigmoid(self.attention(x).float())
        edited = attention * image + (1 - attention) * torch.tanh(self.colour(x).float())
        return Edit(edited, None, None, None, attention)


class Ling(nn.Module):
    """A U-Net whose skips at three sizes fuse encoder, decoder and relative AUs at several scales (Ling et al. 2020).

    Relative AUs also enter at the bottleneck. The paper's layer table was not available: the inside of the fusion
    is a reconstruction that meets the stated size (57.5 M parameters).
    """

    def __init__(self, aus: int, width: int = 64):
        super().__init__()
        widths = [width * k for k in (1, 2, 4, 8, 8)]
        self.stem = nn.Sequential(*_convolution(3, width, 7))
        pairs = list(zip(widths, widths[1:], strict=False))
        self.down = nn.ModuleList(nn.Sequential(*_convolution(a, b, 4, stride=2)) for a, b in pairs)
        self.bottleneck = nn.Sequential(*_convolution(widths[-1] + aus, widths[-1], 3))
        self.up = nn.ModuleList(nn.Sequential(*_doubling(b, a)) for a, b in reversed(pairs))
        self.fusions = nn.ModuleList(MultiScaleFusion(channels, aus) for channels in reversed(widths[1:-1]))
        self.last = nn.Conv2d(width, 3, 7, padding=3)

    def forward(self, image: Tensor, aus: Tensor, paint: float = 1.0) -> Edit:
        """Edit `image` (N, 3, H, W) in [-1, 1] by `aus` (N, K); `paint` is ours alone and changes nothing here."""
        x = self.stem(image)
        kept = []
        for down in self.down:
            x = down(x)
            kept.append(x)
        x = self.bottleneck(torch.cat((kept.pop(), _maps(aus, x)), 1))
        for level, up in enumerate(self.up):
            x = up(x)
            if level < len(self.fusions):
                x = self.fusions[level](kept.pop(), x, aus)
        return Edit(torch.tanh(self.last(x).float()), None, None, None)


class MultiScaleFusion(nn.Module):
    """Encoder's and decoder's maps (N, C, h, w) and AUs become one map, worked on at full, half and quarter size."""

    def __init__(self, channels: int, aus: int):
        super().__init__()
        self.join = nn.Sequential(*_convolution(2 * channels + aus, channels, 3))
        self.shrink = nn.ModuleList(nn.Sequential(*_convolution(channels, channels, 3, stride=2)) for _ in range(2))
        self.work = nn.ModuleList(_Residual(channels) for _ in range(3))
        self.back = nn.ModuleList(nn.Sequential(*_convolution(channels, channels, 3)) for _ in range(2))
        self.out = nn.Sequential(*_convolution(channels, channels, 3))

    def forward(self, encoder: Tensor, decoder: Tensor, aus: Tensor) -> Tensor:
        scales = [self.join(torch.cat((encoder, decoder, _maps(aus, decoder)), 1))]
        for shrink in self.shrink:
            scales.append(shrink(scales[-1]))
        scales = [work(scale) for work, scale in zip(self.work, scales, strict=True)]
        total = scales[0]
        for back, scale in zip(self.back, scales[1:], strict=True):
            total = total + F.interpolate(back(scale), size=total.shape[2:], mode="bilinear")
        return self.out(total)


def _maps(aus: Tensor, like: Tensor) -> Tensor:
    """AUs (N, K) as constant maps (N, K, h, w) of the size of `like`."""
    return aus[:, :, None, None].expand(-1, -1, *like.shape[2:]).to(like.dtype)


def _convolution(channels_in: int, channels: int, kernel: int, stride: int = 1) -> list[nn.Module]:
    convolution = nn.Conv2d(channels_in, channels, kernel, stride, (kernel - 1) // 2, bias=False)
    return [convolution, nn.InstanceNorm2d(channels, affine=True), nn.ReLU()]


def _doubling(channels_in: int, channels: int) -> list[nn.Module]:
    convolution = nn.ConvTranspose2d(channels_in, channels, 4, 2, 1, bias=False)
    return [convolution, nn.InstanceNorm2d(channels, affine=True), nn.ReLU()]


class _Residual(nn.Module):
    def __init__(self, channels: int):
        super().__init__()
        self.body = nn.Sequential(*_convolution(channels, channels, 3), *_convolution(channels, channels, 3)[:2])

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)
