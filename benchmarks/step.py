"""One generator image in training, WEM-GAN against its rivals: same size, same batch, each with its own losses.

python benchmarks/step.py [--size 128] [--batch 4] [--width 64]

A rival's step contains as many critic steps as its paper takes. Parameters and FLOPs are the generator's.
"""

import argparse
import copy
from pathlib import Path

import numpy as np
import torch
from measure import DEVICE, keep, seconds
from torch.utils.flop_counter import FlopCounterMode

from wemgan import config
from wemgan.au_network import AUNetwork
from wemgan.draws import Draws
from wemgan.processes import Processes
from wemgan.rivals import build
from wemgan.training import Training

ROOT = Path(__file__).parents[1]


class Noise:
    """Random faces in the place of labelled ones, so that nothing but the step is timed."""

    def __init__(self, size: int, aus: list[str]):
        self.size, self.aus = size, tuple(aus)
        self.labels = torch.rand(64, len(aus))

    def rows(self, split: str) -> np.ndarray:
        return np.arange(64)

    def batch(self, n: int, split: str, draws: Draws, device: torch.device) -> tuple:
        return torch.rand(n, 3, self.size, self.size, device=device) * 2 - 1, torch.rand(
            n, len(self.aus), device=device
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--width", type=int, default=64, help="channels of a rival's first layer; 64 in the papers")
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    params = config.load(ROOT / "params.yaml", "rows")
    steps, sizes = {}, {}
    for run in ("full", "ganimation", "ling"):
        options = copy.deepcopy(config.resolve(params, run, 0))
        options["train"] |= {"batch": args.batch, "images": 10**6}
        options["model"]["rival_width"] = args.width
        if run != "full":
            options["critic"]["width"] = args.width
        faces = Noise(args.size, params["data"]["aus"])
        teacher = (
            AUNetwork(params["au_network"]["width"], args.size, len(faces.aus)).to(DEVICE).eval().requires_grad_(False)
        )
        training = Training(options, faces, teacher if run == "full" else None, Processes(0, 1, DEVICE))
        training.images = 500_000  # beyond the warm-up of what is painted
        generator = build(options["model"], len(faces.aus)).to(DEVICE)
        image, aus = (
            torch.zeros(1, 3, args.size, args.size, device=DEVICE),
            torch.zeros(1, len(faces.aus), device=DEVICE),
        )
        with FlopCounterMode(display=False) as counted, torch.no_grad():
            generator(image, aus)
        parameters = sum(weight.numel() for weight in generator.parameters())
        sizes[run] = {"parameters_million": parameters / 1e6, "gflop": counted.get_total_flops() / 1e9}
        steps[run] = training.step
    taken = seconds(steps, args.rounds)
    rows = [
        {"run": run, "size": args.size, "batch": args.batch, **sizes[run], "seconds": taken[run],
         "images_per_second": args.batch / taken[run], "times_wemgan": taken[run] / taken["full"]}
        for run in steps
    ]  # fmt: skip
    keep("step", rows)


if __name__ == "__main__":
    main()
