"""The configuration: params.yaml, the overlay of an experiment over it, and the overrides of its runs.

Everything is checked against workflow/schemas/params.schema.yaml before anything runs, and mistakes are told in a
sentence. Each stage of the chain then gets a JSON file with what it reads and nothing else, written only when that
changes: so a changed parameter makes stale what it touches, and nothing besides.
"""

import argparse
import copy
import difflib
import json
import re
from pathlib import Path

import yaml

from wemgan.errors import UserError, run_cli
from wemgan.files import write_bytes
from wemgan.inventory import DATASETS, missing_list, put_there
from wemgan.tools import check_aus

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = ROOT / "workflow" / "schemas" / "params.schema.yaml"

# What each stage reads: whole sections, or single keys of one.
STAGES = {
    "dataset": ("data.source", "dataset.directory", "dataset.release", "dataset.fetch"),
    "fetching": ("dataset.accept", "dataset.mirror"),
    "photos": ("data.source", "data.seed", "data.limit", "folder", "dataset.directory", "dataset.release"),
    "faces": ("data.size", "data.aus", "data.seed", "rendered.identities", "rendered.faces_per_identity"),
    "align": ("data.size", "data.source", "folder.path", "dataset.directory", "align"),
    "label": ("data.aus", "label.tool", "weights"),
    "label_again": ("data.aus", "label", "weights"),
    "label_report": ("data.aus",),
    "split": ("split",),
    "judge_faces": (
        "data.size",
        "data.aus",
        "data.seed",
        "rendered.judge_identities",
        "rendered.judge_faces_per_identity",
    ),
    "judge": (
        "data.aus",
        "data.seed",
        "judge.width",
        "judge.images",
        "judge.batch",
        "judge.lr",
        "judge.bf16",
    ),
    "hog": ("data.aus",),
    "au_network": ("data.aus", "data.seed", "au_network"),
    "pairs": ("data.size", "data.aus", "data.seed", "evaluate"),
    "partners": ("data.size", "data.aus", "data.seed", "train.single_targets"),
    "evaluate": ("data.aus", "data.seed", "judge", "weights"),
}
# Of the section `label`, what the tool that labels reads besides.
TOOL_READS = {"pyfeat": ("min_confidence", "batch"), "openface": ("min_confidence", "openface_csv")}
RUN_READS = ("data.aus", "model", "critic", "loss", "train")
OVERRIDABLE = ("model", "critic", "loss", "train")


def load(path: str | Path = "params.yaml", experiment: str | None = None) -> dict:
    """The checked parameters of an experiment (by default the one that the file names), with `runs` and `seeds`.

    UserError for an unknown experiment, an unknown or missing key, a value out of bounds, a key that stands twice.
    """
    from wemgan.schema import check_keys, check_values, read_schema

    path, schema = Path(path), read_schema(SCHEMA)
    params = _read_yaml(path)
    check_keys(params, schema, str(path))
    name = str(experiment or params.get("experiment"))
    overlay_path = _overlay_path(path.parent / "experiments", name)
    overlay = _read_yaml(overlay_path)
    check_keys(overlay, schema, str(overlay_path))
    if "experiment" in overlay:
        raise UserError(f"{overlay_path} may not set experiment: its own name is the experiment's")

    merged = _merge(params, overlay) | {"experiment": name}
    check_values(merged, schema, lambda key: str(overlay_path if _has(overlay, key) else path))
    _check_together(merged, str(overlay_path if _has(overlay, "label.tool") else path))
    for run, override in merged["runs"].items():
        where = f"run {run} in {overlay_path if 'runs' in overlay else path}"
        changed = _overridden(merged, override, where)
        check_values(changed, schema, lambda key, where=where: where)
        if changed["loss"]["paired"] and merged["data"]["source"] != "rendered":
            raise UserError(f"{where}: loss.paired wants the true edits, which photos do not have; set it to 0")
    return merged


def resolve(params: dict, run: str, seed: int) -> dict:
    """The configuration of one training: its name, its seed, and the sections that training reads, overridden."""
    changed = _overridden(params, params["runs"][run], f"run {run}")
    return {"experiment": params["experiment"], "run": run, "seed": seed} | _select(changed, RUN_READS)


