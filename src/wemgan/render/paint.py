"""Numba helpers that textures are painted with: hashed random numbers, value noise, soft strokes."""

import math

import numba as nb
import numpy as np


@nb.njit(cache=True, inline="always")
def mix(x: np.uint64) -> np.uint64:
    """SplitMix64's finaliser: a random-looking number for every number."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


@nb.njit(cache=True, inline="always")
def uniform(seed: np.uint64, index: int) -> float:
    """The `index`-th number of the stream `seed`, uniform in [0, 1)."""
    return (mix(seed + np.uint64(index) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(40)) * (1.0 / 16777216.0)


@nb.njit(cache=True)
def noise(seed: np.uint64, x: float, y: float) -> float:
    """Smooth value noise in [0, 1] with features of size one."""
    i, j = math.floor(x), math.floor(y)
    u, v = x - i, y - j
    u, v = u * u * (3 - 2 * u), v * v * (3 - 2 * v)
    a = uniform(seed, int(i) * 7919 + int(j) * 104729)
    b = uniform(seed, (int(i) + 1) * 7919 + int(j) * 104729)
    c = uniform(seed, int(i) * 7919 + (int(j) + 1) * 104729)
    d = uniform(seed, (int(i) + 1) * 7919 + (int(j) + 1) * 104729)
    return (a + (b - a) * u) * (1 - v) + (c + (d - c) * u) * v


@nb.njit(cache=True)
def stroke(image, x0, y0, x1, y1, w0, w1, red, green, blue, alpha):
    """Paint a soft line over `image` (H, W, 4), straight colour and alpha, in texels; w0 and w1 are half widths."""
    height, width = image.shape[0], image.shape[1]
    reach = max(w0, w1) + 1.0
    left, right = max(0, int(min(x0, x1) - reach)), min(width - 1, int(max(x0, x1) + reach) + 1)
    top, bottom = max(0, int(min(y0, y1) - reach)), min(height - 1, int(max(y0, y1) + reach) + 1)
    dx, dy = x1 - x0, y1 - y0
    length = dx * dx + dy * dy + 1e-9
    for r in range(top, bottom + 1):
        for c in range(left, right + 1):
            t = min(1.0, max(0.0, ((c - x0) * dx + (r - y0) * dy) / length))
            ex, ey = c - x0 - t * dx, r - y0 - t * dy
            cover = w0 + (w1 - w0) * t + 0.5 - math.sqrt(ex * ex + ey * ey)
            if cover <= 0:
                continue
            a = alpha * min(1.0, cover)
            old = image[r, c, 3]
            total = a + old * (1 - a) + 1e-6
            keep = old * (1 - a) / total
            image[r, c, 0] = image[r, c, 0] * keep + red * (1 - keep)
            image[r, c, 1] = image[r, c, 1] * keep + green * (1 - keep)
            image[r, c, 2] = image[r, c, 2] * keep + blue * (1 - keep)
            image[r, c, 3] = total
