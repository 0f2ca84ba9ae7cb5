"""What is measured of edits, on arrays; who measures AUs and identity is `wemgan.evaluate`'s matter."""

import numpy as np
from scipy.linalg import eigh
from skimage.metrics import structural_similarity

from wemgan.errors import UserError


def psnr(images: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Peak signal-to-noise ratio in dB of each of uint8 images (N, H, W, 3) against its truth; capped at 60 dB."""
    error = ((images.astype(np.float64) - truth) ** 2).mean((1, 2, 3))
    return 10 * np.log10(255**2 / np.maximum(error, 255**2 * 1e-6))


def ssim(images: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Structural similarity (Wang et al. 2004; 7 x 7 windows) of each pair of uint8 images (N, H, W, 3)."""
    return np.array([structural_similarity(a, b, channel_axis=2) for a, b in zip(images, truth, strict=True)])


def identity_distance(source: np.ndarray, edit: np.ndarray) -> np.ndarray:
    """Euclidean distance (N,) of L2-normalised identity embeddings (N, D), in [0, 2]; its mean is the ACD."""
    return np.linalg.norm(source - edit, axis=1)


def au_errors(measured: np.ndarray, target: np.ndarray) -> dict[str, float]:
    """AU error over faces that were found (rows without NaN): mean absolute error, and ED, the mean L2 norm."""
    found = np.isfinite(measured).all(1)
    if not found.any():
        return {"au_mae": float("nan"), "ed": float("nan"), "no_face_rate": 1.0}
    error = measured[found] - target[found]
    ed = np.linalg.norm(error, axis=1).mean()
    return {"au_mae": float(np.abs(error).mean()), "ed": float(ed), "no_face_rate": float(1 - found.mean())}


def frechet_distance(real: np.ndarray, fake: np.ndarray) -> float:
    """Frechet distance of two sets of features (N, D), each taken as a Gaussian, in float64.

    |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)) (Dowson & Landau 1982). UserError when a set has fewer than D + 1
    members, since its covariance would be singular. With Inception features this is FID; with others it is not.
    """
    for name, features in (("real", real), ("edited", fake)):
        if len(features) <= features.shape[1]:
            raise UserError(
                f"the Frechet distance on {features.shape[1]} features wants at least {features.shape[1] + 1} images, "
                f"and there are {len(features)} {name} ones; raise evaluate.pairs or the size of the test split"
            )
    real, fake = real.astype(np.float64), fake.astype(np.float64)
    cov_real, cov_fake = np.cov(real, rowvar=False), np.cov(fake, rowvar=False)
    values, vectors = eigh(cov_real)
    root = (vectors * np.sqrt(values.clip(0))) @ vectors.T
    cross = np.sqrt(eigh(root @ cov_fake @ root, eigvals_only=True).clip(0)).sum()
    return float(((real.mean(0) - fake.mean(0)) ** 2).sum() + np.trace(cov_real) + np.trace(cov_fake) - 2 * cross)
