"""A tree of photos: what is found, who is on it, and what is said when something is wrong."""

import json
import sys

import pandas as pd
import pytest

from wemgan import folder
from wemgan.errors import UserError, run_cli
from wemgan.faces import read_table

PATTERN = "^(?P<identity>[^/]+)/"


@pytest.fixture
def photos(tmp_path):
    """A folder with photos of three people, and files that are no photos of anybody."""
    names = ["bea/2.JPG", "bea/1.jpeg", "ann/x.png", "cem/deep/y.webp", "cem/z.BMP", "loose.jpg"]
    for name in [*names, "bea/notes.txt", ".hidden.jpg", ".cache/q.jpg"]:
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path / "photos"


def settings(path, **others):
    return {"path": str(path), "pattern": PATTERN, "identities": None} | others


def test_photos_are_found_in_order_whatever_the_case_of_their_suffix(photos):
    found = ["ann/x.png", "bea/1.jpeg", "bea/2.JPG", "cem/deep/y.webp", "cem/z.BMP", "loose.jpg"]
    assert folder.scan(photos) == (found, {"bea/notes.txt": folder.NO_PHOTO})


def test_identity_by_pattern_and_photos_without_one_are_set_aside(photos):
    listed, aside = folder.list_photos(settings(photos), None)
    assert dict(zip(listed["source"], listed["identity"], strict=True))["cem/deep/y.webp"] == "cem"
    assert listed["id"].is_unique
    assert aside.set_index("source")["reason"].to_dict() == {
        "loose.jpg": "its path does not match folder.pattern", "bea/notes.txt": folder.NO_PHOTO,
    }  # fmt: skip


def test_identity_by_csv_and_by_celeba_file(photos, tmp_path):
    (tmp_path / "who.csv").write_text("source,identity\nann/x.png,007\nbea/1.jpeg,NA\n")
    listed, aside = folder.list_photos(settings(photos, identities=str(tmp_path / "who.csv")), None)
    assert list(listed["identity"]) == ["007", "NA"]
    assert aside["reason"].value_counts().to_dict() == {"not named in who.csv": 4, folder.NO_PHOTO: 1}

    (tmp_path / "identity_CelebA.txt").write_text("x.png 2880\nz.BMP 2880\n1.jpeg 11\n")
    listed, aside = folder.list_photos(settings(photos, identities=str(tmp_path / "identity_CelebA.txt")), None)
    assert dict(zip(listed["source"], listed["identity"], strict=True)) == {
        "ann/x.png": "2880", "bea/1.jpeg": "11", "cem/z.BMP": "2880",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"path": "nowhere"}, "there is no folder nowhere"),
        ({"pattern": "("}, "not a valid regular expression"),
        ({"pattern": "(.*)/"}, r"needs a group \(\?P<identity>"),
        ({"pattern": "^(?P<identity>zoe)/"}, "matches none of the 6 photos; the first is 'ann/x.png'"),
        ({"identities": "gone.csv"}, "there is no file gone.csv"),
    ],
)
def test_mistakes_are_told(photos, change, sentence):
    with pytest.raises(UserError, match=sentence):
        folder.list_photos(settings(photos) | change, None)


def test_a_file_name_that_no_table_can_hold_is_set_aside(photos):
    try:
        (photos / "ann" / b"\xff.jpg".decode("utf-8", "surrogateescape")).touch()
    except OSError:
        pytest.skip("this file system takes UTF-8 names alone")
    listed, aside = folder.list_photos(settings(photos), None)
    assert len(listed) == 5
    assert aside["reason"].tolist() == [
        "file name is not UTF-8", "its path does not match folder.pattern", folder.NO_PHOTO,
    ]  # fmt: skip


def test_folder_that_is_empty_or_a_file_is_told(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "some").mkdir()
    (tmp_path / "some" / "a.txt").touch()
    with pytest.raises(UserError, match="it is empty"):
        folder.scan(tmp_path / "empty")
    with pytest.raises(UserError, match="none of its 1 files ends in .jpg"):
        folder.scan(tmp_path / "some")
    with pytest.raises(UserError, match="is a file"):
        folder.scan(tmp_path / "some" / "a.txt")


def test_identity_tables_that_are_wrong_are_told(photos, tmp_path):
    (tmp_path / "columns.csv").write_text("file,person\nann/x.png,1\n")
    (tmp_path / "others.csv").write_text("source,identity\nelse.png,1\n")
    (tmp_path / "list.txt").write_text("justaname\n")
    for name, sentence in (
        ("columns.csv", "needs the columns source and identity; it has file, person"),
        ("others.csv", "names none of the 6 photos; it names 'else.png'"),
        ("list.txt", "line 1 of"),
    ):
        with pytest.raises(UserError, match=sentence):
            folder.list_photos(settings(photos, identities=str(tmp_path / name)), None)


