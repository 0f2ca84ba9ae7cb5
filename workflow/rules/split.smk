# Who is trained on, who is held out, and the pairs of a face and an expression that every run is measured on.
rule split:
    input:
        config=f"{E}/config/split.json",
        label_config=f"{E}/config/label.json",
        faces=FACES,
        table=TABLE,
        aus=AUS,
        code=sources("split"),
    output:
        split=SPLIT,
    log:
        f"{E}/logs/split.log",
    benchmark:
        f"{E}/benchmarks/split.tsv"
    conda:
        "../../environment.yml"
    message:
        "Splitting the people"
    shell:
        "python -m wemgan.split --config {input.config} --label-config {input.label_config} --faces {input.faces} "
        "--table {input.table} --aus {input.aus} "
        "--split {output.split} 2>&1 | tee {log}"


rule pairs:
    input:
        config=f"{E}/config/pairs.json",
        table=TABLE,
        aus=AUS,
        split=SPLIT,
        code=sources("pairs"),
    output:
        pairs=PAIRS,
        truth=[*EDITS_TRUTH, *PAIRS_WRONG],
    log:
        f"{E}/logs/pairs.log",
    benchmark:
        f"{E}/benchmarks/pairs.tsv"
    conda:
        "../../environment.yml"
    params:
        truth=f"--truth {EDITS_TRUTH[0]} --wrong {PAIRS_WRONG[0]}" if RENDERED else "",
    message:
        "Choosing the pairs to be measured"
    shell:
        "python -m wemgan.pairs --config {input.config} --table {input.table} --aus {input.aus} "
        "--split {input.split} --pairs {output.pairs} {params.truth} 2>&1 | tee {log}"


rule data:
    input:
        [FACES, TABLE, AUS, SPLIT, PAIRS, *EDITS_TRUTH, *PAIRS_WRONG, *PARTNERS],
        rules.label_report.output,
