"""How near edits are to the truth, over the whole image or over a part of it.

Images and truths are uint8 (N, H, W, 3). `where`, if given, is bool (N, H, W): only the pixels where it is set count,
and the value of an image without any is NaN.
"""

import numpy as np
from scipy.ndimage import binary_dilation, generate_binary_structure, iterate_structure
from skimage.metrics import structural_similarity

CAP = 60.0  # dB: equal images have no PSNR
VISIBLE = 6  # a change of fewer levels of 255 is not seen
REACH = 32  # the region reaches a 32nd of the side beyond what is seen to change


def psnr(images: np.ndarray, truth: np.ndarray, where: np.ndarray | None = None) -> np.ndarray:
    """Peak signal-to-noise ratio in dB, float (N,); capped at 60 dB."""
    error = ((images.astype(np.float32) - truth) ** 2).mean(3, dtype=np.float64)
    return 10 * np.log10(255**2 / np.maximum(_mean(error, where), 255**2 * 10 ** (-CAP / 10)))


def ssim(images: np.ndarray, truth: np.ndarray, where: np.ndarray | None = None) -> np.ndarray:
    """Structural similarity (Wang et al. 2004; windows of 7 x 7, mean of the colours), float (N,) in [-1, 1]."""
    return mean_similarity(similarity_maps(images, truth), where)


def mean_similarity(maps: np.ndarray, where: np.ndarray | None = None) -> np.ndarray:
    """The mean of `similarity_maps`, of the windows that lie wholly within the image."""
    return _mean(maps, where, border=3)


def similarity_maps(images: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """The structural similarity at each pixel, float (N, H, W): what takes the time in `ssim`."""
    maps = [structural_similarity(a, b, channel_axis=2, full=True)[1] for a, b in zip(images, truth, strict=True)]
    return np.stack(maps).mean(3)


def high_frequency_error(images: np.ndarray, truth: np.ndarray, where: np.ndarray | None = None) -> np.ndarray:
    """Mean absolute difference of the three high bands of a one-level orthonormal Haar transform, in levels of 255."""
    even = slice(images.shape[1] // 2 * 2), slice(images.shape[2] // 2 * 2)
    difference = (images.astype(np.float32) - truth)[:, *even]
    a, b, c, d = (difference[:, i::2, j::2] for i in (0, 1) for j in (0, 1))
    bands = np.abs([a - b + c - d, a + b - c - d, a - b - c + d]).mean((0, 4)) / 2
    if where is not None:
        where = where[:, *even]
        where = where[:, ::2, ::2] | where[:, 1::2, ::2] | where[:, ::2, 1::2] | where[:, 1::2, 1::2]
    return _mean(bands, where)


def moved_region(source: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Where an edit should change its source, bool (N, H, W): where the truth visibly does, and a little around it."""
    seen = np.abs(source.astype(np.int16) - truth).max(3) >= VISIBLE
    disc = iterate_structure(generate_binary_structure(2, 1), max(1, source.shape[1] // REACH))
    return np.stack([binary_dilation(image, disc) for image in seen])


def _mean(values: np.ndarray, where: np.ndarray | None, border: int = 0) -> np.ndarray:
    """Mean over pixels of (N, H, W) without a border, or over those where `where` is set; NaN where it is nowhere."""
    inner = slice(border, -border or None)
    values = values[:, inner, inner]
    if where is None:
        return values.mean((1, 2), dtype=np.float64)
    where = where[:, inner, inner]
    count = where.sum((1, 2))
    return np.where(count, (values * where).sum((1, 2), dtype=np.float64) / np.maximum(count, 1), np.nan)
