"""The photos of a data set that is here: who is on each, where its face is, and what people said of it.

    python -m wemgan.datasets --config config.json --photos photos.csv --set-aside set_aside.csv --human human.csv

Each data set has a reader of its official files (wemgan.inventory says which). A row of an annotation without a photo,
a photo without a row, and rows that contradict each other are set aside.
"""

import argparse
import sys
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd

from wemgan.errors import UserError, run_cli
from wemgan.faces import BOX, SET_ASIDE_COLUMNS, write_table
from wemgan.files import read_json
from wemgan.folder import scan, shown, take
from wemgan.inventory import DATASETS, FFHQ_FOLDERS, FFHQ_PHOTOS, File, folder, release_of

# `official` is train, validation or test where the data set says so.
PHOTO_COLUMNS = ("id", "identity", "source", "official", *BOX)
AFFECTNET = ("neutral", "happy", "sad", "surprise", "fear", "disgust", "anger", "contempt")
AFFECTNET_NO_FACE = 10
AFFECTNET_COLUMNS = ("subDirectory_filePath", "face_x", "face_y", "face_width", "face_height", "expression")
RAFDB = ("surprise", "fear", "disgust", "happy", "sad", "anger", "neutral")


@dataclass
class Found:
    """Rows of photos (of PHOTO_COLUMNS, as far as they are known), those set aside, and human labels by id, 0 or 1."""

    photos: list[dict] = field(default_factory=list)
    aside: list[dict] = field(default_factory=list)
    human: dict[str, dict] = field(default_factory=dict)

    def refuse(self, source: str, reason: str) -> None:
        """Set a photo or a row aside."""
        self.aside.append({"id": shown(source), "source": shown(source), "reason": reason})


def read_celeba(root: Path, release: str) -> Found:
    """CelebA: identity_CelebA.txt names the photos; partition, attributes and boxes are read where they are there."""
    images = {"aligned": "img_align_celeba", "in_the_wild": "img_celeba"}[release]
    rows = _lines(root / "identity_CelebA.txt", 2)
    split = dict(_lines(root / "list_eval_partition.txt", 2)) if (root / "list_eval_partition.txt").exists() else {}
    boxes = dict((name, rest) for name, *rest in _lines(root / "list_bbox_celeba.txt", 5, skip=2)) if (
        release == "in_the_wild" and (root / "list_bbox_celeba.txt").exists()) else {}  # fmt: skip
    found = Found()
    for name, identity, source in _pair(rows, root / images, images, found, "identity_CelebA.txt"):
        row = {"id": name, "identity": identity, "source": source}
        row["official"] = {"0": "train", "1": "validation", "2": "test"}.get(split.get(name, ""), "")
        if name in boxes:
            left, top, width, height = (_number(value) for value in boxes[name])
            row |= _box(left, top, left + width, top + height)
        found.photos.append(row)
    attributes = root / "list_attr_celeba.txt"
    if attributes.exists():
        table = pd.read_csv(attributes, sep=r"\s+", skiprows=1)
        kept = table[table.index.isin([row["id"] for row in found.photos])]
        found.human = (kept > 0).astype(int).to_dict("index")
    return found


def read_ffhq(root: Path, release: str) -> Found:
    """FFHQ: the json lists the photos; all that one author uploaded counts as one identity."""
    kind, images = FFHQ_PHOTOS[release], FFHQ_FOLDERS[release]  # fmt: skip
    listed, found = read_json(root / "ffhq-dataset-v2.json"), Found()
    entries = {str(PurePosixPath(entry[kind]["file_path"]).relative_to(images)): entry for entry in listed.values()}
    rows = [(name, entry["metadata"]["author"] or entry["metadata"]["photo_url"]) for name, entry in entries.items()]
    for name, author, source in _pair(rows, root / images, images, found, "ffhq-dataset-v2.json"):
        official = {"training": "train", "validation": "validation"}.get(entries[name]["category"], "")
        found.photos.append({"id": name, "identity": f"author {author}", "source": source, "official": official})
    return found


