"""Bringing data sets here: small ones of the official layout, from a server on this machine, or put there by hand."""

import json
import os
import shutil
import sys

import official
import pytest
from loopback import at_drive, serve
from test_unpack import seven

from wemgan import download, inventory, obtain
from wemgan.errors import UserError
from wemgan.faces import read_table

PHOTOS = [f"photo {place} ".encode() * 400 for place in range(8)]


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(download, "PAUSE", 0)
    with serve() as server:
        yield server


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path / "datasets"


def section(source, **others):
    dataset = {"accept": [source], "directory": "datasets", "release": "default", "fetch": True, "mirror": ""}
    return dataset | others


def put(folder, files):
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def names(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_terms_have_to_be_accepted_and_are_named(here):
    words = (
        "CelebA comes on terms .*non-commercial research only; http.*in params.yaml, under dataset: .accept: .celeba."
    )
    with pytest.raises(UserError, match=words):
        obtain.obtain(section("celeba", accept=["ffhq"]), "celeba")
    assert not here.exists()


def test_celeba_comes_from_a_mirror_checked_and_unpacked_and_a_second_time_asks_for_nothing(server, here, monkeypatch):
    server.files = official.celeba(PHOTOS)
    official.pin(monkeypatch, "celeba", server.files)
    dataset = section("celeba", mirror=server.url)
    files, aside = obtain.obtain(dataset, "celeba")
    photos = here / "celeba" / "img_align_celeba"
    assert {path.name: path.read_bytes() for path in photos.iterdir()} == {
        f"{place:06d}.jpg": photo for place, photo in enumerate(PHOTOS, 1)
    }
    assert list(files["file"]) == [
        "img_align_celeba.zip", "identity_CelebA.txt", "list_attr_celeba.txt", "list_eval_partition.txt",
    ]  # fmt: skip
    assert files["sha256"].str.len().eq(64).all() and files["unpacked"][0] == 8 and aside.empty
    asked = len(server.asked)
    again, _ = obtain.obtain(dataset, "celeba")
    assert again.equals(files) and len(server.asked) == asked
    (here / "celeba" / "img_align_celeba.zip").unlink()  # to save space
    assert obtain.obtain(dataset, "celeba")[0]["sha256"].equals(files["sha256"]) and len(server.asked) == asked


def test_celeba_comes_from_google_drive(server, here, monkeypatch):
    at_drive(server, monkeypatch)
    official.pin(monkeypatch, "celeba", official.celeba(PHOTOS), server.drive)
    files, _ = obtain.obtain(section("celeba"), "celeba")
    assert len(files) == 4 and len(list((here / "celeba" / "img_align_celeba").iterdir())) == 8
    assert [path for path, _ in server.asked][::2] == [
        f"/uc?id={file.drive[0]}" for file in inventory.DATASETS["celeba"].releases["aligned"].files
    ]


def test_the_wild_photos_of_celeba_come_in_parts(server, here, monkeypatch, tmp_path):
    import random

    photos = {f"img_celeba/{i:06d}.jpg": random.Random(i).randbytes(3000) for i in range(1, 9)}
    parts = seven(tmp_path / "img_celeba.7z", photos, 14)
    server.files = official.celeba(PHOTOS) | {path.name: path.read_bytes() for path in parts}
    official.pin(monkeypatch, "celeba", server.files)
    files, _ = obtain.obtain(section("celeba", release="in_the_wild", mirror=server.url), "celeba")
    assert (here / "celeba" / "img_celeba" / "000008.jpg").read_bytes() == photos["img_celeba/000008.jpg"]
    assert files["unpacked"][0] == 8


def test_a_download_that_was_cut_goes_on_with_the_same_command(server, here, monkeypatch):
    server.files = official.celeba(PHOTOS)
    official.pin(monkeypatch, "celeba", server.files)
    server.cut = 3  # one more than it tries
    dataset = section("celeba", mirror=server.url)
    with pytest.raises(UserError, match="img_align_celeba.zip could not be downloaded.*same command again"):
        obtain.obtain(dataset, "celeba")
    obtain.obtain(dataset, "celeba")
    resumed = [asked for path, asked in server.asked if path == "/img_align_celeba.zip"][-1]
    assert resumed.startswith("bytes=") and len(list((here / "celeba" / "img_align_celeba").iterdir())) == 8


def test_another_archive_than_the_published_one_is_refused(server, here, monkeypatch):
    server.files = official.celeba(PHOTOS)
    official.pin(monkeypatch, "celeba", official.celeba(PHOTOS[::-1]))
    with pytest.raises(UserError, match="is not the pinned img_align_celeba.zip .its md5"):
        obtain.obtain(section("celeba", mirror=server.url), "celeba")
    assert not (here / "celeba" / "img_align_celeba").exists()
    put(here / "celeba", server.files)
    with pytest.raises(UserError, match="img_align_celeba.zip is not the file that the project is pinned to"):
        obtain.obtain(section("celeba"), "celeba")


def test_a_list_that_cannot_be_had_stops_it_though_a_part_could_be_read_without(server, here, monkeypatch):
    server.files = official.celeba(PHOTOS)
    official.pin(monkeypatch, "celeba", server.files)
    del server.files["list_eval_partition.txt"]
    with pytest.raises(UserError, match="list_eval_partition.txt could not be downloaded"):
        obtain.obtain(section("celeba", mirror=server.url), "celeba")


def test_a_kill_while_the_photos_are_put_in_their_place_leaves_nothing_half_done(here, monkeypatch):
    put(here / "rafdb", official.rafdb(PHOTOS))
    moved, move = [], os.replace

    def killed(source, target):
        if "aligned" in str(target) and str(target).endswith(".jpg"):
            moved.append(target)
            if len(moved) > 3:
                raise KeyboardInterrupt
        move(source, target)

    monkeypatch.setattr(os, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        obtain.obtain(section("rafdb"), "rafdb")
    monkeypatch.setattr(os, "replace", move)
    place = here / "rafdb" / "basic" / "Image" / "aligned"
    assert len(list(place.iterdir())) == 3
    files, _ = obtain.obtain(section("rafdb"), "rafdb")
    assert len(list(place.iterdir())) == 8 and files["unpacked"].iloc[1] == 8
    (here / "rafdb" / "basic" / "Image" / ".aligned.zip.unpacking").mkdir()


def test_what_is_left_of_a_killed_unpacking_is_not_taken_without_its_archive(here, monkeypatch):
    put(here / "rafdb", official.rafdb(PHOTOS))
    note = obtain.DATASETS["rafdb"].releases["aligned"].files[1].note(here / "rafdb")
    place = here / "rafdb" / "basic" / "Image" / "aligned"
    place.mkdir()
    (place / "half.jpg").write_bytes(b"x")
    note.write_text('{"sha256": ""}')
    (here / "rafdb" / "basic" / "Image" / "aligned.zip").rename(here / "kept.zip")
    with pytest.raises(
        UserError, match="an unpacking broke off; if you have unpacked all of it by hand, remove .*json"
    ):
        obtain.obtain(section("rafdb"), "rafdb")
    (here / "kept.zip").rename(here / "rafdb" / "basic" / "Image" / "aligned.zip")
    obtain.obtain(section("rafdb"), "rafdb")
    assert len(list(place.iterdir())) == 9


def test_an_archive_that_cannot_be_unpacked_here_may_be_unpacked_by_hand(here):
    files = official.rafdb(PHOTOS)
    locked = bytearray(files["basic/Image/aligned.zip"])
    for sign, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        locked[locked.find(sign) + at] |= 1
    put(here / "rafdb", files | {"basic/Image/aligned.zip": bytes(locked)})
    with pytest.raises(UserError, match="wants a password; unpack it by hand"):
        obtain.obtain(section("rafdb"), "rafdb")
    put(here / "rafdb", {"basic/Image/aligned/train_00001_aligned.jpg": b"x"})
    files, _ = obtain.obtain(section("rafdb"), "rafdb")
    assert files["unpacked"].iloc[1] == "by hand"


def test_what_was_unpacked_unchecked_is_not_taken_for_checked(server, here, monkeypatch):
    server.files = official.celeba(PHOTOS)
    official.pin(monkeypatch, "celeba", server.files)
    put(here / "celeba", official.celeba(PHOTOS[:4]))
    obtain.obtain(section("celeba", fetch=False), "celeba")
    for name in official.celeba(PHOTOS):
        (here / "celeba" / name).unlink()
    obtain.obtain(section("celeba", mirror=server.url), "celeba")
    assert len(list((here / "celeba" / "img_align_celeba").iterdir())) == 8
    (here / "celeba" / "img_align_celeba.zip").unlink()
    asked = len(server.asked)
    obtain.obtain(section("celeba", mirror=server.url), "celeba")  # this one was checked
    assert len(server.asked) == asked


def test_photos_that_went_missing_are_unpacked_again(here):
    put(here / "rafdb", official.rafdb(PHOTOS))
    obtain.obtain(section("rafdb"), "rafdb")
    place = here / "rafdb" / "basic" / "Image" / "aligned"
    for path in sorted(place.iterdir())[:5]:
        path.unlink()
    obtain.obtain(section("rafdb"), "rafdb")
    assert len(list(place.iterdir())) == 8
    (here / "rafdb" / "basic" / "Image" / "aligned.zip").unlink()
    next(place.iterdir()).unlink()
    with pytest.raises(UserError, match="RAF-DB is not here"):
        obtain.obtain(section("rafdb"), "rafdb")


def test_parts_that_somebody_joined_are_taken(here, tmp_path):
    archive = seven(tmp_path / "img_celeba.7z", {"img_celeba/000001.jpg": b"x"})[0]
    put(here / "celeba", {"identity_CelebA.txt": b"000001.jpg 1"})
    with pytest.raises(UserError, match="img_celeba.7z.001 to img_celeba.7z.014"):
        obtain.obtain(section("celeba", release="in_the_wild", fetch=False), "celeba")
    shutil.move(archive, here / "celeba")
    assert obtain.obtain(section("celeba", release="in_the_wild", fetch=False), "celeba")[0]["unpacked"].iloc[0] == 1


def test_a_broken_archive_is_not_recorded_as_the_right_one(here):
    files = official.rafdb(PHOTOS)
    archive = files["basic/Image/aligned.zip"]
    put(here / "rafdb", files | {"basic/Image/aligned.zip": archive[: len(archive) // 2]})
    with pytest.raises(UserError, match="is no whole archive"):
        obtain.obtain(section("rafdb"), "rafdb")
    put(here / "rafdb", files)
    assert len(obtain.obtain(section("rafdb"), "rafdb")[0]) == 2


def test_ffhq_comes_photo_by_photo_and_goes_on_where_it_was(server, here, monkeypatch):
    server.files = official.ffhq(PHOTOS)
    official.pin(monkeypatch, "ffhq", server.files)
    missing = server.files.pop("thumbnails128x128/00000/00005.png")
    dataset = section("ffhq", mirror=server.url)
    with pytest.raises(UserError, match="00005.png could not be downloaded"):
        obtain.obtain(dataset, "ffhq")
    server.files["thumbnails128x128/00000/00005.png"] = missing
    server.asked.clear()
    files, _ = obtain.obtain(dataset, "ffhq")
    assert files.iloc[1].to_dict() == {
        "file": "thumbnails", "bytes": sum(map(len, PHOTOS)), "sha256": "", "unpacked": 8,
    }  # fmt: skip
    assert "/thumbnails128x128/00000/00005.png" in [path for path, _ in server.asked] and len(server.asked) < 8
    assert (here / "ffhq" / "thumbnails128x128" / "00000" / "00007.png").read_bytes() == PHOTOS[7]


def test_ffhq_comes_from_google_drive_and_a_photo_with_another_sum_is_refused(server, here, monkeypatch):
    at_drive(server, monkeypatch)
    files = official.ffhq(PHOTOS)
    official.pin(monkeypatch, "ffhq", files, server.drive)
    server.drive |= {f"photo{place}": photo for place, photo in enumerate(PHOTOS)} | {"photo3": b"another"}
    with pytest.raises(UserError, match="not the pinned 00003.png"):
        obtain.obtain(section("ffhq"), "ffhq")
    server.drive["photo3"] = PHOTOS[3]
    obtain.obtain(section("ffhq"), "ffhq")
    assert len(names(here / "ffhq" / "thumbnails128x128")) == 8


def test_a_photo_of_ffhq_that_is_not_the_listed_one_is_fetched_again(server, here, monkeypatch):
    server.files = official.ffhq(PHOTOS)
    official.pin(monkeypatch, "ffhq", server.files)
    dataset = section("ffhq", mirror=server.url)
    obtain.obtain(dataset, "ffhq")
    folder = here / "ffhq" / "thumbnails128x128" / "00000"
    (folder / "00003.png").write_bytes(PHOTOS[3][:100])
    (folder / "00004.png").write_bytes(PHOTOS[4][::-1])
    obtain.obtain(dataset, "ffhq")
    assert [(folder / f"{place:05d}.png").read_bytes() for place in range(8)] == PHOTOS


def test_a_json_that_points_outside_is_refused(here, monkeypatch):
    files = official.ffhq(PHOTOS)
    files["ffhq-dataset-v2.json"] = files["ffhq-dataset-v2.json"].replace(
        b"thumbnails128x128/00000/00002", b"../../evil"
    )
    official.pin(monkeypatch, "ffhq", files)
    put(here / "ffhq", {"ffhq-dataset-v2.json": files["ffhq-dataset-v2.json"]})
    with pytest.raises(UserError, match="names ../../evil.png, outside of its folder"):
        obtain.obtain(section("ffhq", mirror="http://127.0.0.1:9"), "ffhq")


@pytest.mark.parametrize(
    ("source", "release", "make", "ask", "place"),
    [
        ("affectnet", "lists", official.affectnet_lists, "lab manager or professor", "Manually_Annotated.zip"),
        ("affectnet", "arrays", official.affectnet_arrays, "lab manager or professor", "train_set.zip"),
        ("rafdb", "aligned", official.rafdb, "address of your institution", "basic/Image/aligned.zip"),
        ("rafdb", "original", official.rafdb, "address of your institution", "basic/Annotation/boundingbox.zip"),
    ],
)
def test_a_gated_data_set_says_what_to_request_and_where_to_put_it_and_checks_what_was_put(
    here, source, release, make, ask, place
):
    dataset = section(source, release=release)
    with pytest.raises(
        UserError, match=f"is not here. Ask for it: .*{ask}.*Then put there: .*datasets/{source}/{place}"
    ):
        obtain.obtain(dataset, source)
    put(here / source, make(PHOTOS))
    files, _ = obtain.obtain(dataset, source)
    assert files["sha256"].str.len().eq(64).all()
    archive = here / source / inventory.DATASETS[source].releases[release].files[-1].path
    archive.write_bytes(archive.read_bytes() + b"x")
    with pytest.raises(UserError, match="is not the file that the project is pinned to"):
        obtain.obtain(dataset, source)
    assert (archive.parent / archive.name.replace(".zip", "")).is_dir()


def test_what_was_unpacked_by_hand_is_taken_as_it_is(here):
    put(here / "rafdb", official.rafdb(PHOTOS))
    obtain.obtain(section("rafdb"), "rafdb")
    shutil.move(here / "rafdb" / "basic" / "Image" / "aligned", here / "kept")
    shutil.rmtree(here / "rafdb")
    put(here / "rafdb", {"basic/EmoLabel/list_patition_label.txt": b"train_00001.jpg 5"})
    (here / "rafdb" / "basic" / "Image").mkdir()
    shutil.move(here / "kept", here / "rafdb" / "basic" / "Image" / "aligned")
    files, _ = obtain.obtain(section("rafdb"), "rafdb")
    assert files.set_index("file")["unpacked"].to_dict() == {
        "basic/EmoLabel/list_patition_label.txt": "", "basic/Image/aligned": "by hand",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("source", "release", "layout"),
    [
        ("affectnet", "lists",
         {"Manually_Annotated_Images/1/a.jpg": b"x", "training.csv": b"x", "validation.csv": b"x"}),
        ("affectnet", "lists", {"Manually_Annotated/Manually_Annotated_Images/1/a.jpg": b"x",
                                "Manually_Annotated_file_lists/training.csv": b"x",
                                "Manually_Annotated_file_lists/validation.csv": b"x"}),
        ("rafdb", "aligned", {"EmoLabel/list_patition_label.txt": b"train_00001.jpg 5", "Image/aligned/a.jpg": b"x"}),
    ],
)  # fmt: skip
def test_places_where_people_unpack_it_are_found(here, source, release, layout):
    put(here / source, layout)
    assert len(obtain.obtain(section(source, release=release), source)[0]) == len(layout)


def test_parts_that_have_to_be_unpacked_by_hand_and_empty_folders_are_not_taken_for_photos(here):
    lists = {f"Manually_Annotated_file_lists/{name}.csv": b"x" for name in ("training", "validation")}
    put(here / "affectnet", lists | {"Manually_Annotated/Manually_Annotated.part01.rar": b"Rar!"})
    (here / "affectnet" / "Manually_Annotated" / "Manually_Annotated_Images").mkdir()
    with pytest.raises(UserError, match="Manually_Annotated.part01.rar and so on: unrar x on the first"):
        obtain.obtain(section("affectnet"), "affectnet")


@pytest.mark.parametrize(
    ("source", "release", "before", "after"),
    [
        ("rafdb", "aligned", "basic/Image/aligned/a.jpg", "basic/Image/aligned/b.jpg"),
        ("rafdb", "aligned", "EmoLabel/list_patition_label.txt", "EmoLabel/list_patition_label.txt"),
        ("affectnet", "lists", "training.csv", "training.csv"),
        ("ffhq", "thumbnails", "thumbnails128x128/00000/00000.png", "thumbnails128x128/00000/00001.png"),
    ],
)
def test_what_people_put_there_is_noticed_when_it_changes(here, source, release, before, after):
    dataset = section(source, release=release, fetch=False)
    put(here / source, {before: b"x"})
    known = inventory.put_there(dataset, source)
    assert known and known == inventory.put_there(dataset, source)
    put(here / source, {after: b"another"})
    assert inventory.put_there(dataset, source) != known


def test_unpacking_and_removing_an_archive_changes_nothing_that_people_put_there(here):
    put(here / "rafdb", official.rafdb(PHOTOS))
    known = inventory.put_there(section("rafdb"), "rafdb")
    obtain.obtain(section("rafdb"), "rafdb")
    assert inventory.put_there(section("rafdb"), "rafdb") == known
    (here / "rafdb" / "basic" / "Image" / "aligned.zip").unlink()
    assert inventory.put_there(section("rafdb"), "rafdb") == known
    assert inventory.put_there(section("celeba"), "celeba") is None  # the project brings it, and knows


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write everywhere")
def test_a_shared_folder_that_may_only_be_read_is_read(here):
    put(
        here / "rafdb",
        {"basic/EmoLabel/list_patition_label.txt": b"train_00001.jpg 5", "basic/Image/aligned/a.jpg": b"x"},
    )
    (here / "rafdb").chmod(0o555)
    try:
        assert len(obtain.obtain(section("rafdb"), "rafdb")[0]) == 2
    finally:
        (here / "rafdb").chmod(0o755)


def test_a_folder_that_cannot_be_made_is_told(here):
    here.write_text("a file")
    with pytest.raises(UserError, match="datasets/rafdb cannot be made .*set dataset.directory"):
        obtain.obtain(section("rafdb"), "rafdb")


def test_an_archive_that_holds_something_else_is_told(here):
    put(here / "rafdb", official.rafdb(PHOTOS) | {"basic/Image/aligned.zip": official.zip_of({"else/a.jpg": b"x"})})
    with pytest.raises(UserError, match="aligned.zip was unpacked, but holds no aligned"):
        obtain.obtain(section("rafdb"), "rafdb")


def test_a_part_of_a_data_set_is_read_without_a_download(server, here):
    files = official.celeba(PHOTOS)
    put(here / "celeba", {name: content for name, content in files.items() if name != "list_attr_celeba.txt"})
    found, _ = obtain.obtain(section("celeba", fetch=False, mirror=server.url), "celeba")
    assert len(found) == 3 and server.asked == []
    (here / "celeba" / "list_eval_partition.txt").write_text("000001.jpg 0")  # cut further: no sum is held against it
    assert len(obtain.obtain(section("celeba", fetch=False), "celeba")[0]) == 3
    (here / "celeba" / "identity_CelebA.txt").unlink()
    with pytest.raises(UserError, match="dataset.fetch is false.*Then put there: .*identity_CelebA.txt"):
        obtain.obtain(section("celeba", fetch=False), "celeba")


def test_the_step_writes_what_was_refused_of_an_archive(here, monkeypatch):
    archive = official.zip_of({"aligned/train_00001_aligned.jpg": b"x", "../escaped.jpg": b"y"})
    put(here / "rafdb", official.rafdb(PHOTOS) | {"basic/Image/aligned.zip": archive})
    here.with_name("config.json").write_text(json.dumps({"data": {"source": "rafdb"}, "dataset": section("rafdb")}))
    here.with_name("fetching.json").write_text(json.dumps({"dataset": {"accept": ["rafdb"], "mirror": ""}}))
    words = [
        "obtain",
        "--config",
        "config.json",
        "--fetching",
        "fetching.json",
        "--files",
        "files.csv",
        "--set-aside",
        "aside.csv",
    ]
    monkeypatch.setattr(sys, "argv", words)
    for _ in range(2):  # a second run still knows
        obtain.main()
        assert read_table("aside.csv").to_dict("records") == [
            {"id": "../escaped.jpg", "source": "basic/Image/aligned.zip:../escaped.jpg",
             "reason": "points outside of its archive"},
        ]  # fmt: skip
    assert len(read_table("files.csv")) == 2
