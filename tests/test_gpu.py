"""What a GPU adds; skipped where there is none."""

import pandas as pd
import pytest
import torch
from training import arguments, run_until_killed

from wemgan import train
from wemgan.checkpoint import load_weights
from wemgan.draws import Draws
from wemgan.labelled import LabelledFaces
from wemgan.wavelet import dwt, idwt

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU on this machine"),
]


def test_faces_on_the_gpu_are_those_of_the_file(labelled):
    device = torch.device("cuda")
    paths = (labelled / "faces.npy", labelled / "aus.csv", labelled / "split.csv")
    mapped, settled = (LabelledFaces(*paths, ["AU12"]) for _ in range(2))
    settled.settle(device)
    pairs = zip(*(faces.batch(16, "train", Draws(3, device), device) for faces in (mapped, settled)), strict=True)
    assert all(torch.equal(a, b) and b.is_cuda for a, b in pairs)


@pytest.mark.parametrize("wavelet", ["haar", "db2"])
def test_wavelets_are_those_of_the_cpu(wavelet):
    x = torch.randn(2, 3, 32, 32)
    for ours, theirs in zip(dwt(x.cuda(), wavelet), dwt(x, wavelet), strict=True):
        torch.testing.assert_close(ours.cpu(), theirs, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(idwt(*dwt(x.cuda(), wavelet), wavelet).cpu(), x, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("bf16", [False, True])
def test_a_killed_training_resumes_on_the_gpu(labelled, config, bf16):
    config["train"]["bf16"] = bf16
    whole, broken = arguments(labelled, "whole", config), arguments(labelled, "broken", config)
    train.run(whole)
    run_until_killed(broken, 20)
    train.run(broken)
    weights, resumed = load_weights(whole.model)[0], load_weights(broken.model)[0]
    for name, weight in weights.items():
        torch.testing.assert_close(resumed[name], weight, atol=1e-2, rtol=1e-2)
    assert pd.read_csv(broken.history)["images"].tolist() == pd.read_csv(whole.history)["images"].tolist()
