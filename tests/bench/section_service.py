"""What the daemon answers, and how fast, while two jobs train; and what it costs the training."""
import contextlib
import itertools
import json
import re
import statistics
import tempfile
import time

import load
import specs
import tools
from section_jobs import Daemon, job_spec, percentile

TITLE = "The service while two jobs train"
SHARE = 0.12
NETS = ["lenet5", "cnn32"]  # that train; the first one's data set is in memory then
ROWS = 1000000              # of each series of a long job
STREAMS = 300
CONNECTIONS = 16            # that submit at once
ASK_EVERY = 0.005
SHARES = (0.5, 0.99)
SMALL = {"dataset": {"synthetic": {"shape": [1, 1, 2], "classes": 2, "samples": 64}, "validation": "none"},
         "model": ["flatten", {"type": "linear", "out_features": 2}], "optimizer": "sgd", "max_steps": ROWS,
         "batch_size": 1, "checkpoint": {"every": {"epochs": ROWS}}, "seed": 1}


def spread(values):
    return "p50 %s ms, p99 %s ms" % tuple(tools.figure(percentile(values, share), 2) for share in SHARES)


def wait_end(daemon, job):
    while True:
        state = daemon.ask("GET", "/v1/jobs/" + job)["state"]
        if state == "succeeded":
            return
        if state not in ("queued", "running"):
            raise SystemExit("a job of the bench is %s" % state)
        time.sleep(0.05)


def first_step(daemon):
    """Milliseconds from the first byte of a POST to the event with the first rows of the job."""
    stream, text = load.connect(daemon.address), b""
    stream.sendall(load.request("GET", "/v1/events", version="1.0"))
    while b"retry:" not in text:
        text += stream.recv(1 << 16)
    body = json.dumps({**job_spec(NETS[0]), "epochs": 1}).encode()
    line, began = load.Line(daemon.address), time.perf_counter()
    _, answer, _ = line.ask(load.request("POST", "/v1/jobs", body))
    job = json.loads(answer)["id"]
    rows = re.compile(rb'event: metrics\ndata: {"job":"%s"' % job.encode())
    while not rows.search(text):
        text += stream.recv(1 << 18)
    took = 1e3 * (time.perf_counter() - began)
    line.close()
    stream.close()
    wait_end(daemon, job)
    return took


def watch_streams(daemon, seconds):
    """Events a second, and how many of them any stream has missed, by what is replayed afterwards."""
    streams = load.Streams(daemon.address, "/v1/events", STREAMS)
    streams.read(1)
    before, began = len(streams.numbers[0]), time.perf_counter()
    streams.read(seconds)
    rate = (len(streams.numbers[0]) - before) / (time.perf_counter() - began)
    begin = max(numbers[0] for numbers in streams.numbers)
    newest = max(numbers[-1] for numbers in streams.numbers)
    streams.read_up_to(newest, 10)
    replay = load.Streams(daemon.address, "/v1/events?since=%d" % (begin - 1), 1)
    replay.read_up_to(newest, 10)
    stored = [number for number in replay.numbers[0] if number <= newest]
    lost = sum([number for number in numbers if begin <= number <= newest] != stored for numbers in streams.numbers)
    streams.close()
    replay.close()
    return rate, lost


def answers(bench, daemon, jobs, long_job):
    """The rows of the table, while `jobs` train."""
    seconds = 2 * bench.turn_seconds
    one = load.request("GET", "/v1/jobs/" + jobs[0])
    yield ["`GET /v1/jobs/{id}`, %d a second" % (1 / ASK_EVERY),
           spread(load.paced(daemon.address, one, ASK_EVERY, 2 * seconds)), "p99 below 10 ms"]
    curve = load.request("GET", "/v1/jobs/%s/metrics?names=train_loss" % long_job)
    yield ["2,000 points out of %s rows" % format(ROWS, ","),
           spread(load.paced(daemon.address, curve, 0.05, seconds)), "below 20 ms"]
    yield ["`POST` of a LeNet to the rows of its first step", spread([first_step(daemon) for _ in range(10)]),
           "below 50 ms"]
    rate, lost = watch_streams(daemon, seconds)
    yield ["%d event streams, %s events a second on each" % (STREAMS, tools.figure(rate, 2)),
           "%d streams have missed an event" % lost, "none"]
    body = json.dumps(job_spec(NETS[0])).encode()
    rate = load.flood(daemon.address, itertools.repeat(load.request("POST", "/v1/jobs", body)), CONNECTIONS, seconds)
    yield ["Durable submissions by %d connections" % CONNECTIONS, "%.0f a second" % rate, "above 1,000"]


