"""Hair as two painted layers in head coordinates, in front of the head and behind it, made of single strands."""

import numba as nb
import numpy as np

from wemgan.render.identity import Identity
from wemgan.render.paint import noise, stroke, uniform

LEFT, TOP, WIDTH, HEIGHT = -150.0, 130.0, 300.0, 310.0  # the layers' frame in head coordinates
SHAVED, SHORT, PARTED, LONG, FRINGE, TIED, CURLY, CROP = range(8)  # in the order of identity.STYLES


@nb.njit(cache=True, fastmath=True)
def _strand(image, p, width, wave, phase, colour, alpha, scale):
    """A cubic Bezier p (4, 2) in head coordinates with a wave across it; lighter in its middle, dark at root and tip."""
    steps = 12
    px = py = 0.0
    for i in range(steps + 1):
        t = i / steps
        s = 1 - t
        x = s**3 * p[0, 0] + 3 * s * s * t * p[1, 0] + 3 * s * t * t * p[2, 0] + t**3 * p[3, 0]
        y = s**3 * p[0, 1] + 3 * s * s * t * p[1, 1] + 3 * s * t * t * p[2, 1] + t**3 * p[3, 1]
        x += wave * np.sin(phase + 9 * t) * t
        y += 0.5 * wave * np.cos(phase + 11 * t) * t
        x, y = (x - LEFT) * scale - 0.5, (TOP - y) * scale - 0.5
        if i:
            shine = 0.62 + 0.55 * np.sin(3.1 * min(1.0, t + 0.12)) ** 2 + 0.35 * np.exp(-(((t - 0.38) / 0.10) ** 2))
            thin = 1 - 0.6 * t
            stroke(image, px, py, x, y, width * scale * thin, width * scale * thin,
                   colour[0] * shine, colour[1] * shine, colour[2] * shine, alpha)  # fmt: skip
        px, py = x, y


@nb.njit(cache=True, fastmath=True)
def _hairline(angle, height, recede):
    """The hairline's point at an angle from straight up (radians, left negative), in head coordinates."""
    s = np.sin(angle)
    x = 80.0 * np.sign(s) * abs(s) ** 0.82
    y = -22 + (height + 22) * np.cos(angle * 0.86) ** 0.8
    corner = np.exp(-(((abs(angle) - 0.72) / 0.25) ** 2))
    return x * (1 - 0.04 * recede * corner), y + 9 * recede * corner


@nb.njit(cache=True, fastmath=True)
def _bezier(p, style, i, count, seed, n, far):
    """Control points of strand i. n: hairline, recede, part, volume, curl, length, sweep. `far` draws what lies behind."""
    height, recede, part, volume, _, length, sweep = n
    a, b, c, d = uniform(seed, i * 8), uniform(seed, i * 8 + 1), uniform(seed, i * 8 + 2), uniform(seed, i * 8 + 3)
    outer = 1 - i / count  # strands nearest the face are painted last
    angle = (a - 0.5) * 2 * 1.72
    x, y = _hairline(angle, height + (d - 0.5) * 4, recede)
    top = np.cos(angle) * 0.5 + 0.5
    ox, oy = np.sin(angle), max(0.12, np.cos(angle))
    if style == LONG or style == FRINGE or far:
        side = -1.0 if i % 2 else 1.0
        u = outer if not far else b
        end = -70 - 125 * length + 14 * d
        wide = 82 + u * (18 + 16 * volume) + 2 * d
        start = part * (0.9 if not far else 0.0) + side * abs(c - 0.5) * 8
        p[0, 0], p[0, 1] = start, height + 2 + u * (22 + 20 * volume)
        p[1, 0], p[1, 1] = start * 0.4 + side * (62 + u * 34), height + 10 + u * (20 + 18 * volume)
        p[2, 0], p[2, 1] = side * (wide + 4), -5 + 20 * b
        p[3, 0], p[3, 1] = side * (wide - 8 - (34 * b if far else 0) + (d - 0.5) * 10), end
        if far:
            p[0, 0], p[0, 1], p[1, 0], p[1, 1] = side * 60 * c, 60, side * wide, 50
        return
    thick = (10 + 26 * volume) * top + (3 + 7 * volume) * (1 - top)
    if style == CROP:
        thick *= 0.6
    if style == TIED:
        thick = 12 * top + 5
    x, y = x + ox * thick * outer, y + oy * thick * outer
    away = 1.0 if x > part else -1.0
    reach = (16 + 12 * b) if style == SHORT else (9 + 6 * b)
    lean = sweep + 0.5 * (c - 0.5)
    if style == PARTED:
        reach = 34 + 20 * b
        lean = away * (0.95 + 0.3 * c) * min(1.0, abs(x - part) / 14 + 0.3) * (0.35 + 0.65 * top)
    if style == TIED:
        reach, lean = 26 + 10 * b, 0.3 * (c - 0.5) + 0.25 * np.sin(angle)
    if style == CURLY:
        reach, lean = 12 + 8 * b, 3.0 * (c - 0.5)
    co, si = np.cos(lean), np.sin(lean)
    dx, dy = ox * co + oy * si, oy * co - ox * si
    fall = 0.35 * reach if style == PARTED else 0.06 * reach
    p[0, 0], p[0, 1] = x, y
    p[1, 0], p[1, 1] = x + dx * reach * 0.33, y + dy * reach * 0.36 + 2
    p[2, 0], p[2, 1] = x + dx * reach * 0.7, y + dy * reach * 0.68 + 1
    p[3, 0], p[3, 1] = x + dx * reach, y + dy * reach - fall


