# The places of files that several rules hand to each other, and what the configuration says of the workflow's shape.
RENDERED = P["data"]["source"] == "rendered"
GPU = int(shutil.which("nvidia-smi") is not None)

FACES = f"{E}/data/faces.npy"
TABLE = f"{E}/data/faces.csv"
TRUTH = f"{E}/data/truth.csv"
AUS = f"{E}/data/aus.csv"
SPLIT = f"{E}/data/split.csv"
PAIRS = f"{E}/data/pairs.csv"
EDITS_TRUTH = [f"{E}/data/truth.npy"] if RENDERED else []
SHARD = f"{E}/data/shards/{{shard}}"
SHARDS = range(P["align"]["shards"])

JUDGE = [f"{E}/judge/judge.pt"] if P["judge"]["use"] == "trained" else []
RUN = f"{E}/runs/{{run}}/seed{{seed}}"
TAUGHT = [run for run in P["runs"] if settings.resolve(P, run, 0)["loss"]["teacher"] == "au_network"]
CONTROLS = [f"{E}/controls/{control}/metrics.json" for control in (["copy", "truth"] if RENDERED else ["copy"])]


def teacher(wildcards):
    """The AU network, for the runs that it teaches."""
    return [f"{E}/au_network/au_network.pt"] if wildcards.run in TAUGHT else []


def of_runs(name, seeds=P["seeds"]):
    """The file of that name of every run and seed."""
    return [f"{E}/runs/{run}/seed{seed}/{name}" for run in P["runs"] for seed in seeds]


def measured(code):
    """What a row of the table is measured on, and by which code."""
    files = dict(config=f"{E}/config/evaluate.json", faces=FACES, table=TABLE, aus=AUS, split=SPLIT, pairs=PAIRS)
    return files | dict(truth=EDITS_TRUTH, judge=JUDGE, code=code)


def flag(name):
    """The flag for an input that is not always there: empty where it is not."""
    return lambda wildcards, input: f"--{name.replace('_', '-')} {input[name]}" if input[name] else ""
