"""Gather the metrics of all rows into the tables of an experiment: a row per run and seed, and the means over seeds."""

import argparse
from pathlib import Path

import pandas as pd

from wemgan.errors import run_cli
from wemgan.files import read_json, whole, write_bytes

CONTROLS = ("copy", "truth")
# Which way a metric gets better, for the table's heads.
BETTER = {
    "acd": "lower",
    "au_mae": "lower",
    "ed": "lower",
    "fd": "lower",
    "no_face_rate": "lower",
    "psnr": "higher",
    "ssim": "higher",
}


def gather(paths: list[str]) -> pd.DataFrame:
    """One row per metrics.json; run and seed are read off its folder: runs/<run>/seed<k>/ or controls/<control>/."""
    rows = []
    for path in map(Path, paths):
        folder = path.parent
        if folder.parent.name == "controls":
            run, seed = folder.name, ""
        else:
            run, seed = folder.parent.name, int(folder.name.removeprefix("seed"))
        rows.append({"run": run, "seed": seed} | read_json(path))
    frame = pd.DataFrame(rows)
    frame["control"] = ~frame["run"].isin(CONTROLS)
    return frame.sort_values("control", kind="stable").drop(columns="control").reset_index(drop=True)


def by_expression(frame: pd.DataFrame) -> pd.DataFrame:
    """The metrics by strong expression: a row per run, seed and expression."""
    rows = []
    for row in frame.to_dict("records"):
        kinds = sorted({name.split("/")[1] for name in row if "/" in name})
        for kind in kinds:
            found = {name.split("/")[0]: value for name, value in row.items() if name.endswith(f"/{kind}")}
            rows.append({"run": row["run"], "seed": row["seed"], "expression": kind} | found)
    return pd.DataFrame(rows)


def markdown(frame: pd.DataFrame) -> str:
    """A table of the main metrics, mean over seeds and, where there are several, their standard deviation."""
    names = [name for name in frame if "/" not in name and not name.startswith("mae_") and name not in ("run", "seed")]
    heads = [f"{name} ({BETTER[kind]} is better)" if (kind := _kind(name)) else name for name in names]
    lines = ["| run | seeds | " + " | ".join(heads) + " |", "| --- | --- |" + " --- |" * len(names)]
    for run, rows in frame.groupby("run", sort=False):
        cells = [_cell(rows[name]) for name in names]
        lines.append(f"| {run} | {'-' if run in CONTROLS else len(rows)} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def standing(summary: pd.DataFrame, expressions: pd.DataFrame) -> str:
    """How each run stands between the controls; empty without the truth among them.

    `AU error removed`: (copy - run) / (copy - truth), by the first judge of AUs; below it the truth's own error counts.
    `gain`: PSNR to the truth beyond the copy's in dB, mean of the strong expressions. `rank`: places by AU error
    and by identity distance, lower is better, added up.
    """
    controls = summary[summary["run"].isin(CONTROLS)].set_index("run")
    if set(controls.index) != set(CONTROLS) or expressions.empty:
        return ""
    error, identity = (next(name for name in summary if name.startswith(kind)) for kind in ("au_mae_", "acd_"))
    runs = summary[~summary["run"].isin(CONTROLS)].copy()
    spare = controls.loc["copy", error] - controls.loc["truth", error]
    runs["removed"] = 100 * (controls.loc["copy", error] - runs[error]) / spare
    nearness = expressions.groupby(["run", "seed"], dropna=False)["psnr"].mean()
    runs["gain"] = [
        nearness[run, seed] - nearness["copy"].mean() for run, seed in zip(runs["run"], runs["seed"], strict=True)
    ]
    means = runs.groupby("run", sort=False)[[error, identity]].mean().rank()
    lines = ["| run | AU error removed, % | gain on strong expressions, dB | rank by AU error + by identity |"]
    lines.append("| --- | --- | --- | --- |")
    for run, rows in runs.groupby("run", sort=False):
        ranks = means.loc[run]
        cells = [
            f"{rows[name].mean():{form}}{_deviation(rows[name])}"
            for name, form in (("removed", ".1f"), ("gain", "+.2f"))
        ]
        lines.append(f"| {run} | {' | '.join(cells)} | {ranks[error]:g} + {ranks[identity]:g} = {ranks.sum():g} |")
    return "\n".join(lines) + "\n"


def _kind(name: str) -> str | None:
    return next((kind for kind in sorted(BETTER, key=len, reverse=True) if name.startswith(kind)), None)


def _cell(values: pd.Series) -> str:
    mean = values.mean()
    text = f"{mean:.0f}" if values.name == "n" else f"{mean:.2g}" if 0 < abs(mean) < 0.01 else f"{mean:.4g}"
    return text if values.name == "n" else text + _deviation(values)


def _deviation(values: pd.Series) -> str:
    """The standard deviation as what follows a mean, if there are several values."""
    return f" ± {values.std():.2g}" if len(values) > 1 else ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--metrics", nargs="+", required=True)
    parser.add_argument("--summary", required=True, help="CSV: a row per run and seed, and the controls")
    parser.add_argument("--expressions", required=True, help="CSV: a row per run, seed and strong expression")
    parser.add_argument("--markdown", required=True)
    args = parser.parse_args()
    frame = gather(args.metrics)
    tables = {args.summary: frame[[name for name in frame if "/" not in name]], args.expressions: by_expression(frame)}
    for path, table in tables.items():
        with whole(path) as temporary:
            table.to_csv(temporary, index=False)
    text = "\n".join(filter(None, [markdown(frame), standing(frame, tables[args.expressions])]))
    write_bytes(args.markdown, text.encode())
    print(text)


if __name__ == "__main__":
    run_cli(main)
