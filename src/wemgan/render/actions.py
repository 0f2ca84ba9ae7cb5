"""What each action unit does to the mesh: the definition that the rendered truth stands on, in one table.

An action is py-feat's own displacement (drift removed, symmetric, limited to the region where FACS sees the AU,
times `gain`) plus bumps that add what that model lacks. Units are a mean face's interocular distance / 80, about
0.8 mm. docs/renderer.md says the same in words.
"""

from dataclasses import dataclass, field

import numpy as np

from wemgan.render.mesh import (
    FACE_VERTICES,
    LEFT_LID_LOWER,
    LEFT_LID_UPPER,
    LIP_LOWER,
    LIP_UPPER,
    OVAL,
    RIGHT_LID_LOWER,
    RIGHT_LID_UPPER,
    RINGS,
    Mesh,
)

AUS = ("AU01", "AU02", "AU04", "AU05", "AU06", "AU07", "AU09", "AU10", "AU11", "AU12",
       "AU14", "AU15", "AU17", "AU20", "AU23", "AU24", "AU25", "AU26", "AU28", "AU43")  # fmt: skip


@dataclass(frozen=True)
class Move:
    """A smooth bump of displacement around a vertex on the viewer's left, mirrored, or in the middle."""

    at: int  # MediaPipe vertex
    reach: tuple[float, float]  # standard deviations to the side and upwards, units
    by: tuple[float, float, float]  # displacement at the centre: away from the midline is negative x here
    part: str = "all"  # "above" or "below": only what lies above or below the mouth's line


@dataclass(frozen=True)
class Action:
    """One action unit at strength 1."""

    name: str  # FACS name
    gain: float  # of py-feat's displacement
    region: str  # where that displacement counts: "brows", "eyes", "mid", "mouth", "jaw"
    moves: tuple[Move, ...] = ()
    upper_lid: float = 0.0  # share of the eye's opening by which the upper lid comes down
    lower_lid: float = 0.0  # and by which the lower lid comes up
    wrinkles: dict[str, float] = field(default_factory=dict)  # pattern (wrinkles.py): depth


