"""Numba kernels that give a sample its colour: skin, eyes, mouth, hair and background, in linear light."""

import math

import numba as nb
import numpy as np

from wemgan.render import hair as hair_frame
from wemgan.render import skin as skin_frame
from wemgan.render.scene import BACK_A, BACK_B, GAZE, GROUND, KEY, LIGHT, SHIFT, SKY

SKIN_LEFT, SKIN_TOP = skin_frame.LEFT, skin_frame.TOP
HAIR_LEFT, HAIR_TOP = hair_frame.LEFT, hair_frame.TOP

EYE_X, EYE_Y, EYE_R, MOUTH_Y, OIL, AGE, TEETH = range(7)  # columns of `traits`, one row per identity


@nb.njit(cache=True, fastmath=True, inline="always")
def look_up(texture, x, y, out):
    """Bilinear texel of a uint8 (H, W, 4) texture in 0..1 (still encoded), clamped at the border."""
    x = min(max(x, 0.0), texture.shape[1] - 1.001)
    y = min(max(y, 0.0), texture.shape[0] - 1.001)
    i, j = int(x), int(y)
    u, v = np.float32(x - i), np.float32(y - j)
    a, b, c, d = (1 - u) * (1 - v), u * (1 - v), (1 - u) * v, u * v
    for k in range(4):
        out[k] = (
            a * texture[j, i, k] + b * texture[j, i + 1, k] + c * texture[j + 1, i, k] + d * texture[j + 1, i + 1, k]
        ) * np.float32(0.00392157)


@nb.njit(cache=True, fastmath=True, inline="always")
def lit(nx, ny, nz, scene, k, wrap):
    """Light of channel k on a surface: a key light that wraps round (skin lets light through), sky and ground."""
    toward = nx * scene[LIGHT] + ny * scene[LIGHT + 1] + nz * scene[LIGHT + 2]
    key = max(np.float32(0), (toward + wrap) / (1 + wrap))
    up = np.float32(0.5) + np.float32(0.5) * ny
    front = np.float32(0.72) + np.float32(0.28) * nz
    return scene[KEY + k] * key + (scene[SKY + k] * up + scene[GROUND + k] * (1 - up)) * front


@nb.njit(cache=True, fastmath=True)
def shade_skin(u, v, nx, ny, nz, texture, creases, scale, crease_scale, scene, oil, texel, out):
    """A sample of skin or lips at texture place (u, v) in head coordinates."""
    x, y = (u - SKIN_LEFT) * scale - 0.5, (SKIN_TOP - v) * scale - 0.5
    look_up(texture, x, y, texel)
    x, y = (u - SKIN_LEFT) * crease_scale - 0.5, (SKIN_TOP - v) * crease_scale - 0.5
    x = min(max(x, 0.0), creases.shape[1] - 1.001)
    y = min(max(y, 0.0), creases.shape[0] - 1.001)
    i, j = int(x), int(y)
    p, q = np.float32(x - i), np.float32(y - j)
    a, b, c, d = (1 - p) * (1 - q), p * (1 - q), (1 - p) * q, p * q
    sx = a * creases[j, i, 0] + b * creases[j, i + 1, 0] + c * creases[j + 1, i, 0] + d * creases[j + 1, i + 1, 0]
    sy = a * creases[j, i, 1] + b * creases[j, i + 1, 1] + c * creases[j + 1, i, 1] + d * creases[j + 1, i + 1, 1]
    dark = a * creases[j, i, 2] + b * creases[j, i + 1, 2] + c * creases[j + 1, i, 2] + d * creases[j + 1, i + 1, 2]
    nx, ny = nx - sx, ny - sy
    n = np.float32(1) / math.sqrt(nx * nx + ny * ny + nz * nz)
    nx, ny, nz = nx * n, ny * n, nz * n
    hx, hy, hz = scene[LIGHT], scene[LIGHT + 1], scene[LIGHT + 2] + 1
    h = max(np.float32(0), (nx * hx + ny * hy + nz * hz) / math.sqrt(hx * hx + hy * hy + hz * hz))
    h2 = h * h
    h4 = h2 * h2
    h8 = h4 * h4
    wet = texel[3]
    gloss = oil * wet * np.float32(0.16) * h8 * h8 * (np.float32(0.35) + wet * h8)
    keep = 1 - min(dark, np.float32(0.6))
    for k in range(3):
        wrap = np.float32(0.42) - np.float32(0.12) * k
        out[k] = texel[k] * texel[k] * lit(nx, ny, nz, scene, k, wrap) * keep + gloss * scene[KEY + k]


