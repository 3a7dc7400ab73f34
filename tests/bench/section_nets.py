"""The reference networks against PyTorch, at one and two threads, in fp32 and bf16."""
import specs
import tools

TITLE = "Steps of the reference networks"
SHARE = 0.6
HEAD = ["net, batch", "threads", "precision", "traind, ms (least)", "PyTorch, ms (least)", "times as fast (by the least)",
        "share of peak", "2 threads : 1"]


def speed_ups(case):
    """Times as fast as PyTorch, by medians and by the least."""
    ours, theirs = case.measured, case.better
    if not ours or not theirs:
        return None, None
    return theirs.median / ours.median, min(f.least for f in case.theirs.values() if f.turns) / ours.least


def row(bench, case, cases):
    ours, peak = case.measured, bench.peaks.get((case.threads, case.precision))
    by_median, by_least = speed_ups(case)
    alone = next((c for c in cases if (c.name, c.precision, c.threads) == (case.name, case.precision, 1)), None)
    work = 2e-6 * ours.last["multiply_adds"] if ours else None
    more = ratio = None
    if ours and case.threads > 1 and alone and alone.measured:
        more = alone.measured.median / ours.median
    if ours and peak:
        ratio = work / ours.median / peak
    return ["%s, %d" % (case.name, case.spec["batch_size"]), case.threads, case.precision, tools.times(ours),
            tools.times(case.better),
            "n/a" if by_median is None else "**%s** (%s)" % (tools.figure(by_median), tools.figure(by_least)),
            "n/a" if ratio is None else "%.0f %%" % (100 * ratio), "" if more is None else "%.2f" % more]


def means(cases, threads):
    for precision in ("fp32", "bf16"):
        found = [speed_ups(c) for c in cases if c.precision == precision and c.threads == threads]
        mean, least = (tools.mean_ratio([pair[i] for pair in found]) for i in (0, 1))
        if mean:
            yield "Geometric mean in %s at %d threads: **%s** times as fast as PyTorch (%s by the least).\n" % (
                precision, threads, tools.figure(mean), tools.figure(least))


def run(bench, until):
    cases = [tools.Case(name, specs.spec(name), threads, precision) for name in specs.NETS
             for precision in ("fp32", "bf16") for threads in bench.threads]
    bench.in_turns(cases, until, TITLE)
    text = [tools.table(HEAD, [row(bench, case, cases) for case in cases])]
    text += means(cases, bench.threads[-1])
    for refused in bench.refused.values():
        text.append("n/a: this build refuses it: `%s`\n" % refused.splitlines()[0].removeprefix("-: "))
    text.append("Peak of this machine in this run: %s GFLOP/s.\n" % ", ".join(
        "%.0f (%s, %d thread%s)" % (value, precision, threads, "s" if threads > 1 else "")
        for (threads, precision), value in sorted(bench.peaks.items(), key=lambda item: item[0][::-1]) if value))
    return text
