"""One generator image in training, WEM-GAN against its rivals: same size, same batch, each with its own losses.

    python benchmarks/step.py [--size 128] [--batch 4] [--width 64]

A rival's step contains as many critic steps as its paper takes. Parameters and FLOPs are the generator's. Faces come
from a memory-mapped file, as in training, and the share of the time spent waiting for them is told.
"""

import argparse
import copy
import multiprocessing
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from measure import DEVICE, keep, seconds
from torch.utils.flop_counter import FlopCounterMode

from wemgan import config
from wemgan.au_network import AUNetwork
from wemgan.labelled import LabelledFaces
from wemgan.processes import Processes
from wemgan.rivals import build
from wemgan.train import peak_memory
from wemgan.training import Training

ROOT = Path(__file__).parents[1]
FACES = 512


def write_faces(folder: Path, size: int, aus: list[str]) -> None:
    """Noise in the place of faces, with labels and split, as the steps before training leave them."""
    rng = np.random.default_rng(0)
    ids = [f"{k:04d}" for k in range(FACES)]
    np.save(folder / "faces.npy", rng.integers(0, 256, (FACES, size, size, 3), np.uint8))
    pd.DataFrame({"id": ids, "identity": ids, "source": "noise"}).to_csv(folder / "faces.csv", index=False)
    labels = pd.DataFrame(rng.random((FACES, len(aus))), columns=aus)
    labels.assign(id=ids, tool="truth", version="1").to_csv(folder / "aus.csv", index=False)
    pd.DataFrame({"id": ids, "identity": ids, "split": "train"}).to_csv(folder / "split.csv", index=False)


def made(run: str, folder: Path, args: argparse.Namespace) -> Training:
    """The training of a row of `rows`, past the warm-up of what is painted."""
    params = config.load(ROOT / "params.yaml", "rows")
    options = copy.deepcopy(config.resolve(params, run, 0))
    options["train"] |= {"batch": args.batch, "images": 10**6}
    options["model"]["rival_width"] = args.width
    if run != "full":
        options["critic"]["width"] = args.width
    names = params["data"]["aus"]
    faces = LabelledFaces(folder / "faces.npy", folder / "aus.csv", folder / "split.csv", names)
    faces.settle(DEVICE)
    teacher = AUNetwork(params["au_network"]["width"], args.size, len(names)).to(DEVICE).eval().requires_grad_(False)
    training = Training(options, faces, teacher if run == "full" else None, Processes(0, 1, DEVICE))
    training.images = 500_000
    return training


def measure_memory(run: str, folder: Path, args: argparse.Namespace, answer) -> None:
    """Put the peak memory in GB of a few steps into the queue `answer`."""
    training = made(run, folder, args)
    for _ in range(2):
        training.step()
    answer.put(peak_memory(DEVICE))


def size_of(training: Training, size: int) -> dict[str, float]:
    """Parameters and forward FLOPs of the generator."""
    generator = build(training.config["model"], len(training.faces.aus)).to(DEVICE)
    image, aus = torch.zeros(1, 3, size, size, device=DEVICE), torch.zeros(1, len(training.faces.aus), device=DEVICE)
    with FlopCounterMode(display=False) as counted, torch.no_grad():
        generator(image, aus)
    parameters = sum(weight.numel() for weight in generator.parameters())
    return {"parameters_million": parameters / 1e6, "gflop": counted.get_total_flops() / 1e9}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--width", type=int, default=64, help="channels of a rival's first layer; 64 in the papers")
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_faces(folder, args.size, config.load(ROOT / "params.yaml", "rows")["data"]["aus"])
        peaks, context = {}, multiprocessing.get_context("spawn")
        for run in ("full", "ganimation", "ling"):
            answer = context.SimpleQueue()
            process = context.Process(target=measure_memory, args=(run, folder, args, answer))
            process.start()
            peaks[run] = answer.get()
            process.join()
        trainings = {run: made(run, folder, args) for run in peaks}
        taken = seconds({run: training.step for run, training in trainings.items()}, args.rounds)
    rows = [
        {
            "run": run, "size": args.size, "batch": args.batch, **size_of(training, args.size), "seconds": taken[run],
            "images_per_second": args.batch / taken[run], "times_wemgan": taken[run] / taken["full"],
            "share_waiting_for_faces": training.waited / (args.rounds + 1) / taken[run], "peak_gb": peaks[run],
        }
        for run, training in trainings.items()
    ]  # fmt: skip
    keep("step", rows)


if __name__ == "__main__":
    main()
