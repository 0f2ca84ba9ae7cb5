"""The wavelet transform against pytorch_wavelets, in values and gradients."""

import pytest
import torch
from pytorch_wavelets import DWTForward, DWTInverse

from wemgan.wavelet import dwt, high_bands, idwt


@pytest.fixture
def image():
    return torch.randn(2, 3, 16, 24, generator=torch.Generator().manual_seed(0))


def test_haar_equals_pytorch_wavelets_in_value_and_gradient(image):
    ours, theirs = image.clone().requires_grad_(), image.clone().requires_grad_()
    low, high = dwt(ours)
    low_theirs, (high_theirs,) = DWTForward(J=1, wave="haar", mode="zero")(theirs)
    torch.testing.assert_close(low, low_theirs)
    torch.testing.assert_close(high, high_theirs)
    weigh_low, weigh_high = torch.randn_like(low), torch.randn_like(high)
    for a, b in ((low, high), (low_theirs, high_theirs)):
        ((a * weigh_low).sum() + (b * weigh_high).sum()).backward()
    torch.testing.assert_close(ours.grad, theirs.grad)


def test_inverse_haar_equals_pytorch_wavelets_in_value_and_gradient(image):
    low, high = (band.requires_grad_() for band in dwt(image))
    ours = idwt(low, high)
    theirs = DWTInverse(wave="haar", mode="zero")((low, [high]))
    torch.testing.assert_close(ours, theirs)
    weights = torch.randn_like(ours)
    grads = [torch.autograd.grad((out * weights).sum(), (low, high)) for out in (ours, theirs)]
    torch.testing.assert_close(*grads)


@pytest.mark.parametrize("wavelet", ["haar", "db2", "sym4"])
def test_inverse_undoes_forward(image, wavelet):
    low, high = dwt(image, wavelet)
    assert low.shape == (2, 3, 8, 12) and high.shape == (2, 3, 3, 8, 12)
    torch.testing.assert_close(idwt(low, high, wavelet), image, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("wavelet", ["haar", "db2"])
def test_missing_high_bands_are_zeros(image, wavelet):
    low, high = dwt(image, wavelet)
    torch.testing.assert_close(idwt(low, None, wavelet), idwt(low, torch.zeros_like(high), wavelet))


def test_flat_image_has_no_high_bands():
    assert high_bands(torch.full((1, 3, 8, 8), 0.7)).abs().max() < 1e-6


@pytest.mark.parametrize(
    "transform", [lambda x: torch.cat((dwt(x)[0][:, :, None], dwt(x)[1]), 2), lambda x: idwt(*dwt(x))]
)
def test_haar_can_be_differentiated_twice(transform):
    """The penalties on the critics' gradients go through it twice."""
    x = torch.randn(1, 2, 4, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0), requires_grad=True)
    assert torch.autograd.gradcheck(transform, x) and torch.autograd.gradgradcheck(transform, x)
