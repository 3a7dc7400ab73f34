"""Two jobs at once in one daemon against one alone, each on one thread, and how fast the daemon answers meanwhile."""
import contextlib
import http.client
import json
import os
import statistics
import subprocess
import tempfile
import time

import specs
import tools

TITLE = "Two jobs at once"
SHARE = 0.1
NETS = ["lenet5", "cnn32", "resnet20"]
HEAD = ["net", "one alone, steps a second", "two at once, together", "times the work of one", "/livez alone, ms: p50, p99",
        "/livez with two, ms: p50, p99"]
WARM_UP = 0.5     # seconds after a job's first rows
LOOK_EVERY = 0.005
ASK_EVERY = 0.02  # seconds between two /livez: too seldom to be work


class Daemon:
    """traind serve with some workers of some threads each, and data of its own."""

    def __init__(self, program, data, *options, workers=2, threads=1):
        address = os.path.join(data, "address")
        self.process = subprocess.Popen([program, "serve", "--listen", "127.0.0.1:0", "--data-dir", data, "--workers",
                                         str(workers), "--threads", str(threads), "--datasets", "", "--port-file",
                                         address, "--log-level", "error", *options])
        while not os.path.exists(address):
            if self.process.poll() is not None:
                raise SystemExit("traind serve ended with status %d" % self.process.returncode)
            time.sleep(0.01)
        with open(address, encoding="ascii") as file:
            self.address = file.read().strip()
        self.connection = http.client.HTTPConnection(self.address, timeout=60)

    def ask(self, method, path, body=None):
        self.connection.request(method, path, body and json.dumps(body), {"Content-Type": "application/json"})
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status >= 300:
            raise SystemExit("%s %s: %d %s" % (method, path, answer.status, text.decode()))
        return json.loads(text)

    def steps(self, job):
        """How many steps of a job are stored; rows come some ten times a second."""
        latest = self.ask("GET", "/v1/jobs/" + job)["latest"]
        return latest["train_loss"]["step"] if "train_loss" in latest else 0

    def next_rows(self, job):
        """(now, steps) at the moment when the next rows of a job have come."""
        before = self.steps(job)
        while True:
            now, steps = time.monotonic(), self.steps(job)
            if steps != before:
                return now, steps
            time.sleep(LOOK_EVERY)

    def settle(self):
        """A new daemon measures the machine for the estimates of plans: nothing is timed before it knows."""
        while self.ask("POST", "/v1/jobs?dry_run=true", job_spec("lenet5"))["plan"]["estimate"]["seconds"] is None:
            time.sleep(0.1)

    def close(self):
        self.connection.close()
        self.process.terminate()
        self.process.wait()


def job_spec(name):
    spec = specs.spec(name)
    del spec["max_steps"]
    return {**spec, "epochs": 100000, "checkpoint": {"every": {"epochs": 100000}}}


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def measure(daemon, name, count, seconds):
    """Steps a second of `count` jobs together, latencies of /livez in the meantime, and what others took."""
    jobs = [daemon.ask("POST", "/v1/jobs", job_spec(name))["id"] for _ in range(count)]
    for job in jobs:
        daemon.next_rows(job)
    time.sleep(WARM_UP)
    latencies = []
    with tools.Watch(lambda: tools.process_seconds(daemon.process.pid) + time.process_time()) as watch:
        begins = [daemon.next_rows(job) for job in jobs]
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            asked = time.perf_counter()
            daemon.ask("GET", "/livez")
            latencies.append(1e3 * (time.perf_counter() - asked))
            time.sleep(ASK_EVERY)
        ends = [daemon.next_rows(job) for job in jobs]
    for job in jobs:
        daemon.ask("POST", "/v1/jobs/%s/cancel" % job)
    while daemon.ask("GET", "/readyz")["busy"] > 0:
        time.sleep(0.01)
    rate = sum((end[1] - begin[1]) / (end[0] - begin[0]) for begin, end in zip(begins, ends))
    return rate, latencies, watch.others


class Side:
    """What was found with one job, or with two."""

    def __init__(self):
        self.turns, self.latencies = [], []

    def add(self, rate, latencies, others):
        self.turns.append((others, rate))
        self.latencies += latencies

    @property
    def rate(self):
        calm = [turn for turn in self.turns if turn[0] <= tools.DISTURBED]
        return statistics.median(turn[1] for turn in calm or self.turns)

    def answers(self):
        return "%s, %s" % tuple(tools.figure(percentile(self.latencies, share), 2) for share in (0.5, 0.99))


def row(bench, daemon, name, until):
    sides = {1: Side(), 2: Side()}
    for _ in range(bench.turns_most):
        began = time.monotonic()
        for count, side in sides.items():
            side.add(*measure(daemon, name, count, 2 * bench.turn_seconds))
        if 2 * time.monotonic() - began > until:
            break
    for side in sides.values():
        bench.count_turns([others for others, _ in side.turns])
    alone, both = sides[1], sides[2]
    return [name, tools.figure(alone.rate), tools.figure(both.rate), "**%s**" % tools.figure(both.rate / alone.rate),
            alone.answers(), both.answers()]


def run(bench, until):
    if len(bench.threads) < 2:
        return ["This machine has one processor.\n"]
    rows = []
    with tempfile.TemporaryDirectory() as data, contextlib.closing(Daemon(bench.program, data)) as daemon:
        daemon.settle()
        for at, name in enumerate(NETS):
            if bench.late():
                break
            now = time.monotonic()
            rows.append(row(bench, daemon, name, now + (until - now) / (len(NETS) - at)))
            tools.say("%s: %s is done" % (TITLE, name))
    return [tools.table(HEAD, rows),
            "A daemon with `--workers 2 --threads 1`; jobs by POST, steps by what the daemon has stored of them, in turns.\n"]
