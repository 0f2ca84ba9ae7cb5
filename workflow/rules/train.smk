# Training: the AU network that teaches expressions, then every run with every seed, side by side.
rule au_network:
    input:
        config=f"{E}/config/au_network.json",
        faces=FACES,
        table=TABLE,
        aus=AUS,
        split=SPLIT,
        code=sources("au_network"),
    output:
        model=f"{E}/au_network/au_network.pt",
    log:
        f"{E}/logs/au_network.log",
    benchmark:
        f"{E}/benchmarks/au_network.tsv"
    conda:
        "../../environment.yml"
    resources:
        gpu=GPU,
    message:
        "Training the AU network"
    shell:
        "python -m wemgan.au_network --config {input.config} --faces {input.faces} --aus {input.aus} "
        "--split {input.split} --model {output.model} 2>&1 | tee {log}"


if PARTNERS:

    rule partners:
        input:
            config=f"{E}/config/partners.json",
            table=TABLE,
            aus=AUS,
            split=SPLIT,
            code=sources("partners"),
        output:
            partners=f"{E}/data/partners.csv",
            pixels=PARTNERS[0],
        log:
            f"{E}/logs/partners.log",
        benchmark:
            f"{E}/benchmarks/partners.tsv"
        conda:
            "../../environment.yml"
        threads: workflow.cores
        message:
            "Drawing the true edits of training faces"
        shell:
            "python -m wemgan.partners --config {input.config} --table {input.table} --aus {input.aus} "
            "--split {input.split} --partners {output.partners} --pixels {output.pixels} 2>&1 | tee {log}"


rule train:
    input:
        config=f"{RUN}/config.json",
        faces=FACES,
        table=TABLE,
        aus=AUS,
        split=SPLIT,
        au_network=teacher,
        au_network_config=lambda wildcards: f"{E}/config/au_network.json" if wildcards.run in TAUGHT else [],
        partners=lambda wildcards: PARTNERS if wildcards.run in PAIRED else [],
        code=sources("train"),
    output:
        model=f"{RUN}/model.pt",
        history=f"{RUN}/history.csv",
        speed=f"{RUN}/speed.json",
        samples=report(f"{RUN}/samples.png", category="Samples", labels={"run": "{run}", "seed": "{seed}"}),
    log:
        f"{E}/logs/train/{{run}}_seed{{seed}}.log",
    benchmark:
        f"{E}/benchmarks/train/{{run}}_seed{{seed}}.tsv"
    conda:
        "../../environment.yml"
    resources:
        gpu=GPU,
    params:
        # No output, so that Snakemake does not delete it when a training fails: the next one resumes from it.
        state=lambda wildcards: f"{RUN}/state.pt".format(**wildcards),
        au_network=flag("au_network"),
        au_network_config=flag("au_network_config"),
        partners=flag("partners"),
    message:
        "Training run {wildcards.run} with seed {wildcards.seed}"
    shell:
        "python -m wemgan.train --config {input.config} --faces {input.faces} --aus {input.aus} "
        "--split {input.split} {params.au_network} {params.au_network_config} {params.partners} --model {output.model} --history {output.history} "
        "--samples {output.samples} --speed {output.speed} --state {params.state} --live ${{MLFLOW_TRACKING_URI:-sqlite:///mlflow.db}} 2>&1 | tee {log}"
