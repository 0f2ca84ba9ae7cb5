"""The true results of edits of rendered faces."""

import numpy as np
import pandas as pd

from wemgan.render import AUS, Renderer


def draw_truth(pairs: pd.DataFrame, table: pd.DataFrame, names: list[str], size: int, seed: int) -> np.ndarray:
    """The true result of every pair: the renderer's face of the same person and shot with the target's AUs."""
    sources = table.set_index("id").loc[pairs["source"]]
    aus = np.zeros((len(pairs), len(AUS)), np.float32)
    aus[:, [AUS.index(name) for name in names]] = pairs[names].to_numpy()
    identities, shots = sources["identity"].to_numpy(np.int64), sources["shot"].to_numpy(np.int64)
    return Renderer(size, seed).draw(identities, aus, shots)
