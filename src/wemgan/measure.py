"""Measure edits one by one: a line for each pair, with what the judges say of it and how near it is to the truth.

Edits are made, measured and written a chunk at a time, so that memory stays flat however many there are.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from wemgan.judges import CHUNK, Judges
from wemgan.metrics.fidelity import (
    high_frequency_error,
    mean_similarity,
    moved_region,
    psnr,
    similarity_maps,
)
from wemgan.metrics.identity import identity_distance

DETECTED = 256  # edits, spread evenly over all pairs, in which the detector looks for a face


class Reference:
    """What the judges say of the real held-out faces, measured once, with digests of faces and judges."""

    def __init__(self, ids: np.ndarray, said: dict[tuple[str, str], np.ndarray], made_of: str, judges: str):
        self.ids, self.said, self.made_of, self.judges = ids, said, made_of, judges
        self._row = pd.Series(np.arange(len(ids)), index=ids)

    def of(self, kind: str, judge: str, ids: pd.Series) -> np.ndarray:
        """What a judge says of the faces with these ids."""
        return self.said[kind, judge][self._row.loc[ids].to_numpy()]

    def save(self, path: str | Path) -> None:
        """Write it as plain arrays."""
        arrays = {f"{kind}/{judge}": values for (kind, judge), values in self.said.items()}
        with open(path, "wb") as file:
            words = {"made_of": np.array(self.made_of), "judges": np.array(self.judges)}
            np.savez(file, ids=self.ids.astype(str), **words, **arrays)

    @classmethod
    def load(cls, path: str | Path) -> "Reference":
        """Read what `save` wrote."""
        with np.load(path) as file:
            said = {tuple(name.split("/")): file[name] for name in file.files if "/" in name}
            return cls(file["ids"], said, str(file["made_of"]), str(file["judges"]))


class Measured(NamedTuple):
    """The measures of a row of the table: one line per pair, and the features of the edits of the group `faces`."""

    table: pd.DataFrame
    features: dict[str, np.ndarray]


def measure(
    pairs: pd.DataFrame,
    names: list[str],
    edits: Callable[[slice], np.ndarray],
    sources: Callable[[slice], np.ndarray],
    truth: np.ndarray | None,
    judges: Judges,
    reference: Reference,
    lpips: Callable | None = None,
) -> Measured:
    """Measure the edits of `pairs`; `edits` and `sources` give uint8 faces (n, S, S, 3) of a slice of them.

    Columns: `<AU>_<judge>`, `acd_<judge>`, `found_<detector>` (NaN where it was not asked to look); `self_psnr` and
    `self_l1` against the source, where no change is asked; where there is a truth `psnr`, `ssim`, `hf` (high-frequency
    error), `lpips`, and the first three `_inside` and `_outside` the region that the truth moves.
    """
    tables, features = [], {judge: [] for judge in judges.features}
    looked = np.zeros(len(pairs), bool)
    looked[np.linspace(0, len(pairs) - 1, min(DETECTED, len(pairs))).astype(int)] = True
    for part in _chunks(len(pairs)):
        edit, rows = edits(part), pairs.iloc[part]
        said, columns = judges.measure(edit), {}
        for judge in judges.aus:
            columns |= {f"{name}_{judge}": said["aus", judge][:, k] for k, name in enumerate(names)}
        for judge in judges.identity:
            before = reference.of("identity", judge, rows["source"])
            columns[f"acd_{judge}"] = identity_distance(before, said["identity", judge])
        if judges.detector:
            found, here = np.full(len(rows), np.nan), looked[part]
            if here.any():
                found[here] = judges.measure(edit[here], ("found",))["found", judges.detector]
            columns[f"found_{judges.detector}"] = found
        columns |= _fidelity(edit, sources(part), None if truth is None else truth[part], rows["group"], lpips)
        tables.append(pd.DataFrame(columns))
        for judge, kept in features.items():
            kept.append(said["features", judge][(rows["group"] == "faces").to_numpy()])
    return Measured(pd.concat(tables, ignore_index=True), {judge: np.concatenate(f) for judge, f in features.items()})


def _fidelity(edit, source, truth, group: pd.Series, lpips) -> dict[str, np.ndarray]:
    zero = (group == "zero").to_numpy()
    columns = {"self_psnr": np.full(len(edit), np.nan), "self_l1": np.full(len(edit), np.nan)}
    if zero.any():
        columns["self_psnr"][zero] = psnr(edit[zero], source[zero])
        columns["self_l1"][zero] = np.abs(edit[zero].astype(np.float32) - source[zero]).mean((1, 2, 3))
    if truth is not None:
        region, maps = moved_region(source, truth), similarity_maps(edit, truth)
        for tail, where in (("", None), ("_inside", region), ("_outside", ~region)):
            columns[f"psnr{tail}"] = psnr(edit, truth, where)
            columns[f"ssim{tail}"] = mean_similarity(maps, where)
            columns[f"hf{tail}"] = high_frequency_error(edit, truth, where)
        if lpips:
            columns["lpips"] = lpips(edit, truth)
    return columns


def _chunks(count: int) -> Iterator[slice]:
    return (slice(start, min(start + CHUNK, count)) for start in range(0, count, CHUNK))
