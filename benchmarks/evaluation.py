"""What each metric of the evaluation takes: seconds for 5,000 edits, and whether twice as many take twice as long.

    python benchmarks/evaluation.py [--size 64] [--weights DIR]

Edits are rendered faces; the networks have random weights, which are as fast as trained ones. `times_half` compares
with half as many edits in the same run: 2 is linear. With --weights also the judges of photos, whose files lie there.
"""

import argparse
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from measure import DEVICE, keep

from wemgan import compare, hog, judge, outside
from wemgan.checkpoint import save_weights
from wemgan.judges import Judges
from wemgan.measure import DETECTED, Reference, measure
from wemgan.metrics import fidelity
from wemgan.metrics.frechet import frechet_distance
from wemgan.metrics.kernel import kernel_distance
from wemgan.render import AUS, Renderer

NAMES = ["AU01", "AU02", "AU12", "AU15", "AU26", "AU43"]
DRAWN = 500


def faces(count: int, size: int) -> np.ndarray:
    """Rendered faces, each some times with other noise."""
    rng = np.random.default_rng(0)
    drawn = Renderer(size, 0).draw(np.arange(DRAWN), rng.random((DRAWN, len(AUS)), np.float32), np.zeros(DRAWN, int))
    rows = np.arange(count) % DRAWN
    return (
        (drawn[rows].astype(np.int16) + rng.integers(-3, 4, drawn[rows].shape, np.int16)).clip(0, 255).astype(np.uint8)
    )


def timed(work: Callable[[slice], object], count: int) -> float:
    """Seconds that some work takes on the first `count` edits, 250 at a time."""
    start = time.perf_counter()
    for k in range(0, count, 250):
        work(slice(k, min(k + 250, count)))
    return time.perf_counter() - start


def works(edits: np.ndarray, truth: np.ndarray, args: argparse.Namespace) -> dict[str, Callable[[slice], object]]:
    """What is done with a slice of the edits, by metric."""
    network = judge.Judge(16, len(NAMES), 10).to(DEVICE).eval()
    size = hog.describe(edits[:1]).shape[1]
    ridge = hog.Ridge(np.zeros((size, 6), np.float32), np.zeros(size, np.float32), np.zeros(6, np.float32), NAMES)
    detector = outside.Mtcnn()
    found = {
        "judge (AUs, identity, features)": lambda part: judge.measure(network, edits[part], DEVICE),
        "hog (AUs)": lambda part: ridge(edits[part]),
        f"mtcnn (of {DETECTED} edits, for all)": lambda part: detector(edits[part][: 250 * DETECTED // args.edits]),
        "region": lambda part: fidelity.moved_region(edits[part], truth[part]),
        "psnr": lambda part: fidelity.psnr(edits[part], truth[part]),
        "ssim": lambda part: fidelity.ssim(edits[part], truth[part]),
        "high-frequency error": lambda part: fidelity.high_frequency_error(edits[part], truth[part]),
    }
    if args.weights:
        settings = {"directory": args.weights, "download": False}
        for name, kind in (("mediapipe", "aus"), ("mobilefacenet", "identity")):
            asked = {"aus": [], "identity": [], "features": [], "detector": "", kind: [name]}
            outsider = Judges({"data": {"aus": NAMES}, "judge": asked, "weights": settings}, DEVICE)
            found[name] = lambda part, outsider=outsider, kind=kind: outsider.measure(edits[part], (kind,))
    return found


def whole_evaluation(folder: Path, edits: np.ndarray, truth: np.ndarray) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The measures of all edits as the workflow makes them, and their pairs."""
    save_weights(folder / "judge.pt", judge.Judge(16, 6, 10).state_dict(), {"width": 16, "aus": NAMES, "people": 10})
    size = hog.describe(edits[:1]).shape[1]
    hog.save(folder / "hog.npz", hog.Ridge(np.zeros((size, 6)), np.zeros(size), np.zeros(6), NAMES))
    asked = {"aus": ["judge", "hog"], "identity": ["judge"], "features": ["judge"], "detector": "mtcnn"}
    config = {"data": {"aus": NAMES}, "judge": asked, "weights": {}}
    judges = Judges(config, DEVICE, str(folder / "judge.pt"), str(folder / "hog.npz"))
    ids = np.array([f"{k}" for k in range(DRAWN)])
    reference = Reference(ids, judges.measure(truth[:DRAWN]), "", "")
    people = np.arange(len(edits)) % DRAWN
    pairs = pd.DataFrame({"group": "faces", "kind": "faces", "identity": people, "source": ids[people]})
    pairs[NAMES] = np.random.default_rng(0).random((len(edits), 6))
    return measure(
        pairs, NAMES, lambda part: edits[part], lambda part: truth[part], truth, judges, reference
    ).table, pairs


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--edits", type=int, default=5000)
    parser.add_argument("--weights", help="folder with MediaPipe's and MobileFaceNet's files")
    args = parser.parse_args()
    torch.manual_seed(0)
    edits = faces(args.edits, args.size)
    truth = np.roll(edits, 1, 0)
    rows, half = [], args.edits // 2
    for name, work in works(edits, truth, args).items():
        timed(work, 250)
        taken = timed(work, half), timed(work, args.edits)
        rows.append({"metric": name, "seconds": taken[1], "times_half": taken[1] / taken[0]})
    features = np.random.default_rng(1).normal(size=(args.edits, 64))
    for name, distance in (("Frechet distance, 64 features", frechet_distance), ("kernel distance", kernel_distance)):
        taken = []
        for count in (half, args.edits):
            start = time.perf_counter()
            distance(features[:1000], features[:count])
            taken.append(time.perf_counter() - start)
        rows.append({"metric": name, "seconds": taken[1], "times_half": taken[1] / taken[0]})
    with tempfile.TemporaryDirectory() as name:
        before = peak()
        start = time.perf_counter()
        table, pairs = whole_evaluation(Path(name), edits, truth)
        whole = {"metric": "all of a row", "seconds": time.perf_counter() - start, "times_half": None}
        rows.append(whole | {"peak_gb": peak(), "peak_gb_before": before})
        table.to_csv(Path(name) / "measures.csv", index=False)
        start = time.perf_counter()
        folder = Path(name) / "runs" / "full" / "seed0"
        folder.mkdir(parents=True)
        (Path(name) / "measures.csv").rename(folder / "measures.csv")
        compare.compare([str(folder / "measures.csv")], pairs, NAMES)
        rows.append({"metric": "intervals of a row", "seconds": time.perf_counter() - start, "times_half": None})
    keep("evaluation", [{"edits": args.edits, "size": args.size, **row} for row in rows])


if __name__ == "__main__":
    main()
