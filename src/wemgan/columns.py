"""The columns of the tables: every metric, which way it gets better, and why a control may come first by it."""

import pandas as pd

CONTROLS = ("copy", "truth", "wrong", "blur", "jpeg", "fooled")
# By the beginning of a metric's name: which way it gets better, and what it is.
METRICS = {
    "acd": ("lower", "identity distance of edit and input (L2 of normalised embeddings, 0 to 2), mean: the ACD"),
    "au_mae": ("lower", "mean absolute AU error against the AUs asked for, over AUs and edits"),
    "ed": ("lower", "expression distance: L2 norm of the AU error, mean over edits"),
    "pearson": ("higher", "Pearson's r of asked and measured, mean over AUs"),
    "icc": ("higher", "ICC(3,1) of asked and measured, mean over AUs"),
    "disagreement": (
        "lower",
        "mean absolute difference of two judges' AUs; the truth's is usual, more is deceit or damage",
    ),
    "monotonicity": ("higher", "Spearman's rho of asked and measured strength as one AU rises, mean over AUs, faces"),
    "slope": ("near 1", "measured rise of an AU per unit asked"),
    "leakage": ("lower", "mean absolute change of the other AUs as one rises from 0 to 1"),
    "psnr_inside": ("higher", "PSNR to the truth in dB, inside of the region that the truth moves"),
    "psnr_outside": ("higher", "PSNR to the truth in dB, outside of that region"),
    "psnr": ("higher", "PSNR to the truth in dB, at most 60"),
    "ssim_inside": ("higher", "SSIM inside of the region that the truth moves"),
    "ssim_outside": ("higher", "SSIM outside of that region"),
    "ssim": ("higher", "structural similarity to the truth"),
    "hf_inside": ("lower", "error in the high Haar bands inside of the region that the truth moves"),
    "hf_outside": ("lower", "error in the high Haar bands outside of that region"),
    "hf": ("lower", "mean absolute error in the three high Haar bands, in levels of 255"),
    "lpips": ("lower", "LPIPS to the truth"),
    "fid": ("lower", "FID: Frechet distance of Inception features of edits and of real held-out faces"),
    "fd": ("lower", "Frechet distance of the judge's features of edits and of real held-out faces (not FID)"),
    "kid": ("lower", "KID: squared kernel distance of Inception features"),
    "kd": ("lower", "squared kernel distance of the judge's features (not KID)"),
    "no_face_rate": ("lower", "share of edits in which no face is found"),
    "self_psnr": ("higher", "PSNR to the input in dB where no change is asked for, at most 60"),
    "self_l1": ("lower", "mean absolute change in levels of 255 where no change is asked for"),
    "self_acd": ("lower", "identity distance where no change is asked for"),
    "mae_AU": ("lower", "mean absolute error of one AU"),
}
# The columns of the tables, by the beginning of their names.
EXPRESSION = ("au_mae", "icc", "disagreement", "monotonicity", "slope", "leakage", "acd")
TRUTH = ("psnr", "psnr_inside", "psnr_outside", "ssim", "hf", "lpips")
SETS = ("fid", "fd", "kid", "kd")
TABLES = {"Expression and person": EXPRESSION, "Picture": (*TRUTH, *SETS, "no_face_rate", "self_psnr")}
SHORT = ("au_mae", "disagreement", "acd", "psnr", "ssim", "hf", "fid", "fd", "no_face_rate")
# Why a control may come first by a metric, by both; what is not here is called unexplained.
AUS_RIGHT = ("au_mae", "ed", "pearson", "icc", "monotonicity", "slope", "mae_AU", "leakage")
WINS = {
    "copy": {
        ("acd", "self_acd", "self_psnr", "self_l1"): "it is the input itself",
        ("leakage",): "nothing moves in it",
        (*SETS, "no_face_rate"): "it is a real picture",
        ("psnr_outside", "ssim_outside", "hf_outside"): "outside of what should move it is right",
        ("disagreement",): "no judge is deceived by a real picture",
    },
    "truth": {tuple(METRICS): "it is what the edit should be"},
    "wrong": {
        (*AUS_RIGHT, "disagreement"): "its AUs are the true ones, of another person",
        (*SETS, "no_face_rate"): "it is a real picture, of another person",
    },
    "blur": {
        ("leakage",): "nothing moves in it",
        ("no_face_rate",): "a blurred face is found too",
        ("disagreement",): "blur takes from both judges what they would see",
    },
    "jpeg": {
        ("leakage",): "nothing moves in it",
        ("no_face_rate",): "a compressed face is found too",
        ("disagreement",): "compression takes from both judges what they would see",
    },
    "fooled": {
        AUS_RIGHT: "its noise was made to deceive this judge, and the other judge's measures show it",
        ("no_face_rate",): "the face below the noise is found",
    },
}


def kind_of(name: str) -> str | None:
    """The key of METRICS that a metric belongs to."""
    return next((kind for kind in sorted(METRICS, key=len, reverse=True) if name.split("/")[0].startswith(kind)), None)


def columns_of(frame: pd.DataFrame, kinds: tuple[str, ...]) -> list[str]:
    """The metrics of these kinds over the group `faces`, in that order."""
    names = [name for name in frame if "/" not in name]
    return [name for kind in kinds for name in names if kind_of(name) == kind]
