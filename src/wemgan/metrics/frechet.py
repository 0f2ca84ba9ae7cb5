"""FID, and Frechet distances on other features than Inception's, which are not FID."""

import numpy as np
from scipy.linalg import eigh

from wemgan.errors import UserError


def frechet_distance(real: np.ndarray, fake: np.ndarray) -> float:
    """Frechet distance of two sets of features (N, D), each taken as a Gaussian, in float64.

    |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)) (Dowson & Landau 1982). UserError when a set has fewer than D + 1
    members, since its covariance would be singular. With Inception features this is FID; with others it is not.
    """
    for name, features in (("real", real), ("edited", fake)):
        if len(features) <= features.shape[1]:
            raise UserError(
                f"the Frechet distance on {features.shape[1]} features wants at least {features.shape[1] + 1} images, "
                f"and there are {len(features)} {name} ones; raise evaluate.faces or evaluate.targets, or split.test"
            )
    real, fake = real.astype(np.float64), fake.astype(np.float64)
    cov_real, cov_fake = np.cov(real, rowvar=False), np.cov(fake, rowvar=False)
    values, vectors = eigh(cov_real)
    root = (vectors * np.sqrt(values.clip(0))) @ vectors.T
    cross = np.sqrt(eigh(root @ cov_fake @ root, eigvals_only=True).clip(0)).sum()
    return float(((real.mean(0) - fake.mean(0)) ** 2).sum() + np.trace(cov_real) + np.trace(cov_fake) - 2 * cross)
