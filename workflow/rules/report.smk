# Tables, figures, and the replay of the finished runs into MLflow.


rule summary:
    input:
        config=f"{E}/config/evaluate.json",
        metrics=of_rows("metrics.json"),
        runs=[*of_runs("config.json"), *of_runs("model.pt"), *of_runs("measures.csv")],
        intervals=f"{E}/intervals.csv",
        differences=f"{E}/differences.csv",
        cards=CARDS,
        about=f"{E}/judge/judges.json",
        code=sources("summarize"),
    output:
        summary=report(f"{E}/summary.csv", category="Tables", caption="../report/summary.rst"),
        expressions=report(f"{E}/expressions.csv", category="Tables", caption="../report/expressions.rst"),
        markdown=report(f"{E}/summary.md", category="Tables", caption="../report/summary.rst"),
        scores=f"{E}/scores.json",
    log:
        f"{E}/logs/summary.log",
    benchmark:
        f"{E}/benchmarks/summary.tsv"
    conda:
        "../../environment.yml"
    params:
        bounds=f"--bounds {' '.join(PAIRED)}" if PAIRED else "",
    message:
        "Gathering the table"
    shell:
        "python -m wemgan.summarize --config {input.config} --metrics {input.metrics} --intervals {input.intervals} "
        "--differences {input.differences} --cards {input.cards} --about {input.about} {params.bounds} "
        "--summary {output.summary} "
        "--expressions {output.expressions} --markdown {output.markdown} --scores {output.scores} 2>&1 | tee {log}"


rule compared:
    input:
        faces=FACES,
        table=TABLE,
        pairs=PAIRS,
        truth=EDITS_TRUTH,
        edits=lambda wildcards: of_runs("edits.npy", P["seeds"][:1])[
            : None if wildcards.figure in [*OF_ALL_RUNS, "worst"] else 1
        ],
        measures=lambda wildcards: of_runs("measures.csv", P["seeds"][:1]) if wildcards.figure == "worst" else [],
        code=sources("figures"),
    output:
        report(f"{E}/figures/{{figure}}.png", category="Figures", caption="../report/figures.rst"),
    log:
        f"{E}/logs/{{figure}}_figure.log",
    benchmark:
        f"{E}/benchmarks/{{figure}}_figure.tsv"
    wildcard_constraints:
        figure="edits|differences|runs|failures|worst",
    conda:
        "../../environment.yml"
    params:
        truth=flag("truth"),
        measures=flag("measures"),
        aus=lambda wildcards: f"--aus {' '.join(P['data']['aus'])}" if wildcards.figure == "worst" else "",
    message:
        "Drawing the figure {wildcards.figure}"
    shell:
        "python -m wemgan.figures {wildcards.figure} --faces {input.faces} --table {input.table} "
        "--pairs {input.pairs} {params.truth} --edits {input.edits} {params.measures} {params.aus} --out {output} "
        "2>&1 | tee {log}"


rule charts:
    input:
        pairs=PAIRS,
        intervals=f"{E}/intervals.csv",
        measures=of_rows("measures.csv"),
        code=sources("charts"),
    output:
        report(f"{E}/figures/{{chart}}.png", category="Figures", caption="../report/charts.rst"),
    log:
        f"{E}/logs/{{chart}}_chart.log",
    benchmark:
        f"{E}/benchmarks/{{chart}}_chart.tsv"
    wildcard_constraints:
        chart="trade|units|responses",
    conda:
        "../../environment.yml"
    params:
        aus=P["data"]["aus"],
    message:
        "Drawing the chart {wildcards.chart}"
    shell:
        "python -m wemgan.charts {wildcards.chart} --pairs {input.pairs} --intervals {input.intervals} "
        "--measures {input.measures} --aus {params.aus} --out {output} 2>&1 | tee {log}"


