"""Model files that the project does not carry: pinned by sha256, looked for on disk first, downloaded otherwise.

python -m wemgan.download --directory weights face_landmarker.task
"""

import argparse
import fcntl
import hashlib
import http.client
import os
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from wemgan.errors import UserError, run_cli

FOLDER = "weights"
TRIES = 3
BLOCK = 1 << 16


class Missing(UserError):
    """A file that is not there, and cannot be fetched."""


@dataclass(frozen=True)
class Pinned:
    """A file of exactly this content; `url` is empty where it has to be brought by hand.

    `sha256` may be its beginning, where no more of it is published, or empty: then the first file that is met is
    remembered, in a file beside it.
    """

    url: str
    sha256: str
    what: str
    licence: str


FILES = {
    "face_landmarker.task": Pinned(
        "https://storage.googleapis.com/mediapipe-models/face_landmarker/face_landmarker/float16/1/face_landmarker.task",
        "64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff",
        "MediaPipe Face Landmarker, 478 landmarks and 52 blendshapes",
        "Apache 2.0",
    ),
    "mobilefacenet.onnx": Pinned(
        "",
        "b7120c095d60094f28a4a54ba6a8bf51b297a6273fb40ef6350dfec1f63d9507",
        "MobileFaceNet, face recognition with 128-d embeddings",
        "Apache 2.0",
    ),
    "face_multitask_v28.safetensors": Pinned(
        "https://huggingface.co/py-feat/face_multitask_v2/resolve/main/face_multitask_v28.safetensors",
        "",
        "py-feat's multitask network, 20 AUs",
        "non-commercial research (LICENSES/PYFEAT-V2.md of py-feat)",
    ),
    "20180402-114759-vggface2.pt": Pinned(
        "https://github.com/timesler/facenet-pytorch/releases/download/v2.2.9/20180402-114759-vggface2.pt",
        "",
        "facenet-pytorch's Inception-ResNet trained on VGGFace2, 512-d embeddings",
        "MIT (the data: CC BY-NC 4.0)",
    ),
    "weights-inception-2015-12-05-6726825d.pth": Pinned(
        "https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/weights-inception-2015-12-05-6726825d.pth",
        "6726825d",
        "FID's Inception network, as torch-fidelity has it",
        "Apache 2.0",
    ),
    "alexnet-owt-7be5be79.pth": Pinned(
        "https://download.pytorch.org/models/alexnet-owt-7be5be79.pth",
        "7be5be79",
        "torchvision's AlexNet, on which LPIPS rests",
        "BSD 3-clause",
    ),
}


def find(name: str, weights: dict) -> Path:
    """The path of a file of `FILES`, of the pinned content. `weights` is the section of that name in params.yaml.

    Looked for in `weights.directory`, then in the folder weights/; if it is in neither and `weights.download` is on,
    it is downloaded into the first that is named. Missing if it cannot be had, UserError if its content is another.
    """
    pinned = FILES[name]
    folders = [Path(folder).expanduser() for folder in (weights["directory"], FOLDER) if folder]
    for folder in folders:
        if (folder / name).is_file():
            _check(folder / name, pinned)
            return folder / name
    places = " nor in ".join(f"{folder}/" for folder in folders)
    if not pinned.url:
        raise Missing(
            f"{name} ({pinned.what}) is not in {places}, and there is no address to download it from; "
            f"put the file with sha256 {pinned.sha256} into a folder and set weights.directory to it"
        )
    if not weights["download"]:
        raise Missing(
            f"{name} ({pinned.what}) is not in {places}, and weights.download is off; "
            f"fetch it from {pinned.url} and set weights.directory to the folder that you put it in"
        )
    return download(pinned, folders[0] / name)


def download(pinned: Pinned, path: Path) -> Path:
    """Download a file to `path`, carrying on where an earlier try was cut off; it appears there whole and checked.

    UserError if it cannot be fetched or its content is another.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.touch()
    except (PermissionError, FileExistsError, NotADirectoryError) as refusal:
        raise UserError(f"{path.name} cannot be put into {path.parent}: {refusal.strerror}") from None
    with open(part, "ab") as file:
        # Steps that run side by side: the second waits here, and finds the file when the first is done.
        fcntl.flock(file, fcntl.LOCK_EX)
        if path.is_file():
            return path
        _fetch_all(pinned.url, file, path.name)
        if not _sha256(part).startswith(pinned.sha256):
            part.unlink()
            raise UserError(
                f"what {pinned.url} sent is not the pinned file (its sha256 differs); nothing was kept of it"
            )
        os.replace(part, path)
    return path


def _fetch_all(url: str, file, name: str) -> None:
    """Append to `file` what is missing of `url`, in a few tries; each carries on where the last was cut off."""
    for last in [False] * (TRIES - 1) + [True]:
        try:
            _fetch(url, file, name)
            return
        except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as failure:
            refused = isinstance(failure, urllib.error.HTTPError) and failure.code < 500
            if last or refused:
                why = getattr(failure, "reason", None) or failure
                raise Missing(
                    f"{name} could not be downloaded from {url} ({why}); run the same command again to carry on, "
                    "or fetch it by hand and set weights.directory to its folder"
                ) from None


def _fetch(url: str, file, name: str) -> None:
    have = file.seek(0, os.SEEK_END)
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        response = urllib.request.urlopen(request, timeout=30)
    except urllib.error.HTTPError as refusal:
        if (
            refusal.code == 416
        ):  # nothing lies beyond what is here: it is whole, or of another file, as the sum will tell
            return
        raise
    with response:
        if have and response.status != 206:  # the server sends all of it again
            file.truncate(0)
            have = 0
        length = response.length
        total = None if length is None else have + length
        with tqdm(desc=f"download {name}", total=total, initial=have, unit="B", unit_scale=True) as progress:
            while block := response.read(BLOCK):
                file.write(block)
                progress.update(len(block))
        file.flush()
        if total is not None and file.tell() < total:
            raise http.client.IncompleteRead(b"", total - file.tell())


def _check(path: Path, pinned: Pinned) -> None:
    found, note = _sha256(path), path.with_name(f"{path.name}.sha256")
    wanted = pinned.sha256 or (note.read_text().strip() if note.exists() else "")
    if not wanted and os.access(path.parent, os.W_OK):
        note.write_text(f"{found}\n")
    if not found.startswith(wanted):
        raise UserError(
            f"{path} is not the file that the project is pinned to (its sha256 is not {wanted}); "
            "remove it, and it will be downloaded or asked for"
        )


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="+", choices=[name for name, pinned in FILES.items() if pinned.url])
    parser.add_argument("--directory", default=FOLDER)
    args = parser.parse_args()
    for name in args.names:
        print(find(name, {"directory": args.directory, "download": True}), file=sys.stderr)


if __name__ == "__main__":
    run_cli(main)
