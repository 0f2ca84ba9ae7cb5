"""Strengths of action units as everyday faces show them."""

from collections.abc import Sequence

import numpy as np

from wemgan.errors import UserError
from wemgan.render.actions import AUS

# Expressions as FACS describes them: AUs that come together, with their usual strength.
EXPRESSIONS = (
    {"AU06": 0.7, "AU12": 0.9},
    {"AU06": 0.8, "AU12": 1.0, "AU25": 0.8, "AU26": 0.3},
    {"AU12": 0.6, "AU25": 0.5},
    {"AU01": 0.8, "AU02": 0.8, "AU05": 0.7, "AU25": 0.7, "AU26": 0.8},
    {"AU01": 0.8, "AU04": 0.5, "AU15": 0.8, "AU17": 0.4},
    {"AU04": 0.9, "AU07": 0.6, "AU23": 0.6, "AU24": 0.3},
    {"AU04": 0.8, "AU05": 0.5, "AU07": 0.6, "AU25": 0.5, "AU10": 0.5},
    {"AU09": 0.9, "AU10": 0.6, "AU04": 0.4, "AU17": 0.4},
    {"AU01": 0.8, "AU02": 0.6, "AU04": 0.5, "AU05": 0.7, "AU20": 0.8, "AU25": 0.6, "AU26": 0.4},
    {"AU12": 0.4, "AU14": 0.9},
    {"AU17": 0.9, "AU15": 0.6, "AU24": 0.5},
    {"AU43": 1.0},
    {"AU43": 0.8, "AU12": 0.5},
    {"AU25": 0.8, "AU26": 0.9},
    {"AU28": 0.9},
    {"AU11": 0.8, "AU10": 0.4},
)


def sample_aus(rng: np.random.Generator, n: int, names: Sequence[str] = AUS) -> np.ndarray:
    """Draw `n` AU vectors float32 (n, 20) in [0, 1]; AUs outside `names` are 0.

    A third are everyday expressions at a random strength, a third one to four single AUs, uniform in [0, 1], a sixth
    mixtures of both, a sixth nearly neutral; so every named AU is seen over its whole range.
    """
    unknown = [name for name in names if name not in AUS]
    if unknown:
        raise UserError(f"the renderer has no {unknown[0]}; it knows {', '.join(AUS)}")
    expressions = np.zeros((len(EXPRESSIONS), len(AUS)))
    for row, expression in zip(expressions, EXPRESSIONS, strict=True):
        row[[AUS.index(au) for au in expression]] = list(expression.values())
    wanted = np.array([au in names for au in AUS])
    expressions = expressions[(expressions[:, wanted] > 0).any(1)]
    kind = rng.choice(4, n, p=[2 / 6, 2 / 6, 1 / 6, 1 / 6])
    out = np.zeros((n, len(AUS)))
    if len(expressions):
        chosen = expressions[rng.integers(0, len(expressions), n)]
        shared = chosen * rng.uniform(0.25, 1.15, (n, 1)) * rng.uniform(0.7, 1.3, (n, len(AUS)))
        out += shared * np.isin(kind, (0, 2))[:, None]
    single = rng.random((n, len(AUS))) < rng.choice([1, 2, 3, 4], (n, 1)) / max(1, wanted.sum())
    alone = single * rng.uniform(0, 1, (n, len(AUS)))
    out = np.maximum(out, alone * np.isin(kind, (1, 2))[:, None])
    out += np.abs(rng.normal(0, 0.03, out.shape)) * (rng.random(out.shape) < 0.5)
    return (out * wanted).clip(0, 1).astype(np.float32)
