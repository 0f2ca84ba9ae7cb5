"""Labelled faces: tables are joined by their text, whatever the text is."""

import pandas as pd

from wemgan.labelled import LabelledFaces


def test_a_person_called_na_keeps_the_name(labelled):
    for name in ("faces.csv", "split.csv"):
        table = pd.read_csv(labelled / name)
        table.loc[table["identity"] == "p03", "identity"] = "NA"
        table.to_csv(labelled / name, index=False)
    faces = LabelledFaces(labelled / "faces.npy", labelled / "aus.csv", labelled / "split.csv", ["AU12"])
    assert (faces.table["identity"] == "NA").sum() == 3 and len(faces.table) == 72
