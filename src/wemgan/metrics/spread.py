"""What chance could have done: intervals and tests by resampling people, since one person's faces are not independent.

One set of draws serves all rows and all metrics of a table, so that rows are compared on the same people.
"""

import numpy as np
import pandas as pd

DRAWS = 5000
SEED = 0


def draw_people(people: int, draws: int = DRAWS, seed: int = SEED) -> np.ndarray:
    """How often each of so many people counts in each bootstrap sample, (draws, people)."""
    rng = np.random.default_rng(seed)
    return rng.multinomial(people, np.full(people, 1 / people), size=draws).astype(np.float64)


def resampled_means(value: np.ndarray, person: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The mean of `value` (N,) in each sample, (draws,); `person` (N,) are columns of `weights`; NaN are left out."""
    known = np.isfinite(value)
    sums = np.bincount(person[known], value[known], weights.shape[1])
    counts = np.bincount(person[known], minlength=weights.shape[1]).astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        return (weights @ sums) / (weights @ counts)


def over_seeds(draws: np.ndarray, seed: int = SEED) -> np.ndarray:
    """The mean over as many seeds, drawn anew for each bootstrap sample, (draws,); `draws` is (seeds, draws)."""
    chosen = np.random.default_rng(seed + len(draws)).integers(0, len(draws), draws.shape)
    return np.take_along_axis(draws, chosen, 0).mean(0)


def interval(draws: np.ndarray) -> tuple[float, float]:
    """The 95 % percentile interval of bootstrap values."""
    draws = draws[np.isfinite(draws)]
    return tuple(np.percentile(draws, [2.5, 97.5])) if len(draws) else (float("nan"), float("nan"))


def two_sided_p(draws: np.ndarray) -> float:
    """The bootstrap's p-value of a difference: twice the share of samples on the rarer side of zero, at most 1."""
    draws = draws[np.isfinite(draws)]
    if not len(draws):
        return float("nan")
    rarer = min((draws <= 0).sum(), (draws >= 0).sum())
    return float(min(1.0, 2 * (rarer + 1) / (len(draws) + 1)))


def holm(p: pd.Series) -> pd.Series:
    """p-values that may be compared with one level though there are several of them (Holm 1979)."""
    order = p.sort_values(kind="stable")
    factors = np.arange(int(order.notna().sum()), int(order.notna().sum()) - len(order), -1).clip(1)
    return (order * factors).cummax().clip(upper=1).reindex(p.index)
