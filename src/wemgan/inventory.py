"""The data sets of photos: where they come from, on what terms, which files they have, and who may do what with them.

    python -m wemgan.inventory

prints DATA.md. The step that obtains a data set, its messages and the documentation all read this one table.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from wemgan.errors import run_cli
from wemgan.files import digest_of_lines, read_json

CELEBA_PARTS = (
    *("0B7EVK8r0v71pQy1YUGtHeUM2dUE", "0B7EVK8r0v71peFphOHpxODd5SjQ", "0B7EVK8r0v71pMk5FeXRlOXcxVVU"),
    *("0B7EVK8r0v71peXc4WldxZGFUbk0", "0B7EVK8r0v71pMktaV1hjZUJhLWM", "0B7EVK8r0v71pbWFfbGRDOVZxOUU"),
    *("0B7EVK8r0v71pQlZrOENSOUhkQ3c", "0B7EVK8r0v71pLVltX2F6dzVwT0E", "0B7EVK8r0v71pVlg5SmtLa1ZiU0k"),
    *("0B7EVK8r0v71pa09rcFF4THRmSFU", "0B7EVK8r0v71pNU9BZVBEMF9KN28", "0B7EVK8r0v71pTVd3R2NpQ0FHaGM"),
    *("0B7EVK8r0v71paXBad2lfSzlzSlk", "0B7EVK8r0v71pcTFwT1VFZzkzZk0"),
)


# What FFHQ's json calls a photo of a release, and where it lies.
FFHQ_PHOTOS = {"thumbnails": "thumbnail", "images1024": "image"}
FFHQ_FOLDERS = {"thumbnails": "thumbnails128x128", "images1024": "images1024x1024"}


@dataclass(frozen=True)
class File:
    """A file of a data set, under `path` in its folder.

    `drive` is its id at Google Drive, one for each part of an archive in parts (`path`.001 and so on); without one it
    has to be brought by hand. `md5` is the published sum, "" where none is; `gives` is the file or folder that an
    archive holds, beside it. `also` are other places where people have it, and `hint` is how they come by it. A part of
    a data set can be read without an `optional` file; an `official` one has the official split.
    """

    path: str
    drive: tuple[str, ...] = ()
    md5: str = ""
    gives: str = ""
    also: tuple[str, ...] = ()
    hint: str = ""
    optional: bool = False
    official: bool = False

    @property
    def target(self) -> str:
        """What the reader reads: the file, or what is in it."""
        return f"{self.path.rpartition('/')[0]}/{self.gives}".lstrip("/") if self.gives else self.path

    def found(self, root: Path) -> Path | None:
        """Where the file, or the folder that holds something, is; None where it is not."""
        for place in (self.target, *self.also):
            path = root / place
            if path.is_file() or (path.is_dir() and any(not entry.name.startswith(".") for entry in path.iterdir())):
                return path
        return None

    def note(self, root: Path) -> Path:
        """The file that says what was unpacked of the archive."""
        return root / f".{self.path.replace('/', '_')}.unpacked.json"

    @property
    def pieces(self) -> tuple[str, ...]:
        """The path of the file, or of each of its parts."""
        parts = len(self.drive) if len(self.drive) > 1 else 0
        return tuple(f"{self.path}.{part:03d}" for part in range(1, parts + 1)) or (self.path,)


@dataclass(frozen=True)
class Release:
    """One form in which a data set comes."""

    what: str
    size: str
    files: tuple[File, ...]


@dataclass(frozen=True)
class Dataset:
    """A data set of photos. `access` is empty where the project can download it; `releases` starts with the default."""

    title: str
    cite: str
    home: str
    version: str
    licence: str
    redistribution: str
    publication: str
    access: str
    identities: str
    split: str
    human: str
    sums: str
    releases: dict[str, Release]


_CELEBA_LISTS = (
    File("identity_CelebA.txt", ("1_ee_0u7vcNLOfNLegJRHmolfH5ICW-XS",), "32bd1bd63d3c78cd57e08160ec5ed1e2"),
    File("list_attr_celeba.txt", ("0B7EVK8r0v71pblRyaVFSWGxPY0U",), "75e246fa4810816ffd6ee81facbd244c", optional=True),
    File(
        "list_eval_partition.txt",
        ("0B7EVK8r0v71pY0NSMzRuSXJEVkk",),
        "d32c9cbf5e040fd4025c592c306e6668",
        optional=True,
        official=True,
    ),
)
_FFHQ_JSON = File("ffhq-dataset-v2.json", ("16N0RV4fHI6joBuKbQAoG34V_cQk7vxSA",), "425ae20f06a4da1d4dc0f46d40ba5fd6")

DATASETS: dict[str, Dataset] = {
    "celeba": Dataset(
        title="CelebA",
        cite="Liu, Luo, Wang, Tang: Deep Learning Face Attributes in the Wild. ICCV 2015",
        home="http://mmlab.ie.cuhk.edu.hk/projects/CelebA.html",
        version="2015, 202,599 photos of 10,177 people",
        licence="CelebA agreement: non-commercial research only",
        redistribution="no: no part of it may be copied further, published or distributed, outside of one site",
        publication="numbers; a model with a notice of these terms; no pictures of its people",
        access="",
        identities="identity_CelebA.txt, a person to each photo",
        split="official (list_eval_partition.txt), whose parts share no person; that is checked",
        human="list_attr_celeba.txt: Smiling, Mouth_Slightly_Open and 38 more, yes or no",
        sums="as torchvision publishes them of the files at Google Drive; the parts of the 7z have none",
        releases={
            "aligned": Release(
                "178 x 218, turned by the eyes", "1.4 GB",
                (File("img_align_celeba.zip", ("0B7EVK8r0v71pZjFTYXZWM3FlRnM",),
                      "00d2c5bc6d35e252742224ab0c1e8fcb", "img_align_celeba"), *_CELEBA_LISTS),
            ),
            "in_the_wild": Release(
                "as they were found, of any size", "14 parts",
                (File("img_celeba.7z", CELEBA_PARTS, gives="img_celeba"), *_CELEBA_LISTS,
                 File("list_bbox_celeba.txt", ("0B7EVK8r0v71pbThiMVRxWXZ4dU0",), "00566efa6fedff7a56946cd1c10f1c16",
                      optional=True)),
            ),
        },
    ),
    "ffhq": Dataset(
        title="FFHQ",
        cite="Karras, Laine, Aila: A Style-Based Generator Architecture for Generative Adversarial Networks. CVPR 2019",
        home="https://github.com/NVlabs/ffhq-dataset",
        version="v2, 70,000 photos",
        licence="CC BY-NC-SA 4.0 (the data set); each photo CC BY, CC BY-NC, CC0, public domain or US government work",
        redistribution="yes, non-commercially, with the citation, changes named, under the same licence",
        publication="pictures with the author and licence that the json names; a model under the same terms",
        access="",
        identities="not known; everything that one Flickr author uploaded counts as one identity",
        split="by identity: the official training and validation parts may share an author",
        human="none",
        sums="of the json in NVIDIA's download script, of each photo in the json",
        releases={
            "thumbnails": Release("128 x 128", "2 GB, and 0.3 GB of json", (_FFHQ_JSON,)),
            "images1024": Release("1024 x 1024", "89 GB, and 0.3 GB of json", (_FFHQ_JSON,)),
        },
    ),
    "affectnet": Dataset(
        title="AffectNet",
        cite="Mollahosseini, Hasani, Mahoor: AffectNet. IEEE Transactions on Affective Computing, 2017",
        home="http://mohammadmahoor.com/pages/databases/affectnet/",
        version="2017 (csv lists), and the smaller one of cropped faces (npy annotations)",
        licence="AffectNet licence agreement: research only",
        redistribution="no",
        publication="what the signed agreement allows, with the citation; read it before you show a picture",
        access="a lab manager or professor signs the licence agreement on its page and sends it with the request form; "
        "students ask their supervisor to",
        identities="not known; each photo counts as a person of its own",
        split="by identity, which here means by photo: nobody knows who is on them, and the official parts do not help",
        human="the expression that an annotator chose (neutral, happy, sad, surprise, fear, disgust, anger, contempt)",
        sums="none published: those of the first files that are met are recorded, and checked ever after",
        releases={
            "lists": Release(
                "photos of any size; csv lists with face boxes and landmarks", "not published",
                (File("Manually_Annotated.zip", gives="Manually_Annotated/Manually_Annotated_Images",
                      also=("Manually_Annotated_Images", "Manually_Annotated_compressed/Manually_Annotated_Images"),
                      hint="from the parts Manually_Annotated.part01.rar and so on: unrar x on the first"),
                 File("Manually_Annotated_file_lists.zip", gives="Manually_Annotated_file_lists/training.csv",
                      also=("training.csv",)),
                 File("Manually_Annotated_file_lists.zip", gives="Manually_Annotated_file_lists/validation.csv",
                      also=("validation.csv",))),
            ),
            "arrays": Release(
                "cropped faces of 224 x 224; an npy file per annotation", "not published",
                (File("train_set.zip", gives="train_set"), File("val_set.zip", gives="val_set")),
            ),
        },
    ),
    "rafdb": Dataset(
        title="RAF-DB",
        cite="Li, Deng, Du: Reliable Crowdsourcing and Deep Locality-Preserving Learning. CVPR 2017",
        home="http://www.whdeng.cn/RAF/model1.html",
        version="basic (single-label): 15,339 photos",
        licence="RAF-DB terms: non-commercial research only",
        redistribution="no: no further copies, publication or distribution, outside of one site",
        publication="numbers; ask the authors before you show a picture",
        access="write to the authors from an address of your institution, as its page describes; the archives come "
        "with a password",
        identities="not known; each photo counts as a person of its own",
        split="by identity, which here means by photo: nobody knows who is on them, and the official parts do not help",
        human="the expression that about 40 annotators agreed on (surprise, fear, disgust, happy, sad, anger, neutral)",
        sums="none published: those of the first files that are met are recorded, and checked ever after",
        releases={
            "aligned": Release(
                "100 x 100, aligned by the authors", "not published",
                (File("basic/EmoLabel/list_patition_label.txt", also=("EmoLabel/list_patition_label.txt",)),
                 File("basic/Image/aligned.zip", gives="aligned", also=("Image/aligned",))),
            ),
            "original": Release(
                "as they were found, of any size, with a box for the face", "not published",
                (File("basic/EmoLabel/list_patition_label.txt", also=("EmoLabel/list_patition_label.txt",)),
                 File("basic/Image/original.zip", gives="original", also=("Image/original",)),
                 File("basic/Annotation/boundingbox.zip", gives="boundingbox", also=("Annotation/boundingbox",))),
            ),
        },
    ),
}  # fmt: skip


def folder(dataset: dict, source: str) -> str:
    """Where a data set lies; `dataset` is the section of that name in params.yaml."""
    return f"{dataset['directory']}/{source}"


def missing_list(dataset: dict, source: str) -> str:
    """The list that an official split needs and a part of a data set lacks; empty where it is there or will be."""
    root = Path(folder(dataset, source)).expanduser()
    files = DATASETS[source].releases[release_of(dataset, source)].files
    lists = [file for file in files if file.official and not dataset["fetch"] and file.found(root) is None]
    return f"{root}/{lists[0].path}" if lists else ""


def put_there(dataset: dict, source: str) -> str | None:
    """A digest of what people put into a data set's folder by hand, by names, sizes and times; None where nothing is.

    It changes when photos or lists come, go or are replaced; not when an archive is unpacked, or removed after that.
    """
    data, root = DATASETS[source], Path(folder(dataset, source)).expanduser()
    by_hand, release, lines = data.access or not dataset["fetch"], release_of(dataset, source), []
    for file in data.releases[release].files:
        place, note = file.found(root), file.note(root)
        if by_hand and note.exists():
            lines += [f"{file.path} {read_json(note).get('bytes')}"]
        elif by_hand and file.gives:
            there = [(root / piece).stat().st_size for piece in file.pieces if (root / piece).exists()]
            lines += [f"{file.path} {there}"] if there else []
        elif by_hand and place is not None:
            lines += [f"{file.path} {place.stat().st_size} {place.stat().st_mtime_ns}"]
        if file.gives and place is not None and not note.exists():
            lines += _names(place)
    if source == "ffhq" and by_hand:
        lines += _names(root / FFHQ_FOLDERS[release])
    return digest_of_lines(lines) if lines else None


def _names(place: Path) -> list[str]:
    """The names of all files in a folder; of a file, its size and time."""
    if place.is_file():
        return [f"{place.name} {place.stat().st_size} {place.stat().st_mtime_ns}"]
    return [f"{here}/{name}" for here, _, names in sorted(os.walk(place, followlinks=True)) for name in sorted(names)]


def release_of(dataset: dict, source: str) -> str:
    """The release that `dataset.release` names; `default` is the data set's first."""
    named = dataset["release"]
    return next(iter(DATASETS[source].releases)) if named == "default" else named


