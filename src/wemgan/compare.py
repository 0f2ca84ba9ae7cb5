"""The spread of every metric over people and seeds, and what differs from the first run by more than chance.

    python -m wemgan.compare --pairs pairs.csv --aus AU12 ... --measures runs/full/seed0/measures.csv ... \
        --intervals intervals.csv --differences differences.csv

Intervals are 95 % bootstrap intervals over people, and over seeds where there are several, of the mean over seeds. The
test of a difference is the same bootstrap, both rows on the same people; its p-values are corrected over runs (Holm).
It is called significant if p < 0.05 and every seed's difference has the same sign. With one seed it compares two
models, not two methods.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from wemgan import score
from wemgan.errors import UserError, run_cli
from wemgan.faces import read_table
from wemgan.files import whole
from wemgan.metrics import spread
from wemgan.rows import row_of

LEVEL = 0.05
FEWEST = 10  # people, below which a bootstrap over people says nothing


def metrics_of_row(path: str, pairs: pd.DataFrame, names: list[str], person: np.ndarray) -> dict:
    """The metrics of a row's measures.csv; a row may be measured on the group `faces` alone (`wrong` on photos)."""
    table = read_table(path)
    if len(table) != len(pairs):
        here = (pairs["group"] == "faces").to_numpy()
        if len(table) != here.sum():
            raise UserError(f"{path} is not of these pairs; measure that row again")
        pairs, person = pairs[here].reset_index(drop=True), person[here]
    return score.metrics_of(table, pairs, names, person)


def compare(
    paths: list[str], pairs: pd.DataFrame, names: list[str], against: str | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Intervals of all rows, and differences of all but the controls from the row `against` (the first run); by metric.

    Intervals: run, metric, mean, sd (over seeds), seeds, n (values of a seed), people, low, high. Differences: run,
    metric, difference, low, high, people, p, p_holm, seeds_agree, significant.
    """
    person = pd.factorize(pairs["identity"])[0]
    weights = spread.draw_people(int(person.max()) + 1)
    intervals, differences, draws, seeds, people = [], [], {}, {}, {}
    rows: dict[str, list[tuple[int | None, str]]] = {}
    for path in paths:
        run, seed = row_of(path)
        rows.setdefault(run, []).append((seed, path))
    for run, files in rows.items():
        found = [metrics_of_row(path, pairs, names, person) for _, path in files]
        for name in found[0]:
            values = np.array([metrics[name].all() for metrics in found])
            if not np.isfinite(values).any():
                continue
            draws[run, name] = spread.over_seeds(np.stack([metrics[name].resampled(weights) for metrics in found]))
            seeds[run, name] = {seed: value for (seed, _), value in zip(files, values, strict=True)}
            low, high = spread.interval(draws[run, name])
            deviation = values.std(ddof=1) if len(values) > 1 else float("nan")
            sizes = [_known(metrics[name]) for metrics in found]
            people[run, name] = sizes[0][1]
            intervals.append(
                {"run": run, "metric": name, "mean": values.mean(), "sd": deviation, "seeds": len(values)}
                | {"n": sizes[0][0], "people": sizes[0][1], "low": low, "high": high}
            )
    runs = [run for run, files in rows.items() if Path(files[0][1]).parents[1].name != "controls"]
    against = against or runs[0]
    for run in (run for run in runs if run != against):
        for name in (name for other, name in draws if other == run and (against, name) in draws):
            apart = draws[run, name] - draws[against, name]
            low, high = spread.interval(apart)
            mine, theirs = seeds[run, name], seeds[against, name]
            matched = [(a, b) for s, a in mine.items() for t, b in theirs.items() if s == t or None in (s, t)]
            signs = {np.sign(a - b) for a, b in matched}
            gap = np.mean(list(mine.values())) - np.mean(list(theirs.values()))
            differences.append(
                {"run": run, "metric": name, "difference": gap, "low": low, "high": high}
                | {"p": spread.two_sided_p(apart), "seeds_agree": len(signs) <= 1, "people": people[run, name]}
            )
    columns = ["run", "metric", "difference", "low", "high", "people", "p", "seeds_agree"]
    table = pd.DataFrame(differences, columns=columns)
    table["p_holm"] = table.groupby("metric", sort=False)["p"].transform(spread.holm)
    table["significant"] = (table["p_holm"] < LEVEL) & table["seeds_agree"] & (table["people"] >= FEWEST)
    return pd.DataFrame(intervals), table


def _known(metric: score.Mean | score.Agreement) -> tuple[int, int]:
    """Of how many values, and of how many people, a metric is made."""
    values = metric.value if isinstance(metric, score.Mean) else metric.measured.sum(1)
    known = np.isfinite(values)
    return int(known.sum()), len(np.unique(metric.person[known]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", required=True)
    parser.add_argument("--aus", nargs="+", required=True, help="the AUs that are edited")
    parser.add_argument(
        "--measures", nargs="+", required=True, help="measures.csv of the rows; the first run is compared with"
    )
    parser.add_argument("--intervals", required=True)
    parser.add_argument("--differences", required=True)
    args = parser.parse_args()
    intervals, differences = compare(args.measures, read_table(args.pairs), args.aus)
    for path, table in ((args.intervals, intervals), (args.differences, differences)):
        with whole(path) as temporary:
            table.round(5).to_csv(temporary, index=False)
    marked = differences["significant"].sum() if len(differences) else 0
    print(f"{len(intervals):,} intervals; {marked} of {len(differences):,} differences are significant")


if __name__ == "__main__":
    run_cli(main)