def service(bench):
    with tempfile.TemporaryDirectory() as data, \
         contextlib.closing(Daemon(bench.program, data, "--streams", str(STREAMS + 8), workers=3)) as daemon:
        daemon.settle()
        long_job = daemon.ask("POST", "/v1/jobs", SMALL)["id"]
        wait_end(daemon, long_job)
        jobs = [daemon.ask("POST", "/v1/jobs", job_spec(name))["id"] for name in NETS]
        for job in jobs:
            daemon.next_rows(job)
        for row in answers(bench, daemon, jobs, long_job):
            tools.say("%s: %s: %s" % (TITLE, *row[:2]))
            yield row


# ---- what the daemon costs ----

def in_daemon(bench, daemon, name, seconds):
    """Milliseconds a step of a job that is alone in the daemon, by the rows that it has stored, and what others took."""
    job = daemon.ask("POST", "/v1/jobs", job_spec(name))["id"]
    daemon.next_rows(job)
    time.sleep(0.5)
    with tools.Watch(lambda: tools.process_seconds(daemon.process.pid) + time.process_time()) as watch:
        begin = daemon.next_rows(job)
        time.sleep(seconds)
        end = daemon.next_rows(job)
    daemon.ask("POST", "/v1/jobs/%s/cancel" % job)
    while daemon.ask("GET", "/readyz")["busy"] > 0:
        time.sleep(0.01)
    return 1e3 * (end[0] - begin[0]) / (end[1] - begin[1]), watch.others


def calm_pairs(served, plain):
    """Milliseconds in the daemon and without it, of the turns that other programs left alone."""
    pairs = list(zip(served, plain))
    calm = [pair for pair in pairs if all(others <= tools.DISTURBED for _, others in pair)]
    return [(mine, theirs) for (mine, _), (theirs, _) in calm or pairs]


def cost(bench, name, until):
    """What a step takes in the daemon and by `traind train`, in turns."""
    threads, served, plain = bench.threads[-1], [], []
    with tempfile.TemporaryDirectory() as data, \
         contextlib.closing(Daemon(bench.program, data, workers=1, threads=threads)) as daemon:
        daemon.settle()
        for turn in range(2 * bench.turns_most):  # less is looked for than one turn differs from the next
            began = time.monotonic()
            served.append(in_daemon(bench, daemon, name, 2 * bench.turn_seconds))
            answer, others = bench.traind(specs.spec(name), threads, "--bench", str(2 * bench.turn_seconds))
            plain.append((answer["mean_ms"], others))
            if turn + 1 >= bench.turns_most and 2 * time.monotonic() - began > until:
                break
    bench.count_turns([others for _, others in served + plain])
    pairs = calm_pairs(served, plain)
    mine, theirs = (statistics.median(side) for side in zip(*pairs))
    more = statistics.median(mine / theirs for mine, theirs in pairs) - 1
    return ["A step of %s on %d threads in the daemon, by `traind train`" % (name, threads),
            "%s ms, %s ms: %+.1f %%" % (tools.figure(mine), tools.figure(theirs), 100 * more),
            "below 1 % more"]


def run(bench, until):
    if len(bench.threads) < 2:
        return ["This machine has one processor.\n"]
    rows = list(service(bench))
    for at, name in enumerate(NETS):
        now = time.monotonic()
        rows.append(cost(bench, name, now + (until - now) / (len(NETS) - at)))
        tools.say("%s: %s: %s" % (TITLE, *rows[-1][:2]))
    return [tools.table(["what", "measured", "wanted"], rows).replace("--:", "---"),
            "%s train on one thread each in a daemon with `--workers 3 --threads 1`; clients are on the same machine. The "
            "data set of the LeNet is in memory, since the other one has it.\n" % " and ".join(NETS)]
