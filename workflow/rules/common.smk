# The configuration, and the places of files that several rules hand to each other.
import os
import shutil
import sys
import time
from pathlib import Path

from snakemake.exceptions import WorkflowError

from wemgan import config as settings
from wemgan import records
from wemgan.errors import UserError
from wemgan.inventory import DATASETS
from wemgan.recovery import clear_interrupted, mistakes, warnings
from wemgan.sources import sources

STARTED = time.time()
try:
    P = settings.load(**config)
except UserError as mistake:
    raise WorkflowError(str(mistake)) from None
E = f"results/{P['experiment']}"
if workflow.is_main_process and (not clear_interrupted() or not os.path.exists(f"{E}/config")):
    # Not beside another Snakemake: what its steps read is to stay what it was when they began.
    settings.write_stages(P, E)
    records.recall(E)
    records.keep(E)

# Steps run by the Python that runs Snakemake, with as many threads as their rule says.
shell.prefix(
    f"set -euo pipefail; export PATH={os.path.dirname(sys.executable)}:$PATH PYTHONUNBUFFERED=1 "
    "MLFLOW_DISABLE_TELEMETRY=true "
    "NUMBA_NUM_THREADS=$OMP_NUM_THREADS; "
)


wildcard_constraints:
    run="[A-Za-z0-9_-]+",
    seed=r"\d+",
    shard=r"\d+",


RENDERED = P["data"]["source"] == "rendered"
DATASET = P["data"]["source"] in DATASETS
GPU = int(shutil.which("nvidia-smi") is not None)

FACES = f"{E}/data/faces.npy"
TABLE = f"{E}/data/faces.csv"
TRUTH = f"{E}/data/truth.csv"
HUMAN = [f"{E}/data/human.csv"] if DATASET else []
FOUND_ASIDE = [*([f"{E}/data/files_set_aside.csv"] if DATASET else []), f"{E}/data/photos_set_aside.csv"]
AUS = f"{E}/data/aus.csv"
LABELLED_AGAIN = f"{E}/data/labels/{{tool}}.csv"
LABEL_TABLES = ["report", *(["agreement"] if P["label"]["compare_with"] else []), *(["attributes"] if HUMAN else [])]
SPLIT = f"{E}/data/split.csv"
PAIRS = f"{E}/data/pairs.csv"
EDITS_TRUTH = [f"{E}/data/truth.npy"] if RENDERED else []
SHARD = f"{E}/data/shards/{{shard}}"
SHARDS = range(P["align"]["shards"])

PAIRS_WRONG = [f"{E}/data/wrong.npy"] if RENDERED else []
ASKED = {name for kind in ("aus", "identity", "features") for name in P["judge"][kind]}
JUDGE = [f"{E}/judge/judge.pt"] if "judge" in ASKED else []
HOG = [f"{E}/judge/hog.npz"] if "hog" in ASKED else []
CARDS = f"{E}/judge/cards.csv"
REFERENCE = f"{E}/judge/reference.npz"
RUN = f"{E}/runs/{{run}}/seed{{seed}}"
TAUGHT = [run for run in P["runs"] if settings.resolve(P, run, 0)["loss"]["teacher"] == "au_network"]
PAIRED = [run for run in P["runs"] if settings.resolve(P, run, 0)["loss"]["paired"]]
PARTNERS = [f"{E}/data/partners.npy"] if PAIRED else []
CONTROLS = ["copy", *(["truth"] if RENDERED else []), "wrong", "blur", "jpeg", *(["fooled"] if JUDGE else [])]
# Edits that other programs made of this experiment's pairs, and that were measured by hand (docs/metrics.md).
OTHERS = sorted(path.parent.name for path in Path(E, "others").glob("*/metrics.json"))


OF_ALL_RUNS = ["runs", "failures"] if RENDERED else ["runs"]
MEASURED = ["trade", "units", "responses"]
FIGURES = ["edits", "differences", *OF_ALL_RUNS, "worst", *MEASURED, "expressions", "aus", "curves"]


def teacher(wildcards):
    """The AU network, for the runs that it teaches."""
    return [f"{E}/au_network/au_network.pt"] if wildcards.run in TAUGHT else []


def of_runs(name, seeds=P["seeds"]):
    """The file of that name of every run and seed."""
    return [f"{E}/runs/{run}/seed{seed}/{name}" for run in P["runs"] for seed in seeds]


def of_rows(name):
    """The file of that name of every row of the table."""
    controls = [f"{E}/controls/{control}/{name}" for control in CONTROLS]
    return [*of_runs(name), *controls, *(f"{E}/others/{other}/{name}" for other in OTHERS)]


def by_judges(code):
    """The judges, what they shall measure, and by which code."""
    files = dict(config=f"{E}/config/evaluate.json", faces=FACES, table=TABLE, split=SPLIT)
    return files | dict(judge=JUDGE, hog=HOG, code=code)


def measured(code):
    """What a row of the table is measured on, and by which code."""
    return by_judges(code) | dict(aus=AUS, pairs=PAIRS, truth=EDITS_TRUTH, reference=REFERENCE)


def everything_asked():
    """Whether Snakemake was asked for the whole experiment, and not for some of it."""
    asked = workflow.dag_settings
    return set(asked.targets) <= {"all"} and not (asked.until or asked.omit_from or asked.batch)


def flag(name):
    """The flag for an input that is not always there: empty where it is not."""
    return lambda wildcards, input: f"--{name.replace('_', '-')} {input[name]}" if input[name] else ""
