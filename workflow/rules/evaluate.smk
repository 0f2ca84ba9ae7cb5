# Measures of every run on the same pairs, with the controls beside them; what chance could have done to them.
rule reference:
    input:
        **by_judges(sources("reference")),
    output:
        reference=REFERENCE,
        about=f"{E}/judge/judges.json",
    log:
        f"{E}/logs/reference.log",
    benchmark:
        f"{E}/benchmarks/reference.tsv"
    conda:
        "../../environment.yml"
    resources:
        gpu=GPU,
    params:
        judge=flag("judge"),
        hog=flag("hog"),
    message:
        "Measuring the real held-out faces"
    shell:
        "python -m wemgan.reference --config {input.config} --faces {input.faces} --table {input.table} "
        "--split {input.split} {params.judge} {params.hog} --out {output.reference} --about {output.about} "
        "2>&1 | tee {log}"


rule evaluate:
    input:
        **measured(sources("evaluate")),
        run=f"{RUN}/config.json",
        model=f"{RUN}/model.pt",
    output:
        metrics=f"{RUN}/metrics.json",
        measures=f"{RUN}/measures.csv",
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
        hog=flag("hog"),
    message:
        "Measuring run {wildcards.run} with seed {wildcards.seed}"
    shell:
        "python -m wemgan.evaluate --config {input.config} --faces {input.faces} --table {input.table} "
        "--aus {input.aus} --split {input.split} --pairs {input.pairs} --reference {input.reference} "
        "{params.truth} {params.judge} {params.hog} --metrics {output.metrics} --measures {output.measures} "
        "--edits {output.edits} --model {input.model} --run-config {input.run} 2>&1 | tee {log}"


rule control:
    input:
        **measured(sources("evaluate")),
        wrong=PAIRS_WRONG,
    output:
        metrics=f"{E}/controls/{{control}}/metrics.json",
        measures=f"{E}/controls/{{control}}/measures.csv",
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
        wrong=flag("wrong"),
        judge=flag("judge"),
        hog=flag("hog"),
    message:
        "Measuring the control {wildcards.control}"
    shell:
        "python -m wemgan.evaluate --config {input.config} --faces {input.faces} --table {input.table} "
        "--aus {input.aus} --split {input.split} --pairs {input.pairs} --reference {input.reference} "
        "{params.truth} {params.wrong} {params.judge} {params.hog} --metrics {output.metrics} "
        "--measures {output.measures} --edits {output.edits} --control {wildcards.control} 2>&1 | tee {log}"


rule compare:
    input:
        pairs=PAIRS,
        measures=of_rows("measures.csv"),
        code=sources("compare"),
    output:
        intervals=report(f"{E}/intervals.csv", category="Tables", caption="../report/intervals.rst"),
        differences=report(f"{E}/differences.csv", category="Tables", caption="../report/differences_table.rst"),
    log:
        f"{E}/logs/compare.log",
    benchmark:
        f"{E}/benchmarks/compare.tsv"
    conda:
        "../../environment.yml"
    params:
        aus=P["data"]["aus"],
    message:
        "Resampling people"
    shell:
        "python -m wemgan.compare --pairs {input.pairs} --aus {params.aus} --measures {input.measures} "
        "--intervals {output.intervals} --differences {output.differences} 2>&1 | tee {log}"


rule runs:
    input:
        of_rows("metrics.json"),
