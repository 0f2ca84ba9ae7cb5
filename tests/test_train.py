"""Training: resumed runs end as uninterrupted ones, and mistakes are told in sentences."""

import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from training import arguments, run_until_killed

from wemgan import au_network, losses, train
from wemgan.checkpoint import load_weights, save_weights
from wemgan.draws import Draws
from wemgan.errors import UserError
from wemgan.files import digest
from wemgan.labelled import LabelledFaces, Partners
from wemgan.partners import draw_partners
from wemgan.targets import draw_targets


@pytest.mark.parametrize("images", [4, 20, 28])
def test_a_killed_run_resumes_to_the_same_weights_bit_for_bit(labelled, config, images):
    torch.set_num_threads(1)
    whole, broken = arguments(labelled, "whole", config), arguments(labelled, "broken", config)
    train.run(whole)
    run_until_killed(broken, images)
    train.run(broken)

    weights, about = load_weights(whole.model)
    resumed, about_resumed = load_weights(broken.model)
    assert all(torch.equal(weights[name], resumed[name]) for name in weights)
    assert about == about_resumed
    pd.testing.assert_frame_equal(pd.read_csv(whole.history), pd.read_csv(broken.history))


def test_a_state_of_another_configuration_is_not_resumed(labelled, config, capsys):
    args = arguments(labelled, "run", config)
    train.run(args)
    config["model"]["width"] = 16
    train.run(arguments(labelled, "run", config))
    assert "another configuration" in capsys.readouterr().out
    assert load_weights(args.model)[1]["config"]["model"]["width"] == 16


@pytest.mark.parametrize(
    "change",
    [
        ("critic", "high_frequency", False), ("model", "dit", False), ("model", "fusion", "once"),
        ("model", "condition", "absolute"), ("model", "output", "paint"), ("model", "skips", False),
        ("model", "wavelet", "db2"), ("loss", "gan", "wgan_gp"),
    ],
    ids=lambda change: f"{change[1]}={change[2]}",
)  # fmt: skip
def test_every_ablation_trains(labelled, config, change):
    section, key, value = change
    config[section][key] = value
    config["train"] |= {"images": 8, "bf16": True}
    args = arguments(labelled, "run", config)
    train.run(args)
    history = pd.read_csv(args.history)
    assert history["images"].tolist() == [8]
    assert ("critic_high" in history) == (section != "critic")


def test_training_teaches_the_generator_the_expression(labelled, config):
    """On blobs that follow their AUs, by the critic's head alone, the expression loss falls clearly."""
    config["train"] |= {"images": 1440, "batch": 8, "log_every": 240, "save_every": 1440, "lr": 0.001}
    args = arguments(labelled, "run", config)
    train.run(args)
    expression = pd.read_csv(args.history)["expression"]
    assert expression.iloc[-1] < 0.7 * expression.iloc[0]


def test_a_loss_that_is_not_a_number_stops_the_run_with_a_sentence(labelled, config, monkeypatch):
    args, expression = arguments(labelled, "run", config), losses.expression
    monkeypatch.setattr(losses, "expression", lambda estimate, target: expression(estimate, target) * float("nan"))
    with pytest.raises(UserError, match=r"not a number after 0 images \(.*critic_au nan.*No state was saved"):
        train.run(args)
    calls = iter(range(100))
    monkeypatch.setattr(
        losses, "expression", lambda *pair: expression(*pair) * (1 if next(calls) < 13 else float("nan"))
    )  # twice a step: by the critics and by the generator
    with pytest.raises(UserError, match=r"after 24 images .* The last good state, of 16 images, is .*state\.pt"):
        train.run(args)


def test_a_missing_label_column_is_told_in_a_sentence(labelled, config):
    config["data"]["aus"] = ["AU12", "AU99"]
    with pytest.raises(UserError, match="AU99"):
        train.run(arguments(labelled, "run", config))


def test_a_full_disk_is_told_in_a_sentence_and_keeps_the_last_state(labelled, config):
    """The state is written to a device that is always full."""
    if not os.path.exists("/dev/full"):
        pytest.skip("this system has no /dev/full")
    args = arguments(labelled, "run", config)
    program = (
        "import sys\nfrom pathlib import Path\nfrom wemgan import train\nfrom wemgan.errors import run_cli\n"
        "def full(self, content):\n    open('/dev/full', 'wb', 0).write(content)\n"
        "Path.write_bytes = full\nsys.exit(run_cli(train.main))"
    )
    flags = [f"--{key.replace('_', '-')}={value}" for key, value in vars(args).items() if value]
    done = subprocess.run([sys.executable, "-c", program, *flags], capture_output=True, text=True)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "no space left on the device" in done.stderr


