"""A network that estimates AUs, trained on labelled faces and frozen: the generator's teacher of expressions.

A generator soon finds streaks that an estimator takes for an expression. So the network is trained on faces with
noise, blur, shifts, other colours and small adversarial changes, and the same disturbances are applied to the
edits that it sees later. It is never a judge: evaluation measures with other networks.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from tqdm import tqdm

from wemgan.checkpoint import load_weights, save_weights
from wemgan.draws import Draws
from wemgan.errors import run_cli
from wemgan.files import check_made_of, digest, read_json
from wemgan.labelled import LabelledFaces
from wemgan.wavelet import haar_stem


class AUNetwork(nn.Module):
    """Convolutions over the Haar bands of a face, down to 4 x 4, then a linear map to K AUs."""

    def __init__(self, width: int, size: int, aus: int):
        super().__init__()
        layers: list[nn.Module] = _layer(12, width, stride=1)
        side, channels = size // 2, width
        while side > 4:
            wider = min(2 * channels, 4 * width)
            layers += [*_layer(channels, wider, stride=2), *_layer(wider, wider, stride=1)]
            side, channels = (side + 1) // 2, wider
        self.trunk = nn.Sequential(*layers)
        self.aus = nn.Linear(channels * side * side, aus)
        self.register_buffer("slope", torch.ones(aus))  # what the estimate rises by when the true AU rises by 1

    def forward(self, image: Tensor) -> Tensor:
        """`image` (N, 3, H, W) in [-1, 1] to estimates (N, K), in [0, 1] but for errors."""
        return self.aus(self.trunk(haar_stem(image)).flatten(1)).float()


def _layer(channels_in: int, channels: int, stride: int) -> list[nn.Module]:
    return [nn.Conv2d(channels_in, channels, 3, stride, padding=1), nn.GroupNorm(4, channels), nn.SiLU()]


def disturb(image: Tensor, draws: Draws) -> Tensor:
    """Shift, colour, blur, noise and a hidden half, drawn anew for each of `image` (N, 3, H, W); differentiable.

    Half of the images lose their left or right side: every AU is of both sides, so an estimate must not rest on one,
    and an edit of one side alone does not satisfy it. Half lose some of their colour.
    """
    n, _, h, w = image.shape

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return (draws.uniform(n, *shape) * (high - low) + low).to(image.device)

    theta = torch.zeros(n, 2, 3, device=image.device)
    theta[:, 0, 0] = theta[:, 1, 1] = uniform(0.98, 1.02)
    theta[:, :, 2] = uniform(-1 / 32, 1 / 32, 2)
    image = F.grid_sample(
        image, F.affine_grid(theta, [n, 3, h, w], align_corners=False), padding_mode="border", align_corners=False
    )
    image = torch.lerp(image, image.mean(1, keepdim=True), uniform(-1, 1, 1, 1, 1).clamp_min(0))
    image = image * uniform(0.85, 1.15, 3, 1, 1) + uniform(-0.1, 0.1, 3, 1, 1)
    blurred = F.avg_pool2d(F.pad(image, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    image = torch.lerp(image, blurred, uniform(0, 1, 1, 1, 1))
    across = torch.linspace(-1, 1, w, device=image.device).expand(n, 1, 1, w)
    side = uniform(0, 4, 1, 1, 1).floor()  # 0 hides the left, 1 the right, 2 and 3 nothing
    hidden = ((side == 0) & (across < 0)) | ((side == 1) & (across > 0))
    image = torch.where(hidden, uniform(-1, 1, 3, 1, 1), image)
    noise = draws.normal(*image.shape).to(image.device)
    return image + noise * uniform(0, 0.12, 1, 1, 1)


def attack(network: AUNetwork, image: Tensor, target: Tensor, reach: float) -> Tensor:
    """One step of `reach` per pixel that makes the network's error larger (Goodfellow et al. 2015)."""
    image = image.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(F.mse_loss(network(image), target), image)
    return (image + reach * gradient.sign()).detach()


def fit(options: dict, faces: LabelledFaces, seed: int, device: torch.device) -> AUNetwork:
    """Train on the faces of the training split, for `options["images"]` images; returns it in evaluation mode."""
    torch.manual_seed(seed)
    network = AUNetwork(options["width"], faces.size, len(faces.aus)).to(device)
    draws = Draws(seed, device)
    batch, steps = options["batch"], max(1, options["images"] // options["batch"])
    optimizer = torch.optim.AdamW(network.parameters(), lr=options["lr"], weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, options["lr"], total_steps=steps)
    for step in tqdm(range(steps), desc="AU network", unit="step", mininterval=2):
        image, target = faces.batch(batch, "train", draws, device)
        image = disturb(image, draws)
        with torch.autocast(device.type, torch.bfloat16, enabled=options["bf16"]):
            if reach := options["attack"] * max(
                0.0, 2 * step / steps - 1
            ):  # from halfway on: earlier, nothing is learnt
                image = attack(network, image, target, reach)
            loss = F.mse_loss(network(image), target)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        schedule.step()
    network.eval()
    estimates, targets = estimate_split(network, faces, "validation", device)
    network.slope.copy_(slopes(estimates, targets))
    return network


@torch.no_grad()
def estimate_split(network: AUNetwork, faces: LabelledFaces, split: str, device: torch.device) -> tuple[Tensor, Tensor]:
    """Estimates and labels (M, K) of all the faces of a split."""
    rows = faces.rows(split)
    estimates = [network(faces.images(rows[i : i + 256], device)).cpu() for i in range(0, len(rows), 256)]
    return torch.cat(estimates), faces.labels[rows]


def slopes(estimate: Tensor, label: Tensor) -> Tensor:
    """Least-squares slope (K,) of the estimate on the label, kept in [0.2, 1]; 1 where the label never varies."""
    centred = label - label.mean(0)
    spread = centred.square().sum(0)
    slope = (centred * estimate).sum(0) / spread.clamp_min(1e-8)
    return torch.where(spread > 1e-6, slope.clamp(0.2, 1.0), torch.ones_like(slope))


def load(path: str | Path, device: torch.device, config: str | None = None, data: str | None = None) -> AUNetwork:
    """The frozen network of a file that this step wrote.

    UserError if its configuration or its labels and split have another digest than `config` and `data` (None: any).
    """
    weights, about = load_weights(path)
    again = "train the AU network again"
    if config:
        check_made_of(path, about.get("config_digest"), config, "another configuration", again)
    if data:
        check_made_of(path, about.get("data_digest"), data, "other labels or another split", again)
    network = AUNetwork(about["width"], about["size"], len(about["aus"]))
    network.load_state_dict(weights)
    return network.to(device).eval().requires_grad_(False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("config", "faces", "aus", "split", "model"):
        parser.add_argument(f"--{name}", required=True)
    args = parser.parse_args()
    config = read_json(args.config)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    faces = LabelledFaces(args.faces, args.aus, args.split, config["data"]["aus"])
    network = fit(config["au_network"], faces, config["data"]["seed"], device)
    estimates, labels = estimate_split(network, faces, "validation", device)
    errors = (estimates - labels).abs().mean(0).numpy()
    print("mean error on validation faces:", ", ".join(f"{a} {e:.3f}" for a, e in zip(faces.aus, errors, strict=True)))
    about = {"width": config["au_network"]["width"], "size": faces.size, "aus": list(faces.aus)}
    about |= {"validation_mae": float(np.mean(errors)), "data_digest": digest(args.aus, args.split)}
    about["config_digest"] = digest(args.config)
    save_weights(args.model, network.state_dict(), about)


if __name__ == "__main__":
    run_cli(main)
