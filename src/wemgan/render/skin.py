"""The skin's texture: fixed maps over the mean face, and each identity's painting over them."""

from dataclasses import dataclass

import numba as nb
import numpy as np

from wemgan.render.identity import Identity
from wemgan.render.mesh import LEFT_LID_LOWER, LEFT_LID_UPPER, LIP_OUTER, Mesh
from wemgan.render.paint import noise, stroke, uniform

LEFT, TOP, WIDTH, HEIGHT = -130.0, 125.0, 260.0, 290.0  # the texture's frame in head coordinates
FIELDS = ("lips", "red", "blush", "beard", "hollow", "lash", "crease", "lid", "circle", "mouth_line", "freckled")
PAINT = ("blotches", "redness", "blush", "freckles", "stubble", "age", "lid colour", "lashes", "dark circles", "tone")
BROW = ((-13.0, 20.5), (-30.0, 27.5), (-47.0, 29.5), (-66.0, 18.5))  # a cubic Bezier from the inner end to the outer


@dataclass(frozen=True)
class Grid:
    """Where texels lie: head coordinates (H, W) at `scale` texels per unit."""

    scale: float
    x: np.ndarray
    y: np.ndarray


def grid(scale: float) -> Grid:
    """The texture's texel centres."""
    columns = LEFT + (np.arange(round(WIDTH * scale)) + 0.5) / scale
    rows = TOP - (np.arange(round(HEIGHT * scale)) + 0.5) / scale
    return Grid(scale, *np.meshgrid(columns, rows))


def _blob(g: Grid, x: float, y: float, rx: float, ry: float) -> np.ndarray:
    """A Gaussian spot, on both sides where it is not central."""
    left = np.exp(-0.5 * (((g.x - x) / rx) ** 2 + ((g.y - y) / ry) ** 2))
    return left if x == 0 else left + np.exp(-0.5 * (((g.x + x) / rx) ** 2 + ((g.y - y) / ry) ** 2))


def _edge(g: Grid, points: np.ndarray) -> np.ndarray:
    """Distance to a polyline of head coordinates."""
    best = np.full(g.x.shape, np.inf)
    for a, b in zip(points[:-1], points[1:], strict=True):
        step = b - a
        t = np.clip(((g.x - a[0]) * step[0] + (g.y - a[1]) * step[1]) / (step @ step + 1e-9), 0, 1)
        best = np.minimum(best, np.hypot(g.x - a[0] - t * step[0], g.y - a[1] - t * step[1]))
    return best


def _inside(g: Grid, polygon: np.ndarray) -> np.ndarray:
    """Even-odd rule."""
    odd = np.zeros(g.x.shape, bool)
    for a, b in zip(polygon, np.roll(polygon, -1, 0), strict=True):
        crosses = (a[1] > g.y) != (b[1] > g.y)
        with np.errstate(divide="ignore", invalid="ignore"):
            odd ^= crosses & (g.x < (b[0] - a[0]) * (g.y - a[1]) / (b[1] - a[1]) + a[0])
    return odd


