"""Small data sets in the exact layout of the official ones: the files of each, by path, as a server would have them."""

import hashlib
import io
import json
import zipfile

import numpy as np


def zip_of(files: dict[str, bytes]) -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return whole.getvalue()


def celeba(photos: list[bytes], folder: str = "img_align_celeba") -> dict[str, bytes]:
    """The archive of photos and the lists: two photos to a person, the last three people held out, a third smiling."""
    names = [f"{place:06d}.jpg" for place in range(1, len(photos) + 1)]
    people = [2880 + place // 2 for place in range(len(photos))]
    last = max(people)
    part = {person: 2 if person >= last - 1 else 1 if person == last - 2 else 0 for person in people}
    lists = {
        "identity_CelebA.txt": [f"{name} {person}" for name, person in zip(names, people, strict=True)],
        "list_eval_partition.txt": [f"{name} {part[person]}" for name, person in zip(names, people, strict=True)],
        "list_attr_celeba.txt": [
            str(len(names)),
            "Male Smiling ",
            *(
                f"{name} {-1 if place % 2 else 1:2d} {1 if place % 3 == 0 else -1:2d}"
                for place, name in enumerate(names)
            ),
        ],
        "list_bbox_celeba.txt": [
            str(len(names)),
            "image_id x_1 y_1 width height",
            *(f"{name}    95  71 226 313" for name in names),
        ],
    }
    archive = zip_of({f"{folder}/{name}": photo for name, photo in zip(names, photos, strict=True)})
    return {f"{folder}.zip": archive} | {name: ("\r\n".join(lines) + "\r\n").encode() for name, lines in lists.items()}


def ffhq(photos: list[bytes], url: str = "https://drive.google.com/uc?id=photo{}") -> dict[str, bytes]:
    """The json, and the thumbnails under their paths: two photos to an author, the last author's for validation."""
    listed, files = {}, {}
    for place, photo in enumerate(photos):
        path = f"thumbnails128x128/00000/{place:05d}.png"
        files[path] = photo
        entry = {"file_url": url.format(place), "file_path": path, "file_size": len(photo)}
        entry |= {"file_md5": hashlib.md5(photo).hexdigest(), "pixel_size": [128, 128]}
        image = entry | {"file_path": f"images1024x1024/00000/{place:05d}.png"}
        metadata = {"photo_url": f"https://www.flickr.com/photos/{place}", "author": f"Author {place // 2}"}
        category = "validation" if place >= len(photos) - 2 else "training"
        listed[str(place)] = {"category": category, "metadata": metadata, "image": image, "thumbnail": entry}
    return {"ffhq-dataset-v2.json": json.dumps(listed).encode()} | files


def affectnet_lists(photos: list[bytes]) -> dict[str, bytes]:
    """Photos in numbered folders, and the lists with boxes, landmarks and codes; the last photo is for validation."""
    head = "subDirectory_filePath,face_x,face_y,face_width,face_height,facial_landmarks,expression,valence,arousal"
    landmarks = ";".join("1.5" for _ in range(136))
    names = [f"{place % 3 + 1}/{hashlib.sha1(bytes([place])).hexdigest()}.jpg" for place in range(len(photos))]
    rows = [f"{name},10,20,200,220,{landmarks},{place % 8},0.1,-0.2" for place, name in enumerate(names)]
    return {
        "Manually_Annotated.zip": zip_of(
            {f"Manually_Annotated/Manually_Annotated_Images/{n}": p for n, p in zip(names, photos, strict=True)}
        ),
        "Manually_Annotated_file_lists.zip": zip_of({
            "Manually_Annotated_file_lists/training.csv": "\n".join([head, *rows[:-1]]).encode(),
            "Manually_Annotated_file_lists/validation.csv": "\n".join([head, rows[-1]]).encode(),
        }),
    }  # fmt: skip


def affectnet_arrays(photos: list[bytes]) -> dict[str, bytes]:
    """Cropped photos, and an npy file for each annotation; the last photo is for validation."""
    sets = {"train_set": list(enumerate(photos))[:-1], "val_set": list(enumerate(photos))[-1:]}
    made = {}
    for part, chosen in sets.items():
        files = {}
        for place, photo in chosen:
            files[f"{part}/images/{place}.jpg"] = photo
            values = {"exp": np.array(str(place % 8)), "val": np.array("0.1"), "aro": np.array("-0.2")}
            for name, value in (values | {"lnd": np.zeros(136)}).items():
                whole = io.BytesIO()
                np.save(whole, value)
                files[f"{part}/annotations/{place}_{name}.npy"] = whole.getvalue()
        made[f"{part}.zip"] = zip_of(files)
    return made


def rafdb(photos: list[bytes]) -> dict[str, bytes]:
    """basic: the list of labels, aligned and original photos, boxes; the last photo is for testing."""
    names = [f"train_{place:05d}" for place in range(1, len(photos))] + ["test_0001"]
    labels = "\n".join(f"{name}.jpg {place % 7 + 1}" for place, name in enumerate(names))
    return {
        "basic/EmoLabel/list_patition_label.txt": labels.encode(),
        "basic/Image/aligned.zip": zip_of(
            {f"aligned/{name}_aligned.jpg": photo for name, photo in zip(names, photos, strict=True)}
        ),
        "basic/Image/original.zip": zip_of(
            {f"original/{name}.jpg": photo for name, photo in zip(names, photos, strict=True)}
        ),
        "basic/Annotation/boundingbox.zip": zip_of(
            {f"boundingbox/{name}_boundingbox.txt": b"10.5 20.0 210.5 240.0 \r\n" for name in names}
        ),
    }


def pin(monkeypatch, source: str, files: dict[str, bytes], drive: dict[str, bytes] | None = None) -> None:
    """Let the inventory publish the sums of these files, and put the archives at these ids of Google Drive."""
    import dataclasses

    from wemgan import inventory

    data = inventory.DATASETS[source]
    releases = {}
    for name, release in data.releases.items():
        pinned = [
            dataclasses.replace(file, md5=hashlib.md5(files[file.path]).hexdigest())
            if file.md5 and file.path in files
            else file
            for file in release.files
        ]
        releases[name] = dataclasses.replace(release, files=tuple(pinned))
        for file in pinned:
            if drive is not None and file.path in files and len(file.drive) == 1:
                drive[file.drive[0]] = files[file.path]
    monkeypatch.setitem(inventory.DATASETS, source, dataclasses.replace(data, releases=releases))
