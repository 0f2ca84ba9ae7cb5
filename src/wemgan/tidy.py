"""List, or remove, the results of runs and seeds that the configuration no longer has.

    python -m wemgan.tidy [--experiment demo]            list them
    python -m wemgan.tidy [--experiment demo] --remove   remove them

They are in no table; they stay so that a run that comes back need not be trained again.
"""

import argparse
import shutil
from pathlib import Path

from wemgan import config
from wemgan.errors import run_cli


def left_over(params: dict, results: Path) -> list[Path]:
    """The folders runs/<run>/seed<k> under `results` that no run and seed of `params` has."""
    wanted = {f"{run}/seed{seed}" for run in params["runs"] for seed in params["seeds"]}
    found = sorted(path for path in (results / "runs").glob("*/seed*") if path.is_dir())
    return [path for path in found if f"{path.parent.name}/{path.name}" not in wanted]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--experiment", help="instead of the one that params.yaml names")
    parser.add_argument("--remove", action="store_true")
    args = parser.parse_args()
    params = config.load(experiment=args.experiment)
    folders = left_over(params, Path("results") / params["experiment"])
    for folder in folders:
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6
        print(f"{'removed' if args.remove else 'left over:'} {folder} ({size:.1f} MB)")
        if args.remove:
            shutil.rmtree(folder)
            if not any(folder.parent.iterdir()):
                folder.parent.rmdir()
    if not folders:
        print("nothing is left over: every run in the results is in the configuration")
    elif not args.remove:
        print("--remove removes them")


if __name__ == "__main__":
    run_cli(main)
