"""Train one run: generator and both critics. The same command again resumes where the last state was written.

Everything is counted in images that the generator has edited. All randomness of a step comes from the seed and the
image count, so a run that was killed and resumed ends with the same weights (bit for bit on the CPU).
"""

import argparse
import copy
import math
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from tqdm import tqdm

from wemgan import au_network, losses
from wemgan.checkpoint import load_state, save_state, save_weights
from wemgan.critics import HighFrequencyCritic, ImageCritic, PatchCritic
from wemgan.errors import UserError, run_cli
from wemgan.files import digest, read_json, whole
from wemgan.generator import condition
from wemgan.labelled import LabelledFaces, to_pixels
from wemgan.pictures import save_grid
from wemgan.rivals import build, keeps_unasked


def draw_targets(source: Tensor, pool: Tensor, share_single: float, random: torch.Generator) -> Tensor:
    """Target AUs (N, K) in [0, 1] for faces with AUs `source` (N, K).

    A share of them changes one to three AUs to a strength drawn evenly from [0, 1], so that rare AUs are learnt;
    the rest take the AUs of another face, a row of `pool` (M, K).
    """
    n, k = source.shape
    others = pool[torch.randint(len(pool), (n,), generator=random)].to(source.device)
    order = torch.rand(n, k, generator=random).argsort(1)
    chosen = (order < torch.randint(1, 4, (n, 1), generator=random)).to(source.device)
    strengths = torch.rand(n, k, generator=random).to(source.device)
    single = (torch.rand(n, 1, generator=random) < share_single).to(source.device)
    return torch.where(single, torch.where(chosen, strengths, source), others)


