"""Aligned faces on disk: an array that grows a face at a time, the table beside it, and the merge of shards.

Merge the shards of an alignment, in the order given:

    python -m wemgan.faces merge --faces a.npy b.npy --tables a.csv b.csv --set-asides a_aside.csv b_aside.csv \
        --out-faces faces.npy --out-table faces.csv --out-set-aside set_aside.csv
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd

from wemgan.errors import UserError, run_cli
from wemgan.files import check_made_of, digest, whole

TRANSFORM = ("m00", "m01", "m02", "m10", "m11", "m12")
FACE_COLUMNS = (
    *("id", "identity", "source", "official", "detector", "probability", "faces_found", "width", "height", "turn"),
    *TRANSFORM,
)
# Where the face of a photo is said to be, in its pixels.
BOX = ("left", "top", "right", "bottom")
SET_ASIDE_COLUMNS = ("id", "source", "reason")
TEXT_COLUMNS = (
    *("id", "identity", "source", "official", "reason", "detector", "target", "made_by", "labels"),
    *("tool", "version", "settings"),
)

# Faces that are copied at once by a merge; bounds its memory.
BLOCK = 1024


def read_table(path: str | Path) -> pd.DataFrame:
    """Read a table; ids, identities and paths stay text ("003" is no 3, and a person called NA is no gap)."""
    try:
        # Only an empty cell is a gap, and in text columns not even that.
        types = dict.fromkeys(TEXT_COLUMNS, str)
        table = pd.read_csv(path, dtype=types, keep_default_na=False, na_values=[""])
    except FileNotFoundError:
        raise UserError(f"there is no table {path}; the step that makes it has to run first") from None
    except (pd.errors.EmptyDataError, pd.errors.ParserError, UnicodeDecodeError) as broken:
        raise UserError(f"{path} is not a table of comma-separated values in UTF-8 ({broken})") from None
    text = [name for name in TEXT_COLUMNS if name in table]
    return table.fillna(dict.fromkeys(text, "")) if text else table


def read_labels(path: str | Path) -> pd.DataFrame:
    """Read a table of AU labels; UserError if they are not all of one tool, version and settings."""
    labels = read_table(path)
    about = [name for name in ("tool", "version", "settings") if name in labels]
    kinds = labels[about].drop_duplicates() if about else labels.iloc[:1]
    if len(kinds) > 1:
        names = " and ".join(" ".join(filter(None, kind)) for kind in kinds.itertuples(index=False))
        raise UserError(
            f"{path} mixes labels of {names}; what one tool calls 0.5 is something else to another, so that all faces "
            "of an experiment are labelled by one: label them again"
        )
    return labels


def read_split(path: str | Path, aus: str | Path) -> pd.DataFrame:
    """Read the table of a split; UserError if it is not one of the faces that `aus` labels."""
    split = read_table(path)
    found = split["labels"].iloc[0] if "labels" in split and len(split) else ""
    check_made_of(path, found, digest(aus), "other labels", "split the faces again")
    return split


def write_table(path: str | Path, table: pd.DataFrame) -> None:
    """Write a table whole."""
    with whole(path) as temporary:
        table.to_csv(temporary, index=False, lineterminator="\n")


class FaceWriter:
    """Appends faces to an .npy file, so that memory stays flat however many there will be."""

    def __init__(self, file, size: int):
        self.file, self.shape, self.count = file, (size, size, 3), 0
        self._write_header()
        self._start = file.tell()

    def append(self, faces: np.ndarray) -> None:
        """Add uint8 faces (N, size, size, 3)."""
        if faces.shape[1:] != self.shape or faces.dtype != np.uint8:
            raise ValueError(f"faces of shape {faces.shape} and type {faces.dtype} among uint8 faces of {self.shape}")
        self.file.write(np.ascontiguousarray(faces).data)
        self.count += len(faces)

    def finish(self) -> None:
        """Write the final count into the header, for which numpy reserves room along the first axis."""
        self.file.seek(0)
        self._write_header()
        if self.file.tell() != self._start:
            raise RuntimeError("the header of the array changed its length")

    def _write_header(self) -> None:
        header = {"descr": "|u1", "fortran_order": False, "shape": (self.count, *self.shape)}
        np.lib.format.write_array_header_1_0(self.file, header)


@contextmanager
def face_writer(path: str | Path, size: int) -> Iterator[FaceWriter]:
    """A FaceWriter whose file appears at `path` when the block ends well."""
    with whole(path) as temporary, open(temporary, "wb") as file:
        writer = FaceWriter(file, size)
        yield writer
        writer.finish()


def load_faces(path: str | Path) -> np.ndarray:
    """The faces, uint8 (N, size, size, 3), mapped instead of read."""
    try:
        faces = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise UserError(f"there are no faces {path}; the step that makes them has to run first") from None
    except ValueError as broken:
        raise UserError(f"{path} is not a whole array of faces ({broken}); delete it and run its step again") from None
    if faces.ndim != 4 or faces.shape[1] != faces.shape[2] or faces.shape[3] != 3 or faces.dtype != np.uint8:
        raise UserError(f"{path} holds {faces.dtype} {faces.shape}, not uint8 faces (N, size, size, 3)")
    return faces


def merge_faces(shards: Sequence[str | Path], out: str | Path) -> int:
    """Join arrays of faces in the order given, a block at a time; returns how many faces there are."""
    arrays = [load_faces(shard) for shard in shards]
    sizes = {array.shape[1] for array in arrays}
    if len(sizes) != 1:
        raise UserError(f"the shards hold faces of different sizes ({sorted(sizes)} px); align all of them again")
    with face_writer(out, sizes.pop()) as writer:
        for array in arrays:
            for start in range(0, len(array), BLOCK):
                writer.append(array[start : start + BLOCK])
    return writer.count


def merge(faces, tables, set_asides, out_faces, out_table, out_set_aside) -> None:
    """Join shards; UserError when no photo at all gave a face, or an id stands twice."""
    table = pd.concat([read_table(path) for path in tables], ignore_index=True)
    aside = pd.concat([read_table(path) for path in set_asides], ignore_index=True)
    reasons = "; ".join(f"{n} x {reason}" for reason, n in aside["reason"].value_counts().items())
    if table.empty:
        raise UserError(f"not one face was found in {len(aside)} photos ({reasons})")
    twice = table["id"][table["id"].duplicated()]
    if len(twice):
        raise UserError(f"the id {twice.iloc[0]!r} stands in more than one shard; align all of them again")
    count = merge_faces(faces, out_faces)
    if count != len(table):
        raise UserError(f"{count} faces but {len(table)} rows in their tables; align all shards again")
    write_table(out_table, table)
    write_table(out_set_aside, aside)
    several = int((table["faces_found"] > 1).sum()) if "faces_found" in table else 0
    print(f"{count} faces of {table['identity'].nunique()} identities", file=sys.stderr, end="")
    print(f", {several} of them the largest of several in their photo" if several else "", file=sys.stderr)
    print(f"{len(aside)} photos set aside{': ' + reasons if reasons else ''}", file=sys.stderr)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    step = parser.add_subparsers(required=True).add_parser("merge", help="join the shards of an alignment")
    for name in ("--faces", "--tables", "--set-asides"):
        step.add_argument(name, nargs="+", required=True)
    for name in ("--out-faces", "--out-table", "--out-set-aside"):
        step.add_argument(name, required=True)
    merge(**vars(parser.parse_args()))


if __name__ == "__main__":
    run_cli(main)
