# The judges of rendered faces, trained on people whom nothing else sees, and the report cards of all judges.
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
        "Drawing the judges' faces"
    shell:
        "python -m wemgan.render --judge --config {input.config} --faces {output.faces} --table {output.table} "
        "--truth {output.truth} 2>&1 | tee {log}"


if JUDGE:

    rule judge:
        input:
            config=f"{E}/config/judge.json",
            faces=f"{E}/judge/faces.npy",
            table=f"{E}/judge/faces.csv",
            truth=f"{E}/judge/truth.csv",
            code=sources("judge"),
        output:
            model=JUDGE[0],
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
            "--truth {input.truth} --model {output.model} 2>&1 | tee {log}"


if HOG:

    rule hog:
        input:
            config=f"{E}/config/hog.json",
            faces=f"{E}/judge/faces.npy" if RENDERED else FACES,
            table=f"{E}/judge/faces.csv" if RENDERED else TABLE,
            truth=f"{E}/judge/truth.csv" if RENDERED else AUS,
            split=[] if RENDERED else SPLIT,
            code=sources("hog"),
        output:
            model=HOG[0],
        log:
            f"{E}/logs/hog.log",
        benchmark:
            f"{E}/benchmarks/hog.tsv"
        conda:
            "../../environment.yml"
        params:
            split=flag("split"),
        message:
            "Fitting the judge on gradients"
        shell:
            "python -m wemgan.hog --config {input.config} --faces {input.faces} --table {input.table} "
            "--truth {input.truth} {params.split} --model {output.model} 2>&1 | tee {log}"


rule cards:
    input:
        **by_judges(sources("cards")),
        renders=f"{E}/judge/faces.npy",
        renders_table=f"{E}/judge/faces.csv",
        renders_truth=f"{E}/judge/truth.csv",
        aus=[] if RENDERED else AUS,
    output:
        cards=report(CARDS, category="Judges", caption="../report/judge.rst"),
    log:
        f"{E}/logs/cards.log",
    benchmark:
        f"{E}/benchmarks/cards.tsv"
    conda:
        "../../environment.yml"
    resources:
        gpu=GPU,
    params:
        judge=flag("judge"),
        hog=flag("hog"),
        aus=flag("aus"),
    message:
        "Writing the judges' report cards"
    shell:
        "python -m wemgan.cards --config {input.config} --renders {input.renders} "
        "--renders-table {input.renders_table} --renders-truth {input.renders_truth} --faces {input.faces} "
        "--table {input.table} --split {input.split} {params.judge} {params.hog} {params.aus} --cards {output.cards} "
        "2>&1 | tee {log}"


rule judged:
    input:
        [*JUDGE, *HOG, CARDS, REFERENCE],
