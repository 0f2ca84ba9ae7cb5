"""Whether the person stays the same."""

import numpy as np

from wemgan.metrics.ranking import area_under_curve


def identity_distance(source: np.ndarray, edit: np.ndarray) -> np.ndarray:
    """Euclidean distance (N,) of L2-normalised identity embeddings (N, D), in [0, 2]; its mean is the ACD.

    NaN where either embedding is.
    """
    return np.linalg.norm(source - edit, axis=1)


def same_person_auc(embeddings: np.ndarray, people: np.ndarray) -> float:
    """Area under the ROC curve of cosine similarity as a test of 'same person', over all pairs of faces.

    `embeddings` (N, D), L2-normalised; `people` (N,). NaN where no two faces are of one person, or all are.
    """
    first, second = np.triu_indices(len(people), 1)
    return area_under_curve((embeddings @ embeddings.T)[first, second], people[first] == people[second])
