"""Alignment against calling MTCNN photo by photo, and against py-feat's RetinaFace, on one core; and its memory.

    python benchmarks/align.py --photos photos [--name celeba] [--count 100]

All three read the same photos and run in one thread, in turns. MTCNN is facenet-pytorch's, as its own example calls it;
RetinaFace only finds boxes, with random weights, which are as fast as trained ones. Memory is the peak of a process
that aligns `count` photos, and of one that aligns ten times as many.
"""

import argparse
import itertools
import json
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from measure import keep, seconds

from wemgan.align import Detector, align
from wemgan.faces import write_table
from wemgan.folder import scan
from wemgan.photo import UnusablePhoto, read_photo

LIMITS = {"min_interocular": 16, "max_turn": 100.0}
PEAK = """
import resource, runpy, sys
sys.argv = sys.argv[1:]
runpy.run_module("wemgan.align", run_name="__main__")
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, file=sys.stderr)
"""


def candidates(paths: list[Path], size: int) -> dict:
    """What is timed: each goes through all photos."""
    from facenet_pytorch import MTCNN
    from feat.face_detectors.Retinaface.Retinaface_test import Retinaface

    ours, theirs, retina = Detector(0.1, 0.9), MTCNN(image_size=size, device="cpu"), Retinaface("cpu", pretrained="")
    for name, parameter in retina.net.named_parameters():
        if "class" in name.lower() and name.endswith("bias"):  # no face anywhere, so that no time goes into boxes
            parameter.data.copy_(torch.tensor([5.0, -5.0]).repeat(len(parameter) // 2))

    def by_ours():
        for path in paths:
            with suppress(UnusablePhoto):
                align(read_photo(path), ours, size, LIMITS)

    def by_mtcnn():
        for path in paths:
            theirs(read_photo(path))

    def by_retinaface():
        for path in paths:
            pixels = torch.from_numpy(np.array(read_photo(path))).permute(2, 0, 1)[None].float()
            with torch.inference_mode():
                retina(pixels)

    return {"ours": by_ours, "mtcnn photo by photo": by_mtcnn, "py-feat retinaface": by_retinaface}


def peak(folder: Path, sources: list[str], count: int) -> float:
    """Peak memory in MB of a process that aligns so many photos."""
    with tempfile.TemporaryDirectory() as here:
        chosen = list(itertools.islice(itertools.cycle(sources), count))
        ids = [f"{place}" for place in range(count)]
        write_table(f"{here}/photos.csv", pd.DataFrame({"id": ids, "identity": ids, "source": chosen}))
        options = {"min_face": 0.1, "min_probability": 0.9, "device": "cpu"} | LIMITS
        data = {"size": 128, "source": "folder"}
        Path(f"{here}/config.json").write_text(
            json.dumps({"align": options, "data": data, "folder": {"path": str(folder)}})
        )
        words = [f"--{name}={here}/{name}" for name in ("faces", "table", "set-aside")]
        words += [f"--config={here}/config.json", f"--photos={here}/photos.csv"]
        done = subprocess.run([sys.executable, "-c", PEAK, "align", *words], capture_output=True, text=True, check=True)
        return float(done.stderr.split()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", required=True, type=Path, help="a folder of photos")
    parser.add_argument("--count", type=int, default=100, help="how many of them, evenly chosen")
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--name", default="photos", help="what the photos are, for the name of the file")
    args = parser.parse_args()
    torch.set_num_threads(1)
    sources, _ = scan(args.photos)
    sources = sources[:: max(1, len(sources) // args.count)][: args.count]
    paths = [args.photos / source for source in sources]
    taken = seconds(candidates(paths, args.size), rounds=3)
    sides = np.array([read_photo(path).size for path in paths])
    rows = [{"photos": len(paths), "median_side": float(np.median(sides)), "size": args.size}]
    for name, value in taken.items():
        rows.append({"what": name, "per_second_and_core": len(paths) / value, "ours_is_faster": value / taken["ours"]})
    memory = {count: peak(args.photos, sources, count) for count in (args.count, 10 * args.count)}
    rows += [{"photos": count, "peak_MB": value} for count, value in memory.items()]
    keep(f"align_{args.name}", rows)


if __name__ == "__main__":
    main()
