# Action units of the faces, and what is to be known of them before anyone trains on them.
rule label:
    input:
        config=f"{E}/config/label.json",
        faces=FACES,
        table=TABLE,
        truth=[TRUTH] if RENDERED else [],
        code=sources("label"),
    output:
        aus=AUS,
        unlabelled=report(f"{E}/data/unlabelled.csv", category="Data", caption="../report/unlabelled.rst"),
    log:
        f"{E}/logs/label.log",
    benchmark:
        f"{E}/benchmarks/label.tsv"
    conda:
        "../../environment.yml"
    resources:
        gpu=GPU * (P["label"]["tool"] == "pyfeat"),
    params:
        truth=flag("truth"),
    message:
        "Labelling the faces"
    shell:
        "python -m wemgan.label --config {input.config} --faces {input.faces} --table {input.table} {params.truth} "
        "--aus {output.aus} --unlabelled {output.unlabelled} 2>&1 | tee {log}"


rule label_again:
    input:
        config=f"{E}/config/label_again.json",
        faces=FACES,
        table=TABLE,
        code=sources("label"),
    output:
        aus=LABELLED_AGAIN,
        unlabelled=f"{E}/data/labels/{{tool}}_unlabelled.csv",
    log:
        f"{E}/logs/label_{{tool}}.log",
    benchmark:
        f"{E}/benchmarks/label_{{tool}}.tsv"
    wildcard_constraints:
        tool="mediapipe|pyfeat|openface",
    conda:
        "../../environment.yml"
    resources:
        gpu=lambda wildcards: GPU * (wildcards.tool == "pyfeat"),
    message:
        "Labelling the faces by {wildcards.tool} as well"
    shell:
        "python -m wemgan.label --config {input.config} --faces {input.faces} --table {input.table} "
        "--tool {wildcards.tool} --aus {output.aus} --unlabelled {output.unlabelled} 2>&1 | tee {log}"


rule label_report:
    input:
        config=f"{E}/config/label_report.json",
        faces=FACES,
        table=TABLE,
        aus=AUS,
        others=expand(LABELLED_AGAIN, tool=P["label"]["compare_with"]),
        human=HUMAN,
        code=sources("label_report"),
    output:
        tables=report(
            expand(f"{E}/data/labels/{{name}}.csv", name=LABEL_TABLES),
            category="Labels",
            caption="../report/labels.rst",
        ),
        picture=report(f"{E}/data/labels/labels.png", category="Labels", caption="../report/labels_figure.rst"),
        sheet=report(f"{E}/data/labels/faces.png", category="Labels", caption="../report/labels_sheet.rst"),
    log:
        f"{E}/logs/label_report.log",
    benchmark:
        f"{E}/benchmarks/label_report.tsv"
    conda:
        "../../environment.yml"
    params:
        others=flag("others"),
        human=flag("human"),
    message:
        "Looking at the labels"
    shell:
        "python -m wemgan.label_report --config {input.config} --faces {input.faces} --table {input.table} "
        "--aus {input.aus} {params.others} {params.human} --tables {output.tables} --picture {output.picture} "
        "--sheet {output.sheet} 2>&1 | tee {log}"


rule labels:
    input:
        rules.label_report.output,