def write_stages(params: dict, results: str | Path) -> None:
    """Write config/<stage>.json and runs/<run>/seed<k>/config.json under `results`, each only when it changes.

    config/runs.json holds all runs in one, for tools that want a single file to watch. Stages that read files which
    people put somewhere also hold a digest of these, so that photos or labels that come or go are noticed.
    """
    results, runs = Path(results), {}
    lies_there = _what_lies_there(params)
    of_the_tool = tuple(f"label.{name}" for name in TOOL_READS.get(params["label"]["tool"], ()))
    for stage, reads in STAGES.items():
        reads = (*reads, *of_the_tool) if stage == "label" else reads
        content = _select(params, reads) | lies_there.get(stage, {})
        _write_if_changed(results / "config" / f"{stage}.json", content)
    for run in params["runs"]:
        for seed in params["seeds"]:
            runs[f"{run}/seed{seed}"] = resolve(params, run, seed)
            _write_if_changed(results / "runs" / run / f"seed{seed}" / "config.json", runs[f"{run}/seed{seed}"])
    _write_if_changed(results / "config" / "runs.json", runs)


def _what_lies_there(params: dict) -> dict[str, dict]:
    """By stage, digests of the files that people put somewhere: photos, data sets, OpenFace's CSVs."""
    from wemgan.folder import inventory, names_and_sizes

    source, found = params["data"]["source"], {}
    if source == "folder":
        found["photos"] = {"inventory": inventory(params["folder"])}
    if source in DATASETS and (there := put_there(params["dataset"], source)):
        found |= {stage: {"put_there": there} for stage in ("dataset", "photos")}
    if folder := params["label"]["openface_csv"]:
        by_openface = ["label"] if params["label"]["tool"] == "openface" else []
        found |= {stage: {"openface": names_and_sizes(folder, (".csv",))} for stage in (*by_openface, "label_again")}
    return found


def _write_if_changed(path: Path, content: dict) -> None:
    text = (json.dumps(content, indent=2) + "\n").encode()
    if not path.exists() or path.read_bytes() != text:
        write_bytes(path, text)


def _select(params: dict, keys: tuple[str, ...]) -> dict:
    """The named sections, and of a dotted name the one key of its section, in the order of the schema."""
    out: dict = {}
    for key in keys:
        section, _, name = key.partition(".")
        if not name:
            out[section] = params[section]
        else:
            out.setdefault(section, {})[name] = params[section][name]
    return out


def _merge(base: dict, over: dict) -> dict:
    """`over` laid over `base`, section by section; `runs` is replaced as a whole, or no run could ever be left out."""
    out = copy.deepcopy(base)
    for key, value in over.items():
        deep = key != "runs" and isinstance(value, dict) and isinstance(out.get(key), dict)
        out[key] = _merge(out[key], value) if deep else copy.deepcopy(value)
    return out


def _overridden(params: dict, override: dict, where: str) -> dict:
    """The parameters with a run's dotted keys set; UserError for a key that does not exist or is not a run's to set."""
    out = copy.deepcopy(params)
    keys = [f"{section}.{name}" for section in OVERRIDABLE for name in params.get(section, {})]
    for key, value in override.items():
        section, _, name = str(key).partition(".")
        if name and section in params and section not in OVERRIDABLE and name in params[section]:
            raise UserError(
                f"{where} sets {key}, but a run may change only {', '.join(OVERRIDABLE)}: "
                "its data and its measures are those of all runs"
            )
        if key not in keys:
            raise UserError(f"{where} sets {key}, which is no parameter{nearest(str(key), keys)}")
        out[section][name] = value
    return out


