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
        low, (high,) = _forward(wavelet, x.device, x.dtype)(x)
        return low, high
    top, bottom = x[..., 0::2, :], x[..., 1::2, :]
    total, down = (top + bottom) * 0.5, (top - bottom) * 0.5
    left, right = total[..., 0::2], total[..., 1::2]
    down_left, down_right = down[..., 0::2], down[..., 1::2]
    return left + right, torch.stack((down_left + down_right, left - right, down_left - down_right), dim=2)


def idwt(low: Tensor, high: Tensor | None, wavelet: str = "haar") -> Tensor:
    """Join low (N, C, h, w) and high (N, C, 3, h, w) to (N, C, 2h, 2w); `high` None stands for zeros."""
    if wavelet != "haar":
        if high is None:
            high = low.new_zeros(*low.shape[:2], 3, *low.shape[2:])
        return _inverse(wavelet, low.device, low.dtype)((low, [high]))
    if high is None:
        return torch.nn.functional.interpolate(low * 0.5, scale_factor=2, mode="nearest")
    vertical, horizontal, diagonal = high.unbind(2)
    total, down = low + vertical, low - vertical
    across, askew = horizontal + diagonal, horizontal - diagonal
    quarters = torch.stack((total + across, total - across, down + askew, down - askew), dim=2) * 0.5
    n, c, _, h, w = quarters.shape
    return torch.nn.functional.pixel_shuffle(quarters.reshape(n, c * 4, h, w), 2)


def high_bands(image: Tensor, wavelet: str = "haar") -> Tensor:
    """The high bands of `image` (N, C, H, W) as channels, (N, 3C, H/2, W/2)."""
    return dwt(image, wavelet)[1].flatten(1, 2)


def haar_stem(image: Tensor) -> Tensor:
    """The four Haar bands of `image` (N, 3, H, W) as channels (N, 12, H/2, W/2), the low one halved."""
    low, high = dwt(image)
    return torch.cat((low * 0.5, high.flatten(1, 2)), 1)


@cache
def _forward(wavelet: str, device: torch.device, dtype: torch.dtype) -> torch.nn.Module:
    from pytorch_wavelets import DWTForward

    return DWTForward(J=1, wave=wavelet, mode="periodization").to(device, dtype)


@cache
def _inverse(wavelet: str, device: torch.device, dtype: torch.dtype) -> torch.nn.Module:
    from pytorch_wavelets import DWTInverse

    return DWTInverse(wave=wavelet, mode="periodization").to(device, dtype)
