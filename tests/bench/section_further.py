"""What is not in the reference networks: another optimizer, small and large batches, depthwise layers, larger images."""
import section_nets
import specs
import tools

TITLE = "Steps of further networks"
SHARE = 0.22


def run(bench, until):
    cases = [tools.Case(name, specs.spec(name), bench.threads[-1], "fp32") for name in specs.FURTHER]
    bench.in_turns(cases, until, TITLE)
    rows = [section_nets.row(bench, case, cases)[:7] for case in cases]
    return [tools.table(section_nets.HEAD[:7], rows)]
