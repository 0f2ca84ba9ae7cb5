"""KID: how far two sets of images are apart, without an assumption on their distribution."""

import numpy as np

from wemgan.errors import UserError

PART = 2000  # images


def kernel_distance(real: np.ndarray, fake: np.ndarray) -> float:
    """Unbiased squared maximum mean discrepancy of two sets of features (N, D) and (M, D) (Binkowski et al. 2018).

    With their kernel (x . y / D + 1)^3, over the whole sets, or in the mean over parts of them if they are large, so
    that time and memory grow with the number of images alone. It may be slightly negative where there is no difference.
    With Inception features this is KID. UserError if a set has fewer than two members.
    """
    if min(len(real), len(fake)) < 2:
        raise UserError(f"the kernel distance wants 2 images of each kind; there are {len(real)} and {len(fake)}")
    parts = min(-(-max(len(real), len(fake)) // PART), min(len(real), len(fake)) // 2)
    return float(np.mean([_whole(real[k::parts], fake[k::parts]) for k in range(parts)]))


def _whole(real: np.ndarray, fake: np.ndarray) -> float:
    real, fake = real.astype(np.float64), fake.astype(np.float64)
    return _off_diagonal(real) + _off_diagonal(fake) - 2 * _kernel(real, fake).mean()


def _kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return (a @ b.T / a.shape[1] + 1) ** 3


def _off_diagonal(x: np.ndarray) -> float:
    values, n = _kernel(x, x), len(x)
    return (values.sum() - np.trace(values)) / (n * (n - 1))
