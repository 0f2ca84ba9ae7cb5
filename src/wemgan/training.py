"""The steps of a training: the networks of a run, their optimisers, and what one step changes.

All randomness of a step comes from the seed and the image count. Several processes may share every batch
(`wemgan.processes`): each draws for the whole batch, works on its own rows, and gradients are averaged.
"""

import copy
import math
import time

import torch
from torch import Tensor, nn

from wemgan import au_network, losses
from wemgan.critics import HighFrequencyCritic, ImageCritic, PatchCritic
from wemgan.draws import Draws
from wemgan.generator import condition
from wemgan.labelled import LabelledFaces, Partners
from wemgan.processes import Processes
from wemgan.rivals import build, keeps_unasked
from wemgan.targets import draw_targets


class Training:
    """The networks of a run, their optimisers, and the steps that change them."""

    def __init__(
        self,
        config: dict,
        faces: LabelledFaces,
        teacher: nn.Module | None,
        processes: Processes,
        partners: Partners | None = None,
    ):
        self.config, self.faces, self.teacher, self.partners = config, faces, teacher, partners
        self.processes, self.device = processes, processes.device
        self.loss, self.train = config["loss"], config["train"]
        self.batch = processes.share(self.train["batch"])
        self.pool = faces.labels[faces.rows("train")]
        torch.manual_seed(config["seed"])
        count, device = len(faces.aus), self.device
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
        self.waited = 0.0  # seconds for faces, of this process

    def step(self) -> dict[str, Tensor]:
        """`critic_steps` steps of the critics and one of the generator, on its last batch; returns the losses.

        FloatingPointError before any weight takes a loss that is not finite.
        """
        count = self.images // self.train["batch"]
        seed = self.config["seed"] * 1_000_003 + count
        draws = Draws(seed, self.device, self.processes.rank, self.processes.count)
        done = self.images / self.train["images"]
        self._set_lr(done)
        paint = 1.0 if self.config["model"]["output"] != "warp" else _ramp(done, self.train["paint_from"], 0.1)
        for _ in range(self.train["critic_steps"] - 1):
            image, source, _, fed, _ = self._draw(draws)
            with torch.no_grad(), self._autocast():
                fake = self.generator(image, fed, paint).image
            self._critics_step(image, source, fake, count, draws)
        image, source, target, fed, truth = self._draw(draws)
        with self._autocast():
            edit = self.generator(image, fed, paint)

        report = self._critics_step(image, source, edit.image.detach(), count, draws)
        report |= self._generator_step(image, source, target, truth, edit, paint, count, draws)

        self._update_average()
        self.images += self.train["batch"]
        return report

    def _draw(self, draws: Draws) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor | None]:
        """A batch: faces, their AUs, the AUs wanted, what the generator is told, and the true edits (or None)."""
        start, truth = time.perf_counter(), None
        if self.partners:
            image, source, target, truth = self.partners.batch(self.batch, draws, self.device)
        else:
            image, source = self.faces.batch(self.batch, "train", draws, self.device)
        self.waited += time.perf_counter() - start
        if truth is None:
            target = draw_targets(source, self.pool, self.train["single_targets"], draws)
        return image, source, target, condition(self.config["model"], source, target), truth

    def _critics_step(self, image: Tensor, source: Tensor, fake: Tensor, count: int, draws: Draws) -> dict[str, Tensor]:
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
            share = draws.uniform(len(image), 1, 1, 1)
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
        return {name: value.detach() for name, value in terms.items()}

    def _generator_step(self, image, source, target, truth, edit, paint, count, draws) -> dict[str, Tensor]:
        self.critics.requires_grad_(False)
        model, weight, terms = self.config["model"], self.loss, {}
        with self._autocast():
            score, estimate = self.critics["image"](edit.image)
            terms["adversarial"] = weight["adversarial"] * losses.generator_adversarial(score)
            if "high" in self.critics:
                high = losses.generator_adversarial(self.critics["high"](edit.image))
                terms["adversarial_high"] = weight["adversarial_high"] * high
            terms["expression"] = weight["expression"] * self._expression(image, source, target, edit, estimate, draws)
            if weight["cycle"] and count % self.train["cycle_every"] == 0:
                back = self.generator(edit.image, condition(model, target, source), paint).image
                terms["cycle"] = weight["cycle"] * self.train["cycle_every"] * losses.cycle(image, back)
            if weight["identity"] and not keeps_unasked(model):
                same = self.generator(image, condition(model, source, source), paint).image
                terms["identity"] = weight["identity"] * losses.identity(image, same)
        if truth is not None:
            terms["paired"] = weight["paired"] * losses.paired(edit.image, truth)
        if edit.change is not None:
            terms["change"] = weight["change"] * losses.change(edit.change)
        if edit.attention is not None:
            terms["attention"] = weight["attention"] * losses.attention(edit.attention)
            terms["variation"] = weight["variation"] * losses.variation(edit.attention)
        if edit.flow is not None:
            terms["flow"] = weight["flow"] * losses.flow_smoothness(edit.flow)
        self._descend(self.optimizer, terms)
        return {name: value.detach() for name, value in terms.items()}

    def _expression(self, image, source, target, edit, estimate, draws) -> Tensor:
        """The expression loss, by the frozen AU network if there is one, else by the image critic's head."""
        if self.teacher is None:
            return losses.expression(estimate, target)
        image_taught = edit.image
        if edit.change is not None:  # the same image, but the critics more than the AU network say what is painted
            share = self.loss["paint_share"]
            image_taught = (edit.moved + edit.change.detach().lerp(edit.change, share)).clamp(-1, 1)
        alike = draws.again()  # the same disturbance for the edit as for its input
        with torch.no_grad():  # the network's own error on the input is kept out: only the change is asked for
            wanted = self.teacher(au_network.disturb(image, alike)) + self.teacher.slope * (target - source)
        return losses.expression(self.teacher(au_network.disturb(image_taught, draws)), wanted)

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
        if not math.isfinite(total.item()):
            values = ", ".join(f"{name} {value.item():.4g}" for name, value in terms.items())
            raise FloatingPointError(f"a loss is not a number after {self.images:,} images ({values})")
        optimizer.zero_grad(set_to_none=True)
        total.backward()
        gradients = (weight.grad for group in optimizer.param_groups for weight in group["params"])
        self.processes.average(gradient for gradient in gradients if gradient is not None)
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
