"""Gather the metrics of all rows into the tables of an experiment: a row per run and seed, and the means over seeds."""

import argparse

import pandas as pd

from wemgan.columns import CONTROLS, SHORT, columns_of
from wemgan.errors import UserError, run_cli
from wemgan.files import read_json, whole, write_bytes, write_json
from wemgan.pairs import EXPRESSIONS
from wemgan.rows import read_metrics, row_of
from wemgan.tables import report, short


def gather(paths: list[str], config: str | None = None) -> pd.DataFrame:
    """One row per metrics.json: controls first, then runs, then other programs' edits.

    UserError if they were not measured on the same pairs by the same judges, or are of other files than lie beside
    them, or were measured by another configuration than `config`.
    """
    rows, made_of = [], {}
    for path in paths:
        run, seed = row_of(path)
        measured = read_metrics(path, config)
        for what in ("pairs", "judges"):
            known = made_of.setdefault(what, measured.get(what))
            if measured.get(what) != known:
                raise UserError(
                    f"{path} was measured on other {what} than {paths[0]}; measure it again, or take its folder away"
                )
        rows.append({"run": run, "seed": "" if seed is None else seed} | measured)
    frame = pd.DataFrame(rows).drop(columns=["pairs", "judges"], errors="ignore")
    frame["control"] = ~frame["run"].isin(CONTROLS)
    return frame.sort_values("control", kind="stable").drop(columns="control").reset_index(drop=True)


def by_expression(frame: pd.DataFrame) -> pd.DataFrame:
    """The metrics by expression: a row per run, seed and expression, which is `strong` or `basic`."""
    rows = []
    for row in frame.to_dict("records"):
        kinds = sorted({name.split("/")[1] for name in row if "/" in name})
        for kind in kinds:
            found = {name.split("/")[0]: value for name, value in row.items() if name.endswith(f"/{kind}")}
            group = "strong" if kind in EXPRESSIONS else "basic"
            rows.append({"run": row["run"], "seed": row["seed"], "group": group, "expression": kind} | found)
    return pd.DataFrame(rows, columns=None if rows else ["run", "seed", "group", "expression"])


def scores(frame: pd.DataFrame) -> dict[str, dict[str, float]]:
    """The metrics of the short table by run, means over seeds: what `dvc exp show` sets side by side."""
    runs = frame[~frame["run"].isin(CONTROLS) & (frame["seed"] != "")]
    means = runs.groupby("run", sort=False)[columns_of(frame, SHORT)].mean()
    return {run: row.dropna().round(5).to_dict() for run, row in means.iterrows()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--metrics", nargs="+", required=True)
    parser.add_argument("--config", help="the configuration by which all rows have to be measured")
    for name in ("intervals", "differences", "cards", "about"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--bounds", nargs="*", default=[], help="runs that were told the truth, and are not ranked")
    parser.add_argument("--summary", required=True, help="CSV: a row per run and seed, and the controls")
    parser.add_argument("--expressions", required=True, help="CSV: a row per run, seed and strong expression")
    parser.add_argument("--markdown", required=True)
    parser.add_argument("--scores", required=True, help="JSON: the metrics of the short table by run")
    args = parser.parse_args()
    frame = gather(args.metrics, args.config)
    tables = {args.summary: frame[[name for name in frame if "/" not in name]], args.expressions: by_expression(frame)}
    for path, table in tables.items():
        with whole(path) as temporary:
            table.to_csv(temporary, index=False)
    intervals, differences, cards = (pd.read_csv(path) for path in (args.intervals, args.differences, args.cards))
    about = read_json(args.about)
    text = report(frame, tables[args.expressions], intervals, differences, cards, about, args.bounds)
    write_bytes(args.markdown, text.encode())
    write_json(args.scores, scores(frame))
    print(short(frame, tables[args.expressions], differences, args.bounds))


if __name__ == "__main__":
    run_cli(main)
