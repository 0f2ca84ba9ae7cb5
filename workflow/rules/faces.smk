# The faces: drawn, or found on photos (a person's own, or a data set's) and aligned.
if RENDERED:

    rule render:
        input:
            config=f"{E}/config/faces.json",
            code=sources("render"),
        output:
            faces=FACES,
            table=TABLE,
            truth=TRUTH,
        log:
            f"{E}/logs/render.log",
        benchmark:
            f"{E}/benchmarks/render.tsv"
        conda:
            "../../environment.yml"
        threads: workflow.cores
        message:
            "Drawing the faces"
        shell:
            "python -m wemgan.render --config {input.config} --faces {output.faces} --table {output.table} "
            "--truth {output.truth} 2>&1 | tee {log}"

elif P["data"]["source"] == "folder":

    rule photos:
        input:
            config=f"{E}/config/photos.json",
            code=sources("folder"),
        output:
            photos=f"{E}/data/photos.csv",
            aside=f"{E}/data/photos_set_aside.csv",
        log:
            f"{E}/logs/photos.log",
        benchmark:
            f"{E}/benchmarks/photos.tsv"
        conda:
            "../../environment.yml"
        message:
            "Listing the photos"
        shell:
            "python -m wemgan.folder --config {input.config} --photos {output.photos} --set-aside {output.aside} "
            "2>&1 | tee {log}"

else:

    # On a cluster: where it was started, since other nodes seldom have a network.
    localrules:
        obtain,

    rule obtain:
        input:
            config=f"{E}/config/dataset.json",
            code=sources("obtain"),
        output:
            files=f"{E}/data/files.csv",
            aside=f"{E}/data/files_set_aside.csv",
        log:
            f"{E}/logs/obtain.log",
        benchmark:
            f"{E}/benchmarks/obtain.tsv"
        conda:
            "../../environment.yml"
        params:
            # No input: an accepted licence or another mirror makes nothing stale.
            fetching=f"{E}/config/fetching.json",
        message:
            "Bringing the data set here"
        shell:
            "python -m wemgan.obtain --config {input.config} --fetching {params.fetching} --files {output.files} "
            "--set-aside {output.aside} 2>&1 | tee {log}"

    rule listing:
        input:
            config=f"{E}/config/photos.json",
            files=f"{E}/data/files.csv",
            code=sources("datasets"),
        output:
            photos=f"{E}/data/photos.csv",
            aside=f"{E}/data/photos_set_aside.csv",
            human=HUMAN,
        log:
            f"{E}/logs/listing.log",
        benchmark:
            f"{E}/benchmarks/listing.tsv"
        conda:
            "../../environment.yml"
        message:
            "Listing the photos of the data set"
        shell:
            "python -m wemgan.datasets --config {input.config} --photos {output.photos} --set-aside {output.aside} "
            "--human {output.human} 2>&1 | tee {log}"


if not RENDERED:

    rule align:
        input:
            config=f"{E}/config/align.json",
            photos=f"{E}/data/photos.csv",
            code=sources("align"),
        output:
            faces=temp(f"{SHARD}.npy"),
            table=temp(f"{SHARD}.csv"),
            aside=temp(f"{SHARD}_set_aside.csv"),
        log:
            f"{E}/logs/align/{{shard}}.log",
        benchmark:
            f"{E}/benchmarks/align/{{shard}}.tsv"
        conda:
            "../../environment.yml"
        resources:
            gpu=GPU * (P["align"]["device"] == "cuda"),
        params:
            of=len(SHARDS),
        message:
            "Aligning the faces of part {wildcards.shard} (from 0) of {params.of}"
        shell:
            "python -m wemgan.align --config {input.config} --photos {input.photos} "
            "--shard {wildcards.shard} --of {params.of} "
            "--faces {output.faces} --table {output.table} --set-aside {output.aside} 2>&1 | tee {log}"

    rule merge:
        input:
            faces=expand(f"{SHARD}.npy", shard=SHARDS),
            tables=expand(f"{SHARD}.csv", shard=SHARDS),
            asides=[*FOUND_ASIDE, *expand(f"{SHARD}_set_aside.csv", shard=SHARDS)],
            code=sources("faces"),
        output:
            faces=FACES,
            table=TABLE,
            aside=report(f"{E}/data/set_aside.csv", category="Data", caption="../report/set_aside.rst"),
        log:
            f"{E}/logs/merge.log",
        benchmark:
            f"{E}/benchmarks/merge.tsv"
        conda:
            "../../environment.yml"
        message:
            "Joining the aligned faces"
        shell:
            "python -m wemgan.faces merge --faces {input.faces} --tables {input.tables} --set-asides {input.asides} "
            "--out-faces {output.faces} --out-table {output.table} --out-set-aside {output.aside} 2>&1 | tee {log}"