class Training:
    """The networks of a run, their optimisers, and the steps that change them."""

    def __init__(self, config: dict, faces: LabelledFaces, teacher: nn.Module | None, device: torch.device):
        self.config, self.faces, self.teacher, self.device = config, faces, teacher, device
        self.loss, self.train = config["loss"], config["train"]
        self.pool = faces.labels[faces.rows("train")]
        torch.manual_seed(config["seed"])
        count = len(faces.aus)
        self.generator = build(config["model"], count).to(device, memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.generator).requires_grad_(False)
        image_critic = {"bands": ImageCritic, "patches": PatchCritic}[config["critic"]["kind"]]
        critics = {"image": image_critic(config["critic"], faces.size, count)}
        if config["critic"]["high_frequency"]:
            critics["high"] = HighFrequencyCritic(config["critic"], faces.size, config["model"]["wavelet"])
        self.critics = nn.ModuleDict(critics).to(device, memory_format=torch.channels_last)
        lr, betas = self.train["lr"], (self.train["beta1"], 0.99)
        self.optimizer = torch.optim.Adam(self.generator.parameters(), lr, betas)
        self.optimizer_critics = torch.optim.Adam(self.critics.parameters(), lr * self.train["critic_lr_factor"], betas)
        self.images = 0

    def step(self) -> dict[str, float]:
        """`critic_steps` steps of the critics and one of the generator, on its last batch; returns the losses."""
        count = self.images // self.train["batch"]
        random = torch.Generator().manual_seed(self.config["seed"] * 1_000_003 + count)
        done = self.images / self.train["images"]
        self._set_lr(done)
        paint = 1.0 if self.config["model"]["output"] != "warp" else _ramp(done, self.train["paint_from"], 0.1)
        for _ in range(self.train["critic_steps"] - 1):
            image, source, _, fed = self._draw(random)
            with torch.no_grad(), self._autocast():
                fake = self.generator(image, fed, paint).image
            self._critics_step(image, source, fake, count, random)
        image, source, target, fed = self._draw(random)
        with self._autocast():
            edit = self.generator(image, fed, paint)

        report = self._critics_step(image, source, edit.image.detach(), count, random)
        report |= self._generator_step(image, source, target, edit, paint, count, random)

        self._update_average()
        self.images += len(image)
        return report

    def _draw(self, random: torch.Generator) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """A batch: faces, their AUs, the AUs wanted, and what the generator is told."""
        image, source = self.faces.batch(self.train["batch"], "train", random, self.device)
        target = draw_targets(source, self.pool, self.train["single_targets"], random)
        return image, source, target, condition(self.config["model"], source, target)

    def _critics_step(
        self, image: Tensor, source: Tensor, fake: Tensor, count: int, random: torch.Generator
    ) -> dict[str, float]:
        self.critics.requires_grad_(True)
        wasserstein = self.loss["gan"] == "wgan_gp"
        adversarial = losses.critic_wasserstein if wasserstein else losses.critic_hinge
        with self._autocast():
            real_score, estimate = self.critics["image"](image)
            fake_score, _ = self.critics["image"](fake)
            terms = {"critic": adversarial(real_score, fake_score)}
            terms["critic_au"] = self.loss["critic_au"] * losses.expression(estimate, source)
            if "high" in self.critics:
                scores = self.critics["high"](image), self.critics["high"](fake)
                terms["critic_high"] = adversarial(*scores)
        if wasserstein:
            share = torch.rand(len(image), 1, 1, 1, generator=random).to(image.device)
            scores_of = {"gradient_penalty": lambda z: self.critics["image"](z)[0]}
            if "high" in self.critics:
                scores_of["gradient_penalty_high"] = self.critics["high"]
            for name, critic in scores_of.items():
                terms[name] = self.loss["gradient_penalty"] * losses.gradient_penalty(critic, image, fake, share)
        every = self.train["r1_every"]
        if self.loss["r1"] and count % every == 0:  # lazily, the weight raised to make up for it (Karras et al. 2020)
            real = image.detach().requires_grad_()
            score, _ = self.critics["image"](real)
            terms["r1"] = every * self.loss["r1"] * losses.r1_penalty(score, real)
            if "high" in self.critics:
                penalty = losses.r1_penalty(self.critics["high"](real), real)
                terms["r1_high"] = every * self.loss["r1"] * penalty
        self._descend(self.optimizer_critics, terms)
        return {name: value.item() for name, value in terms.items()}

    def _generator_step(self, image, source, target, edit, paint, count, random) -> dict[str, float]:
        self.critics.requires_grad_(False)
        model, weight, terms = self.config["model"], self.loss, {}
        with self._autocast():
            score, estimate = self.critics["image"](edit.image)
            terms["adversarial"] = weight["adversarial"] * losses.generator_adversarial(score)
            if "high" in self.critics:
                high = losses.generator_adversarial(self.critics["high"](edit.image))
                terms["adversarial_high"] = weight["adversarial_high"] * high
            terms["expression"] = weight["expression"] * self._expression(image, source, target, edit, estimate, random)
            if weight["cycle"] and count % self.train["cycle_every"] == 0:
                back = self.generator(edit.image, condition(model, target, source), paint).image
                terms["cycle"] = weight["cycle"] * self.train["cycle_every"] * losses.cycle(image, back)
            if weight["identity"] and not keeps_unasked(model):
                same = self.generator(image, condition(model, source, source), paint).image
                terms["identity"] = weight["identity"] * losses.identity(image, same)
        if edit.change is not None:
            terms["change"] = weight["change"] * losses.change(edit.change)
        if edit.attention is not None:
            terms["attention"] = weight["attention"] * losses.attention(edit.attention)
            terms["variation"] = weight["variation"] * losses.variation(edit.attention)
        if edit.flow is not None:
            terms["flow"] = weight["flow"] * losses.flow_smoothness(edit.flow)
        self._descend(self.optimizer, terms)
        return {name: value.item() for name, value in terms.items()}

    def _expression(self, image, source, target, edit, estimate, random) -> Tensor:
        """The expression loss, by the frozen AU network if there is one, else by the image critic's head."""
        if self.teacher is None:
            return losses.expression(estimate, target)
        image_taught = edit.image
        if edit.change is not None:  # the same image, but the critics more than the AU network say what is painted
            share = self.loss["paint_share"]
            image_taught = (edit.moved + edit.change.detach().lerp(edit.change, share)).clamp(-1, 1)
        disturbance = random.get_state()
        with torch.no_grad():  # the network's own error on the input is kept out: only the change is asked for
            wanted = self.teacher(au_network.disturb(image, random)) + self.teacher.slope * (target - source)
        random.set_state(disturbance)  # the same disturbance for the edit as for its input
        return losses.expression(self.teacher(au_network.disturb(image_taught, random)), wanted)

    @torch.no_grad()
    def _update_average(self) -> None:
        decay = min(self.train["ema"], (1 + self.images) / (10 * self.train["batch"] + self.images))
        for mean, weight in zip(self.average.parameters(), self.generator.parameters(), strict=True):
            mean.lerp_(weight, 1 - decay)

    def _set_lr(self, done: float) -> None:
        factor = min(1.0, (1 - done) / self.train["lr_fall"]) if self.train["lr_fall"] else 1.0
        for group in self.optimizer.param_groups:
            group["lr"] = self.train["lr"] * factor
        for group in self.optimizer_critics.param_groups:
            group["lr"] = self.train["lr"] * self.train["critic_lr_factor"] * factor

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.train["bf16"])

    def _descend(self, optimizer: torch.optim.Optimizer, terms: dict[str, Tensor]) -> None:
        total = sum(terms.values())
        if not math.isfinite(total.item()):  # before the step, so that no weight is spoilt
            values = ", ".join(f"{name} {value.item():.4g}" for name, value in terms.items())
            raise UserError(
                f"a loss is not a number after {self.images:,} images ({values}). The last good state is kept; "
                "lower train.lr or switch train.bf16 off, and run the same command again."
            )
        optimizer.zero_grad(set_to_none=True)
        total.backward()
        optimizer.step()

    def state(self) -> dict:
        """All that a resumed run needs besides its configuration and data."""
        modules = ("generator", "average", "critics", "optimizer", "optimizer_critics")
        return {name: getattr(self, name).state_dict() for name in modules} | {"images": self.images}

    def restore(self, state: dict) -> None:
        """Go on from what `state` returned."""
        for name in ("generator", "average", "critics", "optimizer", "optimizer_critics"):
            getattr(self, name).load_state_dict(state[name])
        self.images = state["images"]


