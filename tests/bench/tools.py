"""What the sections of `make bench` share: running traind and PyTorch, in turns, and tables.

The machine may have other work. While something is timed, the share of the processors that others take is watched; a
turn in which they take more than DISTURBED is left out, as long as calm turns remain.
"""
import json
import math
import os
import resource
import statistics
import subprocess
import sys
import time

import specs

HERE = os.path.dirname(os.path.abspath(__file__))
DISTURBED = 0.05
LAYOUTS = (False, True)  # channels last


def say(text):
    print(text, file=sys.stderr, flush=True)


def ticks():
    return os.sysconf("SC_CLK_TCK")


def machine_seconds():
    """Processor time that all programs, and other guests of the host, have taken."""
    with open("/proc/stat", encoding="ascii") as file:
        user, nice, system, _, _, irq, soft, steal = map(int, file.readline().split()[1:9])
    return (user + nice + system + irq + soft + steal) / ticks()


def process_seconds(pid):
    with open("/proc/%d/stat" % pid, encoding="ascii") as file:
        after_name = file.read().rpartition(")")[2].split()
    return (int(after_name[11]) + int(after_name[12])) / ticks()


def children_seconds():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


class Watch:
    """The share of all processors that others take while `own` counts the time of what is measured."""

    def __init__(self, own):
        self.own = own

    def __enter__(self):
        self.start = time.monotonic(), machine_seconds(), self.own()
        return self

    def __exit__(self, *_):
        wall, machine, own = (now - then for now, then in
                              zip((time.monotonic(), machine_seconds(), self.own()), self.start))
        self.others = max(0, machine - own) / (wall * os.cpu_count())


class Figures:
    """One program's times of one case: of each turn the median, the least and the share that others took."""

    def __init__(self):
        self.turns = []

    def add(self, answer, others):
        self.turns.append((others, answer["median_ms"], answer["min_ms"], answer))

    def counted(self):
        calm = [turn for turn in self.turns if turn[0] <= DISTURBED]
        return calm or self.turns

    @property
    def median(self):
        return statistics.median(turn[1] for turn in self.counted())

    @property
    def least(self):
        return min(turn[2] for turn in self.turns)

    @property
    def last(self):
        return self.turns[-1][3]


class Case:
    """One network at one number of threads in one precision; `ours` is None where this build refuses it."""

    def __init__(self, name, spec, threads, precision):
        self.name, self.spec, self.threads, self.precision = name, spec, threads, precision
        self.ours = Figures()
        self.theirs = {layout: Figures() for layout in LAYOUTS}

    @property
    def measured(self):
        """traind's figures, or None."""
        return self.ours if self.ours and self.ours.turns else None

    @property
    def better(self):
        measured = [figures for figures in self.theirs.values() if figures.turns]
        return min(measured, key=lambda figures: figures.median, default=None)

    def layouts(self):
        """Both in the first turn, then the better one, or both when they are close."""
        if not self.better:
            return LAYOUTS
        return [layout for layout in LAYOUTS if self.theirs[layout].median <= 1.1 * self.better.median]