rule sweeps:
    input:
        config=f"{E}/config/pairs.json",
        faces=FACES,
        table=TABLE,
        aus=AUS,
        split=SPLIT,
        run=of_runs("config.json")[0],
        model=of_runs("model.pt")[0],
        code=sources("sweeps"),
    output:
        expressions=report(f"{E}/figures/expressions.png", category="Figures", caption="../report/sweeps.rst"),
        single=report(f"{E}/figures/aus.png", category="Figures", caption="../report/sweeps.rst"),
    log:
        f"{E}/logs/sweeps.log",
    benchmark:
        f"{E}/benchmarks/sweeps.tsv"
    conda:
        "../../environment.yml"
    params:
        rendered="--rendered" if RENDERED else "",
    message:
        "Drawing what the first run does as AUs rise"
    shell:
        "python -m wemgan.sweeps --config {input.config} --faces {input.faces} --table {input.table} "
        "--aus {input.aus} --split {input.split} --model {input.model} --run-config {input.run} --expressions {output.expressions} "
        "--single {output.single} {params.rendered} 2>&1 | tee {log}"


rule curves_figure:
    input:
        history=of_runs("history.csv"),
        code=sources("figures"),
    output:
        report(f"{E}/figures/curves.png", category="Figures", caption="../report/curves.rst"),
    log:
        f"{E}/logs/curves_figure.log",
    benchmark:
        f"{E}/benchmarks/curves_figure.tsv"
    conda:
        "../../environment.yml"
    message:
        "Drawing the losses"
    shell:
        "python -m wemgan.figures curves --history {input.history} --out {output} 2>&1 | tee {log}"


rule track:
    input:
        config=of_runs("config.json"),
        history=of_runs("history.csv"),
        metrics=of_runs("metrics.json"),
        measures=of_runs("measures.csv"),
        samples=of_runs("samples.png"),
        model=of_runs("model.pt"),
        speed=of_runs("speed.json"),
        data=[TABLE, AUS, SPLIT],
        controls=[f"{E}/controls/{control}/metrics.json" for control in CONTROLS],
        tables=[f"{E}/{name}" for name in ("summary.md", "summary.csv", "intervals.csv", "differences.csv")],
        figures=expand(f"{E}/figures/{{name}}.png", name=FIGURES),
        code=sources("track"),
    output:
        f"{E}/tracked.csv",
    log:
        f"{E}/logs/track.log",
    benchmark:
        f"{E}/benchmarks/track.tsv"
    conda:
        "../../environment.yml"
    resources:
        mlflow=1,
    message:
        "Entering the runs into MLflow"
    shell:
        "python -m wemgan.track --configs {input.config} --data {input.data} --controls {input.controls} "
        "--tables {input.tables} {input.figures} --tracked {output} 2>&1 | tee {log}"


# Not part of `all`: it writes into the repository, not into results/.
rule publish:
    input:
        summary=f"{E}/summary.csv",
        tables=[f"{E}/{name}.csv" for name in ("expressions", "intervals", "differences")],
        cards=CARDS,
        speed=of_runs("speed.json"),
        figures=expand(f"{E}/figures/{{name}}.png", name=FIGURES),
        code=sources("publish"),
    output:
        f"docs/{P['experiment']}/provenance.json",
    log:
        f"{E}/logs/publish.log",
    conda:
        "../../environment.yml"
    params:
        results=lambda wildcards, input: os.path.dirname(input.summary),
        docs=lambda wildcards, output: os.path.dirname(output[0]),
    message:
        "Putting tables and pictures into docs/ and the README"
    shell:
        "python -m wemgan.publish --results {params.results} --out {params.docs} 2>&1 | tee {log}"


# Not part of `all` either. Its inputs are the rules themselves.
rule dag:
    input:
        rules=["Snakefile", "dvc.yaml", *sorted(map(str, Path("workflow/rules").glob("*.smk")))],
        code=sources("dag"),
    output:
        "docs/dag.md",
    log:
        f"{E}/logs/dag.log",
    conda:
        "../../environment.yml"
    message:
        "Drawing the workflow"
    shell:
        "python -m wemgan.dag --out {output} 2>&1 | tee {log}"
