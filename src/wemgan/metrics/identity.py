"""Whether the person stays the same."""

import numpy as np


def identity_distance(source: np.ndarray, edit: np.ndarray) -> np.ndarray:
    """Euclidean distance (N,) of L2-normalised identity embeddings (N, D), in [0, 2]; its mean is the ACD.

    NaN where either embedding is.
    """
    return np.linalg.norm(source - edit, axis=1)


def same_person_auc(embeddings: np.ndarray, people: np.ndarray) -> float:
    """Area under the ROC curve of cosine similarity as a test of 'same person', over all pairs of faces.

    `embeddings` (N, D), L2-normalised; `people` (N,). NaN where no two faces are of one person, or all are.
    """
    from scipy.stats import rankdata

    first, second = np.triu_indices(len(people), 1)
    same = people[first] == people[second]
    count = int(same.sum())
    if not count or count == len(same):
        return float("nan")
    ranks = rankdata((embeddings @ embeddings.T)[first, second])
    return float((ranks[same].sum() - count * (count + 1) / 2) / (count * (len(same) - count)))
