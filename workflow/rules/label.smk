# Action units of the faces.
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
    params:
        truth=flag("truth"),
    message:
        "Labelling the faces"
    shell:
        "python -m wemgan.label --config {input.config} --faces {input.faces} --table {input.table} {params.truth} "
        "--aus {output.aus} --unlabelled {output.unlabelled} 2>&1 | tee {log}"