def read_affectnet(root: Path, release: str) -> Found:
    """AffectNet: lists (2017) with boxes, or arrays beside cropped faces."""
    return _affectnet_lists(root) if release == "lists" else _affectnet_arrays(root)


def _affectnet_lists(root: Path) -> Found:
    images, *lists = (_place(file, root) for file in DATASETS["affectnet"].releases["lists"].files)
    found, tables = Found(), []
    for path, official in zip(lists, ("train", "test"), strict=True):
        table = pd.read_csv(path, dtype=str, keep_default_na=False, usecols=lambda column: column in AFFECTNET_COLUMNS)
        if missing := [column for column in AFFECTNET_COLUMNS if column not in table]:
            raise UserError(f"{path} lacks the columns {', '.join(missing)}")
        tables.append(table[list(AFFECTNET_COLUMNS)].assign(official=official))
    rows = [(name, tuple(rest)) for name, *rest in pd.concat(tables).itertuples(index=False)]
    inside = images.relative_to(root).as_posix()
    for name, (*box, expression, official), source in _pair(rows, images, inside, found, "the lists of AffectNet"):
        code = _code(expression)
        if code == AFFECTNET_NO_FACE:
            found.refuse(source, "annotated as no face")
            continue
        photo = {"id": name, "identity": name, "source": source, "official": official}
        left, top, width, height = (_number(value) for value in box)
        found.photos.append(photo | _box(left, top, left + width, top + height))
        found.human |= _one_of(name, code, AFFECTNET)
    return found


def _affectnet_arrays(root: Path) -> Found:
    found = Found()
    for part, official in (("train_set", "train"), ("val_set", "test")):
        files = sorted((root / part / "annotations").glob("*_exp.npy"))
        if not files:
            raise UserError(f"there is no annotation *_exp.npy in {root / part / 'annotations'}")
        # The release names photos by number, as jpg.
        rows = [(f"{file.name.removesuffix('_exp.npy')}.jpg", str(file)) for file in files]
        inside = f"{part}/images"
        for _, file, source in _pair(rows, root / inside, inside, found, "the annotations"):
            try:
                code = _code(np.load(file, allow_pickle=False).item())
            except (ValueError, EOFError, OSError):
                found.refuse(source, "its annotation cannot be read")
                continue
            if code == AFFECTNET_NO_FACE:
                found.refuse(source, "annotated as no face")
                continue
            found.photos.append({"id": source, "identity": source, "source": source, "official": official})
            found.human |= _one_of(source, code, AFFECTNET)
    return found


def read_rafdb(root: Path, release: str) -> Found:
    """RAF-DB basic: the list of labels names the photos, whose names begin with their official part."""
    labels, images, *boxes = (_place(file, root) for file in DATASETS["rafdb"].releases[release].files)
    found = Found()
    inside = images.relative_to(root).as_posix()
    suffix = "_aligned" if release == "aligned" else ""
    rows = [(f"{Path(name).stem}{suffix}.jpg", code) for name, code in _lines(labels, 2)]
    for name, code, source in _pair(rows, images, inside, found, "list_patition_label.txt"):
        row = {"id": name, "identity": name, "source": source, "official": name.partition("_")[0]}
        if boxes:
            box = boxes[0] / f"{Path(name).stem}_boundingbox.txt"
            corners = [_number(value) for value in box.read_text(errors="replace").split()] if box.exists() else []
            if len(corners) < 4 or np.isnan(corners[:4]).any():
                found.refuse(source, "its annotation cannot be read")
                continue
            row |= _box(*corners[:4])
        found.photos.append(row)
        found.human |= _one_of(name, _code(code) - 1, RAFDB)
    return found