def fields(g: Grid, mesh: Mesh) -> np.ndarray:
    """The maps named in FIELDS, float32 (H, W, F): where lips, beard, hollows, lash lines ... lie."""
    lips = mesh.uv[list(LIP_OUTER)]
    ring = np.concatenate([lips, lips[:1]])
    signed = np.where(_inside(g, lips), 1, -1) * _edge(g, ring)
    both = {}
    for name, contour in (("upper", LEFT_LID_UPPER), ("lower", LEFT_LID_LOWER)):
        points = mesh.uv[list(contour)]
        both[name] = np.minimum(_edge(g, points), _edge(g, points * [-1, 1]))
    crease = np.array([(-57, 1), (-50, 9.5), (-41, 12.5), (-31, 10.5), (-24, 4)], float)
    crease_edge = np.minimum(_edge(g, crease), _edge(g, crease * [-1, 1]))
    lid = np.exp(-0.5 * (both["upper"] / 6) ** 2) * (np.abs(np.abs(g.x) - 40) < 26) * (g.y > -4)
    hollow = (
        0.40 * _blob(g, -20, 6, 7, 9) + 0.16 * _blob(g, -40, 16, 20, 6) + 0.95 * _blob(g, -11.5, -52.2, 4.6, 1.9)
        + 0.25 * _blob(g, 0, -60, 16, 4) + 0.22 * _blob(g, -27, -50, 3, 6) + 0.25 * _blob(g, 0, -107, 16, 3.5)
        + 0.30 * _blob(g, -35, -89, 3, 2.5) + 0.10 * _blob(g, 0, -66, 2.5, 5) + 0.12 * _blob(g, -40, -14, 16, 4)
        + 0.12 * _blob(g, -17, -28, 4, 14) + 0.10 * _blob(g, -78, -75, 14, 30)
    )  # fmt: skip
    jaw = np.clip((-66 - g.y + 0.35 * (np.abs(g.x) - 40).clip(0)) / 14, 0, 1) * np.clip((92 - np.abs(g.x)) / 10, 0, 1)
    beard = np.maximum(jaw * (1 - 0.55 * _blob(g, -40, -78, 12, 10)), 0.9 * _blob(g, 0, -68, 24, 5))
    beard = np.maximum(beard, np.clip((np.abs(g.x) - 70) / 8, 0, 1) * np.clip((-5 - g.y) / 20, 0, 1))
    line = np.array([[x, -87.5 - 0.0012 * x * x] for x in np.linspace(-32, 32, 9)])
    maps = {
        "lips": np.clip(signed / 2.2 + 0.55, 0, 1),
        "red": 0.8 * _blob(g, -50, -42, 20, 18) + 0.8 * _blob(g, 0, -46, 16, 9) + 0.4 * _blob(g, 0, -128, 18, 12),
        "blush": _blob(g, -56, -38, 18, 14),
        "beard": beard * np.clip(-signed / 2, 0, 1),
        "hollow": np.clip(hollow, 0, 0.85),
        "lash": np.exp(-0.5 * (both["upper"] / 1.5) ** 2) + 0.35 * np.exp(-0.5 * (both["lower"] / 0.9) ** 2),
        "crease": np.exp(-0.5 * (crease_edge / 1.3) ** 2),
        "lid": lid,
        "circle": _blob(g, -37, -17, 13, 5),
        "mouth_line": np.exp(-0.5 * (_edge(g, line) / 1.0) ** 2),
        "freckled": np.clip(_blob(g, -38, -35, 24, 16) + _blob(g, 0, -30, 16, 16), 0, 1),
    }
    return np.stack([maps[name] for name in FIELDS], -1).astype(np.float32)


@nb.njit(cache=True, fastmath=True, nogil=True)
def _lay(out, maps, layer, skin, lips, amounts, seed, scale):
    """Mix the maps into one encoded texture; the fourth channel is how wet the surface is."""
    blotches, redness, blush, freckles, stubble, age, lid_colour, lashes, circles, tone = amounts
    height, width = out.shape[0], out.shape[1]
    for r in range(height):
        for c in range(width):
            m = maps[r, c]
            x, y = c / scale, r / scale
            coarse = noise(seed, x * 0.045, y * 0.045) - 0.5
            middle = noise(seed + np.uint64(1), x * 0.16, y * 0.16) - 0.5
            pores = noise(seed + np.uint64(2), x * 0.55, y * 0.55) - 0.5
            light = 1.0 + blotches * (1.2 * coarse + 0.9 * middle) * 2.0 + (0.05 + 0.10 * age) * pores
            hot = redness * m[1] * 0.30 + blush * m[2] * 0.5 + 0.10 * coarse * redness
            red = skin[0] * light * (1 + 0.05 * hot)
            green = skin[1] * light * (1 - 0.55 * hot)
            blue = skin[2] * light * (1 - 0.45 * hot)
            spots = freckles * m[10] * max(0.0, noise(seed + np.uint64(3), x * 0.42, y * 0.42) - 0.62) * 3.0
            dark = 1.0 - min(0.6, spots) * 0.55
            dark *= 1.0 - circles * m[8] * 0.35
            dark *= 1.0 - 0.62 * m[4]
            dark *= 1.0 - (0.30 + 0.25 * age) * m[6]
            grain = 0.55 + 0.9 * noise(seed + np.uint64(4), x * 0.9, y * 0.9)
            hair = min(0.85, stubble * m[3] * 0.62 * grain)
            red, green, blue = red * dark, green * dark * (1 - 0.10 * spots), blue * dark * (1 - 0.2 * spots)
            red, green, blue = red * (1 - hair), green * (1 - 0.95 * hair), blue * (1 - 0.88 * hair)
            shade = lid_colour * m[7] * 0.5
            red, green, blue = red * (1 - shade), green * (1 - 1.2 * shade), blue * (1 - shade)
            stripes = 0.86 + 0.28 * noise(seed + np.uint64(5), x * 0.8, y * 0.12)
            mouth = m[0] * 0.92
            edge = 1 - 0.55 * m[9]
            red = red * (1 - mouth) + lips[0] * stripes * mouth
            green = green * (1 - mouth) + lips[1] * stripes * mouth
            blue = blue * (1 - mouth) + lips[2] * stripes * mouth
            lash = min(0.93, lashes * m[5])
            red, green, blue = red * edge * (1 - lash), green * edge * (1 - lash), blue * edge * (1 - lash)
            a = layer[r, c, 3]
            red = red * (1 - a) + layer[r, c, 0] * a
            green = green * (1 - a) + layer[r, c, 1] * a
            blue = blue * (1 - a) + layer[r, c, 2] * a
            out[r, c, 0] = np.uint8(255 * min(1.0, max(0.0, red)) ** 0.5)
            out[r, c, 1] = np.uint8(255 * min(1.0, max(0.0, green)) ** 0.5)
            out[r, c, 2] = np.uint8(255 * min(1.0, max(0.0, blue)) ** 0.5)
            out[r, c, 3] = np.uint8(255 * min(1.0, 0.25 + 0.75 * m[0] - 0.2 * hair) * (1 - 0.8 * a))


