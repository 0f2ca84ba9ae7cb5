"""The files of a row of the table: whose they are, and whether they are of what lies beside them now."""

from pathlib import Path

from wemgan.files import check_made_of, digest, read_json


def row_of(path: str | Path) -> tuple[str, int | None]:
    """Run and seed of a file in runs/<run>/seed<k>/; a name and None in controls/<name>/ or others/<name>/."""
    folder = Path(path).parent
    if folder.parent.name in ("controls", "models"):
        return folder.name, None
    if folder.parent.name == "others":
        return f"other: {folder.name}", None
    return folder.parent.name, int(folder.name.removeprefix("seed"))


def read_metrics(path: str | Path, config: str | Path | None = None) -> dict:
    """The metrics of a row's metrics.json, without what they were made of, which is checked.

    UserError for a run whose metrics are of another configuration, other weights, or other measures than those beside
    them, and for any row that was measured by another configuration than the file `config`.
    """
    path, metrics = Path(path), read_json(path)
    made_of, again = metrics.pop("made_of", {}), "measure it again"
    if row_of(path)[1] is not None:
        for name, file in (("run", "config.json"), ("model", "model.pt"), ("measures", "measures.csv")):
            check_made_of(path, made_of.get(name), digest(path.with_name(file)), f"another {file}", again)
    if config and made_of:
        check_made_of(path, made_of["config"], digest(config), f"another {Path(config).name}", again)
    return metrics
