"""Peak resident memory and start-up, each network in a process of its own."""
import specs
import tools

TITLE = "Memory and start-up"
SHARE = 0.1
HEAD = ["net", "traind, peak MB", "of that the job", "PyTorch, peak MB", "traind, start-up ms", "PyTorch, start-up ms"]


def megabytes(value):
    return "%.0f" % (value / 1e6)


def run(bench, _until):
    rows = []
    for name in specs.NETS:
        if bench.late():
            break
        spec, threads = specs.spec(name), bench.threads[-1]
        ours, _ = bench.traind(spec, threads, "--bench", "0")
        layouts = [bench.better_layouts[name]] if name in bench.better_layouts else tools.LAYOUTS
        theirs = [bench.fresh_pytorch(spec, threads, layout) for layout in layouts if bench.torch]
        rows.append([name, megabytes(ours["peak_bytes"]), megabytes(ours["job_bytes"]),
                     megabytes(min(answer["peak_bytes"] for answer in theirs)) if theirs else "n/a",
                     "%.0f" % ours["startup_ms"],
                     "%.0f" % min(answer["startup_ms"] for answer in theirs) if theirs else "n/a"])
    note = ("%d threads, fp32; PyTorch in its faster layout. Start-up: from the program's (PyTorch: the script's) "
            "first line to the end of the first step.\n" % bench.threads[-1])
    return [tools.table(HEAD, rows), note]
