"""Hair as two painted layers in head coordinates, in front of the head and behind it, made of single strands."""

import numba as nb
import numpy as np

from wemgan.render.identity import Identity
from wemgan.render.paint import noise, stroke, uniform

LEFT, TOP, WIDTH, HEIGHT = -150.0, 130.0, 300.0, 310.0  # the layers' frame in head coordinates
SHAVED, SHORT, PARTED, LONG, FRINGE, TIED, CURLY, CROP = range(8)  # in the order of identity.STYLES


@nb.njit(cache=True, fastmath=True)
def _strand(image, p, width, wave, phase, colour, alpha, scale):
    """A cubic Bezier p (4, 2) in head coordinates with a wave across it, lighter in its middle than at its ends."""
    steps = 9
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
    y = -22 + (height + 22) * max(0.0, np.cos(angle * 0.86)) ** 0.8
    corner = np.exp(-(((abs(angle) - 0.72) / 0.25) ** 2))
    return x * (1 - 0.04 * recede * corner), y + 9 * recede * corner


@nb.njit(cache=True, fastmath=True)
def _scalp(angle, rise, n, loose, seed):
    """A place on the hair's shell: `rise` 0 at the hairline, 1 at the outline, which lies `loose` beyond the skull."""
    x, y = _hairline(angle, n[0], n[1])
    ragged = loose * (0.7 + 0.6 * noise(seed, 3.5 * angle + 20, 0.5))
    ox = np.sin(angle) * (90 + 0.55 * ragged)
    oy = -4 + np.cos(angle) * (112 + ragged)
    return x + (ox - x) * rise, y + (oy - y) * rise


@nb.njit(cache=True, fastmath=True)
def _cap_strand(p, style, i, count, seed, n):
    """Control points of strand i of hair that lies on the head: both its ends stay within the shell."""
    part, volume, sweep = n[2], n[3], n[6]
    a, b, c, d = uniform(seed, i * 8), uniform(seed, i * 8 + 1), uniform(seed, i * 8 + 2), uniform(seed, i * 8 + 3)
    start = 1.05 * (1 - i / count)  # strands nearest the face are painted last
    angle = (a - 0.5) * 2 * 1.72
    down = 0.10 * np.sin(angle)  # what lies at the sides hangs
    rise = 0.30 + 0.25 * b
    turn = down + 0.10 * sweep + 0.10 * (c - 0.5)
    loose = 10.0 + 12 * volume
    if style == CROP:
        loose, rise = 3.0, 0.16 + 0.1 * b
    elif style == PARTED:
        from_part = angle - part / 80
        turn = (
            np.sign(from_part) * (0.30 + 0.35 * b) * min(1.0, 0.25 + 1.5 * abs(from_part)) * (1.1 - 0.35 * abs(angle))
        )
        rise = 0.20 - 0.30 * start * min(1.0, abs(from_part)) + 0.12 * (c - 0.5)
    elif style == TIED:
        loose, rise, turn = 2.0, 0.75, 0.22 * np.sin(angle) + 0.06 * (c - 0.5)
    elif style == CURLY:
        loose, rise, turn = 14.0 + 26 * volume, 0.30 * (b - 0.2), 0.5 * (c - 0.5)
    start -= 0.06 * d
    for k in range(4):
        t = k / 3.0
        bow = 0.05 * np.sin(3.1 * t) if style != TIED else 0.0
        p[k, 0], p[k, 1] = _scalp(angle + turn * t**1.2, start + rise * t + bow, n, loose, seed)


@nb.njit(cache=True, fastmath=True)
def _long_strand(p, i, count, seed, n, far):
    """Control points of strand i of long hair, from the parting over the temple down to its end; `far` lies behind."""
    height, part, volume, length = n[0], n[2], n[3], n[5]
    b, c, d = uniform(seed, i * 8 + 1), uniform(seed, i * 8 + 2), uniform(seed, i * 8 + 3)
    side = -1.0 if i % 2 else 1.0
    u = b if far else 1 - i / count
    end = -75 - 120 * length + 34 * (noise(seed, 9 * u + 30 * side, 1.0) - 0.5) + 16 * d - 24 * u
    wide = 83 + u * (13 + 14 * volume) + 3 * d
    start = part + side * (c * 6 + 2)
    crown = _scalp(start / 90, u, n, 4 + 8 * volume, seed)
    p[0, 0], p[0, 1] = start, max(crown[1], height)
    p[1, 0], p[1, 1] = start * 0.4 + side * (60 + u * 34), height + 10 + u * (20 + 16 * volume)
    p[2, 0], p[2, 1] = side * (wide + 7), -5 + 25 * b
    p[3, 0], p[3, 1] = side * (wide - 4 + n[6] * 8 + (d - 0.5) * 10), end
    if far:
        p[0, 0], p[0, 1], p[1, 0], p[1, 1] = side * 60 * c, 60, side * wide, 50
        p[3, 0] -= side * 40 * b


