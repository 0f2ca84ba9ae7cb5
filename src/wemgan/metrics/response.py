"""What happens as one AU is asked for more and more: that it rises, and that nothing else moves.

`measured` is (M, S, K): M faces, each at the S strengths `asked` of one AU, rising from 0 to 1, measured for all K AUs.
"""

import numpy as np
from scipy.stats import rankdata


def monotonicity(measured: np.ndarray, asked: np.ndarray, au: int) -> np.ndarray:
    """Spearman's rank correlation of the asked and the measured strength of AU number `au`, (M,) in [-1, 1].

    0 where the measured AU stays the same throughout; NaN where a face was lost.
    """
    values = measured[:, :, au]
    ranks, wanted = rankdata(values, axis=1), rankdata(asked)
    ranks, wanted = ranks - ranks.mean(1, keepdims=True), wanted - wanted.mean()
    length = np.sqrt((ranks**2).sum(1) * (wanted**2).sum())
    return np.where(np.isfinite(values).all(1), ranks @ wanted / np.maximum(length, 1e-12), np.nan)


def slope(measured: np.ndarray, asked: np.ndarray, au: int) -> np.ndarray:
    """How much AU number `au` rises per unit asked (least squares), (M,); 1 is as asked."""
    wanted = asked - asked.mean()
    return (measured[:, :, au] - measured[:, :, au].mean(1, keepdims=True)) @ wanted / (wanted**2).sum()


def leakage(measured: np.ndarray, au: int) -> np.ndarray:
    """Mean absolute change of the other AUs from the lowest to the highest strength of AU number `au`, (M,)."""
    change = np.abs(measured[:, -1] - measured[:, 0])
    return np.delete(change, au, 1).mean(1) if change.shape[1] > 1 else np.zeros(len(change))
