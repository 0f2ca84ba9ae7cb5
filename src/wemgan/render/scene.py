"""A shot: the light, the background and the small pose of one photograph of a person."""

import numpy as np

from wemgan.render.identity import linear

# Where each part of a row of `scenes` begins: unit vector to the light; key light, sky and ground (RGB each);
# background's colours above and below; gaze (x, y in units); where the background is brightest.
LIGHT, KEY, SKY, GROUND, BACK_A, BACK_B, GAZE, SHIFT = 0, 3, 6, 9, 12, 15, 18, 20
COLUMNS = 21
POSE = (0.05, 0.09, 0.03)  # standard deviations of pitch, yaw and roll, radians

BACKGROUNDS = np.array([[168, 176, 182], [120, 136, 150], [206, 202, 192], [92, 104, 96], [150, 128, 110], [70, 76, 92],
                        [186, 170, 150], [128, 148, 128], [60, 58, 60], [214, 220, 226]])  # fmt: skip


def draw(seed: int, identities: np.ndarray, shots: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Light and background float32 (N, COLUMNS) and rotations float32 (N, 3, 3), from (seed, identity, shot)."""
    scenes = np.zeros((len(identities), COLUMNS), np.float32)
    rotations = np.zeros((len(identities), 3, 3), np.float32)
    for n, (identity, shot) in enumerate(zip(identities, shots, strict=True)):
        rng = np.random.default_rng([seed, int(identity), int(shot), 2])
        rotations[n] = _rotation(*(rng.normal(0, 1, 3).clip(-2, 2) * POSE))
        light = np.array([rng.uniform(-0.85, 0.85), rng.uniform(0.15, 0.75), 0.95])
        warm = rng.normal(0, 0.05)
        key = rng.uniform(0.55, 0.80) * np.array([1 + warm, 1.0, 1 - warm])
        sky = rng.uniform(0.40, 0.58) * np.array([1 - 0.5 * warm, 1.0, 1 + 0.5 * warm])
        ground = sky * rng.uniform(0.45, 0.8) * [1.08, 1.0, 0.94]
        above, below = (linear(BACKGROUNDS[k] * rng.uniform(0.7, 1.1, 3)) for k in rng.integers(0, len(BACKGROUNDS), 2))
        gaze = rng.normal(0, 0.8, 2).clip(-1.6, 1.6)
        parts = (
            light / np.linalg.norm(light),
            key,
            sky,
            ground,
            above,
            0.5 * (above + below),
            gaze,
            [rng.normal(0, 0.2)],
        )
        scenes[n] = np.concatenate(parts)
    return scenes, rotations


def _rotation(pitch: float, yaw: float, roll: float) -> np.ndarray:
    cp, sp, cy, sy, cr, sr = np.cos(pitch), np.sin(pitch), np.cos(yaw), np.sin(yaw), np.cos(roll), np.sin(roll)
    nod = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    turn = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    tilt = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return tilt @ turn @ nod