@nb.njit(cache=True, fastmath=True, nogil=True)
def _layer(image, style, colour, n, seed, scale, far):
    """A dark, wide undercoat first, then single strands over it."""
    p = np.zeros((4, 2))
    flowing = style in (LONG, FRINGE)
    curl = n[4] * (5.0 if flowing else 1.2)
    if style == CURLY:
        curl = 4.5
    total = 420 if far else (1300 if style == CURLY else 900)
    for coat in range(2):
        count = total // 4 if coat == 0 else total
        for i in range(count):
            if flowing:
                _long_strand(p, i, count, seed + np.uint64(coat), n, far)
            else:
                _cap_strand(p, style, i, count, seed, n)
            phase = noise(seed, p[3, 0] * 0.07, p[3, 1] * 0.03 + p[0, 0] * 0.05) * 12
            clump = noise(seed + np.uint64(9), p[3, 0] * 0.12 + 50, p[0, 0] * 0.12 + p[3, 1] * 0.05)
            tint = (0.45 if far else 0.50) + 0.85 * clump * (0.45 + 0.55 * uniform(seed, i * 8 + 6))
            if coat == 0:
                _strand(image, p, 3.6 if flowing else 6.0, curl, phase, colour * 0.42, 0.85, scale)
            else:
                _strand(image, p, 0.7, curl, phase, colour * tint, 0.75, scale)


@nb.njit(cache=True, fastmath=True, nogil=True)
def _fringe(image, colour, n, seed, scale):
    """Hair over the forehead; it ends above the brows at rest, so that they are seen whatever they do."""
    p = np.zeros((4, 2))
    height, volume, sweep = n[0], n[3], n[6]
    end = 54 + 8 * uniform(seed, 3)
    for coat in range(2):
        count = 70 if coat == 0 else 420
        for i in range(count):
            a, b, c = uniform(seed, i * 4), uniform(seed, i * 4 + 1), uniform(seed, i * 4 + 2)
            x = (a - 0.5) * 136
            low = end - 24 * (abs(x) / 68) ** 2 + 9 * (b - 0.5)
            root = height + 12 + 14 * volume * (1 - i / count)
            p[0, 0], p[0, 1] = x * 0.55, root
            p[1, 0], p[1, 1] = x * 0.85 + 4 * sweep, root + 3
            p[2, 0], p[2, 1] = x + 8 * sweep, (root + low) / 2 + 8
            p[3, 0], p[3, 1] = x * 1.04 + 12 * sweep + 5 * (c - 0.5), low
            tint = 0.55 + 0.7 * noise(seed, x * 0.13, 3.0) * (0.6 + 0.4 * c)
            if coat == 0:
                _strand(image, p, 3.4, 0.0, 0.0, colour * 0.45, 0.7, scale)
            else:
                _strand(image, p, 0.75, n[4], c * 6, colour * tint, 0.8, scale)


@nb.njit(cache=True, fastmath=True, nogil=True)
def _stubble(image, colour, n, seed, scale):
    """Closely shaved hair: a speckled veil above the hairline."""
    for i in range(5200):
        a, b = uniform(seed, i * 3), uniform(seed, i * 3 + 1)
        angle = (a - 0.5) * 3.3
        x, y = _scalp(angle, 1.05 * b - 0.08, n, -9.0, seed)
        px, py = (x - LEFT) * scale, (TOP - y) * scale
        fade = min(1.0, 0.1 + 5 * b)
        stroke(image, px, py, px + 0.3, py - 1.2 * scale, 0.5 * scale, 0.4 * scale,
               colour[0], colour[1], colour[2], 0.16 * fade)  # fmt: skip


@nb.njit(cache=True, fastmath=True, nogil=True)
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