def _ramp(done: float, start: float, length: float) -> float:
    return min(1.0, max(0.0, (done - start) / length))


@torch.no_grad()
def save_samples(path: str | Path, training: Training) -> None:
    """A grid of the same validation faces every time: the input, then each AU on (or off, where it was strong)."""
    faces, rows = training.faces, training.faces.rows("validation")
    rows = rows[np.linspace(0, len(rows) - 1, min(6, len(rows))).astype(int)]
    image, source = faces.images(rows, training.device), faces.labels[rows].to(training.device)
    edits = [image]
    for k in range(len(faces.aus)):
        target = source.clone()
        target[:, k] = (source[:, k] < 0.5).float()
        edits.append(training.average(image, condition(training.config["model"], source, target)).image)
    grid = np.stack([to_pixels(edit) for edit in edits], axis=1)
    save_grid(path, grid, ["input", *(f"{name} on/off" for name in faces.aus)])


def run(args: argparse.Namespace) -> None:
    """Train to the end, writing state, history and samples as it goes, and the model last."""
    config = read_json(args.config)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    faces = LabelledFaces(args.faces, args.aus, args.split, config["data"]["aus"])
    teacher = au_network.load(args.au_network, device) if args.au_network else None
    training = Training(config, faces, teacher, device)
    about = {"config": config, "config_digest": digest(args.config), "data_digest": digest(args.aus, args.split)}
    about |= {"aus": list(faces.aus), "size": faces.size, "device": device.type}
    history = _resume(training, args, about)
    if not history:
        save_samples(args.samples, training)

    settings = config["train"]
    bar = tqdm(total=settings["images"], initial=training.images, unit="img", desc=_name(config), mininterval=5)
    sums, steps = {}, {}
    while training.images < settings["images"]:
        report = training.step()
        for name, value in report.items():
            sums[name], steps[name] = sums.get(name, 0.0) + value, steps.get(name, 0) + 1
        bar.update(settings["batch"])
        finished = training.images >= settings["images"]
        if finished or _crossed(training.images, settings["batch"], settings["log_every"]):
            means = {name: sums[name] / steps[name] for name in sums}
            history.append({"images": training.images, **means})
            bar.set_postfix(expression=f"{means['expression']:.3f}", critic=f"{means['critic']:.2f}")
            sums, steps = {}, {}
            if finished or _crossed(training.images, settings["batch"], settings["save_every"]):
                _save(training, history, about, args)
    bar.close()
    _save(training, history, about, args)
    save_weights(args.model, training.average.state_dict(), about | {"images": training.images})


def _resume(training: Training, args: argparse.Namespace, about: dict) -> list[dict]:
    """Take up the last state, if it is of this configuration and data; returns the history up to it."""
    if not Path(args.state).exists():
        return []
    state = load_state(args.state)
    wanted = [about["config_digest"], about["data_digest"]]
    if state["made_by"] != wanted:
        print(f"{args.state} is of another configuration or data set; starting anew")
        return []
    training.restore(state["training"])
    print(f"resuming at {training.images:,} images")
    return state["history"]


def _save(training: Training, history: list[dict], about: dict, args: argparse.Namespace) -> None:
    made_by = [about["config_digest"], about["data_digest"]]
    save_state(args.state, {"made_by": made_by, "training": training.state(), "history": history})
    with whole(args.history) as temporary:
        pd.DataFrame(history).to_csv(temporary, index=False)
    save_samples(args.samples, training)


def _crossed(images: int, batch: int, every: int) -> bool:
    return images // every > (images - batch) // every


def _name(config: dict) -> str:
    return f"{config.get('run', 'run')} seed {config['seed']}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("config", "faces", "aus", "split", "model", "history", "samples", "state"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--au-network", help="frozen AU network; without it the image critic's head teaches")
    run(parser.parse_args())


if __name__ == "__main__":
    run_cli(main)