@nb.njit(cache=True, fastmath=True, nogil=True)
def _brows(layer, colour, curve, thickness, density, arch, length, seed, scale):
    """Hairs along a Bezier curve on either side: upright at the inner end, lying along the brow further out."""
    count = int(270 * density)
    for side in (-1.0, 1.0):
        for i in range(count):
            k = i * 8 + (4000 if side > 0 else 0)
            t = uniform(seed, k) ** 0.9 * length
            s = 1 - t
            bx = s**3 * curve[0, 0] + 3 * s * s * t * curve[1, 0] + 3 * s * t * t * curve[2, 0] + t**3 * curve[3, 0]
            by = s**3 * curve[0, 1] + 3 * s * s * t * curve[1, 1] + 3 * s * t * t * curve[2, 1] + t**3 * curve[3, 1]
            by += arch * 4 * t * t * s
            profile = min(1.0, 0.55 + 2.5 * t) * min(1.0, (1.08 - t) * 2.2)
            by += (uniform(seed, k + 1) - 0.5) * thickness * profile * 1.1 - 1.0
            lean = 1.25 - 1.25 * min(1.0, t * 2.2) - 0.45 * max(0.0, t - 0.55) + (uniform(seed, k + 2) - 0.5) * 0.7
            if uniform(seed, k + 1) > 0.5 and t > 0.25:
                lean -= 0.35
            reach = (5.5 + 3.0 * uniform(seed, k + 3)) * (0.75 + 0.25 * profile)
            ex, ey = bx - np.cos(lean) * reach, by + np.sin(lean) * reach * 0.8
            tint = 0.7 + 0.6 * uniform(seed, k + 4)
            stroke(layer, (-side * bx - LEFT) * scale - 0.5, (TOP - by) * scale - 0.5,
                   (-side * ex - LEFT) * scale - 0.5, (TOP - ey) * scale - 0.5, 0.42 * scale, 0.12 * scale,
                   colour[0] * tint, colour[1] * tint, colour[2] * tint, 0.50)  # fmt: skip


@nb.njit(cache=True, fastmath=True)
def _moles(layer, count, seed, scale):
    for i in range(count):
        x, y = (uniform(seed, 900 + i) - 0.5) * 130, -120 + uniform(seed, 950 + i) * 160
        if abs(abs(x) - 40) < 20 and abs(y) < 16:
            continue
        px, py = (x - LEFT) * scale, (TOP - y) * scale
        size = (0.5 + 0.9 * uniform(seed, 970 + i)) * scale
        stroke(layer, px, py, px + 0.1, py, size - 0.3, size - 0.3, 0.05, 0.025, 0.015, 0.75)


def paint(out: np.ndarray, maps: np.ndarray, person: Identity, scale: float) -> None:
    """Paint `person`'s skin into `out`, uint8 (H, W, 4)."""
    n, seed = person.numbers, np.uint64(person.stream)
    layer = np.zeros((*out.shape[:2], 4), np.float32)
    shape = (n["brow thickness"], n["brow density"], n["brow arch"], n["brow length"])
    _brows(layer, person.brows, np.array(BROW), *shape, seed + np.uint64(11), scale)
    _moles(layer, int(n["moles"]), seed + np.uint64(12), scale)
    _lay(out, maps, layer, person.skin, person.lips, np.array([n[name] for name in PAINT]), seed, scale)