def test_limit_keeps_whole_people_and_does_not_depend_on_the_others():
    table = pd.DataFrame({"identity": [f"p{i % 20}" for i in range(100)]})
    table["id"] = table["source"] = [f"{i}.jpg" for i in range(100)]
    taken = folder.take(table, 33)
    assert set(taken["identity"].value_counts()) == {5}
    assert 33 <= len(taken) < 33 + 5
    assert list(taken.index) == list(range(len(taken)))
    more = pd.concat([table, pd.DataFrame({"id": ["n"], "identity": ["p3"], "source": ["n"]})], ignore_index=True)
    assert len(set(folder.take(more, 33)["identity"]) ^ set(taken["identity"])) <= 1
    assert folder.take(table, None) is table


def test_step_writes_both_tables_and_ends_with_a_sentence(photos, tmp_path, monkeypatch):
    config = tmp_path / "config.json"
    arguments = ["folder", "--config", str(config), "--photos", str(tmp_path / "photos.csv")]
    monkeypatch.setattr(sys, "argv", [*arguments, "--set-aside", str(tmp_path / "aside.csv")])
    config.write_text(json.dumps({"folder": settings(photos), "data": {"limit": None}}))
    folder.main()
    assert len(read_table(tmp_path / "photos.csv")) == 5
    assert len(read_table(tmp_path / "aside.csv")) == 2
    config.write_text(json.dumps({"folder": settings(tmp_path / "nowhere"), "data": {"limit": None}}))
    with pytest.raises(SystemExit, match="error: there is no folder .*nowhere"):
        run_cli(folder.main)


def test_rows_of_an_identity_table_that_contradict_or_fit_no_or_several_files_are_set_aside(photos, tmp_path):
    for name in ("ann/1.jpeg", "cem/once.png"):
        (photos / name).touch()
    lines = [
        "source,identity",
        "x.png,7",
        "x.png,8",
        "1.jpeg,3",
        "once.png,5",
        "once.png,5",
        "gone.png,9",
        "cem/z.BMP,2",
    ]
    (tmp_path / "who.csv").write_text("\n".join(lines) + "\n")
    listed, aside = folder.list_photos(settings(photos, identities=str(tmp_path / "who.csv")), None)
    assert dict(zip(listed["source"], listed["identity"], strict=True)) == {"cem/once.png": "5", "cem/z.BMP": "2"}
    several = "one of several files of this name, and who.csv does not say which"
    assert aside.set_index("source")["reason"].to_dict() == {
        "ann/x.png": "named twice in who.csv, as different people", "ann/1.jpeg": several, "bea/1.jpeg": several,
        "bea/2.JPG": "not named in who.csv", "cem/deep/y.webp": "not named in who.csv",
        "loose.jpg": "not named in who.csv", "gone.png": "named in who.csv, but there is no such photo",
        "bea/notes.txt": folder.NO_PHOTO,
    }  # fmt: skip


def test_a_link_is_followed_but_no_folder_is_read_twice(photos, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "v.jpg").touch()
    (photos / "zoe").symlink_to(tmp_path / "elsewhere")
    (photos / "bea" / "round").symlink_to(photos)
    found, others = folder.scan(photos)
    assert "zoe/v.jpg" in found and len(found) == 7
    assert others["bea/round"] == "a link to a folder that was read already"


def test_photos_that_come_are_noticed_though_a_link_leads_nowhere(photos):
    (photos / "ann" / "gone.jpg").symlink_to(photos / "nowhere.jpg")
    before = folder.inventory(settings(photos))
    assert before is not None
    (photos / "ann" / "new.jpg").touch()
    assert folder.inventory(settings(photos)) != before


def test_labels_of_another_program_that_come_or_change_are_noticed(tmp_path):
    (tmp_path / "a.csv").write_text("one")
    before = folder.names_and_sizes(tmp_path, (".csv",))
    (tmp_path / "b.csv").write_text("two")
    more = folder.names_and_sizes(tmp_path, (".csv",))
    (tmp_path / "b.csv").write_text("three")
    assert len({before, more, folder.names_and_sizes(tmp_path, (".csv",))}) == 3


def test_a_pattern_that_tells_photos_apart_and_not_people_is_warned_of(tmp_path, monkeypatch, capsys):
    (tmp_path / "photos").mkdir()
    for place in range(folder.FEW):
        (tmp_path / "photos" / f"ann_{place}.jpg").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["folder", "--config", "c.json", "--photos", "p.csv", "--set-aside", "a.csv"])
    for pattern, warned in ((r"(?P<identity>.*)\.jpg$", True), (r"(?P<identity>[^/]+)_\d+\.jpg$", False)):
        config = {"folder": settings("photos", pattern=pattern), "data": {"limit": None}}
        (tmp_path / "c.json").write_text(json.dumps(config))
        folder.main()
        assert ("hardly any of which has two; does folder.pattern" in capsys.readouterr().err) == warned