HEAD = """# Data sets

Made from `src/wemgan/inventory.py` by `make docs`; edit that file, not this one. How photos become labelled faces:
[docs/data.md](docs/data.md). Your own photos: [docs/own_photos.md](docs/own_photos.md).

Terms were read from the data sets' pages and may have changed: what holds is what you agreed to. Aligned faces,
sample grids, figures, reports and MLflow's entries show the people too: a remote of DVC or a server that others can
read passes them on.
"""


def describe() -> str:
    """DATA.md."""
    lines = HEAD.split("\n")
    names = {"Version": "version", "Licence": "licence", "May be passed on": "redistribution"}
    names |= {
        "May be shown": "publication",
        "Identities": "identities",
        "Split": "split",
        "Human labels": "human",
        "Checksums": "sums",
    }
    for key, data in DATASETS.items():
        lines += [
            f"## {data.title}",
            "",
            f"`data: {{source: {key}}}`, `experiments/{key}.yaml`. {data.cite}. <{data.home}>",
            "",
        ]
        lines += ["| | |", "| --- | --- |"]
        lines += [f"| {title} | {getattr(data, name)} |" for title, name in names.items()]
        access = f"by hand: {data.access}" if data.access else "downloaded, once `dataset.accept` names it"
        lines += [f"| Access | {access} |", ""]
        lines += [
            "| `dataset.release` | photos | size | files, and the sum that is checked |",
            "| --- | --- | --- | --- |",
        ]
        for name, release in data.releases.items():
            files = "<br>".join(dict.fromkeys(_file(file) for file in release.files))
            lines.append(f"| `{name}` | {release.what} | {release.size} | {files} |")
        lines.append("")
    return "\n".join(lines[:-1]) + "\n"


def _file(file: File) -> str:
    parts = f" in {len(file.drive)} parts" if len(file.drive) > 1 else ""
    known = f"md5 `{file.md5}`" if file.md5 else "no published sum: the first that is met is recorded"
    return f"`{file.path}`{parts}, {known}"


def main() -> None:
    print(describe(), end="")


if __name__ == "__main__":
    run_cli(main)
