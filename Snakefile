# The whole experiment, from data to tables. Rules stand in workflow/rules, one file per stage of the science.
from snakemake.utils import min_version

min_version("9.0")


report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"


rule all:
    input:
        f"{E}/data/labels/labels.png",
        f"{E}/summary.csv",
        expand(f"{E}/figures/{{name}}.png", name=FIGURES),
        f"{E}/tracked.csv",


include: "workflow/rules/configure.smk"
include: "workflow/rules/faces.smk"
include: "workflow/rules/label.smk"
include: "workflow/rules/split.smk"
include: "workflow/rules/judge.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/report.smk"


onsuccess:
    if told := warnings(f"{E}/logs", STARTED):
        print(told, file=sys.stderr)
    records.keep(E, empty=True)
    if everything_asked():
        records.enter(E, STARTED)


onerror:
    records.keep(E)
    print(mistakes(f"{E}/logs", STARTED), file=sys.stderr)