@nb.njit(cache=True, fastmath=True)
def shade_eye(x, y, under_lid, side, traits, colours, scene, out):
    """A sample between the lids; x, y relative to the eye's centre, `under_lid` the distance below the upper lid."""
    radius = traits[EYE_R]
    gx, gy = x - scene[GAZE], y - scene[GAZE + 1]
    r = math.sqrt(gx * gx + gy * gy) / radius
    ball = np.float32(2.35) * radius
    nx, ny = x / ball, y / ball
    nz = math.sqrt(max(np.float32(0.05), 1 - nx * nx - ny * ny))
    corner = min(np.float32(1), max(np.float32(0), (abs(x) - 1.35 * radius) / (0.9 * radius)))
    inner = corner * (1.0 if x * side < 0 else 0.3)
    red, green, blue = 0.66 - 0.06 * corner, 0.62 - 0.20 * inner - 0.08 * corner, 0.60 - 0.20 * inner - 0.08 * corner
    if r < 1.12:
        edge = min(1.0, max(0.0, (1.12 - r) / 0.14))
        ring = 0.30 + 0.70 * min(1.0, max(0.0, (0.98 - r) / 0.22))
        glow = ring * (0.75 + 0.6 * max(0.0, -gy / radius) + 0.25 * math.sin(9 * math.atan2(gy, gx)) * 0.4)
        pupil = min(1.0, max(0.0, (r - 0.38) / 0.08))
        red = red * (1 - edge) + edge * (colours[4, 0] * glow * pupil + 0.003)
        green = green * (1 - edge) + edge * (colours[4, 1] * glow * pupil + 0.003)
        blue = blue * (1 - edge) + edge * (colours[4, 2] * glow * pupil + 0.003)
    shadow = 0.28 + 0.72 * min(1.0, max(0.0, under_lid / 5.5))
    lash = min(1.0, max(0.0, (under_lid - 0.2) / 1.5))
    keep = shadow * (0.08 + 0.92 * lash)
    for k in range(3):
        base = red if k == 0 else (green if k == 1 else blue)
        out[k] = base * lit(nx, ny, nz, scene, k, np.float32(0.5)) * keep
    cx, cy = gx - radius * 0.75 * scene[LIGHT], gy - radius * 0.6 * abs(scene[LIGHT + 1]) - 0.12 * radius
    spark = (cx * cx + cy * cy) / (radius * radius)
    if spark < 0.09 and under_lid > 1.0:
        glint = 0.85 * (1 - spark / 0.09) ** 0.5
        for k in range(3):
            out[k] += glint


@nb.njit(cache=True, fastmath=True)
def _teeth(x, y, lower):
    """Brightness 0 to 1 of a row of teeth; y is the distance from the cutting edge into the gum, 0 outside."""
    x = abs(x)
    if y < 0 or y > 12 or x > 32:
        return 0.0
    bounds = (0.0, 8.6, 15.6, 22.0, 27.5, 32.0) if not lower else (0.0, 5.2, 10.8, 17.0, 23.0, 29.0)
    for i in range(5):
        if x < bounds[i + 1]:
            middle, half = 0.5 * (bounds[i] + bounds[i + 1]), 0.5 * (bounds[i + 1] - bounds[i])
            across = abs(x - middle) / half
            round_off = 1.5 * max(0.0, across - 0.45) ** 2 * 3 + (0.7 if i == 1 else 0.0) + (0.4 * i if i > 2 else 0.0)
            if y < round_off:
                return 0.0
            gap = 1 - 0.55 * max(0.0, (across - 0.78) / 0.22)
            return gap * (1 - (x / 40) ** 2) * min(1.0, 0.75 + 0.25 * (y - round_off))
    return 0.0


@nb.njit(cache=True, fastmath=True)
def shade_mouth(x, y, under_lip, over_lip, jaw, traits, scene, out):
    """A sample between the lips: upper teeth stay with the skull, lower teeth and tongue go down with the jaw."""
    up = y - (traits[MOUTH_Y] - 3.5)
    down = traits[MOUTH_Y] - 5.0 - jaw - y
    light = (0.25 + 0.75 * min(1.0, max(0.0, under_lip / 6.0))) * (0.55 + 0.45 * min(1.0, max(0.0, over_lip / 3.0)))
    deep = math.exp(-0.5 * (x / 22.0) ** 2)
    red, green, blue = 0.055 * deep, 0.012 * deep, 0.012 * deep
    tongue = (down + 2.0) / 7.0 + 1.0 - (x / 19.0) ** 2
    if tongue > 0 and jaw > 1:
        t = min(1.0, tongue) * (0.8 + 0.2 * min(1.0, abs(x) / 2.0))
        red, green, blue = red + 0.30 * t, green + 0.075 * t, blue + 0.075 * t
    white = _teeth(x, down + 0.0, True) * 0.72
    if white > 0:
        red, green, blue = 0.66 * white, 0.60 * white, 0.50 * white
        if down > 7:
            red, green, blue = 0.34, 0.11, 0.11
    white = _teeth(x, up, False)
    if white > 0:
        bright = traits[TEETH] * white
        red, green, blue = 0.80 * bright, 0.75 * bright, 0.66 * bright
        if up > 10.5:
            red, green, blue = 0.40 * white, 0.14 * white, 0.14 * white
    for k in range(3):
        base = red if k == 0 else (green if k == 1 else blue)
        out[k] = base * light * lit(np.float32(0), np.float32(0.1), np.float32(1), scene, k, np.float32(0.4))


