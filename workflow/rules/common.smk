# The configuration, and the places of files that several rules hand to each other.
import os
import shutil
import sys
import time

from snakemake.exceptions import WorkflowError

from wemgan import config as settings
from wemgan.errors import UserError
from wemgan.recovery import clear_interrupted, mistakes
from wemgan.sources import sources

STARTED = time.time()
try:
    P = settings.load(**config)
except UserError as mistake:
    raise WorkflowError(str(mistake)) from None
E = f"results/{P['experiment']}"
if workflow.is_main_process:
    clear_interrupted()
    settings.write_stages(P, E)

# Steps run by the Python that runs Snakemake, with as many threads as their rule says.
shell.prefix(
    f"set -euo pipefail; export PATH={os.path.dirname(sys.executable)}:$PATH PYTHONUNBUFFERED=1 "
    "NUMBA_NUM_THREADS=$OMP_NUM_THREADS; "
)


wildcard_constraints:
    run="[A-Za-z0-9_-]+",
    seed=r"\d+",
    shard=r"\d+",


RENDERED = P["data"]["source"] == "rendered"
GPU = int(shutil.which("nvidia-smi") is not None)

FACES = f"{E}/data/faces.npy"
TABLE = f"{E}/data/faces.csv"
TRUTH = f"{E}/data/truth.csv"
AUS = f"{E}/data/aus.csv"
SPLIT = f"{E}/data/split.csv"
PAIRS = f"{E}/data/pairs.csv"
EDITS_TRUTH = [f"{E}/data/truth.npy"] if RENDERED else []
SHARD = f"{E}/data/shards/{{shard}}"
SHARDS = range(P["align"]["shards"])

JUDGE = [f"{E}/judge/judge.pt"] if P["judge"]["use"] == "trained" else []
RUN = f"{E}/runs/{{run}}/seed{{seed}}"
TAUGHT = [run for run in P["runs"] if settings.resolve(P, run, 0)["loss"]["teacher"] == "au_network"]
PAIRED = [run for run in P["runs"] if settings.resolve(P, run, 0)["loss"]["paired"]]
PARTNERS = [f"{E}/data/partners.npy"] if PAIRED else []
CONTROLS = [f"{E}/controls/{control}/metrics.json" for control in (["copy", "truth"] if RENDERED else ["copy"])]


OF_ALL_RUNS = ["runs", "failures"] if RENDERED else ["runs"]
FIGURES = ["edits", "differences", *OF_ALL_RUNS, "expressions", "aus", "curves"]


def teacher(wildcards):
    """The AU network, for the runs that it teaches."""
    return [f"{E}/au_network/au_network.pt"] if wildcards.run in TAUGHT else []


def of_runs(name, seeds=P["seeds"]):
    """The file of that name of every run and seed."""
    return [f"{E}/runs/{run}/seed{seed}/{name}" for run in P["runs"] for seed in seeds]


def measured(code):
    """What a row of the table is measured on, and by which code."""
    files = dict(config=f"{E}/config/evaluate.json", faces=FACES, table=TABLE, aus=AUS, split=SPLIT, pairs=PAIRS)
    return files | dict(truth=EDITS_TRUTH, judge=JUDGE, code=code)


def flag(name):
    """The flag for an input that is not always there: empty where it is not."""
    return lambda wildcards, input: f"--{name.replace('_', '-')} {input[name]}" if input[name] else ""
