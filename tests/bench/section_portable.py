"""Our own kernels against oneDNN's, each with all that this processor has, with AVX2 alone, and with SSE alone.

What the compiler makes vectors of by itself (activations, pooling, updates) keeps what the processor has on both sides.
"""
import statistics

import specs
import tools

TITLE = "Without oneDNN, and on older processors"
SHARE = 0.12
NETS = specs.NETS + ["depthwise"]
# Name → what oneDNN and what our own kernels may use.
LEVELS = {
    "this processor": ({}, {}),
    "AVX2": ({"ONEDNN_MAX_CPU_ISA": "AVX2"}, {"TRAIND_MAX_ISA": "avx2"}),
    "SSE": ({"ONEDNN_MAX_CPU_ISA": "SSE41"}, {"TRAIND_MAX_ISA": "baseline"}),
}
SIDES = {"oneDNN": [], "own": ["--kernels", "portable"]}


class Way:
    """One network by one set of kernels."""

    def __init__(self, name, environment, options):
        self.spec, self.environment, self.options = specs.spec(name), environment, options
        self.figures = tools.Figures()

    def take_turn(self, bench):
        answer, others = bench.traind(self.spec, bench.threads[-1], "--bench", str(bench.turn_seconds / 2),
                                      *self.options, environment=self.environment)
        self.figures.add(answer, others)
        bench.count_turns([others])


def cells(ways):
    theirs, own = (way.figures for way in ways)
    if not own.turns:
        return ["n/a"] * 3
    return [tools.figure(theirs.median), tools.figure(own.median), "**%s**" % tools.figure(own.median / theirs.median)]


def run(bench, until):
    table = {name: [[Way(name, environment, options) for environment, options in zip(level, SIDES.values())]
                    for level in LEVELS.values()] for name in NETS}
    ways = [way for levels in table.values() for pair in levels for way in pair]
    bench.rounds(lambda: [way.take_turn(bench) for way in ways if not bench.late()], until, TITLE)
    head = ["net"] + ["%s: %s" % (level, what) for level in LEVELS for what in ("oneDNN, ms", "own, ms", "own : oneDNN")]
    rows = [[name] + sum(map(cells, levels), []) for name, levels in table.items()]
    ratios = [pair[1].figures.median / pair[0].figures.median for levels in table.values() for pair in levels
              if pair[1].figures.turns]
    note = ("%d threads, fp32. oneDNN and our own kernels (`--kernels portable`) are held back by `ONEDNN_MAX_CPU_ISA` and "
            "`TRAIND_MAX_ISA`; \"auto\" takes our own where they are faster, and with oneDNN alone held back our own AVX-512 "
            "kernels still serve beside it: those columns flatter oneDNN.%s\n" %
            (bench.threads[-1], " Own : oneDNN is %s in the median and %s at most." %
             (tools.figure(statistics.median(ratios)), tools.figure(max(ratios))) if ratios else ""))
    return [tools.table(head, rows), note]
