"""Put an experiment's tables and pictures into docs/, and its table into the README where that has a place for it.

Only experiments on rendered faces: pictures of people do not belong into a repository.
"""

import argparse
from pathlib import Path

import pandas as pd
from PIL import Image

from wemgan.errors import UserError, run_cli
from wemgan.files import digest, read_json, whole, write_bytes, write_json
from wemgan.tables import short

PICTURES = ("edits", "runs", "differences", "failures", "worst", "expressions", "aus")
MOST = (2000, 2400)  # pixels of a published picture: a repository is no place for larger ones
CHARTS = ("trade", "units", "responses")
TABLES = ("summary.csv", "expressions.csv", "intervals.csv", "differences.csv", "judge/cards.csv", "summary.md")


def markers(experiment: str) -> tuple[str, str]:
    """The lines of a README between which an experiment's table belongs."""
    return (
        f"<!-- results of {experiment}: written by `snakemake publish` -->",
        f"<!-- end of results of {experiment} -->",
    )


def block(folder: Path, provenance: dict) -> str:
    """The README's results: the tables published in `folder`, and the sentence that says where they were made."""
    frame = pd.read_csv(folder / "summary.csv", dtype={"run": str})
    expressions, differences = (
        pd.read_csv(folder / f"{name}.csv", dtype={"run": str}) for name in ("expressions", "differences")
    )
    seeds = ", ".join(map(str, provenance["seeds"]))
    origin = (
        f"Experiment `{provenance['experiment']}`, seed {seeds}, {provenance['images']:,} images per run, code "
        f"`{provenance['commit']}`, configuration `{provenance['config_digest']}`, data `{provenance['data_digest']}`, "
        f"trained on {provenance['machine']}."
    )
    taken = work(pd.read_csv(folder / "durations.csv"))
    start, end = markers(provenance["experiment"])
    tables = short(frame, expressions, differences, provenance["bounds"])
    link = f"[docs/{folder.name}/summary.md](docs/{folder.name}/summary.md)"
    more = f"All metrics, what they are, their intervals and tests, and the judges' report cards: {link}."
    return f"{start}\n{tables}\n{origin}\n\n{taken}\n\n{more}\n{end}"


def durations(benchmarks: Path) -> pd.DataFrame:
    """Seconds of work and peak memory by step, from Snakemake's benchmark files (one per job).

    A row per step, slowest first: jobs, mean seconds of one, peak memory in MB of the largest; and a last row in all.
    """
    files = sorted(benchmarks.rglob("*.tsv"))
    jobs = pd.concat([pd.read_csv(file, sep="\t")[["s", "max_rss"]].tail(1) for file in files], ignore_index=True)
    jobs["max_rss"] = pd.to_numeric(jobs["max_rss"], errors="coerce")  # "-" for a job too short to be watched
    jobs["step"] = [file.relative_to(benchmarks).with_suffix("").parts[0] for file in files]
    table = jobs.groupby("step").agg(jobs=("s", "size"), seconds_each=("s", "mean"), peak_mb=("max_rss", "max"))
    table = table.sort_values("seconds_each", ascending=False, kind="stable").reset_index()
    whole_run = {"step": "in all", "jobs": len(jobs), "seconds_each": jobs["s"].sum(), "peak_mb": jobs["max_rss"].max()}
    return pd.concat([table, pd.DataFrame([whole_run])], ignore_index=True).round({"seconds_each": 1, "peak_mb": 0})


def work(table: pd.DataFrame) -> str:
    """The sentence that says what an experiment takes, from its `durations`."""
    in_all, steps = table.iloc[-1], table.iloc[:-1].query("seconds_each >= 5")
    longest = ", ".join(
        f"{row.step} {row.seconds_each:.0f} s" + (f" each ({row.jobs})" if row.jobs > 1 else "")
        for row in steps.itertuples()
    )
    return (
        f"Work: {in_all['seconds_each'] / 60:.0f} minutes in all, which the cores share; by step, {longest}. "
        f"Peak memory of a step: {in_all['peak_mb'] / 1000:.1f} GB."
    )


def insert(readme: str, text: str, experiment: str) -> str:
    """`readme` with what stands between the experiment's markers replaced by `text`; unchanged if it has none."""
    start, end = markers(experiment)
    if start not in readme and end not in readme:
        return readme
    if readme.count(start) != 1 or readme.count(end) != 1:
        raise UserError(f"README.md should hold the lines {start} and {end} once each, or neither")
    return readme[: readme.index(start)] + text + readme[readme.index(end) + len(end) :]


def describe_origin(results: Path, runs: dict) -> dict:
    """What a reader must know of where the results were made; code and machines as the runs themselves noted them."""
    first = next(iter(runs.values()))
    speeds = [read_json(results / "runs" / run / "speed.json") for run in runs]
    machines = {speed["gpu"] or f"{speed['cores']} cores ({speed['processor']})" for speed in speeds}
    return {
        "experiment": first["experiment"],
        "bounds": sorted({run["run"] for run in runs.values() if run["loss"].get("paired")}),
        "seeds": sorted({run["seed"] for run in runs.values()}),
        "images": first["train"]["images"],
        "commit": ", ".join(sorted({speed["commit"] for speed in speeds})),
        "config_digest": digest(results / "config" / "runs.json"),
        "data_digest": digest(results / "data" / "aus.csv", results / "data" / "split.csv"),
        "machine": ", ".join(sorted(machines)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", required=True, type=Path, help="results/<experiment>")
    parser.add_argument("--out", required=True, type=Path, help="docs/<experiment>")
    parser.add_argument("--readme", type=Path, default=Path("README.md"))
    args = parser.parse_args()
    if not (args.results / "data" / "truth.npy").exists():
        raise UserError(
            f"{args.results} holds photos of people, which are not published; share its summary.csv by hand"
        )
    origin = describe_origin(args.results, read_json(args.results / "config" / "runs.json"))
    for name in TABLES:
        write_bytes(args.out / Path(name).name, (args.results / name).read_bytes())
    for name in PICTURES:
        with (
            Image.open(args.results / "figures" / f"{name}.png") as picture,
            whole(args.out / f"{name}.jpg") as temporary,
        ):
            shown = picture.convert("RGB")
            shown.thumbnail(MOST)
            shown.save(temporary, quality=92, subsampling=0)
    for name in CHARTS:
        write_bytes(args.out / f"{name}.png", (args.results / "figures" / f"{name}.png").read_bytes())
    table = durations(args.results / "benchmarks")
    write_bytes(args.out / "durations.csv", table.to_csv(index=False).encode())
    write_json(args.out / "provenance.json", origin)
    text = block(args.out, origin)
    text = insert(args.readme.read_text(encoding="utf-8"), text, origin["experiment"])
    write_bytes(args.readme, text.encode())


if __name__ == "__main__":
    run_cli(main)
