#!/usr/bin/python3
"""make bench: traind and PyTorch in turns on the same machine, as Markdown on standard output and in a file.

usage: bench.py TRAIND PEAK OUT.md

Each section is a file section_NAME.py with TITLE, SHARE (of the time) and run(bench, until), which gives paragraphs.
In the environment: BENCH_SECONDS of one turn; QUICK=1 for two minutes instead of ten; SECTIONS="nets data" for some
of the sections.
"""
import datetime
import importlib
import os
import platform
import subprocess
import sys
import time

import tools

SECTIONS = ["nets", "further", "memory", "kinds", "data", "portable", "jobs", "service"]


def processor():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        names = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    return names[0] if names else platform.machine()


def load():
    return "%.2f" % os.getloadavg()[0]


def revision():
    done = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def run_sections(bench, names):
    modules = [importlib.import_module("section_" + name) for name in names]
    until, whole = time.monotonic(), sum(module.SHARE for module in modules)
    for module in modules:
        until += bench.total_seconds * module.SHARE / max(whole, 1)
        tools.say("== " + module.TITLE)
        yield "### %s\n" % module.TITLE
        yield from module.run(bench, until)


def main():
    program, peak, out = sys.argv[1:]
    names = os.environ.get("SECTIONS", "").split() or SECTIONS
    bench, before = tools.Bench(program, peak), load()
    text = list(run_sections(bench, names))
    bench.close()
    note = ("%s: traind %s (%s), PyTorch %s, %s, %d processors. Milliseconds a training step, wall time: medians "
            "of turns of %s s that alternate between the two programs, in parentheses the least. traind's steps have the "
            "way of the data in them, PyTorch's have not; PyTorch in the better of its memory layouts. Load average %s "
            "before and %s after; other programs left %d of %d turns alone (they took no more than %.0f %% of the "
            "processors), the other turns count only where no calm one remained.\n"
            % (datetime.date.today(), revision(), bench.kernels(), bench.torch_version or "n/a", processor(),
               os.cpu_count(), tools.figure(bench.turn_seconds, 2), before, load(),
               bench.calm_turns, bench.turns, 100 * tools.DISTURBED))
    if bench.calm_turns < bench.turns / 2:
        note = ("**The machine was busy with other work: these ratios are none to quote.** Programs whose threads wait for "
                "each other at every layer lose most by that, and PyTorch's do.\n\n" + note)
    page = "\n".join([note] + text)
    with open(out, "w", encoding="utf-8") as file:
        file.write(page)
    print(page)


if __name__ == "__main__":
    main()
