"""How long Snakemake and DVC take to see that nothing is to be done: with many faces, against few in the same run.

    python benchmarks/idle.py [--faces 200000]

The project is made for it: photos, tables and arrays of the size that so many faces of 128 px have, by steps that
pretend (tests/project.py). The arrays take 50 kB of disk a face only where the file system has no sparse files.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

from measure import keep, seconds

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from project import MINE, ROOT, command, dvc, make_project, run, stale

SIZE = 128
# Before what a step that pretends writes: of the data, as much as the faces would take.
LARGE = """
    if "/data/" in path and path.endswith(".npy"):
        open(path, "wb").close()
        os.truncate(path, {faces} * {size} * {size} * 3)
        continue
    if "/data/" in path and path.endswith(".csv"):
        row = "p%05d/%06d.jpg,p%05d," + ",".join(["0.1234"] * 8) + "," + total[:16]
        text = "\\n".join(row % (i // 20, i, i // 20) for i in range({faces}))
"""


def make(folder: Path, faces: int) -> Path:
    """A project whose experiment `mine` was run on so many photos."""
    overlay = (ROOT / "experiments" / "folder.yaml").read_text() + MINE
    make_project(folder, "mine", overlay=overlay)
    fake = (folder / "fake.py").read_text().replace("pathlib.Path(path).read_bytes()", 'open(path, "rb").read(1 << 20)')
    written = "    pathlib.Path(path).write_text(text)\n"
    (folder / "fake.py").write_text(fake.replace(written, LARGE.format(faces=faces, size=SIZE).lstrip("\n") + written))
    for person in range(faces // 20):
        place = folder / "photos" / f"p{person:05d}"
        place.mkdir(parents=True)
        for number in range(20):
            (place / f"{number:02d}.jpg").write_bytes(b"photo")
    done = run(folder, *command("mine"))
    assert done.returncode == 0, done.stderr
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--faces", type=int, default=200_000)
    args = parser.parse_args()
    os.environ["GIT_CONFIG_GLOBAL"] = os.devnull
    with tempfile.TemporaryDirectory() as folder:
        few, many = (make(Path(folder) / str(faces), faces) for faces in (200, args.faces))
        for project in (few, many):
            assert stale(project, "mine") == {} and "up to date" in dvc(project, "status")
        times = seconds({
            "snakemake few": lambda: stale(few, "mine"), "snakemake": lambda: stale(many, "mine"),
            "dvc few": lambda: dvc(few, "status"), "dvc": lambda: dvc(many, "status"),
        }, rounds=3)  # fmt: skip
    rows = [
        {"command": words, "faces": args.faces, "seconds": times[name], "against_200_faces": times[name] / times[few]}
        for words, name, few in (("snakemake -n", "snakemake", "snakemake few"), ("dvc status", "dvc", "dvc few"))
    ]
    keep("idle", rows)


if __name__ == "__main__":
    main()
