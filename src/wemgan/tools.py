"""The tools that label action units, and which each of them knows."""

from collections.abc import Sequence

from wemgan.errors import UserError

TITLES = {"mediapipe": "MediaPipe", "pyfeat": "py-feat", "openface": "OpenFace"}
# MediaPipe: those that a working blendshape says (wemgan.mediapipe_aus); py-feat: its network's; OpenFace: those with
# an intensity, of which its AU45, the blink, is AU43 here.
AUS = {
    tool: tuple(f"AU{number:02d}" for number in numbers)
    for tool, numbers in {
        "mediapipe": (1, 2, 4, 5, 7, 10, 12, 14, 15, 17, 20, 24, 25, 26, 28, 43),
        "pyfeat": (1, 2, 4, 5, 6, 7, 9, 10, 11, 12, 14, 15, 17, 20, 23, 24, 25, 26, 28, 43),
        "openface": (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 25, 26, 43),
    }.items()
}

# Names of the Facial Action Coding System (Ekman, Friesen & Hager 2002).
NAMES = {
    "AU01": "inner brow raiser", "AU02": "outer brow raiser", "AU04": "brow lowerer", "AU05": "upper lid raiser",
    "AU06": "cheek raiser", "AU07": "lid tightener", "AU09": "nose wrinkler", "AU10": "upper lip raiser",
    "AU11": "nasolabial deepener", "AU12": "lip corner puller", "AU14": "dimpler", "AU15": "lip corner depressor",
    "AU17": "chin raiser", "AU20": "lip stretcher", "AU23": "lip tightener", "AU24": "lip pressor", "AU25": "lips part",
    "AU26": "jaw drop", "AU28": "lip suck", "AU43": "eyes closed",
}  # fmt: skip


def check_aus(tool: str, aus: Sequence[str], where: str = "") -> None:
    """UserError that names the AUs which a tool does not have; `where` says in which file they are asked for."""
    if unknown := [name for name in aus if name not in AUS[tool]]:
        raise UserError(
            f"{where}{': ' if where else ''}{TITLES[tool]} cannot label {', '.join(unknown)}; "
            f"take these out of data.aus or use another tool. It has {', '.join(AUS[tool])}"
        )
