"""Label faces with action units in [0, 1], by the tool that `label.tool` names.

    python -m wemgan.label --config config.json --faces faces.npy --table faces.csv [--truth truth.csv] \
        --aus aus.csv --unlabelled unlabelled.csv
"""

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from wemgan import mediapipe_aus
from wemgan.errors import UserError, run_cli
from wemgan.faces import load_faces, read_table, write_table
from wemgan.files import digest, read_json


@dataclass
class Labels:
    """AUs float (N, K) in [0, 1], a row of NaN for each face that the tool could not do; and which tool it was."""

    aus: np.ndarray
    tool: str
    version: str
    reason: str  # why a row is NaN


def by_truth(faces: np.ndarray, table: pd.DataFrame, config: dict, truth: str | None) -> Labels:
    """What the renderer was told to draw."""
    if truth is None:
        raise UserError(
            "label.tool truth needs --truth, which only rendered faces have; for photos set it to mediapipe"
        )
    known, names = read_table(truth).set_index("id"), config["data"]["aus"]
    if missing := [name for name in names if name not in known]:
        raise UserError(f"{truth} does not have {', '.join(missing)}, which data.aus asks for")
    aus = known.reindex(table["id"])[names].to_numpy(np.float32)
    return Labels(aus, "truth", "1", f"not in {Path(truth).name}")


def by_mediapipe(faces: np.ndarray, table: pd.DataFrame, config: dict, truth: str | None) -> Labels:
    """MediaPipe's blendshapes, measured on the aligned faces."""
    aus = mediapipe_aus.measure(faces, config["data"]["aus"], config["weights"])
    return Labels(aus, "mediapipe", mediapipe_aus.version(), "MediaPipe finds no face")


# Every labeller is a function of the faces (N, size, size, 3), their table, the configuration and the truth's path.
LABELLERS = {"truth": by_truth, "mediapipe": by_mediapipe}


def label(faces: np.ndarray, table: pd.DataFrame, config: dict, truth: str | None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The labels (id, AUs, tool, version) and the faces that have none (id, source, reason)."""
    if len(faces) != len(table):
        raise UserError(f"{len(faces)} faces but {len(table)} rows in their table; make both again")
    labels = LABELLERS[config["label"]["tool"]](faces, table, config, truth)
    done = np.isfinite(labels.aus).all(1)
    if not done.any():
        raise UserError(f"none of the {len(faces)} faces could be labelled: {labels.reason}")
    aus = pd.DataFrame(labels.aus[done].round(4), columns=list(config["data"]["aus"]))
    aus.insert(0, "id", table["id"].to_numpy()[done])
    without = table.loc[~done, ["id", "source"]].assign(reason=labels.reason)
    return aus.assign(tool=labels.tool, version=labels.version), without


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("--config", "--faces", "--table", "--aus", "--unlabelled"):
        parser.add_argument(name, required=True)
    parser.add_argument("--truth")
    args = parser.parse_args()
    aus, without = label(load_faces(args.faces), read_table(args.table), read_json(args.config), args.truth)
    write_table(args.unlabelled, without)
    write_table(args.aus, aus.assign(made_by=digest(args.config, args.faces, args.table)))
    print(f"{len(aus)} faces labelled by {aus['tool'].iloc[0]}, {len(without)} without a label", file=sys.stderr)


if __name__ == "__main__":
    run_cli(main)
