"""The split: by identity, with nobody in two parts, and steady when photos are added."""

import pandas as pd
import pytest

from wemgan.errors import UserError
from wemgan.split import split_faces, split_identities

OPTIONS = {"validation": 0.1, "test": 0.2, "seed": 0}


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
