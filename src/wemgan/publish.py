"""Put an experiment's tables and pictures into docs/, and its table into the README where that has a place for it.

Only experiments on rendered faces: pictures of people do not belong into a repository.
"""

import argparse
from pathlib import Path

import pandas as pd

from wemgan.errors import UserError, run_cli
from wemgan.files import digest, read_json, write_bytes, write_json
from wemgan.origin import code_commit, cores, processor
from wemgan.summarize import markdown


def markers(experiment: str) -> tuple[str, str]:
    """The lines of a README between which an experiment's table belongs."""
    return (
        f"<!-- results of {experiment}: written by `snakemake publish` -->",
        f"<!-- end of results of {experiment} -->",
    )


def by_expression(table: pd.DataFrame) -> str:
    """Strong expressions down, rows of the table across: PSNR to the truth in dB, and the AU error in brackets."""
    error = next(name for name in table if name.startswith("au_mae_"))
    table = table.groupby(["expression", "run"], sort=False)[["psnr", error]].mean()
    cells = table.apply(lambda row: f"{row['psnr']:.2f} ({row[error]:.3f})", axis=1).unstack(sort=False)
    if "truth" in cells:
        cells["truth"] = [f"({value:.3f})" for value in table[error].xs("truth", level="run")]
    lines = [
        ["expression", *cells],
        ["---"] * (1 + len(cells.columns)),
        *([name, *row] for name, *row in cells.itertuples()),
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def block(folder: Path, provenance: dict) -> str:
    """The README's results: the tables published in `folder`, and the sentence that says where they were made."""
    frame = pd.read_csv(folder / "summary.csv", dtype={"run": str})
    expressions = pd.read_csv(folder / "expressions.csv", dtype={"run": str})
    seeds = ", ".join(map(str, provenance["seeds"]))
    origin = (
        f"Experiment `{provenance['experiment']}`, seed {seeds}, {provenance['images']:,} images per run, code "
        f"`{provenance['commit']}`, configuration `{provenance['config_digest']}`, data `{provenance['data_digest']}`, "
        f"on {provenance['cores']} cores ({provenance['processor']})."
    )
    start, end = markers(provenance["experiment"])
    strong = f"Strong expressions, PSNR to the truth in dB (AU error by the judge):\n\n{by_expression(expressions)}"
    return f"{start}\n{markdown(frame)}\n{strong}\n{origin}\n{end}"


def insert(readme: str, text: str, experiment: str) -> str:
    """`readme` with what stands between the experiment's markers replaced by `text`; unchanged if it has none."""
    start, end = markers(experiment)
    if start not in readme and end not in readme:
        return readme
    if readme.count(start) != 1 or readme.count(end) != 1:
        raise UserError(f"README.md should hold the lines {start} and {end} once each, or neither")
    return readme[: readme.index(start)] + text + readme[readme.index(end) + len(end) :]


def describe_origin(results: Path, runs: dict) -> dict:
    """What a reader must know of where the results were made."""
    first = next(iter(runs.values()))
    return {
        "experiment": first["experiment"],
        "seeds": sorted({run["seed"] for run in runs.values()}),
        "images": first["train"]["images"],
        "commit": code_commit(),
        "config_digest": digest(results / "config" / "runs.json"),
        "data_digest": digest(results / "data" / "aus.csv", results / "data" / "split.csv"),
        "cores": cores(),
        "processor": processor(),
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
    for name in ("summary.csv", "expressions.csv", "judge/report.csv", "figures/edits.png", "figures/runs.png"):
        write_bytes(args.out / Path(name).name, (args.results / name).read_bytes())
    write_json(args.out / "provenance.json", origin)
    text = block(args.out, origin)
    text = insert(args.readme.read_text(encoding="utf-8"), text, origin["experiment"])
    write_bytes(args.readme, text.encode())


if __name__ == "__main__":
    run_cli(main)
