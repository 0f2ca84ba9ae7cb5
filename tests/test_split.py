"""The split: by identity, with nobody in two parts, and steady when photos are added."""

import pandas as pd
import pytest

from wemgan.errors import UserError
from wemgan.split import split_faces, split_identities

OPTIONS = {"by": "identity", "validation": 0.1, "test": 0.2, "seed": 0}


def table(people, each=3):
    ids = [f"{person}_{i}" for person in range(people) for i in range(each)]
    return pd.DataFrame({"id": ids, "identity": [name.split("_")[0] for name in ids]})


def test_nobody_is_in_two_parts_and_the_shares_are_kept():
    faces = table(50)
    split = split_faces(faces, faces["id"], OPTIONS)
    assert (split.groupby("identity")["split"].nunique() == 1).all()
    people = split.groupby("split")["identity"].nunique()
    assert people.to_dict() == {"train": 35, "validation": 5, "test": 10}
    assert list(split["id"]) == list(faces["id"])


def test_more_photos_of_known_people_change_nothing():
    before = split_faces(table(40), table(40)["id"], OPTIONS).set_index("id")["split"]
    after = split_faces(table(40, each=5), table(40, each=5)["id"], OPTIONS).set_index("id")["split"]
    assert (after[before.index] == before).all()


def test_a_new_person_moves_at_most_one_other_across_each_border():
    people = [str(i) for i in range(40)]
    before, after = (split_identities(names, 0.1, 0.2, 0) for names in (people, [*people, "new"]))
    assert sum(before[name] != after[name] for name in people) <= 2


def test_seed_decides_and_repeats():
    people = [str(i) for i in range(40)]
    assert split_identities(people, 0.1, 0.2, 0) == split_identities(people[::-1], 0.1, 0.2, 0)
    assert split_identities(people, 0.1, 0.2, 0) != split_identities(people, 0.1, 0.2, 1)


def test_faces_without_a_label_are_left_out():
    faces = table(10)
    split = split_faces(faces, faces["id"][5:], OPTIONS)
    assert list(split["id"]) == list(faces["id"][5:])


def test_three_people_are_enough_and_two_are_not():
    assert sorted(split_identities(["a", "b", "c"], 0.1, 0.2, 0).values()) == ["test", "train", "validation"]
    with pytest.raises(UserError, match="of 2 identities; three splits without a shared person need at least 3"):
        split_identities(["a", "b"], 0.1, 0.2, 0)


def official(parts):
    """A table of two faces of each person, with the official part of each person."""
    names = [f"{person}_{i}" for person in parts for i in range(2)]
    people = [name.split("_")[0] for name in names]
    return pd.DataFrame({"id": names, "identity": people, "official": [parts[person] for person in people]})


OFFICIAL = OPTIONS | {"by": "official"}


def parts_of(faces):
    split = split_faces(faces, faces["id"], OFFICIAL)
    return split.drop_duplicates("identity").set_index("identity")["split"].to_dict()


def test_an_official_split_is_taken_as_it_is():
    parts = {"a": "train", "b": "test", "c": "validation", "d": "train"}
    assert parts_of(official(parts)) == parts


def test_a_part_that_an_official_split_lacks_is_drawn_from_its_training_people():
    parts = {f"p{i}": "train" for i in range(20)} | {f"q{i}": "test" for i in range(5)}
    found = parts_of(official(parts))
    assert all(found[name] == "test" for name in parts if parts[name] == "test")
    assert pd.Series(found).value_counts().to_dict() == {"train": 18, "test": 5, "validation": 2}
    found = parts_of(official({f"p{i}": "train" for i in range(20)}))
    assert pd.Series(found).value_counts().to_dict() == {"train": 14, "test": 4, "validation": 2}


def test_an_official_split_that_shares_a_person_or_leaves_one_out_is_refused():
    faces = official({"a": "train", "b": "test", "c": "validation"})
    faces.loc[faces["id"] == "a_1", "official"] = "test"
    with pytest.raises(UserError, match="1 people, for instance 'a', are in more than one official part"):
        split_faces(faces, faces["id"], OFFICIAL)
    faces = official({"a": "train", "b": "test", "c": "validation", "d": ""})
    with pytest.raises(UserError, match="2 of 8 faces are in no official part; set split.by to identity"):
        split_faces(faces, faces["id"], OFFICIAL)
    with pytest.raises(UserError, match="leaves nobody for training"):
        split_faces(official({"b": "test", "c": "validation"}), pd.Series(["b_0", "c_0"]), OFFICIAL)
