"""Rows of the table that no training made: what a metric says of them tells what the metric is worth.

copy     the input itself: the best identity, and all of the AU error
truth    the true edit, where it is known: a judge's own error
wrong    the true edit of another person: AUs right, identity wrong (of photos, the face whose AUs are wanted)
blur     the input, blurred
jpeg     the input, compressed
fooled   the input with noise that is hardly seen, made so that the trained judge sees the AUs that were wanted
"""

import io

import numpy as np
import torch
from PIL import Image
from scipy.ndimage import gaussian_filter

from wemgan.judge import Judge
from wemgan.labelled import to_pixels, to_signed

BLUR = 1 / 64  # standard deviation, as a share of the side
JPEG_QUALITY = 30
FOOLED_STEPS, FOOLED_REACH = 8, 8  # steps against the judge; levels of 255 that a pixel may change by


def blur(images: np.ndarray) -> np.ndarray:
    """uint8 (N, S, S, 3), blurred."""
    sigma = BLUR * images.shape[1]
    return gaussian_filter(images.astype(np.float32), (0, sigma, sigma, 0), mode="nearest").round().astype(np.uint8)


def jpeg(images: np.ndarray) -> np.ndarray:
    """uint8 (N, S, S, 3), after a JPEG file of low quality."""
    result = []
    for image in images:
        file = io.BytesIO()
        Image.fromarray(image).save(file, "JPEG", quality=JPEG_QUALITY)
        result.append(np.asarray(Image.open(file)))
    return np.stack(result)


def fool(images: np.ndarray, target: np.ndarray, judge: Judge, device: torch.device) -> np.ndarray:
    """uint8 (N, S, S, 3) with noise by which `judge` sees the AUs `target` (N, K).

    Signed gradient steps on the judge's squared error, clipped (projected gradient descent, Madry et al. 2018).
    """
    image, wanted = to_signed(torch.from_numpy(images).to(device)), torch.from_numpy(target).to(device)
    reach = 2 * FOOLED_REACH / 255
    noise = torch.zeros_like(image)
    for _ in range(FOOLED_STEPS):
        noise.requires_grad_(True)
        estimate = judge((image + noise).clamp(-1, 1))[0]
        (slope,) = torch.autograd.grad((estimate - wanted).square().sum(), noise)
        noise = (noise.detach() - 2 * reach / FOOLED_STEPS * slope.sign()).clamp(-reach, reach)
    return to_pixels(image + noise)