@nb.njit(cache=True, fastmath=True)
def _layer(image, style, colour, n, seed, scale, far):
    """A dark, wide undercoat first, then single strands over it."""
    p = np.zeros((4, 2))
    curl = n[4] * (5.0 if style == LONG else 2.0)
    if style == CURLY:
        curl = 5.0
    total = 520 if far else (1500 if style == CURLY else 1000)
    for coat in range(2):
        count = total // 5 if coat == 0 else total
        for i in range(count):
            _bezier(p, style, i, count, seed + np.uint64(coat), n, far)
            phase = noise(seed, p[3, 0] * 0.07, p[3, 1] * 0.03 + p[0, 0] * 0.05) * 12
            clump = noise(seed + np.uint64(9), p[3, 0] * 0.12 + 50, p[0, 0] * 0.12 + p[3, 1] * 0.05)
            tint = (0.45 if far else 0.55) + 0.75 * clump * (0.6 + 0.4 * uniform(seed, i * 8 + 6))
            if coat == 0:
                _strand(image, p, 4.2, curl, phase, colour * 0.42, 0.75, scale)
            else:
                _strand(image, p, 0.75, curl, phase, colour * tint, 0.8, scale)


@nb.njit(cache=True, fastmath=True)
def _fringe(image, colour, n, seed, scale):
    p = np.zeros((4, 2))
    height, volume, sweep = n[0], n[3], n[6]
    for coat in range(2):
        count = 70 if coat == 0 else 420
        for i in range(count):
            a, b, c = uniform(seed, i * 4), uniform(seed, i * 4 + 1), uniform(seed, i * 4 + 2)
            x = (a - 0.5) * 136
            low = 33 - 9 * (abs(x) / 68) ** 2 * 2.2 + 9 * (b - 0.5)
            root = height + 12 + 14 * volume * (1 - i / count)
            p[0, 0], p[0, 1] = x * 0.55, root
            p[1, 0], p[1, 1] = x * 0.85 + 4 * sweep, root + 3
            p[2, 0], p[2, 1] = x + 8 * sweep, 55
            p[3, 0], p[3, 1] = x * 1.04 + 12 * sweep + 5 * (c - 0.5), low
            tint = 0.55 + 0.7 * noise(seed, x * 0.13, 3.0) * (0.6 + 0.4 * c)
            if coat == 0:
                _strand(image, p, 3.4, 0.0, 0.0, colour * 0.45, 0.7, scale)
            else:
                _strand(image, p, 0.75, n[4], c * 6, colour * tint, 0.8, scale)


@nb.njit(cache=True, fastmath=True)
def _stubble(image, colour, n, seed, scale):
    """Closely shaved hair: a speckled veil above the hairline."""
    for i in range(5200):
        a, b = uniform(seed, i * 3), uniform(seed, i * 3 + 1)
        angle = (a - 0.5) * 3.3
        x, y = _hairline(angle, n[0] + 3, n[1])
        out = 46 * b - 4
        x, y = x + np.sin(angle) * out * 0.35, y + max(0.1, np.cos(angle)) * out
        px, py = (x - LEFT) * scale, (TOP - y) * scale
        fade = min(1.0, max(0.0, (out + 4) / 9))
        stroke(image, px, py, px + 0.3, py - 1.2 * scale, 0.5 * scale, 0.4 * scale,
               colour[0], colour[1], colour[2], 0.16 * fade)  # fmt: skip


@nb.njit(cache=True, fastmath=True)
def _encode(image, out):
    for r in range(image.shape[0]):
        for c in range(image.shape[1]):
            for k in range(3):
                out[r, c, k] = np.uint8(255 * min(1.0, image[r, c, k]) ** 0.5)
            out[r, c, 3] = np.uint8(255 * min(1.0, image[r, c, 3]))


def paint(front: np.ndarray, back: np.ndarray, person: Identity, scale: float) -> None:
    """Paint `person`'s hair into both layers, uint8 (H, W, 4): encoded colour and opacity."""
    n = np.array([person.numbers[k] for k in ("hairline", "recede", "part", "volume", "curl", "length", "sweep")])
    seed, style = np.uint64(person.stream) + np.uint64(77), person.style
    layer = np.zeros((*front.shape[:2], 4), np.float32)
    if style == SHAVED:
        _stubble(layer, person.hair * 0.6, n, seed, scale)
    else:
        _layer(layer, style, person.hair, n, seed, scale, False)
    if style == FRINGE:
        _fringe(layer, person.hair, n, seed + np.uint64(5), scale)
    _encode(layer, front)
    layer[:] = 0
    if style in (LONG, FRINGE):
        _layer(layer, style, person.hair * 0.7, n, seed + np.uint64(3), scale, True)
    _encode(layer, back)
