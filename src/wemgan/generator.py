"""The generator: a U-Net over Haar bands whose detail travels beside the bottleneck, fed relative AUs at every block.

What the paper leaves open is a switch here (`model` in params.yaml). The encoder halves its maps by the wavelet
transform: the low band goes down, the three high bands go by the detail-information-transmission path (DIT)
straight to the decoder, which doubles its maps by the inverse transform. Residual connections add the encoder's
low band to the decoder's. Relative AUs modulate the features after every normalisation; a constant AU map that is
concatenated before a normalisation would be cancelled by it.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from wemgan.wavelet import dwt, haar_stem, idwt

# Below this sum of relative AUs an edit fades out, so that no change of AUs is exactly no change of the image.
FADE = 0.05


class Edit(NamedTuple):
    """What the generator made: the image (N, 3, H, W) in [-1, 1], and how, for the losses."""

    image: Tensor
    moved: Tensor | None  # the input, warped if it was, before anything is painted on; None when all is painted
    change: Tensor | None  # what was painted on, (N, 3, H, W); None when the whole image is painted
    flow: Tensor | None  # (N, 2, H/2, W/2) in units of half the image side; None unless the image was warped
    attention: Tensor | None = None  # (N, 1, H, W) in [0, 1], how much of the input is kept; GANimation's alone


class Generator(nn.Module):
    """Edits faces by action units.

    `model` is the section of that name in params.yaml; `aus` is the number of action units K.
    """

    def __init__(self, model: dict, aus: int):
        super().__init__()
        self.options = model
        width, wavelet = model["width"], model["wavelet"]
        widths = [width * min(2**level, 4) for level in range(model["levels"] + 1)]
        self.stem = nn.Conv2d(12 + 2, width, 3, padding=1)
        self.encoder = nn.ModuleList(ResidualBlock(w, aus) for w in widths[:-1])
        self.down = nn.ModuleList(nn.Conv2d(a, b, 1) for a, b in zip(widths, widths[1:], strict=False))
        self.bottleneck = nn.ModuleList(ResidualBlock(widths[-1], aus) for _ in range(model["blocks"]))
        self.up = nn.ModuleList(Up(b, a, aus, model) for a, b in zip(widths, widths[1:], strict=False))
        self.wavelet = wavelet
        self.head = Head(width, model)

    def forward(self, image: Tensor, aus: Tensor, paint: float = 1.0) -> Edit:
        """Edit `image` (N, 3, H, W) in [-1, 1] by `aus` (N, K).

        `aus` are relative (target minus source, in [-1, 1]) unless `model.condition` is `absolute` (target, in [0, 1]).
        `paint` in [0, 1] scales what is painted on top of the warped image; training raises it from 0 to 1.
        """
        once = torch.zeros_like(aus) if self.options["fusion"] == "once" else aus
        x = haar_stem(image)  # (N, 12, H/2, W/2)
        x = self.stem(torch.cat((x, coordinates(x)), 1))
        details, lows = [], []
        for block, down in zip(self.encoder, self.down, strict=True):
            low, high = dwt(block(x, once), self.wavelet)
            details.append(high)
            lows.append(low)
            x = down(low)
        for position, block in enumerate(self.bottleneck):
            x = block(x, aus if position == 0 else once)
        for up, low, high in zip(reversed(self.up), reversed(lows), reversed(details), strict=True):
            x = up(x, low, high, once)
        strength = None
        if self.options["condition"] == "relative":
            strength = torch.tanh(aus.abs().sum(1) / FADE)[:, None, None, None]
        return self.head(x, image, strength, paint)


class Modulated(nn.Module):
    """Instance normalisation, then a scale and a shift per channel that are linear in the AUs (FiLM)."""

    def __init__(self, width: int, aus: int):
        super().__init__()
        self.condition = nn.Linear(aus, 2 * width)
        nn.init.normal_(self.condition.weight, std=0.2)
        nn.init.zeros_(self.condition.bias)

    def forward(self, x: Tensor, aus: Tensor) -> Tensor:
        scale, shift = self.condition(aus)[:, :, None, None].to(x.dtype).chunk(2, 1)
        return F.instance_norm(x) * (1 + scale) + shift


class ResidualBlock(nn.Module):
    """Two modulated 3x3 convolutions beside an identity."""

    def __init__(self, width: int, aus: int):
        super().__init__()
        self.first, self.second = (nn.Conv2d(width, width, 3, padding=1, bias=False) for _ in range(2))
        self.norm_first, self.norm_second = Modulated(width, aus), Modulated(width, aus)

    def forward(self, x: Tensor, aus: Tensor) -> Tensor:
        y = F.silu(self.norm_first(self.first(x), aus))
        return x + self.norm_second(self.second(y), aus)


class Up(nn.Module):
    """One decoder level: inverse wavelet transform of the decoder's map with the encoder's detail; a residual block.

    `model.dit` sends the encoder's high bands, each weighed by a learnt mix of them; without it they are zeros.
    `model.skips` adds the encoder's low band.
    """

    def __init__(self, width_in: int, width: int, aus: int, model: dict):
        super().__init__()
        self.wavelet = model["wavelet"]
        self.narrow = nn.Conv2d(width_in, width, 1)
        self.skip = nn.Conv2d(width, width, 1) if model["skips"] else None
        self.detail = nn.Conv2d(3 * width, 3 * width, 1, groups=3) if model["dit"] else None
        self.block = ResidualBlock(width, aus)

    def forward(self, x: Tensor, low: Tensor, high: Tensor, aus: Tensor) -> Tensor:
        x = self.narrow(x)
        if self.skip is not None:
            x = x + self.skip(low)
        if self.detail is None:
            bands = None
        else:
            bands = self.detail(high.transpose(1, 2).flatten(1, 2)).unflatten(1, (3, -1)).transpose(1, 2)
        return self.block(idwt(x, bands, self.wavelet), aus)


class Head(nn.Module):
    """From features at half the side to the edited image, in one of three ways (`model.output`).

    `warp`: the image is moved along a smooth flow, then a masked change of its Haar bands is painted on;
    `residual`: the masked change alone; `paint`: the Haar bands of the whole output, as a plain U-Net would.
    """

    def __init__(self, width: int, model: dict):
        super().__init__()
        self.output, self.reach = model["output"], model["reach"]
        self.bands = nn.Conv2d(width, 12, 3, padding=1)
        self.mask = nn.Conv2d(width, 1, 3, padding=1) if self.output != "paint" else None
        self.flow = nn.Conv2d(width, 2, 5, padding=2) if self.output == "warp" else None
        for layer in (self.bands, self.flow):
            if layer is not None:
                nn.init.normal_(layer.weight, std=0.01)
                nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor, image: Tensor, strength: Tensor | None, paint: float) -> Edit:
        x = F.silu(x)
        bands = self.bands(x).float().unflatten(1, (3, 4))
        low, high = bands[:, :, 0], bands[:, :, 1:]
        if self.output == "paint":
            return Edit(torch.tanh(idwt(2 * low, high)), None, None, None)
        # The low band of the change is enlarged smoothly: by the inverse transform it would show its 2 x 2 blocks.
        low = F.interpolate(low, scale_factor=2, mode="bilinear")
        change = torch.tanh(low + idwt(torch.zeros_like(high[:, :, 0]), high))
        mask = F.interpolate(torch.sigmoid(self.mask(x).float()), scale_factor=2, mode="bilinear")
        change = change * mask * paint
        if strength is not None:
            change = change * strength
        if self.flow is None:
            return Edit((image + change).clamp(-1, 1), image, change, None)
        flow = torch.tanh(self.flow(x).float()) * self.reach  # in units of half the image side
        if strength is not None:
            flow = flow * strength
        moved = warp(image, flow)
        return Edit((moved + change).clamp(-1, 1), moved, change, flow)


def warp(image: Tensor, flow: Tensor) -> Tensor:
    """Sample `image` (N, 3, H, W) at every pixel moved by `flow` (N, 2, h, w), in units of half the image side."""
    size = image.shape[-2:]
    flow = F.interpolate(flow, size=size, mode="bilinear", align_corners=False)
    grid = coordinates(image).movedim(1, -1).float() + flow.movedim(1, -1)
    return F.grid_sample(image.float(), grid, padding_mode="border", align_corners=False)


def coordinates(x: Tensor) -> Tensor:
    """The pixel centres of maps `x` (N, C, H, W) as (N, 2, H, W): x, then y, the image spanning [-1, 1]."""
    n, _, h, w = x.shape
    ys = (torch.arange(h, device=x.device, dtype=x.dtype) * 2 + 1) / h - 1
    xs = (torch.arange(w, device=x.device, dtype=x.dtype) * 2 + 1) / w - 1
    return torch.stack((xs.expand(h, w), ys[:, None].expand(h, w))).expand(n, 2, h, w)


def condition(model: dict, source: Tensor, target: Tensor) -> Tensor:
    """What the generator is fed for an edit from `source` to `target` AUs (N, K): relative or absolute."""
    return target - source if model["condition"] == "relative" else target
