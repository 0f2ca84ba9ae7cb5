"""Whether edits have the AUs that they were asked for.

`measured` and `target` are (N, K) in [0, 1]; a row of `measured` is NaN where no face was found.
"""

import numpy as np

FLAT = 1e-12  # a variance below this is that of a constant


def absolute_error(measured: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Mean absolute error over the AUs of each face, (N,)."""
    return np.abs(measured - target).mean(1)


def expression_distance(measured: np.ndarray, target: np.ndarray) -> np.ndarray:
    """ED, the L2 norm of each face's AU error, (N,). It grows with the square root of the number of AUs."""
    return np.linalg.norm(measured - target, axis=1)


def pearson(measured: np.ndarray, target: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Pearson's r of each AU over faces, (K,); with `weights` (B, N), how often each face counts, (B, K).

    0 for an AU that is measured as the same on every face, NaN for one that is wanted so.
    """
    cov, var_m, var_t = _moments(measured, target, weights)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where((var_m <= FLAT) & (var_t > FLAT), 0.0, cov / np.sqrt(var_m * var_t))


def icc(measured: np.ndarray, target: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """ICC(3,1) of each AU, (K,): the consistency of two fixed raters, single measures (Shrout & Fleiss 1979).

    (MSR - MSE) / (MSR + MSE), which for two raters is 2 cov / (var + var): unlike r it also falls where an AU comes out
    weaker or stronger than asked. With `weights` (B, N) it is (B, K).
    """
    cov, var_m, var_t = _moments(measured, target, weights)
    with np.errstate(invalid="ignore", divide="ignore"):
        return 2 * cov / (var_m + var_t)


def _moments(measured: np.ndarray, target: np.ndarray, weights: np.ndarray | None) -> tuple[np.ndarray, ...]:
    """Covariance and both variances over the faces that were found."""
    found = np.isfinite(measured).all(1)
    x, y = measured[found].astype(np.float64), target[found].astype(np.float64)
    w = np.ones((1, len(x))) if weights is None else weights[:, found].astype(np.float64)
    x, y = x - x.mean(0), y - y.mean(0)  # so that little is lost in the subtraction below
    total = np.maximum(w.sum(1, keepdims=True), 1e-12)
    mean_x, mean_y = w @ x / total, w @ y / total
    moments = (w @ (x * y) / total - mean_x * mean_y, w @ x**2 / total - mean_x**2, w @ y**2 / total - mean_y**2)
    return tuple(moment[0] for moment in moments) if weights is None else moments
