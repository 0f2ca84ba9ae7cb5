# Measures of every run on the same pairs, with the copy of the input and, where it exists, the truth beside them.
rule evaluate:
    input:
        **measured(sources("evaluate")),
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
    params:
        truth=flag("truth"),
        judge=flag("judge"),
    message:
        "Measuring run {wildcards.run} with seed {wildcards.seed}"
    shell:
        "python -m wemgan.evaluate --config {input.config} --faces {input.faces} --table {input.table} "
        "--aus {input.aus} --split {input.split} --pairs {input.pairs} {params.truth} {params.judge} "
        "--metrics {output.metrics} --edits {output.edits} --model {input.model} 2>&1 | tee {log}"


rule control:
    input:
        **measured(sources("evaluate")),
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
    params:
        truth=flag("truth"),
        judge=flag("judge"),
    message:
        "Measuring the control {wildcards.control}"
    shell:
        "python -m wemgan.evaluate --config {input.config} --faces {input.faces} --table {input.table} "
        "--aus {input.aus} --split {input.split} --pairs {input.pairs} {params.truth} {params.judge} "
        "--metrics {output.metrics} --edits {output.edits} --control {wildcards.control} 2>&1 | tee {log}"


rule runs:
    input:
        of_runs("metrics.json"),
        CONTROLS,