ACTIONS = {
    "AU01": Action("inner brow raiser", 0.5, "brows", (
        Move(107, (16, 14), (0.5, 12.0, 0)), Move(9, (15, 14), (0, 5.0, 0)), Move(108, (22, 16), (0, 4.0, 0))),
        wrinkles={"forehead_middle": 1.0}),
    "AU02": Action("outer brow raiser", 0.3, "brows", (
        Move(63, (22, 13), (-1.0, 11.5, 0)), Move(46, (16, 12), (-0.5, 9.5, 0)), Move(104, (22, 18), (0, 5.0, 0))),
        upper_lid=-0.06, wrinkles={"forehead_side": 1.0, "forehead_middle": 0.25}),
    "AU04": Action("brow lowerer", 0.3, "brows", (
        Move(107, (16, 12), (4.0, -10.0, 1.5)), Move(105, (20, 12), (3.0, -7.5, 1.0)), Move(9, (11, 12), (0, -6, 1.5))),
        upper_lid=0.10, wrinkles={"glabella": 1.0}),
    "AU05": Action("upper lid raiser", 0.0, "eyes", (
        Move(159, (16, 7), (0, 2.0, 0)),),
        upper_lid=-0.82, lower_lid=-0.32),
    "AU06": Action("cheek raiser", 0.3, "mid", (
        Move(50, (20, 15), (-1.5, 7.0, 4.0)), Move(111, (18, 9), (0, 4.5, 2.0)), Move(35, (10, 14), (3.0, 2.5, 0)),
        Move(70, (14, 9), (1.0, -2.0, 0))),
        upper_lid=0.12, lower_lid=0.28, wrinkles={"crow": 0.8, "under_eye": 0.7, "nasolabial": 0.25}),
    "AU07": Action("lid tightener", 0.3, "eyes", (Move(145, (18, 7), (0, 1.0, 0.5)),),
        upper_lid=0.20, lower_lid=0.26, wrinkles={"under_eye": 0.8, "crow": 0.15}),
    "AU09": Action("nose wrinkler", 0.35, "mid", (
        Move(129, (9, 11), (-1.0, 7.0, 1.0)), Move(40, (16, 9), (0, 5.0, 1.0), "above"), Move(4, (8, 9), (0, 2.5, 0)),
        Move(107, (14, 11), (2.0, -3.5, 1.0)), Move(14, (17, 9), (0, 3.5, 0), "below"),
        Move(126, (12, 14), (0, 3.5, 3.0))),
        upper_lid=0.08, lower_lid=0.12, wrinkles={"nose": 1.0, "glabella": 0.35, "nasolabial": 0.5}),
    "AU10": Action("upper lip raiser", 0.6, "mouth", (
        Move(39, (15, 8), (0, 7.5, 1.0), "above"), Move(37, (12, 7), (0, 2.5, 0), "above"),
        Move(129, (9, 10), (-1.5, 3.0, 0)), Move(14, (17, 9), (0, 3.0, 0), "below"),
        Move(203, (11, 12), (-0.5, 3.5, 3.0))),
        wrinkles={"nasolabial": 0.8}),
    "AU11": Action("nasolabial deepener", 1.0, "mouth", (
        Move(203, (10, 12), (-2.0, 2.5, 3.5)), Move(92, (9, 7), (-1.5, 2.0, 0), "above"),
        Move(14, (17, 9), (0, 2.5, 0), "below")),
        wrinkles={"nasolabial": 0.9}),
    "AU12": Action("lip corner puller", 0.6, "mouth", (
        Move(61, (12, 12), (-11.5, 12.0, -5.0)), Move(40, (10, 9), (-2.5, 2.5, -1.0), "above"),
        Move(91, (10, 9), (-3.5, 3.0, -1.0), "below"), Move(50, (16, 15), (-2.5, 5.0, 5.0)),
        Move(205, (13, 13), (-3.0, 3.5, 2.5))),
        lower_lid=0.05, wrinkles={"nasolabial": 1.0, "dimple": 0.35}),
    "AU14": Action("dimpler", 0.5, "mouth", (
        Move(61, (10, 8), (1.0, 0, -5.5)), Move(57, (8, 9), (0, 0, -3.5))),
        wrinkles={"dimple": 1.2}),
    "AU15": Action("lip corner depressor", 0.6, "mouth", (
        Move(61, (12, 10), (-1.0, -10.0, -1.0)), Move(40, (9, 8), (0, -2.0, 0), "above"),
        Move(204, (11, 10), (-1.0, -3.0, 1.5)), Move(17, (14, 7), (0, 1.5, 1.0), "below")),
        wrinkles={"marionette": 1.0}),
    "AU17": Action("chin raiser", 0.3, "jaw", (
        Move(17, (16, 8), (0, 7.5, 5.0), "below"), Move(18, (14, 8), (0, 7.0, 2.0), "below"),
        Move(200, (17, 11), (0, 8.0, 2.0), "below"), Move(0, (14, 6), (0, 2.5, 1.5), "above")),
        wrinkles={"chin": 1.0}),
    "AU20": Action("lip stretcher", 0.2, "mouth", (
        Move(61, (13, 10), (-10.5, -2.5, -4.0)), Move(40, (11, 8), (-3.0, -0.8, 0), "above"),
        Move(91, (12, 8), (-4.0, -1.0, 0), "below"), Move(58, (16, 18), (-1.5, 0, 0)),
        Move(207, (12, 14), (-4.0, 0, 0))),
        wrinkles={"cheek_line": 1.0}),
    "AU23": Action("lip tightener", 0.5, "mouth", (
        Move(61, (10, 8), (4.5, 0, 1.5)), Move(37, (18, 3.5), (0, -3.0, 0.5), "above"),
        Move(84, (18, 4.0), (0, 3.2, 0.5), "below")),
        wrinkles={"lip_edge": 0.8}),
    "AU24": Action("lip pressor", 0.3, "mouth", (
        Move(37, (22, 4.5), (0, -4.2, -2.5), "above"), Move(84, (22, 4.5), (0, 4.5, -2.5), "below"),
        Move(164, (18, 5), (0, -1.5, 1.5), "above"), Move(18, (18, 6), (0, 2.0, 2.0), "below")),
        wrinkles={"lip_edge": 0.7, "dimple": 0.3}),
    "AU25": Action("lips part", 0.0, "mouth", (
        Move(13, (17, 9), (0, 3.0, 0), "above"), Move(14, (22, 9), (0, -13.0, 0), "below"))),
    "AU26": Action("jaw drop", 1.35, "jaw", (
        Move(14, (20, 10), (0, -1.0, -1.0), "below"), Move(61, (9, 12), (2.0, -2.0, 0)))),
    "AU28": Action("lip suck", 0.3, "mouth", (
        Move(0, (21, 5), (0, -6.0, -7.0), "above"), Move(17, (21, 5), (0, 6.5, -7.0), "below"),
        Move(164, (18, 5), (0, -3.0, 0.5), "above"), Move(61, (8, 7), (2.0, 0, -2.0))),
        wrinkles={"lip_edge": 0.4}),
    "AU43": Action("eye closure", 0.0, "eyes", (Move(105, (22, 10), (0, -1.0, 0)),), upper_lid=0.93, lower_lid=0.07,
        wrinkles={"lashes": 1.0}),
}  # fmt: skip


