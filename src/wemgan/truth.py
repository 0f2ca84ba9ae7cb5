"""The true results of edits of rendered faces."""

import numpy as np
import pandas as pd

from wemgan.render import AUS, Renderer


def draw_truth(
    pairs: pd.DataFrame, table: pd.DataFrame, names: list[str], size: int, seed: int, instead: dict | None = None
) -> np.ndarray:
    """The true result of every pair (source, AUs), uint8 (N, size, size, 3): the same person and shot with other AUs.

    `table` is that of the faces. `instead`, if given, says for each identity who is drawn in its place.
    """
    sources = table.set_index("id").loc[pairs["source"]]
    aus = np.zeros((len(pairs), len(AUS)), np.float32)
    aus[:, [AUS.index(name) for name in names]] = pairs[names].to_numpy()
    people = sources["identity"] if instead is None else sources["identity"].map(instead)
    return Renderer(size, seed).draw(people.to_numpy(np.int64), aus, sources["shot"].to_numpy(np.int64))
