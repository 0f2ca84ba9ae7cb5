# Measures of every run on the same pairs, with the copy of the input and, where it exists, the truth beside them.
PLACES = [(run, seed) for run in P["runs"] for seed in P["seeds"]]
CONTROLS = ["copy", "truth"] if RENDERED else ["copy"]


def of_runs(name):
    """The file of that name of every run and seed."""
    return [f"{RUN}/{name}".format(run=run, seed=seed) for run, seed in PLACES]


MEASURED = dict(
    config=f"{E}/config/evaluate.json",
    faces=FACES,
    table=TABLE,
    aus=AUS,
    split=SPLIT,
    pairs=PAIRS,
    truth=EDITS_TRUTH,
    judge=JUDGE,
    code=sources("evaluate"),
)
MEASURE = (
    "python -m wemgan.evaluate --config {input.config} --faces {input.faces} --table {input.table} "
    "--aus {input.aus} --split {input.split} --pairs {input.pairs} "
    + (f"--truth {EDITS_TRUTH[0]} " if EDITS_TRUTH else "")
    + (f"--judge {JUDGE[0]} " if JUDGE else "")
    + "--metrics {output.metrics} --edits {output.edits} "
)


rule evaluate:
    input:
        **MEASURED,
        model=f"{RUN}/model.pt",
    output:
        metrics=f"{RUN}/metrics.json",
        edits=f"{RUN}/edits.npy",
    log:
        f"{E}/logs/evaluate/{{run}}_seed{{seed}}.log",
    benchmark:
        f"{E}/benchmarks/evaluate/{{run}}_seed{{seed}}.tsv"
    conda:
        "../../environment.yml"
    resources:
        gpu=GPU,
    message:
        "Measuring run {wildcards.run} with seed {wildcards.seed}"
    shell:
        MEASURE + "--model {input.model} 2>&1 | tee {log}"


rule control:
    input:
        **MEASURED,
    output:
        metrics=f"{E}/controls/{{control}}/metrics.json",
        edits=temp(f"{E}/controls/{{control}}/edits.npy"),
    log:
        f"{E}/logs/evaluate/control_{{control}}.log",
    benchmark:
        f"{E}/benchmarks/evaluate/control_{{control}}.tsv"
    conda:
        "../../environment.yml"
    resources:
        gpu=GPU,
    message:
        "Measuring the control {wildcards.control}"
    shell:
        MEASURE + "--control {wildcards.control} 2>&1 | tee {log}"


rule runs:
    input:
        of_runs("metrics.json"),
        expand(f"{E}/controls/{{control}}/metrics.json", control=CONTROLS),
