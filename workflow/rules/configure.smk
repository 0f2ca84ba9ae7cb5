# The configuration of every step. common.smk writes it before any rule can run; the target is there for DVC.
localrules:
    configure,


rule configure:
    input:
        expand(f"{E}/config/{{stage}}.json", stage=[*settings.STAGES, "runs"]),
