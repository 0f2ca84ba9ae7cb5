"""A person who does not exist: shape, colours and hair, all drawn from (seed, identity)."""

from dataclasses import dataclass

import numpy as np

from wemgan.render.mesh import FACE_VERTICES, Mesh, assemble

# Smooth changes of the mean face: name: (standard deviation, bumps of (vertex, reach, direction)). The first vertex
# of each bump lies on the viewer's left or in the middle and is mirrored, as in actions.Move.
WARPS = {
    "jaw width": (0.6, [(172, (22, 26), (-4.5, 0, 0)), (58, (18, 26), (-3.5, 0, 0))]),
    "chin width": (0.7, [(148, (16, 14), (-3.0, 0, 0)), (176, (14, 14), (-3.0, 0, 0))]),
    "chin length": (0.8, [(152, (34, 22), (0, -5.0, 0))]),
    "chin forward": (1.0, [(199, (18, 16), (0, 0, 3.5))]),
    "cheekbones": (1.0, [(116, (16, 16), (-3.0, 0, 2.0)), (234, (12, 24), (-2.5, 0, 0))]),
    "cheek fullness": (0.7, [(205, (20, 20), (-1.5, 0, 4.0)), (213, (14, 20), (-2.5, 0, 2.0))]),
    "temples": (1.0, [(162, (14, 30), (-3.0, 0, 0))]),
    "forehead height": (1.0, [(10, (80, 22), (0, 3.5, 0))]),
    "forehead slope": (1.0, [(151, (40, 22), (0, 0, 3.0))]),
    "brow ridge": (1.0, [(105, (22, 8), (0, 0, 2.5)), (9, (14, 8), (0, 0, 1.5))]),
    "brow height": (0.7, [(105, (30, 9), (0, 1.6, 0)), (55, (12, 9), (0, 1.0, 0))]),
    "brow slant": (0.7, [(70, (14, 10), (0, 1.6, 0)), (107, (12, 10), (0, -1.0, 0))]),
    "eye spacing": (1.0, [(159, (18, 14), (-1.5, 0, 0))]),
    "eye slant": (1.0, [(33, (12, 9), (0, 1.5, 0)), (133, (8, 8), (0, -0.8, 0))]),
    "eye depth": (1.0, [(159, (18, 12), (0, 0, -2.0))]),
    "nose width": (0.85, [(129, (8, 12), (-2.6, 0, 0)), (64, (7, 8), (-1.2, 0, 0))]),
    "nose bridge width": (1.0, [(193, (7, 14), (-1.4, 0, 0)), (198, (8, 12), (-1.2, 0, 0))]),
    "nose bridge height": (1.0, [(6, (9, 16), (0, 0, 2.6)), (195, (9, 12), (0, 0, 2.2))]),
    "nose length": (1.0, [(1, (20, 13), (0, -2.2, 0)), (129, (10, 10), (0, -1.4, 0))]),
    "nose tip": (1.0, [(4, (10, 9), (0, 1.5, 3.5))]),
    "nose tip width": (1.0, [(44, (6, 8), (-1.6, 0, 0))]),
    "mouth width": (1.0, [(61, (14, 10), (-2.4, 0, 0))]),
    "mouth height": (1.0, [(13, (34, 14), (0, 1.2, 0))]),
    "mouth forward": (1.0, [(13, (26, 18), (0, 0, 2.5))]),
    "philtrum": (1.0, [(164, (14, 7), (0, 1.2, 0.8))]),
    "smile line": (1.0, [(61, (10, 8), (0, 1.3, 0))]),
}
UPPER_LIP = (185, 40, 39, 37, 0, 267, 269, 270, 409)
LOWER_LIP = (146, 91, 181, 84, 17, 314, 405, 321, 375)
STYLES = ("shaved", "short", "parted", "long", "fringe", "tied", "curly", "crop")

_SKIN = np.array(
    [[240, 206, 184], [231, 190, 163], [218, 170, 137], [196, 144, 108], [160, 112, 80], [122, 82, 58], [94, 62, 46]]
)
_HAIR = {
    "black": (26, 22, 21), "dark brown": (48, 34, 27), "brown": (84, 58, 40), "light brown": (124, 90, 60),
    "blond": (184, 148, 98), "red": (142, 72, 36), "grey": (150, 146, 142),
}  # fmt: skip
_IRIS = np.array([[62, 36, 20], [96, 60, 30], [112, 88, 44], [84, 108, 70], [84, 118, 146], [104, 122, 132]])


