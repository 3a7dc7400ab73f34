"""Peak resident memory and start-up, each network in a process of its own; and what a plan says of it beforehand."""
import contextlib
import math
import tempfile
import time

import section_service
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


def resident(process, which):
    """Bytes; `which`: VmRSS (now) or VmHWM (at most until now)."""
    with open("/proc/%d/status" % process, encoding="ascii") as file:
        return next(1024 * int(line.split()[1]) for line in file if line.startswith(which))


def at_rest(process):
    """Resident bytes once nothing moves any more; from then on the peak is counted anew."""
    before, now = 0, resident(process, "VmRSS")
    while before != now:
        time.sleep(2)
        before, now = now, resident(process, "VmRSS")
    with open("/proc/%d/clear_refs" % process, "w", encoding="ascii") as file:
        file.write("5")
    return now


def estimate(bench, name):
    """What the daemon says a job will take, and what the daemon has taken at most once it is trained and stored."""
    with tempfile.TemporaryDirectory() as data, \
         contextlib.closing(section_service.Daemon(bench.program, data, workers=1, threads=bench.threads[-1])) as daemon:
        before = at_rest(daemon.process.pid)
        job = {**specs.spec(name), "max_steps": 3}
        job.pop("epochs", None)
        job = daemon.ask("POST", "/v1/jobs", job)
        section_service.wait_end(daemon, job["id"])
        peak, plan = resident(daemon.process.pid, "VmHWM"), job["plan"]
    images = (plan["data"]["train_samples"] + plan["data"]["test_samples"]) * math.prod(plan["data"]["shape"])
    said = plan["totals"]["bytes"] + images
    return [name, megabytes(plan["totals"]["bytes"]), megabytes(images), megabytes(before), megabytes(peak),
            "%+.1f MB, %+.1f %%" % ((said + before - peak) / 1e6, 100 * ((said + before) / peak - 1))]


def run(bench, _until):
    rows = [row(bench, name, precision) for name in specs.NETS for precision in ("fp32", "bf16") if not bench.late()]
    note = ("%d threads; PyTorch in its faster layout. Start-up: from the program's (PyTorch: the script's) first line to "
            "the end of the first step.\n" % bench.threads[-1])
    head = ["net", "the plan says, MB", "its images, MB", "the daemon at rest, MB", "its peak, MB", "foreseen beyond the peak"]
    return [tools.table(HEAD, [line for line in rows if line]), note,
            "What a plan says (`totals.bytes`), and what the daemon takes at most until three steps and a checkpoint are "
            "stored:\n",
            tools.table(head, [estimate(bench, name) for name in specs.NETS + specs.FURTHER])]
