"""Peak resident memory and start-up, each network in a process of its own."""
import specs
import tools

TITLE = "Memory and start-up"
SHARE = 0.1
HEAD = ["net", "precision", "traind, peak MB", "of that the job", "PyTorch, peak MB", "PyTorch : traind",
        "traind, start-up ms", "PyTorch, start-up ms"]


def megabytes(value):
    return "%.0f" % (value / 1e6)


def least(answers, key):
    return min((answer[key] for answer in answers), default=None)


def row(bench, name, precision):
    """None where this build refuses the precision."""
    spec, threads = specs.spec(name), bench.threads[-1]
    ours, _ = bench.traind(specs.in_precision(spec, precision), threads, "--bench", "0")
    if ours is None:
        return None
    layouts = [bench.better_layouts[name]] if name in bench.better_layouts else tools.LAYOUTS
    theirs = [bench.fresh_pytorch(spec, threads, precision, layout) for layout in layouts if bench.torch]
    peak, startup = least(theirs, "peak_bytes"), least(theirs, "startup_ms")
    return [name, precision, megabytes(ours["peak_bytes"]), megabytes(ours["job_bytes"]),
            megabytes(peak) if peak else "n/a", "**%s**" % tools.figure(tools.ratio(peak, ours["peak_bytes"])),
            "%.0f" % ours["startup_ms"], "%.0f" % startup if startup else "n/a"]


def run(bench, _until):
    rows = [row(bench, name, precision) for name in specs.NETS for precision in ("fp32", "bf16") if not bench.late()]
    note = ("%d threads; PyTorch in its faster layout. Start-up: from the program's (PyTorch: the script's) first line to "
            "the end of the first step.\n" % bench.threads[-1])
    return [tools.table(HEAD, [line for line in rows if line]), note]
