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

from wemgan import mediapipe_aus, openface_aus, pyfeat_aus
from wemgan.errors import UserError, run_cli
from wemgan.faces import load_faces, read_table, write_table
from wemgan.files import digest, read_json


@dataclass
class Labels:
    """AUs float (N, K) in [0, 1], a row of NaN for each face that the tool could not do; and which tool it was."""

    aus: np.ndarray
    tool: str
    version: str
    settings: str
    reason: str | np.ndarray  # why a row is NaN, of all or of each


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
    return Labels(aus, "truth", "1", "", f"not in {Path(truth).name}")


def by_mediapipe(faces: np.ndarray, table: pd.DataFrame, config: dict, truth: str | None) -> Labels:
    """MediaPipe's blendshapes, measured on the aligned faces."""
    aus = mediapipe_aus.measure(faces, config["data"]["aus"], config["weights"])
    return Labels(aus, "mediapipe", mediapipe_aus.version(), mediapipe_aus.SETTINGS, "MediaPipe finds no face")


def by_pyfeat(faces: np.ndarray, table: pd.DataFrame, config: dict, truth: str | None) -> Labels:
    """py-feat's detector, on the aligned faces."""
    label, weights = config["label"], config["weights"]
    aus = pyfeat_aus.measure(faces, config["data"]["aus"], weights, label["min_confidence"], label["batch"])
    settings = f"face score from {max(label['min_confidence'], pyfeat_aus.LOWEST):g}"
    return Labels(aus, "pyfeat", pyfeat_aus.version(weights), settings, "py-feat finds no face")


def by_openface(faces: np.ndarray, table: pd.DataFrame, config: dict, truth: str | None) -> Labels:
    """OpenFace: from its CSV files, or by its program on the aligned faces."""
    label, names = config["label"], config["data"]["aus"]
    settings = f"confidence from {label['min_confidence']:g}"
    if not label["openface_csv"]:
        aus = openface_aus.run_program(faces, names, label["min_confidence"])
        return Labels(aus, "openface", openface_aus.program_version(), settings, openface_aus.NO_FACE)
    table = table.assign(size=faces.shape[1])
    aus, reason = openface_aus.read_folder(label["openface_csv"], table, names, label["min_confidence"])
    return Labels(aus, "openface", "csv", settings, reason)


# Every labeller is a function of the faces (N, size, size, 3), their table, the configuration and the truth's path.
LABELLERS = {"truth": by_truth, "mediapipe": by_mediapipe, "pyfeat": by_pyfeat, "openface": by_openface}


def label(
    faces: np.ndarray, table: pd.DataFrame, config: dict, truth: str | None, tool: str | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The labels (id, AUs, tool, version, settings) and the faces that have none (id, source, reason).

    `tool` labels in place of the one that `label.tool` names.
    """
    if len(faces) != len(table):
        raise UserError(f"{len(faces)} faces but {len(table)} rows in their table; make both again")
    labels = LABELLERS[tool or config["label"]["tool"]](faces, table, config, truth)
    done = np.isfinite(labels.aus).all(1)
    reasons = np.broadcast_to(np.asarray(labels.reason, object), len(table))[~done]
    if not done.any():
        raise UserError(f"none of the {len(faces)} faces could be labelled: {reasons[0]}")
    aus = pd.DataFrame(labels.aus[done].round(4), columns=list(config["data"]["aus"]))
    aus.insert(0, "id", table["id"].to_numpy()[done])
    without = table.loc[~done, ["id", "source"]].assign(reason=reasons)
    return aus.assign(tool=labels.tool, version=labels.version, settings=labels.settings), without


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("--config", "--faces", "--table", "--aus", "--unlabelled"):
        parser.add_argument(name, required=True)
    parser.add_argument("--truth")
    parser.add_argument("--tool", choices=LABELLERS, help="in place of the one that the configuration names")
    args = parser.parse_args()
    faces, table = load_faces(args.faces), read_table(args.table)
    aus, without = label(faces, table, read_json(args.config), args.truth, args.tool)
    write_table(args.unlabelled, without)
    write_table(args.aus, aus.assign(made_by=digest(args.config, args.faces, args.table)))
    print(f"{len(aus)} faces labelled by {aus['tool'].iloc[0]}, {len(without)} without a label", file=sys.stderr)


if __name__ == "__main__":
    run_cli(main)
