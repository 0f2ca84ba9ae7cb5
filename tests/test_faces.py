"""Faces on disk: the array that grows, tables that keep text as text, and the merge of shards."""

import numpy as np
import pandas as pd
import pytest

from wemgan.errors import UserError
from wemgan.faces import face_writer, load_faces, merge, read_table, write_table


def random_faces(n, seed=0, size=16):
    return np.random.default_rng(seed).integers(0, 256, (n, size, size, 3), dtype=np.uint8)


def shard(folder, name, faces, ids, aside=()):
    """Write the three files of a shard; returns their paths."""
    paths = [folder / f"{name}.npy", folder / f"{name}.csv", folder / f"{name}_aside.csv"]
    with face_writer(paths[0], 16) as writer:
        writer.append(faces)
    table = pd.DataFrame({"id": ids, "identity": ids, "source": ids, "faces_found": 1})
    write_table(paths[1], table)
    write_table(paths[2], pd.DataFrame(aside, columns=["id", "source", "reason"]))
    return paths


def merged(folder, shards):
    out = [folder / "faces.npy", folder / "faces.csv", folder / "set_aside.csv"]
    merge(*zip(*shards, strict=True), *out)
    return load_faces(out[0]), read_table(out[1]), read_table(out[2])


def test_faces_that_were_appended_one_by_one_come_back(tmp_path):
    faces = random_faces(1234)
    with face_writer(tmp_path / "faces.npy", 16) as writer:
        for face in faces:
            writer.append(face[None])
    assert np.array_equal(np.load(tmp_path / "faces.npy"), faces)


def test_nothing_stands_at_the_path_before_all_is_written(tmp_path):
    with pytest.raises(RuntimeError), face_writer(tmp_path / "faces.npy", 16) as writer:
        writer.append(random_faces(2))
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_merge_keeps_the_order_and_takes_empty_shards(tmp_path):
    faces = random_faces(5)
    shards = [
        shard(tmp_path, "a", faces[:3], ["1", "2", "3"], [("x", "x.jpg", "no face found")]),
        shard(tmp_path, "b", faces[:0], [], [("y", "y.jpg", "no face found")]),
        shard(tmp_path, "c", faces[3:], ["4", "5"]),
    ]
    array, table, aside = merged(tmp_path, shards)
    assert np.array_equal(array, faces)
    assert list(table["id"]) == ["1", "2", "3", "4", "5"]
    assert list(aside["source"]) == ["x.jpg", "y.jpg"]


def test_merge_tells_what_is_wrong(tmp_path):
    none = shard(tmp_path, "n", random_faces(0), [], [("x", "x.jpg", "truncated image")])
    with pytest.raises(UserError, match=r"not one face was found in 1 photos \(1 x truncated image\)"):
        merged(tmp_path, [none])
    two = shard(tmp_path, "t", random_faces(2), ["1", "2"])
    with pytest.raises(UserError, match="the id '1' stands in more than one shard"):
        merged(tmp_path, [two, two])
    short = [shard(tmp_path, "s", random_faces(1), ["1", "2"])[0], *two[1:]]
    with pytest.raises(UserError, match="1 faces but 2 rows"):
        merged(tmp_path, [short])


def test_text_stays_text(tmp_path):
    table = pd.DataFrame({"id": ["001", "NA"], "identity": ["003", "nan"], "source": ["a,b.jpg", "ü.jpg"]})
    write_table(tmp_path / "t.csv", table.assign(probability=[0.5, np.nan]))
    back = read_table(tmp_path / "t.csv")
    assert back[["id", "identity", "source"]].to_numpy().tolist() == table.to_numpy().tolist()
    assert back["probability"][0] == 0.5
    assert np.isnan(back["probability"][1])


def test_broken_files_are_told(tmp_path):
    with pytest.raises(UserError, match="there are no faces"):
        load_faces(tmp_path / "gone.npy")
    (tmp_path / "half.npy").write_bytes(b"\x93NUMPY\x01\x00v\x00{'descr'")
    with pytest.raises(UserError, match="not a whole array"):
        load_faces(tmp_path / "half.npy")
    np.save(tmp_path / "float.npy", np.zeros((2, 8, 8, 3)))
    with pytest.raises(UserError, match="not uint8 faces"):
        load_faces(tmp_path / "float.npy")
    with pytest.raises(UserError, match="there is no table"):
        read_table(tmp_path / "gone.csv")