def _smooth(low: float, high: float, x: np.ndarray) -> np.ndarray:
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def below_mouth(face: np.ndarray) -> np.ndarray:
    """How far each vertex (478,) belongs to what lies below the mouth's line, 0 to 1; the lips' contact is a cut."""
    line = float(face[list(LIP_UPPER), 1].mean())
    x, y = np.abs(face[:, 0]), face[:, 1]
    blur = np.clip(x - 30, 0, 30) * 0.8 + 0.5
    below = _smooth(-1, 1, (line - y) / blur)
    below[list(LIP_LOWER[1:-1])] = 1
    below[list(LIP_UPPER[1:-1])] = 0
    below[[61, 291, LIP_UPPER[0], LIP_UPPER[-1]]] = 0.4
    return below


def _regions(face: np.ndarray) -> dict[str, np.ndarray]:
    x, y = np.abs(face[:, 0]), face[:, 1]
    return {
        "brows": _smooth(8, 18, y),
        "eyes": _smooth(30, 20, y) * _smooth(-32, -16, y),
        "mid": _smooth(-100, -70, y) * _smooth(20, 6, y),
        "mouth": _smooth(-30, -50, y) * _smooth(90, 65, x),
        "jaw": _smooth(-30, -70, y) * (0.25 + 0.75 * below_mouth(face)),
    }


def _bump(face: np.ndarray, move: Move, below: np.ndarray) -> np.ndarray:
    part = {"all": 1.0, "above": 1 - below, "below": below}[move.part]
    out = np.zeros_like(face)
    for side in (1, -1) if abs(face[move.at, 0]) > 2 else (1,):
        centre = face[move.at, :2] * [side, 1]
        weight = np.exp(-0.5 * (((face[:, :2] - centre) / move.reach) ** 2).sum(1)) * part
        out += weight[:, None] * (np.array(move.by) * [side, 1, 1])
    return out


def displacements(mesh: Mesh) -> np.ndarray:
    """Displacement of the base vertices at strength 1 per AU of `AUS`, float32 (20, B, 3); lids are moved apart."""
    face = mesh.neutral[:FACE_VERTICES]
    below, regions = below_mouth(face), _regions(face)
    out = np.zeros((len(AUS), len(mesh.neutral), 3))
    for k, (au, action) in enumerate(ACTIONS.items()):
        model = mesh.coefficients[mesh.columns.index(au)] * regions[action.region][:, None] * action.gain
        moved = model + sum((_bump(face, move, below) for move in action.moves), np.zeros_like(face))
        # Lids follow the opening alone, so that they meet whatever else happens around them.
        out[k, :FACE_VERTICES] = moved * (1 - _lid_share(face))[:, None]
        for ring, share in zip(range(RINGS), (0.6, 0.25, 0.0), strict=True):
            first = FACE_VERTICES + ring * len(OVAL)
            out[k, first : first + len(OVAL)] = out[k, list(OVAL)] * share
    return out.astype(np.float32)


def _lid_share(face: np.ndarray) -> np.ndarray:
    upper, lower = lid_weights(face)
    return np.clip(upper**2 + lower**2, 0, 1) * 0.9


def lid_weights(face: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How far each vertex (478,) follows the upper and the lower lid's edge, 0 to 1."""
    out = []
    for contours, sign in (((LEFT_LID_UPPER, RIGHT_LID_UPPER), 1), ((LEFT_LID_LOWER, RIGHT_LID_LOWER), -1)):
        weight = np.zeros(len(face))
        for contour in contours:
            edge = face[list(contour)]
            order = np.argsort(edge[:, 0])
            height = (face[:, 1] - np.interp(face[:, 0], edge[order, 0], edge[order, 1])) * sign
            inside = _smooth(6, 0, np.abs(face[:, 0] - edge[:, 0].mean()) - np.ptp(edge[:, 0]) / 2)
            reach = 12.0 if sign > 0 else 11.0
            weight = np.maximum(weight, inside * _smooth(reach, 0, height) * (height > -0.5))
            weight[list(contour[1:-1])] = 1
        out.append(weight)
    for lower_contour in (LEFT_LID_LOWER, RIGHT_LID_LOWER):
        out[0][list(lower_contour)] = 0
    for upper_contour in (LEFT_LID_UPPER, RIGHT_LID_UPPER):
        out[1][list(upper_contour)] = 0
    return out[0], out[1]


def lid_gaps(face: np.ndarray) -> np.ndarray:
    """The eye's opening above or below each vertex (..., 478), in a face (..., 478, 3) at rest."""
    gaps = np.zeros(face.shape[:-1])
    for upper, lower in ((LEFT_LID_UPPER, LEFT_LID_LOWER), (RIGHT_LID_UPPER, RIGHT_LID_LOWER)):
        opening = face[list(upper), 1] - face[list(lower), 1]
        x = face[list(upper), 0]
        order = np.argsort(x)
        gaps += np.interp(face[:, 0], x[order], opening[order], left=0, right=0)
        gaps[list(upper)] = gaps[list(lower)] = opening
    return gaps
