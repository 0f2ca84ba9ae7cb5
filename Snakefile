# The whole experiment, from data to tables. Rules stand in workflow/rules, one file per stage of the science.
import os
import shutil
import sys
import time

from snakemake.exceptions import WorkflowError
from snakemake.utils import min_version

from wemgan import config as settings
from wemgan.errors import UserError
from wemgan.recovery import clear_interrupted, mistakes
from wemgan.sources import sources

min_version("9.0")


report: "workflow/report/workflow.rst"


try:
    P = settings.load(**config)
except UserError as mistake:
    raise WorkflowError(str(mistake)) from None
E = f"results/{P['experiment']}"
STARTED = time.time()
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


rule all:
    input:
        f"{E}/summary.csv",
        expand(f"{E}/figures/{{name}}.png", name=["edits", "runs", "curves"]),
        f"{E}/tracked.csv",


for stage in ("common", "faces", "label", "split", "judge", "train", "evaluate", "report"):

    include: f"workflow/rules/{stage}.smk"


onerror:
    print(mistakes(f"{E}/logs", STARTED), file=sys.stderr)
