"""The fast Haar path against pytorch_wavelets: one level forward and back, with gradients.

python benchmarks/wavelet.py
"""

import torch
from measure import DEVICE, keep, seconds
from pytorch_wavelets import DWTForward, DWTInverse

from wemgan.wavelet import dwt, idwt

SHAPES = [(16, 64, 64, 64), (16, 128, 32, 32), (16, 3, 128, 128)]


def main() -> None:
    forward = DWTForward(J=1, wave="haar", mode="periodization").to(DEVICE)
    inverse = DWTInverse(wave="haar", mode="periodization").to(DEVICE)
    rows = []
    for shape in SHAPES:
        x, gradient = torch.randn(shape, device=DEVICE, requires_grad=True), torch.randn(shape, device=DEVICE)

        def ours(x=x, gradient=gradient):
            low, high = dwt(x, "haar")
            idwt(low, high, "haar").backward(gradient)

        def theirs(x=x, gradient=gradient):
            low, high = forward(x)
            inverse((low, high)).backward(gradient)

        taken = seconds({"ours": ours, "pytorch_wavelets": theirs}, rounds=20)
        rows.append({"shape": "x".join(map(str, shape)), **taken, "ratio": taken["pytorch_wavelets"] / taken["ours"]})
    keep("wavelet", rows)


if __name__ == "__main__":
    main()
