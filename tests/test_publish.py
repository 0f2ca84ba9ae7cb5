"""What is published is what was measured, and the README shows it."""

import json
from pathlib import Path

import pytest

from wemgan.errors import UserError
from wemgan.publish import END, START, block, insert

ROOT = Path(__file__).parents[1]


def test_the_readme_shows_the_published_table():
    folder = ROOT / "docs" / "demo"
    shown = block(folder / "summary.csv", json.loads((folder / "provenance.json").read_text()))
    assert shown in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_table_stands_between_the_markers():
    text = insert(f"a\n{START}\nold\n{END}\nb\n", f"{START}\nnew\n{END}")
    assert text == f"a\n{START}\nnew\n{END}\nb\n"


def test_a_readme_without_markers_is_told_in_a_sentence():
    with pytest.raises(UserError, match="put them where the table belongs"):
        insert("nothing here", "new")
