"""Files that the project does not carry: pinned by a checksum, looked for on disk first, downloaded otherwise.

python -m wemgan.download --directory weights face_landmarker.task

That fetches model files, which `FILES` lists; data sets use the same downloads (wemgan.obtain). Google Drive, which
wants to be asked twice, is left to gdown.
"""

import argparse
import fcntl
import hashlib
import http.client
import os
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from wemgan.errors import UserError, run_cli

FOLDER = "weights"
TRIES = 3
PAUSE = 2.0  # seconds before it is tried again
BLOCK = 1 << 16


class Missing(UserError):
    """A file that is not there, and cannot be fetched."""


@dataclass(frozen=True)
class Pinned:
    """A file of exactly this content; `url` is empty where it has to be brought by hand.

    `sha256` may be its beginning, where no more of it is published, or empty: then `md5` counts, and where that is
    empty too the first file that is met is remembered, in a file beside it. `drive`, in place of `url`, is an id at
    Google Drive.
    """

    url: str
    sha256: str
    what: str
    licence: str
    md5: str = ""
    drive: str = ""


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
    "retinaface_r34.safetensors": Pinned(
        "https://huggingface.co/py-feat/retinaface_r34/resolve/main/model.safetensors",
        "",
        "RetinaFace, which finds the faces for py-feat's networks",
        "see its page; py-feat's code is MIT",
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
            check(folder / name, pinned)
            return folder / name
    places = " nor in ".join(f"{folder}/" for folder in folders)
    if not pinned.url:
        raise Missing(
            f"{name} ({pinned.what}) is not in {places}, and there is no address to download it from; "
            f"put the file with sha256 {pinned.sha256} into {folders[0]}/ as {name}"
        )
    if not weights["download"]:
        raise Missing(
            f"{name} ({pinned.what}) is not in {places}, and weights.download is off; "
            f"fetch it from {pinned.url} and put it into {folders[0]}/ as {name}"
        )
    return download(pinned, folders[0] / name)


def download(pinned: Pinned, path: Path, progress: bool = True) -> Path:
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
        try:
            if pinned.drive:
                _fetch_from_drive(pinned, part, progress)
            else:
                _fetch_all(pinned.url, file, path, progress)
        except Missing:
            if not part.stat().st_size:
                part.unlink()
            raise
        if wrong := wrong_sum(part, pinned):
            part.unlink()
            raise UserError(
                f"what {pinned.url or 'Google Drive'} sent is not the pinned {path.name} ({wrong}); "
                "nothing was kept of it"
            )
        os.replace(part, path)
    return path


def _fetch_from_drive(pinned: Pinned, part: Path, progress: bool) -> None:
    """Let gdown write a public file of Google Drive to `part`; it keeps what came of it under a name of its own."""
    import gdown
    import requests

    name, whole = part.name.removeprefix(".").removesuffix(".part"), part.with_name(f"{part.name}.drive")
    address = f"https://drive.google.com/uc?id={pinned.drive}"
    by_hand = f"fetch it by hand from {address}, and put it into {part.parent}/ as {name}"
    for last in [False] * (TRIES - 1) + [True]:
        try:
            gdown.download(
                id=pinned.drive, output=str(whole), quiet=not progress, use_cookies=False, resume=True, timeout=30,
                retries=TRIES - 1,
            )  # fmt: skip
            break
        except gdown.FileURLRetrievalError as page:
            why = " ".join(str(page).split())
            raise Missing(
                f"Google Drive answers for {name} with a page instead of the file, as it does when too many people "
                f"have fetched it of late, or when it is no longer public: {why[:300]}. "
                f"Try again in a day, set dataset.mirror, or {by_hand}"
            ) from None
        except (gdown.DownloadError, requests.RequestException) as failure:
            if _settle(failure, whole, pinned, last):
                break
            if last or not _is_passing(getattr(getattr(failure, "response", None), "status_code", 500)):
                raise Missing(
                    f"{name} could not be downloaded from Google Drive ({_why(failure)}); "
                    f"run the same command again to carry on, set dataset.mirror, or {by_hand}"
                ) from None
            time.sleep(PAUSE)
    os.replace(whole, part)


def _why(failure: Exception) -> str:
    """In words; requests wraps what went wrong in several layers of its own."""
    import requests

    if isinstance(failure, requests.Timeout):
        return "it took too long to answer"
    if isinstance(failure, requests.ConnectionError):
        return "there is no connection to it"
    return str(failure).splitlines()[0]


def _settle(failure: Exception, whole: Path, pinned: Pinned, last: bool) -> bool:
    """Whether what gdown could not carry on is the whole file already, which it is then.

    At the `last` try others are removed, so that the next command begins anew.
    """
    if "byte range" not in str(failure):
        return False
    for kept in whole.parent.glob(f"{whole.name}*.part"):
        if pinned.md5 and not wrong_sum(kept, pinned):
            os.replace(kept, whole)
            return True
        if last:
            kept.unlink()
    return False


def _is_passing(status: int) -> bool:
    """Whether an answer of this status may be another in a moment."""
    return status >= 500 or status in (408, 429)


def _fetch_all(url: str, file, path: Path, progress: bool) -> None:
    """Append to `file` what is missing of `url`, in a few tries; each carries on where the last was cut off."""
    name, folder = path.name, path.parent
    for last in [False] * (TRIES - 1) + [True]:
        try:
            _fetch(url, file, name, progress)
            return
        except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as failure:
            refused = isinstance(failure, urllib.error.HTTPError) and not _is_passing(failure.code)
            if last or refused:
                why = getattr(failure, "reason", None) or failure
                raise Missing(
                    f"{name} could not be downloaded from {url} ({why}); run the same command again to carry on, "
                    f"or fetch it by hand and put it into {folder}/ as {name}"
                ) from None
            time.sleep(PAUSE)


def _fetch(url: str, file, name: str, progress: bool) -> None:
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
        if response.headers.get_content_type() == "text/html":
            raise Missing(
                f"{url} sent a web page instead of {name}, as servers do when a quota is used up or a login is wanted; "
                "look at it in a browser, and fetch the file by hand or from elsewhere"
            )
        if have and response.status != 206:  # the server sends all of it again
            file.truncate(0)
            have = 0
        length = response.length
        total = None if length is None else have + length
        bar = tqdm(desc=f"download {name}", total=total, initial=have, unit="B", unit_scale=True, disable=not progress)
        with bar:
            while block := response.read(BLOCK):
                file.write(block)
                bar.update(len(block))
        file.flush()
        if total is not None and file.tell() < total:
            raise http.client.IncompleteRead(b"", total - file.tell())


def check(path: Path, pinned: Pinned, record: bool = True) -> str:
    """The sha256 of a file that is there; UserError if it is not the pinned one, or not the one that was first met.

    `record`: whether this one counts as met, if it is the first.
    """
    found, note = sum_of(path), path.with_name(f"{path.name}.sha256")
    known = pinned.sha256 or pinned.md5
    noted = note.read_text().strip() if note.exists() and not known else ""
    wrong = wrong_sum(path, pinned) if known else f"its sha256 is not {noted}" if noted not in ("", found) else ""
    if wrong:
        raise UserError(
            f"{path} is not the file that the project is pinned to ({wrong}); "
            "remove it, and it will be downloaded or asked for"
            + ("" if known else f". If it is the right one, remove {note.name} beside it")
        )
    if record and not known and not noted and os.access(path.parent, os.W_OK):
        note.write_text(f"{found}\n")
    return found


def sum_of(path: Path, kind: str = "sha256") -> str:
    """The checksum of a file, in hex."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, kind).hexdigest()


def wrong_sum(path: Path, pinned: Pinned) -> str:
    """Which published sum a file does not have; empty if it has what is known."""
    for kind, wanted in (("sha256", pinned.sha256), ("md5", pinned.md5)):
        if wanted and not (found := sum_of(path, kind)).startswith(wanted):
            return f"its {kind} is {found[:16]}..., not {wanted[:16]}..."
    return ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="+", choices=[name for name, pinned in FILES.items() if pinned.url])
    parser.add_argument("--directory", default=FOLDER)
    args = parser.parse_args()
    for name in args.names:
        print(find(name, {"directory": args.directory, "download": True}), file=sys.stderr)


if __name__ == "__main__":
    run_cli(main)
