"""Several processes train one model together as one process does alone."""

import os
import subprocess
import sys

import pandas as pd
import pytest
import torch
from training import arguments

from wemgan import train
from wemgan.checkpoint import load_weights
from wemgan.draws import Draws
from wemgan.errors import UserError
from wemgan.processes import Processes


def torchrun(args, processes: int) -> subprocess.CompletedProcess:
    flags = [f"--{key.replace('_', '-')}={value}" for key, value in vars(args).items() if value]
    words = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}", "-m", "wemgan.train"]
    return subprocess.run(
        [sys.executable, *words, *flags], capture_output=True, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"}
    )


def test_two_processes_give_the_model_of_one_at_the_same_batch(labelled, config):
    torch.set_num_threads(1)
    config["train"]["images"] = 24  # later on, rounding grows into other choices
    alone, shared = arguments(labelled, "alone", config), arguments(labelled, "shared", config)
    train.run(alone)
    done = torchrun(shared, 2)
    assert done.returncode == 0, done.stderr
    weights, about = load_weights(alone.model)
    others, about_shared = load_weights(shared.model)
    assert about == about_shared and weights.keys() == others.keys()
    for name, weight in weights.items():
        torch.testing.assert_close(others[name], weight, atol=1e-4, rtol=1e-3)
    pd.testing.assert_frame_equal(pd.read_csv(alone.history), pd.read_csv(shared.history), rtol=1e-2)


def test_a_batch_that_cannot_be_shared_is_told_in_a_sentence():
    with pytest.raises(UserError, match="train.batch is 9, which 2 processes"):
        Processes(0, 2, torch.device("cpu")).share(9)


def test_processes_draw_the_rows_of_one_batch():
    whole, parts = Draws(5), [Draws(5, rank=rank, processes=2) for rank in range(2)]
    for name, words in {"uniform": (), "normal": (), "integers": (0, 100)}.items():
        alone = getattr(whole, name)(*words, 6, 3)
        torch.testing.assert_close(torch.cat([getattr(part, name)(*words, 3, 3) for part in parts]), alone)


def test_the_same_numbers_can_be_drawn_twice():
    draws = Draws(5)
    twin = draws.again()
    assert torch.equal(draws.uniform(4), twin.uniform(4))
