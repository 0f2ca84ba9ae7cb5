"""One level of the two-dimensional discrete wavelet transform, forward and inverse.

Haar has an exact fast path of additions alone. Any other wavelet goes through `pytorch_wavelets`, periodised so
that every band has half the side. Both use the layout of `pytorch_wavelets`: the low band, and the three high
bands (vertical change, horizontal change, diagonal) stacked in a dimension of their own.
"""

from functools import cache

import torch
from torch import Tensor


def dwt(x: Tensor, wavelet: str = "haar") -> tuple[Tensor, Tensor]:
    """Split `x` (N, C, H, W), H and W even, into low (N, C, H/2, W/2) and high (N, C, 3, H/2, W/2); orthonormal."""
    if wavelet != "haar":
        with torch.autocast(x.device.type, enabled=False):  # its gradient would mix bfloat16 with float32
            low, (high,) = _forward(wavelet, x.device)(x.float())
        return low.to(x.dtype), high.to(x.dtype)
    return _Analysis.apply(x)


def idwt(low: Tensor, high: Tensor | None, wavelet: str = "haar") -> Tensor:
    """Join low (N, C, h, w) and high (N, C, 3, h, w) to (N, C, 2h, 2w); `high` None stands for zeros."""
    if wavelet != "haar":
        if high is None:
            high = low.new_zeros(*low.shape[:2], 3, *low.shape[2:])
        with torch.autocast(low.device.type, enabled=False):
            return _inverse(wavelet, low.device)((low.float(), [high.float()])).to(low.dtype)
    if high is None:
        return torch.nn.functional.interpolate(low * 0.5, scale_factor=2, mode="nearest")
    return _Synthesis.apply(low, high)


def high_bands(image: Tensor, wavelet: str = "haar") -> Tensor:
    """The high bands of `image` (N, C, H, W) as channels, (N, 3C, H/2, W/2)."""
    return dwt(image, wavelet)[1].flatten(1, 2)


def haar_stem(image: Tensor) -> Tensor:
    """The four Haar bands of `image` (N, 3, H, W) as channels (N, 12, H/2, W/2), the low one halved."""
    low, high = dwt(image)
    return torch.cat((low * 0.5, high.flatten(1, 2)), 1)


@cache
def _forward(wavelet: str, device: torch.device) -> torch.nn.Module:
    from pytorch_wavelets import DWTForward

    return DWTForward(J=1, wave=wavelet, mode="periodization").to(device)


@cache
def _inverse(wavelet: str, device: torch.device) -> torch.nn.Module:
    from pytorch_wavelets import DWTInverse

    return DWTInverse(wave=wavelet, mode="periodization").to(device)


# Haar's basis is orthonormal, so the gradient of either way is the other way, and of that, the first again.


class _Analysis(torch.autograd.Function):
    """(N, C, H, W) to low (N, C, H/2, W/2) and high (N, C, 3, H/2, W/2): vertical, horizontal, diagonal change."""

    @staticmethod
    def forward(ctx, x: Tensor) -> tuple[Tensor, Tensor]:
        n, c, h, w = x.shape
        low, high = x.new_empty(n, c, h // 2, w // 2), x.new_empty(n, c, 3, h // 2, w // 2)
        vertical, horizontal, diagonal = high.unbind(2)
        top, bottom = x[..., 0::2, :], x[..., 1::2, :]
        for rows, along, across in ((top + bottom, low, horizontal), (top - bottom, vertical, diagonal)):
            rows.mul_(0.5)
            torch.add(rows[..., 0::2], rows[..., 1::2], out=along)
            torch.sub(rows[..., 0::2], rows[..., 1::2], out=across)
        return low, high

    @staticmethod
    def backward(ctx, low: Tensor, high: Tensor) -> Tensor:
        return _Synthesis.apply(low, high)


class _Synthesis(torch.autograd.Function):
    """The low band (N, C, h, w) and the high bands (N, C, 3, h, w) to (N, C, 2h, 2w)."""

    @staticmethod
    def forward(ctx, low: Tensor, high: Tensor) -> Tensor:
        n, c, h, w = low.shape
        x = low.new_empty(n, c, 2 * h, 2 * w)
        vertical, horizontal, diagonal = high.unbind(2)
        for combine, rows in ((torch.add, x[..., 0::2, :]), (torch.sub, x[..., 1::2, :])):
            along, across = combine(low, vertical).mul_(0.5), combine(horizontal, diagonal).mul_(0.5)
            torch.add(along, across, out=rows[..., 0::2])
            torch.sub(along, across, out=rows[..., 1::2])
        return x

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, Tensor]:
        return _Analysis.apply(gradient)