@nb.njit(cache=True)
def halve(texture, out):
    """A texture (H, W, 4) at half the resolution; colours count by their opacity when `out` has a fourth of opacity."""
    for r in range(out.shape[0]):
        for c in range(out.shape[1]):
            total = np.float32(0)
            red = green = blue = np.float32(0)
            for d in range(4):
                cell = texture[2 * r + d // 2, 2 * c + d % 2]
                alpha = np.float32(cell[3]) + np.float32(0.01)
                red, green, blue, total = (
                    red + alpha * cell[0],
                    green + alpha * cell[1],
                    blue + alpha * cell[2],
                    total + alpha,
                )
            out[r, c, 0], out[r, c, 1], out[r, c, 2] = (
                np.uint8(red / total),
                np.uint8(green / total),
                np.uint8(blue / total),
            )
            out[r, c, 3] = np.uint8(total * np.float32(0.25))


@nb.njit(cache=True, fastmath=True)
def shade_behind(hx, hy, px, py, scene, back, scale, rotation, texel, out, visible):
    """Background, and the hair behind the head over it."""
    if visible:
        t = min(1.0, max(0.0, py + 0.25 * (px - 0.5)))
        glow = max(0.6, 1.2 - 0.6 * ((px - 0.5 - scene[SHIFT]) ** 2 + (py - 0.4) ** 2))
        for k in range(3):
            out[k] = (scene[BACK_A + k] * (1 - t) + scene[BACK_B + k] * t) * glow
    z = -20.0
    x = (hx - rotation[0, 2] * z) / rotation[0, 0]
    y = (hy - rotation[1, 2] * z) / rotation[1, 1]
    look_up(back, (x - HAIR_LEFT) * scale - 0.5, (HAIR_TOP - y) * scale - 0.5, texel)
    alpha = texel[3]
    if alpha > 0.003 and visible:
        for k in range(3):
            light = 0.30 * scene[KEY + k] + 0.5 * scene[SKY + k] + 0.3 * scene[GROUND + k]
            out[k] = out[k] * (1 - alpha) + texel[k] * texel[k] * light * alpha


@nb.njit(cache=True, fastmath=True)
def shade_front(hx, hy, scene, front, scale, rotation, covered, texel, out):
    """The hair in front, lit as the shell of the head that it lies on, and its shadow on the skin below."""
    ex, ey = hx / 92.0, (hy - 5) / 115.0
    reach = ex * ex + ey * ey
    if hy < 18 and (hx / 60) ** 2 + ((hy + 45) / 110) ** 2 < 1:
        return  # no hair hangs over the middle of the face
    z = 60 + 105 * math.sqrt(max(0.0, 1 - reach)) - 88
    x = (hx - rotation[0, 2] * z) / rotation[0, 0]
    y = (hy - rotation[1, 2] * z) / rotation[1, 1]
    u, v = (x - HAIR_LEFT) * scale - 0.5, (HAIR_TOP - y) * scale - 0.5
    if covered:
        look_up(front, u - 3 * scale * scene[LIGHT], v - 5 * scale, texel)
        shadow = 1 - np.float32(0.38) * texel[3]
        for k in range(3):
            out[k] *= shadow
    look_up(front, u, v, texel)
    alpha = texel[3]
    if alpha < 0.003:
        return
    nz = math.sqrt(max(0.08, 1 - min(0.92, reach)))
    n = 1 / math.sqrt(ex * ex + ey * ey + nz * nz)
    nx, ny, nz = np.float32(ex * n), np.float32(ey * n), np.float32(nz * n)
    for k in range(3):
        light = lit(nx, ny, nz, scene, k, np.float32(0.5))
        out[k] = out[k] * (1 - alpha) + texel[k] * texel[k] * light * alpha * np.float32(1.15)
