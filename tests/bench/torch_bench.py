#!/usr/bin/python3
"""How long the same networks' training steps take in PyTorch: the other half of `make bench`.

usage: torch_bench.py SPEC.json [--threads N] [--seconds S] [--precision fp32|bf16]   both layouts, one JSON line each
       torch_bench.py --serve               requests and answers as JSON lines: what bench.py speaks

The network is made from traind's own spec, so it is the same one. A step is what a user writes: forward, loss, backward,
optimizer, on one batch that is in memory already (so PyTorch is not charged for its data path). bf16 is
torch.autocast. Both memory layouts can be timed; the better one is the figure to beat. peak_bytes and startup_ms (from
the script's begin to the end of the network's first step) are the process's: of use for the first network alone.
"""
import argparse
import contextlib
import json
import sys
import time

BEGAN = time.monotonic()  # before the import that takes most of the start-up

import torch

WARM_UP_LEAST, WARM_UP_MOST, WARM_UP_SECONDS, STEPS_LEAST = 2, 5, 0.5, 3


class Residual(torch.nn.Module):
    def __init__(self, body, shortcut):
        super().__init__()
        self.body, self.shortcut = body, shortcut

    def forward(self, x):
        return self.body(x) + self.shortcut(x)


def convolution(o, channels):
    return torch.nn.Conv2d(channels, o["out_channels"], o["kernel_size"], o.get("stride", 1), o.get("padding", 0),
                           groups=o.get("groups", 1), bias=o.get("bias", True))


LAYERS = {
    "conv2d": convolution,
    "batch_norm2d": lambda o, channels: torch.nn.BatchNorm2d(channels),
    "linear": lambda o, features: torch.nn.Linear(features, o["out_features"]),
    "relu": lambda o, _: torch.nn.ReLU(),
    "max_pool2d": lambda o, _: torch.nn.MaxPool2d(o["kernel_size"]),
    "adaptive_avg_pool2d": lambda o, _: torch.nn.AdaptiveAvgPool2d(o["output_size"]),
    "flatten": lambda o, _: torch.nn.Flatten(),
}


def network(layers, x):
    """The modules of a list of layers; x runs through them, for the shapes."""
    made = []
    for layer in layers:
        options = {"type": layer} if isinstance(layer, str) else layer
        if options["type"] == "residual":
            made.append(Residual(network(options["body"], x), network(options.get("shortcut", []), x)))
        else:
            made.append(LAYERS[options["type"]](options, x.shape[1]))
        x = made[-1](x)
    return torch.nn.Sequential(*made)


def optimizer(options, parameters):
    o = {"type": options} if isinstance(options, str) else options
    if o["type"] == "adam":
        return torch.optim.Adam(parameters, o.get("lr", 0.001))
    return torch.optim.SGD(parameters, o["lr"], momentum=o.get("momentum", 0))


class Job:
    def __init__(self, spec, precision, channels_last):
        synthetic, self.batch = spec["dataset"]["synthetic"], spec.get("batch_size", 64)
        torch.manual_seed(0)
        self.x = torch.randn(self.batch, *synthetic["shape"])
        self.labels = torch.randint(0, synthetic["classes"], (self.batch,))
        self.net = network(spec["model"], self.x[:2])
        if channels_last:
            self.net = self.net.to(memory_format=torch.channels_last)
            self.x = self.x.to(memory_format=torch.channels_last)
        self.optimizer = optimizer(spec["optimizer"], self.net.parameters())
        self.bf16 = precision == "bf16"
        self.step()
        self.startup = time.monotonic() - BEGAN

    def step(self):
        self.optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", dtype=torch.bfloat16) if self.bf16 else contextlib.nullcontext():
            loss = torch.nn.functional.cross_entropy(self.net(self.x), self.labels)
        loss.backward()
        self.optimizer.step()

    def times(self, seconds):
        began = time.monotonic()
        for i in range(WARM_UP_MOST):
            if i < WARM_UP_LEAST or time.monotonic() < began + WARM_UP_SECONDS:
                self.step()
        times, end = [], time.monotonic() + seconds
        while time.monotonic() < end or len(times) < STEPS_LEAST:
            start = time.perf_counter()
            self.step()
            times.append(time.perf_counter() - start)
        return sorted(times)


def peak_bytes():
    with open("/proc/self/status", encoding="ascii") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))


def measure(jobs, spec, threads, precision, channels_last, seconds):
    """`jobs` keeps networks warm from one round to the next."""
    torch.set_num_threads(threads)
    key = json.dumps([spec, precision, channels_last])
    if key not in jobs:
        jobs[key] = Job(spec, precision, channels_last)
    times = jobs[key].times(seconds)
    median = times[len(times) // 2]
    return {"name": spec.get("name"), "layout": "channels_last" if channels_last else "contiguous", "threads": threads,
            "precision": precision, "batch_size": jobs[key].batch, "steps": len(times),
            "median_ms": round(median * 1e3, 4), "min_ms": round(times[0] * 1e3, 4),
            "images_per_second": int(jobs[key].batch / median), "peak_bytes": peak_bytes(),
            "startup_ms": round(jobs[key].startup * 1e3, 1)}


def serve():
    jobs = {}
    print(json.dumps({"torch": torch.__version__}), flush=True)
    for line in sys.stdin:
        print(json.dumps(measure(jobs, **json.loads(line))), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("specs", nargs="*", metavar="SPEC.json")
    parser.add_argument("--serve", action="store_true")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="fp32")
    o = parser.parse_args()
    if o.serve:
        serve()
    for path in o.specs:
        with open(path, encoding="utf-8") as file:
            spec = json.load(file)
        for channels_last in (False, True):
            print(json.dumps(measure({}, spec, o.threads, o.precision, channels_last, o.seconds)), flush=True)


if __name__ == "__main__":
    main()
