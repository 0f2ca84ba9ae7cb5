"""The judge of rendered faces: one network that measures AUs and identity, trained on people whom nothing else sees.

Evaluation needs measures that the generator was never trained against. This network differs from the AU network in
architecture, in the people that it learns from, and in what it learns; its report card, on people that it has not seen
either, says what a difference between two rows of a table is worth.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from tqdm import tqdm

from wemgan.au_network import disturb
from wemgan.checkpoint import load_weights, save_weights
from wemgan.draws import Draws
from wemgan.errors import UserError, run_cli
from wemgan.faces import read_table
from wemgan.files import read_json
from wemgan.labelled import to_signed

HELD_OUT = 0.15  # of the judge's people are kept for its report card


class Judge(nn.Module):
    """Residual convolutions on pixels with group normalisation; features, an embedding of identity, and AUs."""

    def __init__(self, width: int, aus: int, people: int, embedding: int = 64):
        super().__init__()
        widths = [width, 2 * width, 4 * width, 4 * width]
        self.stem = nn.Conv2d(3, width, 5, stride=2, padding=2)
        self.stages = nn.ModuleList(_Stage(a, b) for a, b in zip(widths, widths[1:], strict=False))
        self.aus = nn.Linear(widths[-1] * 16, aus)
        self.embedding = nn.Linear(widths[-1] * 16, embedding)
        self.people = nn.Parameter(torch.randn(people, embedding) * 0.1)

    def features(self, image: Tensor) -> Tensor:
        """`image` (N, 3, H, W) in [-1, 1] to maps (N, 4 width, 4, 4)."""
        x = self.stem(image)
        for stage in self.stages:
            x = stage(x)
        return F.adaptive_avg_pool2d(x, 4)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """AU estimates (N, K), L2-normalised embedding (N, 64), and pooled features (N, 4 width)."""
        maps = self.features(image)
        flat = maps.flatten(1)
        return self.aus(flat).float(), F.normalize(self.embedding(flat).float(), dim=1), maps.mean((2, 3)).float()


class _Stage(nn.Module):
    def __init__(self, width_in: int, width: int):
        super().__init__()
        self.first, self.second = nn.Conv2d(width_in, width, 3, padding=1), nn.Conv2d(width, width, 3, padding=1)
        self.short = nn.Conv2d(width_in, width, 1)
        self.norm_first, self.norm_second = nn.GroupNorm(8, width_in), nn.GroupNorm(8, width)

    def forward(self, x: Tensor) -> Tensor:
        y = self.first(F.relu(self.norm_first(x)))
        y = self.second(F.relu(self.norm_second(y)))
        return F.avg_pool2d(y + self.short(x), 2)


def fit(
    options: dict, images: np.ndarray, aus: np.ndarray, people: np.ndarray, seed: int, device: torch.device
) -> Judge:
    """Train on uint8 faces (N, S, S, 3), AUs (N, K) and person numbers (N,) from 0; returns it in evaluation mode."""
    torch.manual_seed(seed)
    judge = Judge(options["width"], aus.shape[1], int(people.max()) + 1).to(device, memory_format=torch.channels_last)
    draws = Draws(seed, device)
    steps = max(1, options["images"] // options["batch"])
    optimizer = torch.optim.AdamW(judge.parameters(), options["lr"], weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, options["lr"], total_steps=steps)
    labels, numbers = torch.from_numpy(aus.astype(np.float32)), torch.from_numpy(people)
    for _ in tqdm(range(steps), desc="judge", unit="step", mininterval=2):
        rows = draws.integers(0, len(images), options["batch"]).cpu()
        image = disturb(to_signed(torch.from_numpy(images[rows.numpy()]).to(device)), draws)
        with torch.autocast(device.type, torch.bfloat16, enabled=options["bf16"]):
            estimate, embedding, _ = judge(image)
        similarity = embedding @ F.normalize(judge.people, dim=1).T
        loss = 10 * F.mse_loss(estimate, labels[rows].to(device))
        loss = loss + 0.1 * F.cross_entropy(16 * similarity, numbers[rows].to(device))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        schedule.step()
    return judge.eval()


@torch.no_grad()
def measure(judge: Judge, images: np.ndarray, device: torch.device) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """AUs clipped to [0, 1] (N, K), embeddings (N, 64) and features (N, F) of uint8 faces (N, S, S, 3)."""
    parts = [
        judge(to_signed(torch.from_numpy(np.array(images[i : i + 128])).to(device))) for i in range(0, len(images), 128)
    ]
    aus, embeddings, features = (torch.cat(column).cpu().numpy() for column in zip(*parts, strict=True))
    return aus.clip(0, 1), embeddings, features


def learnt(people: np.ndarray) -> int:
    """How many of the judge's people, numbered from 0, it learns from; the others are kept for its report card.

    UserError if fewer than two are kept.
    """
    count = int(people.max()) + 1
    known = int(count * (1 - HELD_OUT))
    if count - known < 2:
        raise UserError("the judges' report card needs two new people; raise rendered.judge_identities to 14 or more")
    return known


def load(path: str | Path, device: torch.device) -> tuple[Judge, dict]:
    """The judge of a file that this step wrote, in evaluation mode, and what is known of it."""
    weights, about = load_weights(path)
    judge = Judge(about["width"], len(about["aus"]), about["people"])
    judge.load_state_dict(weights)
    return judge.to(device).eval(), about


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("config", "faces", "table", "truth", "model"):
        parser.add_argument(f"--{name}", required=True)
    args = parser.parse_args()
    config = read_json(args.config)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    names, options = config["data"]["aus"], config["judge"]
    images = np.load(args.faces, mmap_mode="r")
    people = pd.factorize(read_table(args.table)["identity"])[0]
    aus = read_table(args.truth)[names].to_numpy(np.float32)
    known = people < learnt(people)
    judge = fit(options, images[known], aus[known], people[known], config["data"]["seed"], device)
    about = {"width": options["width"], "aus": names, "people": learnt(people), "config": config}
    save_weights(args.model, judge.state_dict(), about)


if __name__ == "__main__":
    run_cli(main)
