# The judge of rendered faces, trained on people whom nothing else sees.
if JUDGE:

    rule judge_faces:
        input:
            config=f"{E}/config/judge_faces.json",
            code=sources("render"),
        output:
            faces=f"{E}/judge/faces.npy",
            table=f"{E}/judge/faces.csv",
            truth=f"{E}/judge/truth.csv",
        log:
            f"{E}/logs/judge_faces.log",
        benchmark:
            f"{E}/benchmarks/judge_faces.tsv"
        conda:
            "../../environment.yml"
        threads: workflow.cores
        message:
            "Drawing the judge's faces"
        shell:
            "python -m wemgan.render --judge --config {input.config} --faces {output.faces} --table {output.table} "
            "--truth {output.truth} 2>&1 | tee {log}"

    rule judge:
        input:
            config=f"{E}/config/judge.json",
            faces=f"{E}/judge/faces.npy",
            table=f"{E}/judge/faces.csv",
            truth=f"{E}/judge/truth.csv",
            code=sources("judge"),
        output:
            model=f"{E}/judge/judge.pt",
            report=report(f"{E}/judge/report.csv", category="Judge", caption="../report/judge.rst"),
        log:
            f"{E}/logs/judge.log",
        benchmark:
            f"{E}/benchmarks/judge.tsv"
        conda:
            "../../environment.yml"
        resources:
            gpu=GPU,
        message:
            "Training the judge"
        shell:
            "python -m wemgan.judge --config {input.config} --faces {input.faces} --table {input.table} "
            "--truth {input.truth} --model {output.model} --report {output.report} 2>&1 | tee {log}"


rule judged:
    input:
        JUDGE,