def test_targets_change_few_aus_or_come_from_another_face():
    draws = Draws(0)
    source, pool = torch.full((400, 6), 0.5), draws.uniform(50, 6)
    targets = draw_targets(source, pool, 0.6, draws)
    changed = (targets != source).sum(1)
    few = changed <= 3
    assert 0.5 < few.float().mean() < 0.7 and changed.min() >= 1
    assert all((pool == target).all(1).any() for target in targets[~few])
    assert targets.min() >= 0 and targets.max() <= 1


def test_batches_mirror_half_of_the_faces(labelled):
    faces = LabelledFaces(labelled / "faces.npy", labelled / "aus.csv", labelled / "split.csv", ["AU12"])
    images, aus = faces.batch(8, "train", Draws(0), torch.device("cpu"))
    assert images.shape == (8, 3, 64, 64) and aus.shape == (8, 1) and images.abs().max() <= 1


@pytest.fixture
def partners(labelled):
    """True edits of the training faces: pictures whose brightness says which face and which target they belong to."""
    faces = pd.read_csv(labelled / "aus.csv")[["id", "AU12", "AU26"]][:48]
    table = draw_partners(faces, ["AU12", "AU26"], 0.6, 0)
    pixels = np.load(labelled / "faces.npy")[np.repeat(np.arange(48), 2)].copy()
    pixels[:, :8, :8] = (100 * table["AU12"].to_numpy()[:, None, None, None]).round()
    np.save(labelled / "partners.npy", pixels)
    table.to_csv(labelled / "partners.csv", index=False)
    return labelled


def test_partners_come_with_their_own_face_aus_and_mirroring(partners):
    faces = LabelledFaces(partners / "faces.npy", partners / "aus.csv", partners / "split.csv", ["AU12", "AU26"])
    image, source, target, truth = Partners(partners / "partners.npy", faces).batch(32, Draws(1), torch.device("cpu"))
    assert torch.equal(image[:, :, 8:, 8:-8], truth[:, :, 8:, 8:-8])  # the same face, mirrored alike
    marks = torch.stack([truth[:, 0, 0, 0], truth[:, 0, 0, -1]])
    assert ((marks + 1) * 127.5 - (100 * target[:, 0])).abs().min(0).values.max() < 0.51
    labels = faces.labels[faces.rows("train")]
    assert all((labels == row).all(1).any() for row in source) and (source != target).any(1).all()


def test_a_run_that_is_told_the_truth_learns_from_it(partners, config):
    config["loss"] |= {"paired": 100.0, "adversarial": 0.0, "expression": 0.0, "cycle": 0.0, "change": 0.0}
    config["train"] |= {"images": 240, "batch": 8, "log_every": 40, "lr": 0.002, "paint_from": 0.0}
    args = arguments(partners, "told", config)
    with pytest.raises(UserError, match="run the step wemgan.partners first"):
        train.run(args)
    args.partners = str(partners / "partners.npy")
    train.run(args)
    paired = pd.read_csv(args.history)["paired"]
    assert paired.iloc[-1] < 0.7 * paired.iloc[0]


def test_a_state_of_another_teacher_or_of_other_code_is_not_gone_on_from(labelled, config, capsys, monkeypatch):
    args = arguments(labelled, "run", config)
    args.au_network = str(labelled / "au_network.pt")
    about = {"width": 8, "size": 64, "aus": ["AU12", "AU26"], "data_digest": digest(args.aus, args.split)}
    for seed in (0, 1):
        torch.manual_seed(seed)
        save_weights(args.au_network, au_network.AUNetwork(8, 64, 2).state_dict(), about)
        train.run(args)
        assert ("starting anew" in capsys.readouterr().out) == (seed == 1)
    train.run(args)
    assert "resuming at 48 images" in capsys.readouterr().out
    monkeypatch.setattr(train, "sources_here", lambda step: [labelled / "aus.csv"])
    train.run(args)
    assert "another configuration, data set, teacher or code; starting anew" in capsys.readouterr().out