def linear(srgb: np.ndarray) -> np.ndarray:
    """Colours 0..255 as light in [0, 1]; the renderer's display curve is a square root."""
    return (np.asarray(srgb, float) / 255) ** 2


@dataclass(frozen=True)
class Identity:
    """Everything about one person that painting and drawing need; colours are linear light."""

    base: np.ndarray  # float32 (B, 3) base mesh at rest
    skin: np.ndarray
    lips: np.ndarray
    hair: np.ndarray
    brows: np.ndarray
    iris: np.ndarray
    style: int
    numbers: dict[str, float]  # drawn strengths and sizes, by name
    stream: int  # seed of the painting's own random numbers


def _bumps(face: np.ndarray) -> np.ndarray:
    out = []
    for _, bumps in WARPS.values():
        total = np.zeros_like(face)
        for at, reach, by in bumps:
            for side in (1, -1) if abs(face[at, 0]) > 2 else (1,):
                distance = (face[:, :2] - face[at, :2] * [side, 1]) / reach
                total += np.exp(-0.5 * (distance**2).sum(1))[:, None] * (np.array(by) * [side, 1, 1])
        out.append(total)
    return np.array(out)


class IdentityMaker:
    """Draws identities over one mesh."""

    def __init__(self, mesh: Mesh, seed: int):
        self.mesh, self.seed = mesh, seed
        self.face = mesh.neutral[:FACE_VERTICES]
        self.warps = _bumps(self.face)

    def make(self, identity: int) -> Identity:
        """The person `identity` (any int >= 0) under this maker's seed."""
        rng = np.random.default_rng([self.seed, identity, 1])
        masculine = float(np.clip(rng.normal(0, 1), -2, 2))
        base = self._shape(rng, masculine)
        tone = float(np.clip(rng.beta(1.1, 1.6), 0, 0.95))
        skin = np.array([np.interp(tone * 6, range(7), _SKIN[:, k]) for k in range(3)]) * rng.normal(1, 0.02, 3)
        skin = linear(skin)
        shade, red = rng.uniform(0.50, 0.80), rng.uniform(0.8, 1.25)
        lips = skin * [1.15 * shade, 0.72 * shade / red, 0.76 * shade / red] + [0.02, 0, 0]
        if masculine < 0.2 and rng.random() < 0.3:  # lipstick
            lips = lips * 0.45 + linear([rng.uniform(150, 200), rng.uniform(20, 80), rng.uniform(40, 90)]) * 0.55
        odds = np.array([0.2, 0.22, 0.2, 0.13, 0.13, 0.06, 0.06]) * np.array(
            [1 + 6 * tone, 1 + 2 * tone, 1, *[max(0.02, 1 - 1.9 * tone)] * 3, 1]
        )
        colour = list(_HAIR)[rng.choice(len(odds), p=odds / odds.sum())]
        hair = linear(_HAIR[colour]) * rng.uniform(0.75, 1.3)
        brows = hair * rng.uniform(0.5, 0.8) * (0.55 if colour in ("blond", "grey", "light brown") else 0.9)
        style = self._style(rng, masculine)
        iris = _IRIS[
            rng.choice(6, p=np.array([0.3, 0.25, 0.15, 0.1, 0.13, 0.07])) if tone < 0.5 else rng.integers(0, 2)
        ]
        numbers = self._numbers(rng, masculine, tone)
        stream = int(rng.integers(1, 2**62))
        return Identity(base, skin, lips, hair, brows, linear(iris * rng.uniform(0.8, 1.2)), style, numbers, stream)

    def _shape(self, rng: np.random.Generator, masculine: float) -> np.ndarray:
        amounts = rng.normal(0, 1, len(WARPS)).clip(-2.2, 2.2) * [std for std, _ in WARPS.values()]
        lean = {"jaw width": 0.5, "chin width": 0.5, "brow ridge": 0.7, "brow height": -0.6, "nose width": 0.3}
        amounts += [lean.get(name, 0.0) * masculine for name in WARPS]
        face = self.face + np.tensordot(amounts, self.warps, 1)
        wide, tall = rng.normal(0, 0.025) + 0.01 * masculine, rng.normal(0, 0.02)
        far = np.clip((np.abs(face[:, 0]) - 35) / 50, 0, 1)
        face[:, 0] *= 1 + wide * far
        face[:, 1] *= 1 + tall
        for lip, sign in ((UPPER_LIP, 1), (LOWER_LIP, -1)):
            fuller = rng.normal(0, 1.5) - 0.5 * masculine
            line = self.face[list(lip)]
            for vertex in lip:
                weight = 1 - abs(self.face[vertex, 0]) / 40
                face[vertex] += [0, sign * fuller * weight, 0.5 * fuller * weight]
            near = np.exp(
                -0.5 * ((self.face[:, 1] - line[:, 1].mean() - sign * 5) / 4) ** 2 - 0.5 * (self.face[:, 0] / 18) ** 2
            )
            near[list(lip)] = 0
            face[:, 1] += near * sign * fuller * 0.4 * (np.sign(self.face[:, 1] + 88) == sign)
        opening = float(np.clip(rng.normal(1.0, 0.10), 0.75, 1.25))
        for x in (-40, 40):
            near = np.exp(-((((self.face[:, 0] - x) / 24) ** 2 + (self.face[:, 1] / 13) ** 2) ** 2))
            face[:, 1] += near * (opening - 1) * (face[:, 1] - 0.5)
        crooked = rng.normal(0, 0.5, 3)
        face[:, 0] += crooked[0] * np.exp(-(((self.face[:, 1] + 45) / 20) ** 2)) + crooked[1] * (self.face[:, 1] < -60)
        return assemble(
            face, rng.uniform(0.9, 1.15), rng.uniform(0.6, 1.0), 0.97 + 0.06 * masculine + rng.normal(0, 0.03)
        ).astype(np.float32)

    def _style(self, rng: np.random.Generator, masculine: float) -> int:
        feminine = np.array([0.01, 0.05, 0.08, 0.36, 0.18, 0.16, 0.12, 0.04])
        male = np.array([0.15, 0.34, 0.22, 0.03, 0.02, 0.03, 0.09, 0.12])
        share = 1 / (1 + np.exp(-2.5 * masculine))
        odds = male * share + feminine * (1 - share)
        return int(rng.choice(len(STYLES), p=odds / odds.sum()))

    def _numbers(self, rng: np.random.Generator, masculine: float, tone: float) -> dict[str, float]:
        stubble = float(np.clip(rng.normal(0.35, 0.3), 0, 1)) if masculine > 0.35 else 0.0
        return {
            "tone": tone,
            "blotches": rng.uniform(0.02, 0.09),
            "redness": rng.uniform(0.3, 1.0) * (1 - 0.5 * tone),
            "blush": max(0.0, rng.normal(0.1, 0.25)) * (masculine < 0),
            "freckles": max(0.0, rng.normal(-0.4, 0.6)) * (tone < 0.45),
            "moles": float(rng.poisson(1.3)),
            "stubble": stubble,
            "age": float(np.clip(rng.beta(1.4, 2.2), 0, 1)),
            "lid colour": float(rng.uniform(0, 0.35)),
            "lashes": float(np.clip(rng.normal(0.7 - 0.15 * masculine, 0.15), 0.3, 1)),
            "dark circles": rng.uniform(0, 0.5),
            "oil": rng.uniform(0.5, 1.2),
            "brow thickness": float(np.clip(rng.normal(5.0 + 0.9 * masculine, 1.0), 2.8, 8)),
            "brow density": float(np.clip(rng.normal(0.75 + 0.1 * masculine, 0.15), 0.35, 1.1)),
            "brow arch": rng.normal(1.5, 1.2),
            "brow length": rng.uniform(0.88, 1.06),
            "hairline": rng.normal(72, 4) + 2 * masculine,
            "recede": max(0.0, rng.normal(0.2, 0.5) + 0.2 * masculine),
            "part": rng.choice([-1, 1]) * rng.uniform(0, 34),
            "volume": rng.uniform(0.6, 1.3),
            "curl": max(0.0, rng.normal(0.2, 0.5)),
            "length": rng.uniform(0.5, 1.0),
            "sweep": rng.normal(0, 0.5),
        }
