"""How well a score tells two kinds apart."""

import numpy as np
import pandas as pd


def area_under_curve(scores: np.ndarray, yes: np.ndarray) -> float:
    """The chance that one that is (`yes`) scores above one that is not, ties counting half; NaN if all are alike."""
    count, others = int(yes.sum()), int((~yes).sum())
    if not count or not others:
        return float("nan")
    ranks = pd.Series(scores).rank().to_numpy()
    return float((ranks[yes].sum() - count * (count + 1) / 2) / (count * others))