READERS = {"celeba": read_celeba, "ffhq": read_ffhq, "affectnet": read_affectnet, "rafdb": read_rafdb}


def list_photos(config: dict) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """The photos to align, those set aside, and the human labels (id, then 0 or 1 for each)."""
    source = config["data"]["source"]
    root = Path(folder(config["dataset"], source)).expanduser()
    found = READERS[source](root, release_of(config["dataset"], source))
    photos = pd.DataFrame(found.photos).reindex(columns=list(PHOTO_COLUMNS))
    if photos.empty:
        raise UserError(
            f"{DATASETS[source].title} in {root} has no photo that can be used; {len(found.aside)} are set aside"
        )
    photos = take(photos, config["data"]["limit"])
    human = pd.DataFrame.from_dict(found.human, orient="index").reindex(photos["id"]).rename_axis("id").reset_index()
    return photos, pd.DataFrame(found.aside, columns=list(SET_ASIDE_COLUMNS)), human


def _pair(rows: list, images: Path, inside: str, found: Found, listing: str):
    """Each row (name, what) whose photo is there, once, with its path from the root; the rest is set aside."""
    if not images.is_dir():
        raise UserError(f"there is no folder {images} of photos; bring the data set again (the rule `obtain` does)")
    here, others = scan(images)
    for name, reason in others.items():
        found.refuse(f"{inside}/{name}", reason)
    files, seen = set(here), {}
    for name, what in rows:
        if name in seen:
            if seen[name] != what:
                found.refuse(f"{inside}/{name}", f"named twice in {listing}, and differently; the first is taken")
            continue
        seen[name] = what
        if name in files:
            yield name, what, f"{inside}/{name}"
        else:
            found.refuse(f"{inside}/{name}", f"named in {listing}, but there is no such photo")
    for name in sorted(files - set(seen)):
        found.refuse(f"{inside}/{name}", f"not named in {listing}")


def _lines(path: Path, columns: int, skip: int = 0) -> list[tuple[str, ...]]:
    """The rows of a list with columns apart by blanks; UserError that names a line with another number of them."""
    if not path.is_file():
        raise UserError(f"there is no file {path}")
    out = []
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        if number <= skip or not line.strip():
            continue
        cells = tuple(line.split())
        if len(cells) != columns:
            raise UserError(f"line {number} of {path} has {len(cells)} columns, not {columns}: {line.strip()[:80]!r}")
        out.append(cells)
    return out


def _place(file: File, root: Path) -> Path:
    place = file.found(root)
    if place is None:
        raise UserError(f"there is no {file.target} in {root}; the step `obtain` brings it, or says how to")
    return place


def _box(left: float, top: float, right: float, bottom: float) -> dict:
    """The columns of a box; nothing where it has no area."""
    return dict(zip(BOX, (left, top, right, bottom), strict=True)) if right > left and bottom > top else {}


def _number(value: object) -> float:
    """A number, or NaN for what is none, as AffectNet's NULL."""
    try:
        return float(str(value))
    except ValueError:
        return np.nan


def _code(value: object) -> int:
    number = _number(value)
    return -1 if np.isnan(number) else int(number)


def _one_of(name: str, code: int, expressions: tuple[str, ...]) -> dict[str, dict]:
    """The human label as a column for each expression; nothing where none of them was chosen."""
    if not 0 <= code < len(expressions):
        return {}
    return {name: {expression: int(place == code) for place, expression in enumerate(expressions)}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("--config", "--photos", "--set-aside", "--human"):
        parser.add_argument(name, required=True)
    args = parser.parse_args()
    photos, aside, human = list_photos(read_json(args.config))
    write_table(args.set_aside, aside)
    write_table(args.human, human)
    write_table(args.photos, photos)
    people = photos["identity"].nunique()
    print(f"{len(photos)} photos of {people} identities, {len(aside)} set aside", file=sys.stderr)


if __name__ == "__main__":
    run_cli(main)