def _check_together(params: dict, where: str) -> None:
    """What the schema cannot say: bounds that concern two keys."""
    source, photos = params["data"]["source"], params["data"]["source"] != "rendered"
    tools = [params["label"]["tool"], *params["label"]["compare_with"]]
    if photos and "truth" in tools:
        raise UserError(f"{where}: label.tool is truth, but photos have none; set it to mediapipe, pyfeat or openface")
    if photos:
        for tool in tools:
            check_aus(tool, params["data"]["aus"], where)
    mirror = params["dataset"]["mirror"]
    if mirror and not mirror.startswith(("http://", "https://")):
        raise UserError(
            f"{where}: dataset.mirror is {mirror}, but must be an address that begins with http:// or https://"
        )
    if len(set(tools)) < len(tools):
        raise UserError(f"{where}: label.compare_with has {tools[0]}, which is label.tool; name other tools there")
    release = params["dataset"]["release"]
    if source in DATASETS and release != "default" and release not in DATASETS[source].releases:
        known = ", ".join(DATASETS[source].releases)
        raise UserError(f"{where}: dataset.release is {release}, but {DATASETS[source].title} has {known}")
    if params["split"]["by"] == "official" and source in DATASETS and (lost := missing_list(params["dataset"], source)):
        raise UserError(
            f"{where}: split.by is official, but {lost} is not there, so that there is no official split; "
            "put it there, or set split.by to identity"
        )
    if params["split"]["by"] == "official" and source not in DATASETS:
        raise UserError(f"{where}: split.by is official, but {source} data have no official split; set it to identity")
    judges = params["judge"]
    trained = [kind for kind in ("aus", "identity", "features") if "judge" in judges[kind]]
    if photos and trained:
        raise UserError(
            f"{where}: judge.{trained[0]} has judge, a network that knows rendered faces alone; "
            "experiments/folder.yaml has judges of photos"
        )
    if params["split"]["validation"] + params["split"]["test"] >= 0.9:
        raise UserError("split.validation and split.test together leave less than a tenth of the people for training")


def _has(params: dict, key: str) -> bool:
    for name in key.split("."):
        if not isinstance(params, dict) or name not in params:
            return False
        params = params[name]
    return True


def _overlay_path(folder: Path, name: str) -> Path:
    path = folder / f"{name}.yaml"
    if not re.fullmatch(r"[A-Za-z0-9_-]+", name) or not path.exists():
        known = sorted(file.stem for file in folder.glob("*.yaml"))
        raise UserError(f"there is no experiment {name}{nearest(name, known)}; {folder} has {', '.join(known)}")
    return path


def nearest(name: str, known: list[str]) -> str:
    """`; did you mean ...?` for a name that is close to a known one, else nothing."""
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"; did you mean {close[0]}?" if close else ""


class _Loader(yaml.SafeLoader):
    """YAML that refuses a key that stands twice (plain YAML keeps the last), and reads 1e-4 as a number."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        seen: dict = {}
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            line = key_node.start_mark.line + 1
            if key in seen:
                raise UserError(f"{self.name}: {key} stands twice (lines {seen[key]} and {line}); join or rename them")
            seen[key] = line
        return super().construct_mapping(node, deep)


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+$"), list("-+0123456789")
)


def _read_yaml(path: Path) -> dict:
    try:
        loader = _Loader(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"there is no file {path}; run from the project's root") from None
    loader.name = str(path)
    try:
        content = loader.get_single_data()
    except yaml.YAMLError as broken:
        raise UserError(f"{path} is not valid YAML: {' '.join(str(broken).split())}") from None
    if content is not None and not isinstance(content, dict):
        raise UserError(f"{path} should hold sections of `key: value` lines")
    return content or {}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--params", default="params.yaml")
    parser.add_argument("--experiment", help="instead of the one that the file names")
    parser.add_argument("--describe", action="store_true", help="print docs/parameters.md and do nothing else")
    parser.add_argument(
        "--check", action="store_true", help="check the schema and every experiment, and do nothing else"
    )
    args = parser.parse_args()
    if args.describe or args.check:
        from wemgan.schema import check_schema, describe, read_schema

    if args.check:
        check_schema(read_schema(SCHEMA))
        for overlay in sorted((Path(args.params).parent / "experiments").glob("*.yaml")):
            load(args.params, overlay.stem)
        return
    if args.describe:
        print(describe(read_schema(SCHEMA)), end="")
        return
    params = load(args.params, args.experiment)
    write_stages(params, Path("results") / params["experiment"])


if __name__ == "__main__":
    run_cli(main)