class Bench:
    def __init__(self, program, peak):
        quick = os.environ.get("QUICK", "") not in ("", "0")
        self.program, self.peak_program = program, peak
        self.turn_seconds = float(os.environ.get("BENCH_SECONDS") or (0.4 if quick else 1.5))
        self.total_seconds = 120 if quick else 600
        self.last_moment = time.monotonic() + 1.25 * self.total_seconds
        self.turns_most = 3 if quick else 6
        self.threads = [1, 2] if os.cpu_count() > 1 else [1]
        self.peaks, self.refused, self.turns, self.calm_turns = {}, {}, 0, 0
        self.better_layouts = {}  # of networks that were measured: for sections that need one alone
        self.torch = self.torch_version = None
        self.python = "/usr/bin/python3"  # Debian's PyTorch is Debian's Python's
        self.start_torch()

    # ---- traind ----

    def traind(self, spec, threads, *options, environment=None):
        """The answer of traind train --bench, and the share that others took meanwhile. None: refused."""
        command = [self.program, "train", "-", "--threads", str(threads), *options]
        with Watch(children_seconds) as watch:
            done = subprocess.run(command, input=json.dumps(spec), capture_output=True, text=True, check=False,
                                  env={**os.environ, **(environment or {})})
        if done.returncode == 2:
            self.refused[json.dumps(spec.get("precision"))] = done.stderr.strip()
            return None, 0
        if done.returncode != 0:
            raise SystemExit("traind ended with status %d: %s" % (done.returncode, done.stderr))
        return json.loads(done.stdout), watch.others

    def kernels(self):
        done = subprocess.run([self.program, "version"], capture_output=True, text=True, check=True)
        return done.stdout.strip().replace("\n", "; ")

    # ---- PyTorch ----

    def start_torch(self):
        script = os.path.join(HERE, "torch_bench.py")
        self.torch = subprocess.Popen([self.python, "-B", script, "--serve"], stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, text=True)
        hello = self.torch.stdout.readline()
        if not hello:
            say("PyTorch cannot be had here: its columns stay empty")
            self.torch = None
            return
        self.torch_version = json.loads(hello)["torch"]

    def pytorch(self, case, channels_last):
        request = {"spec": case.spec, "threads": case.threads, "precision": case.precision,
                   "channels_last": channels_last, "seconds": self.turn_seconds}
        with Watch(lambda: process_seconds(self.torch.pid)) as watch:
            print(json.dumps(request), file=self.torch.stdin, flush=True)
            answer = self.torch.stdout.readline()
        if not answer:
            raise SystemExit("PyTorch ended early")
        return json.loads(answer), watch.others

    def fresh_pytorch(self, spec, threads, precision, channels_last):
        """The answer of a process that does nothing else: its memory and start-up."""
        request = {"spec": spec, "threads": threads, "precision": precision, "channels_last": channels_last, "seconds": 0}
        done = subprocess.run(self.torch.args, input=json.dumps(request) + "\n", capture_output=True, text=True,
                              check=True)
        return json.loads(done.stdout.splitlines()[-1])

    # ---- in turns ----

    def measure_peaks(self):
        """The best of all that was measured in this run."""
        for threads in self.threads:
            done = subprocess.run([self.peak_program, str(threads), "0.1"], capture_output=True, text=True, check=True)
            for precision in ("fp32", "bf16"):
                key = threads, precision
                self.peaks[key] = max(self.peaks.get(key, 0), json.loads(done.stdout)[precision])

    def take_turn(self, case):
        spec = specs.in_precision(case.spec, case.precision)
        others = []
        if case.ours is not None:
            answer, share = self.traind(spec, case.threads, "--bench", str(self.turn_seconds))
            if answer is None:
                case.ours = None
            else:
                case.ours.add(answer, share)
                others.append(share)
        for layout in case.layouts() if self.torch else ():
            answer, share = self.pytorch(case, layout)
            case.theirs[layout].add(answer, share)
            others.append(share)
        if self.torch:
            self.better_layouts[case.name] = min(LAYOUTS, key=lambda layout: case.theirs[layout].median)
        self.count_turns(others)

    def count_turns(self, others):
        """The share that others took, of each turn."""
        self.turns += len(others)
        self.calm_turns += sum(share <= DISTURBED for share in others)

    def late(self):
        """A machine that is slow, or busy with other work, gets less far: what is left then stays unmeasured."""
        return time.monotonic() > self.last_moment

    def in_turns(self, cases, until, title):
        """Turn after turn of all cases."""
        def turn():
            self.measure_peaks()
            for case in cases:
                if not self.late():
                    self.take_turn(case)
        self.rounds(turn, until, title)

    def rounds(self, work, until, title):
        """Turn after turn, until the time (time.monotonic) or the number of turns is used up."""
        for turn in range(self.turns_most):
            began = time.monotonic()
            work()
            took = time.monotonic() - began
            say("%s: turn %d of at most %d took %.0f s" % (title, turn + 1, self.turns_most, took))
            if time.monotonic() + took > until:
                break

    def close(self):
        if self.torch:
            self.torch.stdin.close()
            self.torch.wait()


# ---- text ----

def table(head, rows):
    """Markdown. The first column is left-aligned, the others right."""
    lines = [head, ["---"] + ["--:"] * (len(head) - 1)] + rows
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines) + "\n"


def figure(value, digits=3):
    """A number with so many significant digits, never with an exponent."""
    if value is None or not math.isfinite(value) or value <= 0:
        return "n/a"
    decimals = max(0, digits - 1 - math.floor(math.log10(value)))
    return "%.*f" % (decimals, value)


def times(figures):
    return "n/a" if not figures or not figures.turns else "%s (%s)" % (figure(figures.median), figure(figures.least))


def ratio(over, under):
    return over / under if over and under else None


def mean_ratio(ratios):
    """Geometric."""
    known = [r for r in ratios if r]
    return math.exp(sum(map(math.log, known)) / len(known)) if known else None
