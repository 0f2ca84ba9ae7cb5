"""Train one run: generator and both critics. The same command again resumes where the last state was written.

    python -m wemgan.train --config config.json --faces faces.npy --aus aus.csv --split split.csv ...
    torchrun --nproc-per-node 4 -m wemgan.train ...    the same run, its batches shared by four GPUs

Everything is counted in images that the generator has edited. All randomness of a step comes from the seed and the
image count, so a run that was killed and resumed ends with the same weights (bit for bit on the CPU).
"""

import argparse
import resource
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from tqdm import tqdm

from wemgan import au_network
from wemgan.checkpoint import load_state, save_state, save_weights
from wemgan.errors import UserError, run_cli
from wemgan.files import digest, read_json, whole, write_json
from wemgan.generator import condition
from wemgan.labelled import LabelledFaces, Partners, to_pixels
from wemgan.origin import machine
from wemgan.pictures import save_grid
from wemgan.processes import Processes, join
from wemgan.sources import sources_here
from wemgan.training import Training


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
    config, processes = read_json(args.config), join()
    device = processes.device
    faces = LabelledFaces(args.faces, args.aus, args.split, config["data"]["aus"])
    faces.settle(device)
    teacher = _teacher(args, device) if args.au_network else None
    if config["loss"]["paired"] and not args.partners:
        raise UserError("loss.paired is not 0, but no --partners are given; run the step wemgan.partners first")
    partners = Partners(args.partners, faces) if args.partners else None
    training = Training(config, faces, teacher, processes, partners)
    about = {"config": config, "config_digest": digest(args.config), "data_digest": digest(args.aus, args.split)}
    about |= {"aus": list(faces.aus), "size": faces.size, "device": device.type}
    about["taught_by"] = digest(*_taught_by(args))
    history = _resume(training, args, about)
    writes = processes.rank == 0
    live = _live(args) if writes and args.live else None
    if writes and not history:
        save_samples(args.samples, training)

    settings, first, start = config["train"], training.images, time.perf_counter()
    bar = tqdm(
        total=settings["images"], initial=first, unit="img", desc=_name(config), mininterval=5, disable=not writes
    )
    reports: list[dict[str, Tensor]] = []
    while training.images < settings["images"]:
        try:
            reports.append(training.step())
        except FloatingPointError as broken:
            raise UserError(f"{broken}. {_last_good(args.state)}") from None
        bar.update(settings["batch"])
        finished = training.images >= settings["images"]
        if finished or _crossed(training.images, settings["batch"], settings["log_every"]):
            means = _means(reports, processes)
            history.append({"images": training.images, **means})
            reports.clear()
            if live:
                live.log(history[-1])
            bar.set_postfix(
                expression=f"{means['expression']:.3f}",
                critic=f"{means['critic']:.2f}",
                GB=f"{peak_memory(device):.1f}",
            )
            if writes and (finished or _crossed(training.images, settings["batch"], settings["save_every"])):
                _save(training, history, about, args)
                if live:
                    live.show(args.samples, training.images)
    bar.close()
    if live:
        live.close()
    if writes:
        _save(training, history, about, args)
        _save_speed(args.speed, training, training.images - first, time.perf_counter() - start)
        save_weights(args.model, training.average.state_dict(), about | {"images": training.images})


def _teacher(args: argparse.Namespace, device: torch.device) -> au_network.AUNetwork:
    """The AU network, refused if it is of another configuration or other labels."""
    config = digest(args.au_network_config) if args.au_network_config else None
    return au_network.load(args.au_network, device, config, digest(args.aus, args.split))


def _live(args: argparse.Namespace):
    """The entry of this training in MLflow."""
    from wemgan.live import Live  # so that a machine without it can train

    return Live(args.live, args.config, [Path(args.faces).with_suffix(".csv"), Path(args.aus), Path(args.split)])


def _last_good(path: str) -> str:
    """What a run that broke can be taken up from."""
    if not Path(path).exists():
        return "No state was saved before. Lower train.lr or switch train.bf16 off, and run the same command again."
    images = load_state(path)["training"]["images"]
    return (
        f"The last good state, of {images:,} images, is {path}: the same command goes on from there. "
        "If it breaks again, lower train.lr or switch train.bf16 off; the run then starts anew."
    )


def _means(reports: list[dict[str, Tensor]], processes: Processes) -> dict[str, float]:
    """The mean of each loss over the steps in which it was there, and over the processes."""
    names = list(dict.fromkeys(name for report in reports for name in report))
    means = [torch.stack([report[name] for report in reports if name in report]).double().mean() for name in names]
    processes.average(means)
    return {name: mean.item() for name, mean in zip(names, means, strict=True)}


def peak_memory(device: torch.device) -> float:
    """Peak memory so far in GB: of the GPU if there is one, else of this process."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 1e9
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def _save_speed(path: str | Path, training: Training, images: int, seconds: float) -> None:
    """How fast this process went since it started or resumed, and on what machine."""
    speed = {"images": images, "seconds": round(seconds, 1), "images_per_second": round(images / seconds, 1)}
    speed |= {"share_waiting_for_faces": round(training.waited / seconds, 4), "peak_gb": peak_memory(training.device)}
    write_json(path, speed | {"processes": training.processes.count} | machine())


def _resume(training: Training, args: argparse.Namespace, about: dict) -> list[dict]:
    """Take up the last state, if it is of this configuration and data; returns the history up to it."""
    if not Path(args.state).exists():
        return []
    state = load_state(args.state)
    if state["made_by"] != _made_by(about):
        print(f"{args.state} is of another configuration, data set, teacher or code; starting anew")
        return []
    training.restore(state["training"])
    print(f"resuming at {training.images:,} images")
    return state["history"]


def _save(training: Training, history: list[dict], about: dict, args: argparse.Namespace) -> None:
    save_state(args.state, {"made_by": _made_by(about), "training": training.state(), "history": history})
    with whole(args.history) as temporary:
        pd.DataFrame(history).to_csv(temporary, index=False)
    save_samples(args.samples, training)


def _made_by(about: dict) -> list[str]:
    """What a state must have in common with a training that goes on from it, the code among it."""
    return [about["config_digest"], about["data_digest"], about["taught_by"], digest(*sources_here("train"))]


def _taught_by(args: argparse.Namespace) -> list[str]:
    return [path for path in (args.au_network, args.partners) if path]


def _crossed(images: int, batch: int, every: int) -> bool:
    return images // every > (images - batch) // every


def _name(config: dict) -> str:
    return f"{config.get('run', 'run')} seed {config['seed']}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("config", "faces", "aus", "split", "model", "history", "samples", "state", "speed"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--live", help="MLflow store in which to show the training while it runs, if it can be reached")
    parser.add_argument("--au-network", help="frozen AU network; without it the image critic's head teaches")
    parser.add_argument("--au-network-config", help="the configuration by which it has to be trained")
    parser.add_argument("--partners", help="true edits of the training faces, for loss.paired")
    run(parser.parse_args())


if __name__ == "__main__":
    run_cli(main)
