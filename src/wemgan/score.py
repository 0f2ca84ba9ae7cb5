"""From the measures of single edits to the numbers of a table, and what chance could have done to them.

A metric is here either a `Mean` over some of the edits, or an `Agreement` of measured and wanted AUs. Both know whose
face each value comes from, so that both can be resampled by person.
"""

import re
from itertools import combinations
from typing import NamedTuple

import numpy as np
import pandas as pd

from wemgan.metrics import expression, response
from wemgan.metrics.spread import resampled_means


class Mean(NamedTuple):
    """Values (N,), NaN where there is none, and the number of the person of each."""

    value: np.ndarray
    person: np.ndarray

    def all(self) -> float:
        """The metric."""
        return float(np.nanmean(self.value)) if np.isfinite(self.value).any() else float("nan")

    def resampled(self, weights: np.ndarray) -> np.ndarray:
        """The metric in each bootstrap sample, (draws,); `weights` (draws, people)."""
        return resampled_means(self.value, self.person, weights)


class Agreement(NamedTuple):
    """Measured and wanted AUs (N, K) of faces and their people; the metric is the mean over AUs of `kind`, r or ICC."""

    kind: str
    measured: np.ndarray
    wanted: np.ndarray
    person: np.ndarray

    def all(self) -> float:
        """The metric."""
        values = getattr(expression, self.kind)(self.measured, self.wanted)
        return float(np.nanmean(values)) if np.isfinite(values).any() else float("nan")

    def resampled(self, weights: np.ndarray) -> np.ndarray:
        """The metric in each bootstrap sample, (draws,); `weights` (draws, people)."""
        values = getattr(expression, self.kind)(self.measured, self.wanted, weights[:, self.person])
        known = np.isfinite(values)
        return np.where(known.any(1), np.where(known, values, 0).sum(1) / known.sum(1).clip(1), np.nan)


def metrics_of(table: pd.DataFrame, pairs: pd.DataFrame, names: list[str], person: np.ndarray) -> dict:
    """All metrics of a row by name, from the measures of its edits (`wemgan.measure`) and their `pairs`.

    `person` numbers the pairs' people. Without more in their names metrics are of the group `faces`; those of an
    expression have it after a slash (`psnr/smile`); `monotonicity`, `slope` and `leakage` are of the group `single`,
    `self_...` of `zero`.
    """
    judges = _after(table, f"{names[0]}_")
    wanted, aside = pairs[names].to_numpy(np.float64), table.isna().all(axis=1).to_numpy()
    said = {judge: table[[f"{name}_{judge}" for name in names]].to_numpy(np.float64) for judge in judges}
    per_edit = {
        name: table[name].to_numpy(np.float64) for name in table if re.match(r"(acd_|psnr|ssim|hf|lpips)", name)
    }
    for judge in judges:
        per_edit[f"au_mae_{judge}"] = expression.absolute_error(said[judge], wanted)
        per_edit[f"ed_{judge}"] = expression.expression_distance(said[judge], wanted)
    found: dict[str, Mean | Agreement] = {}
    for kind in pairs.loc[pairs["group"].isin(["faces", "strong", "basic"]), "kind"].unique():
        here, tail = (pairs["kind"] == kind).to_numpy(), "" if kind == "faces" else f"/{kind}"
        for name, value in per_edit.items():
            found[name + tail] = Mean(value[here], person[here])
    faces = (pairs["group"] == "faces").to_numpy()
    for judge in judges:
        for kind in ("pearson", "icc"):
            found[f"{kind}_{judge}"] = Agreement(kind, said[judge][faces], wanted[faces], person[faces])
        for k, name in enumerate(names):
            error = np.abs(said[judge][faces, k] - wanted[faces, k])
            found[f"mae_{name}_{judge}"] = Mean(error, person[faces])
        if judge not in ("judge", "hog", "pyfeat"):  # these take every picture for a face
            lost = np.where(aside, np.nan, ~np.isfinite(said[judge]).all(1))
            found[f"no_face_rate_{judge}"] = Mean(lost, person)
    for one, other in combinations(judges, 2):
        apart = np.abs(said[one] - said[other]).mean(1)
        found[f"disagreement_{one}_{other}"] = Mean(apart[faces], person[faces])
    for detector in _after(table, "found_"):
        found[f"no_face_rate_{detector}"] = Mean(1 - table[f"found_{detector}"].to_numpy(np.float64), person)
    found |= _responses(pairs, said, names, person)
    for name in ("self_psnr", "self_l1"):
        found[name] = Mean(table[name].to_numpy(np.float64), person)
    zero = (pairs["group"] == "zero").to_numpy()
    for name in (name for name in table if name.startswith("acd_")):
        found[f"self_{name}"] = Mean(table[name].to_numpy(np.float64)[zero], person[zero])
    return {name: metric for name, metric in found.items() if len(metric.person)}


def curves(pairs: pd.DataFrame, said: np.ndarray, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """How a judge's AUs (N, K) answer as the AU `name` rises: strengths (S,), answers (M, S, K), faces' rows (M,)."""
    of_au = pairs[(pairs["group"] == "single") & (pairs["kind"] == name)]
    rows = of_au.assign(row=of_au.index).pivot(index="source", columns="strength", values="row").dropna().astype(int)
    return rows.columns.to_numpy(np.float64), said[rows.to_numpy()], rows.to_numpy()[:, 0]


def _responses(pairs: pd.DataFrame, said: dict, names: list[str], person: np.ndarray) -> dict[str, Mean]:
    if not (pairs["group"] == "single").any():
        return {}
    found: dict[str, Mean] = {}
    for judge, values in said.items():
        parts: dict[str, list] = {"monotonicity": [], "slope": [], "leakage": []}
        people = []
        for k, name in enumerate(names):
            strengths, answers, rows = curves(pairs, values, name)
            parts["monotonicity"].append(response.monotonicity(answers, strengths, k))
            parts["slope"].append(response.slope(answers, strengths, k))
            parts["leakage"].append(response.leakage(answers, k))
            people.append(person[rows])
        found |= {f"{metric}_{judge}": Mean(np.concatenate(v), np.concatenate(people)) for metric, v in parts.items()}
    return found


def _after(table: pd.DataFrame, beginning: str) -> list[str]:
    return [name.removeprefix(beginning) for name in table if name.startswith(beginning)]
