"""Measure one row of the table: a trained run, or one of the controls `copy` (of the input) and `truth`.

The metrics carry the judge's name, since a distance by one network cannot be compared with that by another:
`acd_<judge>`, `au_mae_<judge>`, `ed_<judge>`, `fd_<judge><dimensions>` (a Frechet distance on the judge's features,
which is not FID); where the true edit is known also `psnr` and `ssim` against it. A kind of pair that is not
`faces` comes after a slash: `psnr/smile`.
"""

import argparse
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch

from wemgan import download, metrics
from wemgan import judge as trained
from wemgan.checkpoint import load_weights
from wemgan.errors import UserError, run_cli
from wemgan.faces import read_table
from wemgan.files import digest, read_json, whole, write_json
from wemgan.generator import condition
from wemgan.labelled import to_pixels, to_signed
from wemgan.rivals import build


class Measured(NamedTuple):
    """What the judges say of a set of faces."""

    aus: np.ndarray  # (N, K) in [0, 1], a row of NaN where no face was found
    embedding: np.ndarray | None  # (N, D), L2-normalised; None where nobody judges identity
    features: np.ndarray | None  # (N, F)


class Judges(NamedTuple):
    """The judges of an experiment: their names in the table, and the measurement of uint8 faces (N, S, S, 3)."""

    aus: str
    identity: str | None
    features: str | None
    measure: Callable[[np.ndarray], Measured]


def judges(config: dict, path: str | None, device: torch.device) -> Judges:
    """The judges that `judge.use` names: `trained` (the judge of rendered faces, at `path`) or `photos`."""
    if config["judge"]["use"] == "trained":
        if path is None:
            raise UserError("judge.use is trained, but no --judge is given; run the step wemgan.judge first")
        network, _ = trained.load(path, device)
        return Judges("judge", "judge", "judge", lambda faces: Measured(*trained.measure(network, faces, device)))
    from wemgan import identity_onnx, mediapipe_aus

    weights, identity = config["weights"], "mobilefacenet"
    try:
        download.find(identity_onnx.MODEL, weights)
    except UserError as missing:
        print(f"no ACD and no Frechet distance: {missing}")
        identity = None

    def measure(faces: np.ndarray) -> Measured:
        embedding = identity_onnx.embed(faces, weights) if identity else None
        return Measured(mediapipe_aus.measure(faces, config["data"]["aus"], weights), embedding, embedding)

    return Judges("mediapipe", identity, identity, measure)


@torch.no_grad()
def edit_faces(
    model: str, sources: np.ndarray, source_aus: np.ndarray, target_aus: np.ndarray, device, expected
) -> np.ndarray:
    """Edits of uint8 faces (N, S, S, 3) by the generator of the file `model`, as uint8.

    `expected` is the digest of labels and split; UserError if the model was trained on others.
    """
    weights, about = load_weights(model)
    if about["data_digest"] != expected:
        raise UserError(f"{model} was trained on other labels or another split than it is evaluated on; train it again")
    options = about["config"]["model"]
    generator = build(options, len(about["aus"])).to(device).eval()
    generator.load_state_dict(weights)
    edits = []
    for i in range(0, len(sources), 64):
        image = to_signed(torch.from_numpy(sources[i : i + 64]).to(device))
        source, target = (torch.from_numpy(aus[i : i + 64]).to(device) for aus in (source_aus, target_aus))
        edits.append(to_pixels(generator(image, condition(options, source, target)).image))
    return np.concatenate(edits)


def score(edits, sources, pairs, truth, names, real, by: Judges) -> dict[str, float]:
    """All metrics of uint8 edits (N, S, S, 3) of the pairs' sources, over the kind `faces` and by expression.

    `truth` may be None; `real` are the held-out faces, the reference of the Frechet distance.
    """
    target = pairs[names].to_numpy(np.float64)
    measured, before = by.measure(edits), by.measure(sources)
    distance = metrics.identity_distance(before.embedding, measured.embedding) if by.identity else None
    near = None if truth is None else (metrics.psnr(edits, truth), metrics.ssim(edits, truth))
    result: dict[str, float] = {}
    for kind in pairs["kind"].unique():
        of_kind, tail = (pairs["kind"] == kind).to_numpy(), "" if kind == "faces" else f"/{kind}"
        result[f"n{tail}"] = int(of_kind.sum())
        if distance is not None:
            result[f"acd_{by.identity}{tail}"] = float(distance[of_kind].mean())
        errors = metrics.au_errors(measured.aus[of_kind], target[of_kind])
        if by.aus == "judge":  # it takes every picture for a face
            del errors["no_face_rate"]
        result |= {f"{name}_{by.aus}{tail}": value for name, value in errors.items()}
        if near is not None:
            result |= {f"psnr{tail}": float(near[0][of_kind].mean()), f"ssim{tail}": float(near[1][of_kind].mean())}
    faces = (pairs["kind"] == "faces").to_numpy()
    for k, name in enumerate(names):
        error = np.abs(measured.aus[faces, k] - target[faces, k])
        result[f"mae_{name}_{by.aus}"] = float(np.nanmean(error)) if np.isfinite(error).any() else float("nan")
    if by.features:
        reference = by.measure(real).features
        try:
            distance = metrics.frechet_distance(reference, measured.features[faces])
            result[f"fd_{by.features}{reference.shape[1]}"] = distance
        except UserError as too_few:
            print(f"no Frechet distance: {too_few}")
    return {name: value if isinstance(value, int) else round(value, 5) for name, value in result.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("config", "faces", "table", "aus", "split", "pairs", "metrics", "edits"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--truth", help="true edits of the pairs, where they are known")
    parser.add_argument("--judge", help="the trained judge, if judge.use is trained")
    row = parser.add_mutually_exclusive_group(required=True)
    row.add_argument("--model", help="weights of the run")
    row.add_argument("--control", choices=("copy", "truth"))
    args = parser.parse_args()
    config, pairs = read_json(args.config), read_table(args.pairs)
    names, device = config["data"]["aus"], torch.device("cuda" if torch.cuda.is_available() else "cpu")
    position = pd.Series(range(len(table := read_table(args.table))), index=table["id"])
    labels = read_table(args.aus).set_index("id")[names]
    split = read_table(args.split)
    pixels = np.load(args.faces, mmap_mode="r")
    sources = pixels[position.loc[pairs["source"]]]
    truth = np.load(args.truth) if args.truth else None
    if args.model:
        aus = labels.loc[pairs["source"]].to_numpy(np.float32, copy=True), pairs[names].to_numpy(np.float32, copy=True)
        edits = edit_faces(args.model, sources, *aus, device, digest(args.aus, args.split))
    else:
        edits = sources if args.control == "copy" else truth
    real = pixels[position.loc[split.loc[split["split"] == "test", "id"]]]
    result = score(edits, sources, pairs, truth, names, real, judges(config, args.judge, device))
    with whole(args.edits) as temporary:
        np.save(temporary, edits)
    write_json(args.metrics, result)
    print(
        ", ".join(f"{name} {value:.4g}" for name, value in result.items() if "/" not in name and "mae_AU" not in name)
    )


if __name__ == "__main__":
    run_cli(main)
