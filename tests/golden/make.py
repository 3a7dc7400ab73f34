#!/usr/bin/python3
"""Makes the golden numbers: what PyTorch computes from inputs that C can draw as well.

Writes batch.txt (augmentation), lenet5.txt (training runs), networks.txt (the same of whole networks), layers.txt
(single layers), convolutions.txt (conv2d and locally_connected2d with all their options), losses.txt, inits.txt
(initial weights), optimizers.txt (weights after each of some steps), schedules.txt and plateaus.txt (learning rates)
and clips.txt (weights moved by clipped gradients) beside this file; what PyTorch lacks is computed by a few lines of
numpy. Nothing of traind is used: the random numbers are those of core/rng.h, written once more in numpy, so a mistake
on either side shows. Run by `make golden`; the results are committed.
"""

import functools
import json
import math
import os
import sys
import warnings

import numpy
import torch

import batch
import networks

HERE = os.path.dirname(os.path.abspath(__file__))

# ---- random numbers, as core/rng.h says: Philox4x32-10, key = seed, counter = (index, epoch, stream) ----

WEIGHTS, DROPOUT, SPLIT, SYNTHETIC = 1, 3, 5, 6


def philox(counter, key):
    mask = numpy.uint64(0xFFFFFFFF)
    c = [numpy.asarray(word, numpy.uint64) for word in counter]
    for _ in range(10):
        p0, p1 = numpy.uint64(0xD2511F53) * c[0], numpy.uint64(0xCD9E8D57) * c[2]
        high = numpy.uint64(32)
        c = [p1 >> high ^ c[1] ^ numpy.uint64(key[0]), p1 & mask,
             p0 >> high ^ c[3] ^ numpy.uint64(key[1]), p0 & mask]
        key = (key[0] + 0x9E3779B9 & 0xFFFFFFFF, key[1] + 0xBB67AE85 & 0xFFFFFFFF)
    return c


def draws(seed, stream, epoch, count):
    """rng_draw for the draws 0 … count − 1: four arrays of words."""
    index = numpy.arange(count, dtype=numpy.uint64)
    zero = numpy.zeros(count, numpy.uint64)
    counter = [index & numpy.uint64(0xFFFFFFFF), index >> numpy.uint64(32), zero + numpy.uint64(epoch),
               zero + numpy.uint64(stream)]
    return philox(counter, (seed & 0xFFFFFFFF, seed >> 32))


def uniform(seed, stream, epoch, count):
    """rng_uniform for the draws 0 … count − 1."""
    words = draws(seed, stream, epoch, count)
    bits = (words[0] << numpy.uint64(32) | words[1]) >> numpy.uint64(11)
    return bits.astype(numpy.float64) * 2.0 ** -53


def symmetric(seed, epoch, shape):
    """Numbers in [−1, 1), rounded to float32 so that both builds of the core can hold them."""
    count = int(numpy.prod(shape))
    values = (2 * uniform(seed, SYNTHETIC, epoch, count) - 1).astype(numpy.float32)
    return torch.tensor(values.astype(numpy.float64)).reshape(tuple(shape))


def draw_parameters(network, seed, factor=1):
    """`factor` times traind's default, PyTorch's distribution: weight and bias uniform in ±1/√fan_in."""
    number = 0
    with torch.no_grad():
        for layer in network:
            fan_in = layer.weight[0].numel() if getattr(layer, "weight", None) is not None else 0
            for tensor in layer.parameters():
                u = uniform(seed, WEIGHTS | number << 8, 0, tensor.numel())
                values = ((2 * u - 1) * (1 / math.sqrt(fan_in))).astype(numpy.float32) * factor
                tensor.copy_(torch.tensor(values.astype(numpy.float64)).reshape(tensor.shape))
                number += 1


# ---- words: "kind option=value …", as the tests in C read them ----

def words(kind, options):
    def word(value):
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, tuple):
            return ",".join(repr(part) for part in value)
        return str(value)
    return " ".join([kind] + ["%s=%s" % (name, word(value)) for name, value in options.items()])


class Dropout(torch.nn.Module):
    """As PyTorch's, but with traind's draws: word g % 4 of draw g // 4 for the g-th number, or channel, of an epoch."""

    def __init__(self, p=0.5, channels=False):
        super().__init__()
        self.p, self.channels = p, channels

    def forward(self, x):
        shape = x.shape[:2] + (1, 1) if self.channels else x.shape
        count = int(numpy.prod(shape))
        each = numpy.stack(draws(0, DROPOUT, 0, count // 4 + 1), axis=1).ravel()[:count]
        kept = torch.tensor((each >= self.p * 2.0 ** 32).astype(numpy.float64)).reshape(shape)
        return x * kept * (1 / (1 - self.p) if self.p < 1 else 0)


def layer(kind, options, channels):
    """The PyTorch layer of that kind, and the channels or features that come out of it."""
    rest = {name: value for name, value in options.items() if name not in ("out_channels", "out_features")}
    if kind == "conv2d":
        return torch.nn.Conv2d(channels, options["out_channels"], **rest), options["out_channels"]
    if kind == "linear":
        return torch.nn.Linear(channels, options["out_features"], **rest), options["out_features"]
    plain = {"relu": torch.nn.ReLU, "leaky_relu": torch.nn.LeakyReLU, "elu": torch.nn.ELU, "gelu": torch.nn.GELU,
             "silu": torch.nn.SiLU, "sigmoid": torch.nn.Sigmoid, "tanh": torch.nn.Tanh,
             "flatten": torch.nn.Flatten, "max_pool2d": torch.nn.MaxPool2d,
             "avg_pool2d": torch.nn.AvgPool2d, "adaptive_avg_pool2d": torch.nn.AdaptiveAvgPool2d,
             "batch_norm2d": functools.partial(torch.nn.BatchNorm2d, channels),
             "dropout": Dropout, "dropout2d": functools.partial(Dropout, channels=True)}
    return plain[kind](**rest), channels


def numbers(name, values):
    flat = values.detach().numpy().ravel() if isinstance(values, torch.Tensor) else values
    return "%s %d %s\n" % (name, len(flat), " ".join("%.17g" % value for value in flat))


# ---- training runs ----

SAMPLES, BATCH, SIDE, SEED, STEPS = 1280, 64, 28, 20, 20
# Runs begin at twice the default weights: PyTorch's are so small that the first SGD steps hardly move.
FACTOR = 2

LENET5 = [
    ("conv2d", {"out_channels": 6, "kernel_size": 5, "padding": 2}), ("relu", {}),
    ("max_pool2d", {"kernel_size": 2}),
    ("conv2d", {"out_channels": 16, "kernel_size": 5}), ("relu", {}),
    ("max_pool2d", {"kernel_size": 2}),
    ("flatten", {}),
    ("linear", {"out_features": 120}), ("relu", {}),
    ("linear", {"out_features": 84}), ("relu", {}),
    ("linear", {"out_features": 10}),
]

# name, optimizer, its options, options of the cosine schedule or None, samples used, epochs (0: max_steps)
RUNS = [
    ("sgd", "sgd", {"lr": 0.01, "momentum": 0.9}, None, SAMPLES, 1),
    ("sgd without momentum", "sgd", {"lr": 0.05}, None, SAMPLES, 1),
    ("nesterov and weight decay", "sgd",
     {"lr": 0.01, "momentum": 0.9, "nesterov": True, "weight_decay": 0.001}, None, SAMPLES, 1),
    ("dampening and weight decay", "sgd",
     {"lr": 0.02, "momentum": 0.8, "dampening": 0.3, "weight_decay": 0.01}, None, SAMPLES, 1),
    ("adam", "adam", {"lr": 0.001}, None, SAMPLES, 1),
    ("adam with other betas and weight decay", "adam",
     {"lr": 0.002, "betas": (0.8, 0.99), "eps": 1e-06, "weight_decay": 0.01}, None, SAMPLES, 1),
    ("cosine by step", "sgd", {"lr": 0.02, "momentum": 0.9}, {"unit": "step"}, SAMPLES, 1),
    ("cosine by epoch, two epochs", "adam", {"lr": 0.001}, {"eta_min": 0.0001}, SAMPLES // 2, 2),
    ("a last batch that is not full", "sgd", {"lr": 0.01, "momentum": 0.9}, None, 1000, 0),
]


def images():
    """A bright bar at a height and of a slope that tell the class, in noise. Bytes, as in an IDX file."""
    labels = (10 * uniform(SEED, SPLIT, 0, SAMPLES)).astype(numpy.int64)
    noise = (96 * uniform(SEED, SYNTHETIC, 0, SAMPLES * SIDE * SIDE)).astype(numpy.int64)
    y, x = numpy.mgrid[0:SIDE, 0:SIDE]
    c = labels.reshape(-1, 1, 1)
    distance = 2 * y - 10 * (c % 5) - 8 - numpy.where(c < 5, x - 14, 14 - x)
    bar = numpy.where(abs(distance) < 6, 159, 0)
    return bar + noise.reshape(SAMPLES, SIDE, SIDE), labels


def lenet5(dtype, factor=1):
    channels, layers = 1, []
    for kind, options in LENET5:
        if kind == "flatten":
            channels = 16 * 5 * 5
        made, channels = layer(kind, options, channels)
        layers.append(made)
    network = torch.nn.Sequential(*layers).to(torch.float64)
    draw_parameters(network, SEED, factor)
    return network.to(dtype)


def cosine_lr(options, base, step, steps, steps_per_epoch):
    """CosineAnnealingLR in closed form; t_max is the whole run."""
    length = 1 if options.get("unit") == "step" else steps_per_epoch
    whole = -(-steps // length)
    low = options.get("eta_min", 0)
    return low + (base - low) * (1 + math.cos(math.pi * (step // length) / whole)) / 2


def train(run, dtype):
    """Losses, gradient norms and rates of the steps, and the network after them."""
    _, optimizer, options, cosine, samples, epochs = run
    pixels, labels = images()
    # The division in the number's own type, as ToTensor does it.
    x, y = torch.tensor(pixels).to(dtype).reshape(-1, 1, SIDE, SIDE) / 255, torch.tensor(labels)
    network = lenet5(dtype, FACTOR)
    kinds = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}
    made = kinds[optimizer](network.parameters(), **options)
    losses, norms, rates = [], [], []
    steps_per_epoch = -(-samples // BATCH)
    steps = epochs * steps_per_epoch if epochs else STEPS
    for step in range(steps):
        first = step % steps_per_epoch * BATCH
        batch = slice(first, min(first + BATCH, samples))
        if cosine is not None:
            made.param_groups[0]["lr"] = cosine_lr(cosine, options["lr"], step, steps, steps_per_epoch)
        made.zero_grad()
        logits = network(x[batch])
        torch.nn.functional.cross_entropy(logits, y[batch]).backward()
        losses.append(torch.nn.functional.cross_entropy(logits.double(), y[batch]).item())
        squares = sum((p.grad.double() ** 2).sum() for p in network.parameters())
        norms.append(math.sqrt(squares))
        rates.append(made.param_groups[0]["lr"])
        made.step()
    return losses, norms, rates, network


def write_runs(file):
    file.write("start seed=%d factor=%d\n" % (SEED, FACTOR))
    file.write("model %s\n" % " | ".join(words(*row) for row in LENET5))
    first = lenet5(torch.float64)
    for name, tensor in first.state_dict().items():
        file.write(numbers("initial %s" % name, tensor.reshape(-1)[:5]))
    for run in RUNS:
        name, optimizer, options, cosine, samples, epochs = run
        file.write("run %s\n" % name)
        file.write("optimizer %s\n" % words(optimizer, options))
        file.write("schedule %s\n" % ("constant" if cosine is None else words("cosine", cosine)))
        file.write("length samples=%d epochs=%d\n" % (samples, epochs))
        ends = []
        for bits, dtype in ((32, torch.float32), (64, torch.float64)):
            losses, norms, rates, network = train(run, dtype)
            file.write(numbers("losses%d" % bits, losses))
            file.write(numbers("norms%d" % bits, norms))
            ends += [("final%d %s" % (bits, key), tensor.double())
                     for key, tensor in network.state_dict().items()]
        file.write(numbers("rates", rates))
        for key, values in ends:
            file.write(numbers(key, [values.sum().item(), values.norm().item()]))
        file.write("end\n")


# ---- single layers ----

# kind, options, input shape (channels, height, width; features alone for linear), samples
LAYERS = [
    ("conv2d", {"out_channels": 4, "kernel_size": 3}, (3, 7, 6), 2),
    ("conv2d", {"out_channels": 5, "kernel_size": (3, 2), "stride": (2, 3), "padding": (1, 0)}, (2, 8, 9), 3),
    ("conv2d", {"out_channels": 3, "kernel_size": 5, "padding": 2, "bias": False}, (1, 5, 5), 2),
    ("conv2d", {"out_channels": 7, "kernel_size": 1, "stride": 2}, (6, 6, 4), 1),
    ("conv2d", {"out_channels": 2, "kernel_size": 2, "padding": 3}, (2, 3, 2), 2),
    ("conv2d", {"out_channels": 2, "kernel_size": 2, "stride": 4}, (1, 11, 8), 2),
    ("conv2d", {"out_channels": 16, "kernel_size": 3, "padding": 1}, (16, 4, 5), 2),
    ("conv2d", {"out_channels": 1, "kernel_size": (4, 7)}, (1, 4, 7), 1),
    ("relu", {}, (3, 5, 4), 2),
    ("max_pool2d", {"kernel_size": 2}, (3, 6, 7), 2),
    ("max_pool2d", {"kernel_size": 3, "stride": 2}, (2, 7, 8), 2),
    ("max_pool2d", {"kernel_size": (2, 3), "stride": (3, 1)}, (2, 8, 7), 2),
    ("max_pool2d", {"kernel_size": 3, "stride": 2, "padding": 1}, (4, 5, 6), 2),
    ("flatten", {}, (3, 2, 4), 2),
    ("linear", {"out_features": 7}, (13,), 3),
    ("linear", {"out_features": 5, "bias": False}, (16,), 2),
    ("linear", {"out_features": 1}, (1,), 1),
    ("leaky_relu", {}, (3, 5, 4), 2),
    ("leaky_relu", {"negative_slope": 0.3}, (17, 2, 3), 2),
    ("elu", {}, (3, 5, 4), 2),
    ("elu", {"alpha": 0.7}, (11,), 3),
    ("gelu", {}, (3, 5, 4), 2),
    ("gelu", {"approximate": "tanh"}, (17, 2, 3), 2),
    ("silu", {}, (6, 3, 4), 2),
    ("sigmoid", {}, (6, 3, 4), 2),
    ("tanh", {}, (19,), 3),
    ("max_pool2d", {"kernel_size": 2, "ceil_mode": True}, (3, 5, 7), 2),
    ("max_pool2d", {"kernel_size": 2, "stride": 3, "ceil_mode": True}, (2, 3, 4), 2),
    ("max_pool2d", {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True}, (17, 4, 6), 1),
    ("max_pool2d", {"kernel_size": 3, "stride": 2, "ceil_mode": True}, (2, 2, 2), 2),
    ("avg_pool2d", {"kernel_size": 2}, (3, 6, 7), 2),
    ("avg_pool2d", {"kernel_size": (2, 3), "stride": (3, 1), "padding": (1, 0)}, (17, 8, 7), 2),
    ("avg_pool2d", {"kernel_size": 3, "stride": 2, "padding": 1, "count_include_pad": False}, (4, 5, 6), 2),
    ("avg_pool2d", {"kernel_size": 2, "ceil_mode": True}, (3, 5, 7), 2),
    ("avg_pool2d", {"kernel_size": 2, "stride": 3, "ceil_mode": True}, (2, 3, 4), 2),
    ("avg_pool2d", {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True}, (17, 4, 6), 1),
    ("avg_pool2d", {"kernel_size": 4, "stride": 3, "padding": (2, 1), "ceil_mode": True,
                    "count_include_pad": False}, (3, 6, 5), 2),
    ("avg_pool2d", {"kernel_size": 4, "stride": 3, "padding": (2, 1), "ceil_mode": True}, (3, 6, 5), 2),
    ("avg_pool2d", {"kernel_size": 3, "stride": 2, "ceil_mode": True}, (2, 2, 2), 2),
    ("adaptive_avg_pool2d", {"output_size": 1}, (17, 5, 4), 2),
    ("adaptive_avg_pool2d", {"output_size": (2, 3)}, (3, 5, 7), 2),
    ("adaptive_avg_pool2d", {"output_size": (4, 1)}, (2, 6, 3), 2),
    ("adaptive_avg_pool2d", {"output_size": 5}, (2, 3, 4), 2),
    ("dropout", {}, (3, 5, 3), 3),
    ("dropout", {"p": 0.2}, (37,), 4),
    ("dropout", {"p": 1}, (5,), 2),
    ("dropout2d", {"p": 0.4}, (17, 2, 3), 4),
    ("dropout2d", {}, (3, 2, 2), 3),
    ("batch_norm2d", {}, (3, 5, 4), 4),
    ("batch_norm2d", {"eps": 0.01, "momentum": 0.3}, (17, 2, 3), 3),
    ("batch_norm2d", {"affine": False, "momentum": 1.0}, (4, 3, 3), 4),
    ("batch_norm2d", {}, (5, 1, 1), 3),
]


def write_layers(file):
    for number, (kind, options, shape, samples) in enumerate(LAYERS):
        made, _ = layer(kind, options, shape[0])
        network = torch.nn.Sequential(made).to(torch.float64)
        draw_parameters(network, number)
        x = symmetric(number, 0, (samples,) + shape).requires_grad_()
        y = network(x)
        y.backward(symmetric(number, 1, y.shape))
        file.write("layer %s\n" % words(kind, options))
        file.write("shape samples=%d channels=%d height=%d width=%d flat=%d\n"
                   % ((samples,) + (shape if len(shape) == 3 else shape + (1, 1)) + (len(shape) == 1,)))
        file.write(numbers("y", y))
        file.write(numbers("dx", x.grad))
        for name, tensor in network.named_parameters():
            file.write(numbers("gradient %s" % name, tensor.grad))
        for name, tensor in network.named_buffers():
            if "running" in name:
                file.write(numbers("running %s" % name, tensor))
        file.write("end\n")


# ---- convolutions: PyTorch's, and by plain loops over the pixels what it lacks ----

# Options, input shape, samples. Kernels even and odd, sizes that differ along the two axes, every padding mode with
# every way to give a padding, groups of several channels and of one, with more filters than channels.
CONVOLUTIONS = [("conv2d", options, shape, samples) for mode in ("zeros", "reflect", "replicate", "circular")
                for options, shape, samples in [
    ({"out_channels": 2, "kernel_size": 3, "padding": 1, "padding_mode": mode}, (2, 4, 5), 2),
    ({"out_channels": 2, "kernel_size": (2, 4), "padding": "same", "padding_mode": mode}, (1, 5, 4), 2),
    ({"out_channels": 4, "kernel_size": (2, 3), "padding": "same", "dilation": (3, 2), "groups": 2,
      "padding_mode": mode}, (4, 5, 6), 1),
    ({"out_channels": 6, "kernel_size": (3, 2), "padding": (2, 1), "dilation": (1, 2), "stride": (2, 1), "groups": 3,
      "padding_mode": mode}, (3, 5, 4), 1),
    ({"out_channels": 3, "kernel_size": (1, 3), "padding": (3, 2), "stride": (3, 2), "bias": False, "groups": 3,
      "padding_mode": mode}, (3, 4, 5), 2),
]] + [
    ("conv2d", {"out_channels": 2, "kernel_size": 2, "padding": "valid", "dilation": 2}, (2, 4, 5), 2),
    ("conv2d", {"out_channels": 17, "kernel_size": (1, 2), "groups": 17}, (17, 2, 3), 1),
    ("conv2d", {"out_channels": 16, "kernel_size": (2, 1), "groups": 2}, (32, 2, 2), 1),
    ("conv2d", {"out_channels": 2, "kernel_size": 3, "flip_kernel": True}, (2, 5, 4), 2),
    ("conv2d", {"out_channels": 4, "kernel_size": (2, 3), "padding": (0, 2), "stride": (1, 2), "dilation": (2, 1),
                "groups": 2, "flip_kernel": True}, (4, 5, 4), 1),
    ("conv2d", {"out_channels": 2, "kernel_size": (4, 3), "padding": "same", "padding_mode": "reflect",
                "flip_kernel": True}, (1, 4, 5), 2),
    ("locally_connected2d", {"out_channels": 2, "kernel_size": 3}, (2, 5, 4), 2),
    ("locally_connected2d", {"out_channels": 3, "kernel_size": (2, 1), "stride": (2, 3), "bias": False}, (1, 7, 5), 3),
    ("locally_connected2d", {"out_channels": 2, "kernel_size": (3, 2), "padding": (1, 0), "stride": (2, 1),
                             "dilation": (1, 2)}, (2, 4, 5), 2),
    ("locally_connected2d", {"out_channels": 1, "kernel_size": 2, "padding": "same"}, (2, 3, 2), 2),
    ("locally_connected2d", {"out_channels": 2, "kernel_size": 3, "padding": 2, "stride": 2,
                             "padding_mode": "reflect"}, (1, 3, 4), 2),
    ("locally_connected2d", {"out_channels": 1, "kernel_size": 3, "padding": "same", "padding_mode": "circular"},
     (1, 3, 3), 2),
    ("locally_connected2d", {"out_channels": 1, "kernel_size": 2, "padding": 1, "stride": 2,
                             "padding_mode": "replicate"}, (2, 3, 4), 1),
]
NUMPY_MODES = {"zeros": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}


def pair(value):
    return value if isinstance(value, tuple) else (value, value)


class Convolution:
    """One layer in numpy: which places of x every output reads, and the sums over them."""

    def __init__(self, options, shape):
        kernel, self.dilation = pair(options["kernel_size"]), pair(options.get("dilation", 1))
        self.kernel, self.stride = kernel, pair(options.get("stride", 1))
        padding = options.get("padding", 0)
        spans = [d * (k - 1) + 1 for d, k in zip(self.dilation, kernel)]
        if padding == "same":
            sides = [((span - 1) // 2, span - 1 - (span - 1) // 2) for span in spans]
        else:
            sides = [(p, p) for p in pair(0 if padding == "valid" else padding)]
        # Places of a channel, counted from 1: place 0 holds the zero that stands in the padding.
        places = numpy.arange(1, shape[1] * shape[2] + 1).reshape(shape[1:])
        self.places = numpy.pad(places, sides, NUMPY_MODES[options.get("padding_mode", "zeros")])
        self.out = tuple((n - span) // s + 1 for n, span, s in zip(self.places.shape, spans, self.stride))
        self.groups, self.flip = options.get("groups", 1), options.get("flip_kernel", False)

    def run(self, x, w, b, dy):
        """y, and the gradients of the sum of y·dy by x, w and b. w has one filter a pixel when it has six axes."""
        y, dw = numpy.zeros(dy.shape), numpy.zeros(w.shape)
        flat = numpy.concatenate([numpy.zeros(x.shape[:2] + (1,)), x.reshape(x.shape[:2] + (-1,))], axis=2)
        dflat = numpy.zeros(flat.shape)
        inputs, filters = x.shape[1] // self.groups, dy.shape[1] // self.groups
        for oy, ox in numpy.ndindex(*self.out):
            read = self.places[oy * self.stride[0]:, ox * self.stride[1]:][::self.dilation[0], ::self.dilation[1]]
            read = read[:self.kernel[0], :self.kernel[1]]
            read = read[::-1, ::-1] if self.flip else read
            for f in range(dy.shape[1]):
                channels = slice(f // filters * inputs, (f // filters + 1) * inputs)
                at = (f, oy, ox) if w.ndim == 6 else (f,)
                y[:, f, oy, ox] = (flat[:, channels][:, :, read] * w[at]).sum((1, 2, 3))
                g = dy[:, f, oy, ox].reshape(-1, 1, 1, 1)
                dw[at] += (flat[:, channels][:, :, read] * g).sum(0)
                numpy.add.at(dflat[:, channels], (slice(None), slice(None), read), g * w[at])
        db = None if b is None else dy.sum((0, 2, 3) if b.ndim == 1 else 0)
        if b is not None:
            y += b.reshape(-1, 1, 1) if b.ndim == 1 else b
        return y, dflat[:, :, 1:].reshape(x.shape), dw, db


def drawn(number, tensor, shape, fan_in):
    u = uniform(number, WEIGHTS | tensor << 8, 0, int(numpy.prod(shape)))
    return ((2 * u - 1) * (1 / math.sqrt(fan_in))).astype(numpy.float32).astype(numpy.float64).reshape(shape)


def convolved_by_torch(options, x, w, b, dy):
    made, _ = layer("conv2d", options, x.shape[1])
    network = torch.nn.Sequential(made).to(torch.float64)
    with torch.no_grad():
        for tensor, values in zip(network.parameters(), (w, b)):
            tensor.copy_(torch.tensor(values))
    x = torch.tensor(x).requires_grad_()
    y = network(x)
    y.backward(torch.tensor(dy))
    return [y.detach().numpy(), x.grad.numpy()] + [tensor.grad.numpy() for tensor in network.parameters()]


def write_convolutions(file):
    warnings.simplefilter("ignore")  # even kernels with "same" cost PyTorch a copy
    for number, (kind, options, shape, samples) in enumerate(CONVOLUTIONS):
        made = Convolution(options, shape)
        out = (options["out_channels"],) + made.out
        inputs = shape[0] // made.groups
        alone = kind == "locally_connected2d"
        fan_in = inputs * made.kernel[0] * made.kernel[1]
        x = symmetric(number, 0, (samples,) + shape).numpy()
        dy = symmetric(number, 1, (samples,) + out).numpy()
        w = drawn(number, 0, (out if alone else out[:1]) + (inputs,) + made.kernel, fan_in)
        b = drawn(number, 1, out if alone else out[:1], fan_in) if options.get("bias", True) else None
        results = [part for part in made.run(x, w, b, dy) if part is not None]
        if not alone and not made.flip:
            torchs = convolved_by_torch(options, x, w, b, dy)
            # Where both can, the loops here must give PyTorch's numbers.
            for one, other in zip(results, torchs):
                assert numpy.allclose(one, other, rtol=0, atol=1e-14 * samples * fan_in * 4), (options, shape)
            results = torchs
        file.write("layer %s\n" % words(kind, options))
        file.write("shape samples=%d channels=%d height=%d width=%d flat=0\n" % ((samples,) + shape))
        for name, values in zip(("y", "dx", "gradient 0.weight", "gradient 0.bias"), results):
            file.write(numbers(name, values.ravel()))
        file.write("end\n")


# ---- losses ----

# Kind and options, classes, samples, factor of the scores.
LOSSES = [(kind, options, classes, samples, factor)
          for kind, options in [
              ("cross_entropy", {}), ("cross_entropy", {"label_smoothing": 0.1}),
              ("cross_entropy", {"label_smoothing": 1.0}),
              ("mse", {}), ("hinge", {}), ("hinge", {"p": 2}), ("hinge", {"p": 1, "margin": 0.3}),
              ("binary_cross_entropy", {}),
              ("focal", {}), ("focal", {"gamma": 0.0}), ("focal", {"gamma": 0.5}), ("focal", {"gamma": 5.0})]
          for classes, samples, factor in [(7, 5, 4.0), (2, 3, 1.0), (10, 4, 80.0), (3, 2, 1000.0), (1, 2, 1.0)]]


def one_hot(y, labels):
    return torch.nn.functional.one_hot(labels, y.shape[1]).to(y.dtype)


def focal(y, labels, gamma=2.0):
    """The paper's formula. Where p is 1 but for rounding, 1 - p is taken from the other classes."""
    logs = torch.log_softmax(y, 1)
    target = one_hot(y, labels).bool()
    # log of the others' sum: exact also where the label's p is nearly 1.
    missing = torch.logsumexp(logs.masked_fill(target, -math.inf), 1).exp()
    return -missing ** gamma * logs[target]


# Of one sample each; the library's means over the batch are these values' means.
LOSS_FORMULAS = {
    "cross_entropy": lambda y, labels, **o: torch.nn.functional.cross_entropy(y, labels, reduction="none", **o),
    "mse": lambda y, labels: torch.nn.functional.mse_loss(y, one_hot(y, labels), reduction="none").mean(1),
    "hinge": lambda y, labels, **o: torch.nn.functional.multi_margin_loss(y, labels, reduction="none", **o),
    "binary_cross_entropy": lambda y, labels: torch.nn.functional.binary_cross_entropy_with_logits(
        y, one_hot(y, labels), reduction="none").mean(1),
    "focal": focal,
}


def write_losses(file):
    for number, (kind, options, classes, samples, factor) in enumerate(LOSSES):
        y = (factor * symmetric(number, 0, (samples, classes))).float().double().requires_grad_()
        labels = torch.tensor((classes * uniform(number, SPLIT, 0, samples)).astype(numpy.int64))
        each = LOSS_FORMULAS[kind](y, labels, **options)
        each.mean().backward()
        file.write("loss %s\n" % words(kind, options))
        file.write("shape samples=%d classes=%d factor=%g\n" % (samples, classes, factor))
        file.write(numbers("sum", [each.sum().item()]))
        file.write(numbers("dy", y.grad))
        file.write("end\n")


# ---- initial weights: PyTorch's functions, but on the draws of core/rng.h ----

CONV, GROUPED, MATRIX, WIDE, ROW = (5, 3, 3, 2), (6, 2, 2, 2), (7, 4), (4, 9), (11,)

# Kind and options, dimensions of the tensor.
INITS = [
    ("kaiming_uniform", {}, CONV), ("kaiming_uniform", {}, MATRIX),
    ("kaiming_uniform", {"a": 0.0, "mode": "fan_out"}, CONV),
    ("kaiming_uniform", {"a": 0.2}, GROUPED),
    ("kaiming_uniform", {"nonlinearity": "relu"}, MATRIX),
    ("kaiming_uniform", {"nonlinearity": "tanh", "mode": "fan_out"}, GROUPED),
    ("kaiming_normal", {}, CONV), ("kaiming_normal", {"mode": "fan_out", "nonlinearity": "relu"}, CONV),
    ("kaiming_normal", {"nonlinearity": "linear"}, WIDE), ("kaiming_normal", {"nonlinearity": "sigmoid"}, WIDE),
    ("kaiming_normal", {"nonlinearity": "selu"}, GROUPED), ("kaiming_normal", {"a": 1.5}, MATRIX),
    ("xavier_uniform", {}, CONV), ("xavier_uniform", {"gain": 1.7}, WIDE),
    ("xavier_normal", {}, GROUPED), ("xavier_normal", {"gain": 0.3}, MATRIX),
    ("normal", {}, ROW), ("normal", {"mean": -1.0, "std": 0.01}, MATRIX),
    ("uniform", {}, ROW), ("uniform", {"a": -0.3, "b": 0.1}, CONV),
    ("truncated_normal", {}, CONV), ("truncated_normal", {"mean": 0.5, "std": 0.2, "a": 0.1, "b": 0.6}, ROW),
    ("truncated_normal", {"mean": 1.0, "std": 3.0, "a": 2.0, "b": 50.0}, WIDE),
    ("zeros", {}, ROW), ("ones", {}, MATRIX), ("constant", {"value": -0.25}, CONV),
    ("orthogonal", {}, CONV), ("orthogonal", {}, MATRIX), ("orthogonal", {"gain": 2.5}, WIDE),
    ("orthogonal", {}, (12, 12)), ("orthogonal", {}, (3, 1)), ("orthogonal", {}, (1, 1)),
]
MADE_INITS = {"truncated_normal": "trunc_normal"}

# Layers with their input shapes: the fans that their weights have.
FANS = [
    ("conv2d", {"out_channels": 6, "kernel_size": (3, 2)}, (4, 8, 8)),
    ("conv2d", {"out_channels": 5, "kernel_size": 1}, (7, 3, 3)),
    ("conv2d", {"out_channels": 6, "kernel_size": (1, 3), "groups": 2}, (4, 8, 8)),
    ("conv2d", {"out_channels": 8, "kernel_size": 3, "groups": 4, "dilation": 2}, (4, 8, 8)),
    ("linear", {"out_features": 9}, (14,)),
]


def draw_with(seed):
    """Makes PyTorch draw from stream WEIGHTS of that seed."""
    def uniformly(tensor, a=0, b=1):
        u = torch.tensor(uniform(seed, WEIGHTS, 0, tensor.numel())).reshape(tensor.shape)
        return tensor.copy_(a + (b - a) * u)

    def normally(tensor, mean=0, std=1):
        words = draws(seed, WEIGHTS, 0, tensor.numel())
        u, v = (((words[i] << numpy.uint64(32) | words[i + 1]) >> numpy.uint64(11)).astype(numpy.float64) * 2.0 ** -53
                for i in (0, 2))
        values = numpy.sqrt(-2 * numpy.log(1 - u)) * numpy.cos(2 * math.pi * v)
        return tensor.copy_(mean + std * torch.tensor(values).reshape(tensor.shape))

    torch.Tensor.uniform_, torch.Tensor.normal_ = uniformly, normally


def write_inits(file):
    kept = torch.Tensor.uniform_, torch.Tensor.normal_
    for number, (kind, options, dims) in enumerate(INITS):
        tensor = torch.zeros(dims, dtype=torch.float64)
        # What a layer calls kaiming_uniform_ with.
        arguments = {"a": math.sqrt(5), **options} if kind == "kaiming_uniform" else dict(options)
        if "value" in arguments:
            arguments["val"] = arguments.pop("value")
        draw_with(number)
        getattr(torch.nn.init, MADE_INITS.get(kind, kind) + "_")(tensor, **arguments)
        file.write("init %s\n" % words(kind, options))
        file.write(numbers("dims", dims))
        if len(dims) > 1:
            file.write(numbers("fans", torch.nn.init._calculate_fan_in_and_fan_out(tensor)))
        file.write(numbers("values", tensor))
    torch.Tensor.uniform_, torch.Tensor.normal_ = kept
    for kind, options, shape in FANS:
        made, _ = layer(kind, options, shape[0])
        file.write("layer %s\n" % words(kind, options))
        file.write("shape channels=%d height=%d width=%d flat=%d\n"
                   % ((shape if len(shape) == 3 else shape + (1, 1)) + (len(shape) == 1,)))
        file.write(numbers("planned", torch.nn.init._calculate_fan_in_and_fan_out(made.weight)))


# ---- optimizers: weights after each step, from given weights and gradients, in double ----

WEIGHTS_MOVED, STEPS_MOVED = 4, 25
# The gradients of one weight are far smaller than the others', where eps and where it stands matter.
SCALES = numpy.array([1, 0.25, 2.0 ** -12, 1])

# Optimizer and options. Those of PyTorch are computed by PyTorch, the others by the functions below.
OPTIMIZERS = [
    ("sgd", {"lr": 0.02}),
    ("sgd", {"lr": 0.02, "weight_decay": 0.1}),
    ("sgd", {"lr": 0.01, "momentum": 0.9}),
    ("sgd", {"lr": 0.01, "momentum": 0.8, "dampening": 0.4, "weight_decay": 0.1}),
    ("sgd", {"lr": 0.01, "momentum": 0.8, "dampening": 1.0}),
    ("sgd", {"lr": 0.01, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
    ("sgd", {"lr": 0.02, "formulation": "classic", "weight_decay": 0.1}),
    ("sgd", {"lr": 0.01, "momentum": 0.9, "formulation": "classic"}),
    ("sgd", {"lr": 0.01, "momentum": 0.9, "formulation": "classic", "nesterov": True, "weight_decay": 0.1}),
    ("adagrad", {}),
    ("adagrad", {"lr": 0.05, "lr_decay": 0.1, "weight_decay": 0.1}),
    ("adagrad", {"lr": 0.05, "initial_accumulator_value": 0.5, "eps": 0.001}),
    ("adagrad", {"lr": 0.02, "eps": 0.0001, "eps_inside_sqrt": True}),
    ("adagrad", {"lr": 0.02, "eps": 0.0001, "eps_inside_sqrt": True, "lr_decay": 0.05, "weight_decay": 0.01,
                 "initial_accumulator_value": 0.01}),
    ("rmsprop", {}),
    ("rmsprop", {"lr": 0.005, "alpha": 0.8, "eps": 0.001, "weight_decay": 0.1}),
    ("rmsprop", {"lr": 0.005, "alpha": 0.9, "centered": True, "eps": 0.001}),
    ("rmsprop", {"lr": 0.002, "momentum": 0.8}),
    ("rmsprop", {"lr": 0.002, "alpha": 0.9, "momentum": 0.7, "centered": True, "eps": 0.01, "weight_decay": 0.1}),
    ("rmsprop", {"lr": 0.005, "eps": 0.0001, "eps_inside_sqrt": True}),
    ("rmsprop", {"lr": 0.002, "alpha": 0.9, "eps": 0.0001, "eps_inside_sqrt": True, "momentum": 0.7,
                 "centered": True}),
    ("adam", {}),
    ("adam", {"lr": 0.02}),
    ("adam", {"lr": 0.01, "betas": (0.5, 0.9), "eps": 0.001, "weight_decay": 0.1}),
    ("adam", {"lr": 0.01, "betas": (0.9, 0.5), "amsgrad": True}),
    ("adam", {"lr": 0.005, "bias_correction": False}),
    ("adam", {"lr": 0.005, "betas": (0.8, 0.9), "bias_correction": False, "amsgrad": True, "weight_decay": 0.1}),
    ("adam", {"lr": 0.01, "eps": 0.0001, "eps_inside_sqrt": True}),
    ("adam", {"lr": 0.01, "betas": (0.9, 0.5), "eps": 0.0001, "eps_inside_sqrt": True, "amsgrad": True}),
    ("adamw", {}),
    ("adamw", {"lr": 0.01, "betas": (0.8, 0.9), "eps": 0.001, "weight_decay": 0.3}),
    ("adamw", {"lr": 0.01, "betas": (0.9, 0.5), "amsgrad": True, "weight_decay": 0.0}),
    ("nadam", {}),
    ("nadam", {"lr": 0.01, "betas": (0.8, 0.9), "eps": 0.001, "weight_decay": 0.1, "momentum_decay": 0.1}),
    ("nadam", {"lr": 0.01, "betas": (0.8, 0.99), "momentum_decay": 100.0}),
    ("adabound", {}),
    ("adabound", {"lr": 0.01, "final_lr": 0.05, "gamma": 0.1, "eps": 0.001, "weight_decay": 0.1}),
    ("adabound", {"lr": 0.01, "betas": (0.5, 0.9), "final_lr": 0.02, "gamma": 0.9}),
]
MADE = {"sgd": torch.optim.SGD, "adagrad": torch.optim.Adagrad, "rmsprop": torch.optim.RMSprop,
        "adam": torch.optim.Adam, "adamw": torch.optim.AdamW, "nadam": torch.optim.NAdam}


def rate(options, step):
    """The rate falls a little each step: formulations that agree at a constant one are told apart."""
    return options["lr"] * (1 - (step - 1) / 64)


def root(square, options):
    eps = options["eps"]
    return numpy.sqrt(square + eps) if options.get("eps_inside_sqrt") else numpy.sqrt(square) + eps


# Each takes the state (a dictionary, empty at first), the weights, their gradient, the options, the rate and the
# step's number from 1, and gives the new weights.

def numpy_sgd(state, w, g, o, lr, step):
    g = g + o.get("weight_decay", 0) * w
    beta = o.get("momentum", 0)
    state["v"] = beta * state.get("v", 0) - lr * g
    return w + beta * state["v"] - lr * g if o.get("nesterov") else w + state["v"]


def numpy_adagrad(state, w, g, o, lr, step):
    g = g + o.get("weight_decay", 0) * w
    state["G"] = state.get("G", o.get("initial_accumulator_value", 0)) + g ** 2
    return w - lr / (1 + (step - 1) * o.get("lr_decay", 0)) * g / root(state["G"], {"eps": 1e-10, **o})


def numpy_rmsprop(state, w, g, o, lr, step):
    o = {"alpha": 0.99, "eps": 1e-8, "momentum": 0, **o}
    g = g + o.get("weight_decay", 0) * w
    state["G"] = o["alpha"] * state.get("G", 0) + (1 - o["alpha"]) * g ** 2
    state["a"] = o["alpha"] * state.get("a", 0) + (1 - o["alpha"]) * g
    spread = state["G"] - state["a"] ** 2 if o.get("centered") else state["G"]
    state["b"] = o["momentum"] * state.get("b", 0) + g / root(spread, o)
    return w - lr * state["b"]


def moments(state, g, betas):
    state["m"] = betas[0] * state.get("m", 0) + (1 - betas[0]) * g
    state["v"] = betas[1] * state.get("v", 0) + (1 - betas[1]) * g ** 2
    return state["m"], state["v"]


def numpy_adam(state, w, g, o, lr, step):
    o = {"betas": (0.9, 0.999), "eps": 1e-8, "bias_correction": True, **o}
    m, v = moments(state, g + o.get("weight_decay", 0) * w, o["betas"])
    if o.get("amsgrad"):
        v = state["top"] = numpy.maximum(v, state.get("top", 0))
    if o["bias_correction"]:
        m, v = m / (1 - o["betas"][0] ** step), v / (1 - o["betas"][1] ** step)
    return w - lr * m / root(v, o)


def numpy_adabound(state, w, g, o, lr, step):
    """As the authors' program, https://github.com/Luolc/AdaBound, does it."""
    o = {"betas": (0.9, 0.999), "eps": 1e-8, "final_lr": 0.1, "gamma": 1e-3, **o}
    m, v = moments(state, g + o.get("weight_decay", 0) * w, o["betas"])
    size = lr * math.sqrt(1 - o["betas"][1] ** step) / (1 - o["betas"][0] ** step)
    final = o["final_lr"] * lr / o["lr"]
    low = final * (1 - 1 / (o["gamma"] * step + 1))
    high = final * (1 + 1 / (o["gamma"] * step))
    return w - numpy.clip(size / root(v, o), low, high) * m


FORMULAS = {"sgd": numpy_sgd, "adagrad": numpy_adagrad, "rmsprop": numpy_rmsprop, "adam": numpy_adam,
            "adabound": numpy_adabound}


def start(number):
    """Weights away from 0, so that digits of their own can be asked of each."""
    w = symmetric(number, 0, (WEIGHTS_MOVED,)).numpy()
    return w + numpy.where(w < 0, -1, 1)


def gradient(number, step):
    return symmetric(number, step, (WEIGHTS_MOVED,)).numpy() * SCALES


def moved_by_formula(number, kind, options):
    options = {"lr": {"adagrad": 0.01, "rmsprop": 0.01}.get(kind, 0.001), **options}
    w, state, rows = start(number), {}, []
    for step in range(1, STEPS_MOVED + 1):
        w = FORMULAS[kind](state, w, gradient(number, step), options, rate(options, step), step)
        rows.append(w)
    return numpy.array(rows)


def moved_by_torch(number, kind, options):
    w, rows = torch.tensor(start(number)), []
    made = MADE[kind]([w], **options)
    base = made.param_groups[0]["lr"]
    for step in range(1, STEPS_MOVED + 1):
        w.grad = torch.tensor(gradient(number, step))
        made.param_groups[0]["lr"] = rate({"lr": base}, step)
        made.step()
        rows.append(w.numpy().copy())
    return numpy.array(rows)


def in_torch(kind, options):
    return kind in MADE and not {"formulation", "eps_inside_sqrt", "bias_correction"} & set(options)


def in_numpy(kind, options):
    # PyTorch's momentum is another formula, which the classic one equals at a constant rate alone.
    return kind in FORMULAS and (kind != "sgd" or "classic" in options.values() or "momentum" not in options)


def write_optimizers(file):
    # PyTorch keeps nadam's product of momenta in the default type.
    torch.set_default_dtype(torch.float64)
    for number, (kind, options) in enumerate(OPTIMIZERS):
        if in_torch(kind, options):
            rows = moved_by_torch(number, kind, options)
            # Where both can, the formulas here must be PyTorch's.
            assert not in_numpy(kind, options) or numpy.allclose(
                rows, moved_by_formula(number, kind, options), rtol=1e-13, atol=0), (kind, options)
        else:
            rows = moved_by_formula(number, kind, options)
        file.write("optimizer %s\n" % words(kind, options))
        file.write("size weights=%d steps=%d\n" % (WEIGHTS_MOVED, STEPS_MOVED))
        for row in rows:
            file.write(numbers("w", row))
        file.write("end\n")
    torch.set_default_dtype(torch.float32)


# ---- schedules ----

RATE_STEPS, RATE_EPOCHS, STEPS_PER_EPOCH, BASE_LR = 200, 30, 7, 0.1

# Options as in a job. Each is tried for 200 steps and for 30 epochs, in that unit.
SCHEDULES = [
    {"type": "constant"},
    {"type": "step", "step_size": 30},
    {"type": "step", "step_size": 1, "gamma": 0.97},
    {"type": "step", "step_size": 7, "gamma": 1.25},
    {"type": "multistep", "milestones": [10, 20, 100, 199]},
    {"type": "multistep", "milestones": [0, 1, 29, 1000], "gamma": 0.5},
    {"type": "exponential", "gamma": 0.95},
    {"type": "exponential", "gamma": 1.02},
    {"type": "cosine"},
    {"type": "cosine", "t_max": 25, "eta_min": 0.001},
    {"type": "cosine", "t_max": 1000},
    {"type": "cosine_restarts", "t_0": 10},
    {"type": "cosine_restarts", "t_0": 7, "t_mult": 2, "eta_min": 0.002},
    {"type": "cosine_restarts", "t_0": 1, "t_mult": 3},
    {"type": "cyclic", "base_lr": 0.001, "max_lr": 0.1, "step_size_up": 8},
    {"type": "cyclic", "base_lr": 0.002, "max_lr": 0.3, "step_size_up": 3, "step_size_down": 11},
    {"type": "cyclic", "base_lr": 0.001, "max_lr": 0.1, "step_size_up": 5, "mode": "triangular2"},
    {"type": "cyclic", "base_lr": 0.001, "max_lr": 0.1, "step_size_up": 9, "step_size_down": 4,
     "mode": "exp_range", "gamma": 0.99},
    {"type": "cyclic", "base_lr": 0.001, "max_lr": 0.1},
    {"type": "one_cycle", "max_lr": 0.1},
    {"type": "one_cycle", "max_lr": 1.5, "pct_start": 0.2, "div_factor": 10.0, "final_div_factor": 100.0},
    {"type": "one_cycle", "max_lr": 0.05, "pct_start": 0.001},
    {"type": "one_cycle", "max_lr": 0.05, "pct_start": 0.999},
    {"type": "linear"},
    {"type": "linear", "start_factor": 0.01, "total_iters": 50},
    {"type": "linear", "start_factor": 1.0, "end_factor": 0.0, "total_iters": 28},
    {"type": "polynomial"},
    {"type": "polynomial", "total_iters": 250, "power": 0.9},
    {"type": "polynomial", "total_iters": 20, "power": 2.0},
    {"type": "piecewise", "points": [[1, 0.5], [12, 0.25], [13, 0.125], [150, 0.01]]},
    {"type": "piecewise", "points": [[5, 0.3]]},
]
WARMUPS = [{"steps": 20, "start_factor": 0.1}, {"steps": 1, "start_factor": 0.0}, {"steps": 300}]
WARM_SCHEDULES = [SCHEDULES[0], SCHEDULES[8], SCHEDULES[11]]

TORCH_SCHEDULES = {
    "step": "StepLR", "multistep": "MultiStepLR", "exponential": "ExponentialLR", "cosine": "CosineAnnealingLR",
    "cosine_restarts": "CosineAnnealingWarmRestarts", "cyclic": "CyclicLR", "one_cycle": "OneCycleLR",
    "linear": "LinearLR", "polynomial": "PolynomialLR",
}
# What torch computes by recursion loses digits where the rate is near eta_min or 0, so the rates of these are
# its closed form. All others are what its step() gives.
CLOSED_FORM = ("cosine", "linear", "polynomial")


def torch_rates(schedule, length):
    """The first `length` rates of PyTorch; the recursion and the closed form must agree."""
    kind = schedule["type"]
    options = {{"t_max": "T_max", "t_0": "T_0", "t_mult": "T_mult"}.get(name, name): value
               for name, value in schedule.items() if name != "type"}
    if kind == "cosine":
        options.setdefault("T_max", length)
    if kind == "one_cycle":
        options["total_steps"] = length
    if kind in ("cyclic", "one_cycle"):
        options["cycle_momentum"] = False
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=BASE_LR)
    made = getattr(torch.optim.lr_scheduler, TORCH_SCHEDULES[kind])(optimizer, **options)
    rates = []
    for t in range(length):
        rate = optimizer.param_groups[0]["lr"]
        if hasattr(made, "_get_closed_form_lr"):
            closed = made._get_closed_form_lr()[0]
            assert abs(rate - closed) <= 1e-12 * abs(closed) or kind in CLOSED_FORM, (schedule, t, rate, closed)
            assert abs(rate - closed) <= 1e-12 * BASE_LR, (schedule, t, rate, closed)
            rate = closed if kind in CLOSED_FORM else rate
        rates.append(rate)
        optimizer.step()
        if t + 1 < length:
            made.step()
    return rates


def unit_rates(schedule, length):
    """Rates by unit of a schedule on a run of `length` units, without warm-up."""
    if schedule["type"] == "constant":
        return [BASE_LR] * length
    if schedule["type"] == "piecewise":
        starts, rates = zip(*schedule["points"])
        rates = (BASE_LR,) + rates
        return [rates[i] for i in numpy.searchsorted(starts, numpy.arange(1, length + 1), side="right")]
    return torch_rates(schedule, length)


def warmup_factors(warmup, length):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    made = torch.optim.lr_scheduler.LinearLR(optimizer, warmup.get("start_factor", 1 / 3), 1.0, warmup["steps"])
    factors = []
    for made.last_epoch in range(length):
        factors += made._get_closed_form_lr()
    return factors


def write_rates(file, schedule, length, rates):
    """One rate for each step, or one for each epoch."""
    file.write("schedule %s\n" % json.dumps(schedule))
    file.write("length %s\n" % length)
    file.write("rates %d %s\n" % (len(rates), " ".join("%.15g" % rate for rate in rates)))


def write_schedules(file):
    warnings.simplefilter("ignore")  # torch would rather have its closed form called by itself
    file.write("start lr=%g samples=%d batch=1\n" % (BASE_LR, STEPS_PER_EPOCH))
    for schedule in SCHEDULES:
        write_rates(file, schedule, "max_steps=%d" % RATE_STEPS, unit_rates(schedule, RATE_STEPS))
        by_epoch = dict(schedule, unit="epoch")
        write_rates(file, by_epoch, "epochs=%d" % RATE_EPOCHS, unit_rates(schedule, RATE_EPOCHS))
    for schedule in WARM_SCHEDULES:
        for warmup in WARMUPS:
            rates = unit_rates(schedule, RATE_STEPS)
            factors = warmup_factors(warmup, RATE_STEPS)
            write_rates(file, dict(schedule, warmup=warmup), "max_steps=%d" % RATE_STEPS,
                        [a * b for a, b in zip(rates, factors)])
        # Warm-up counts steps also where the schedule counts epochs.
        steps = RATE_EPOCHS * STEPS_PER_EPOCH
        rates = numpy.repeat(unit_rates(schedule, RATE_EPOCHS), STEPS_PER_EPOCH)
        factors = warmup_factors(WARMUPS[0], steps)
        write_rates(file, dict(schedule, warmup=WARMUPS[0]), "epochs=%d" % RATE_EPOCHS,
                    [a * b for a, b in zip(rates, factors)])


# ---- reduce_on_plateau: rates that depend on what is measured ----

PLATEAU_STEPS = 200

# Options as in a job; which of metrics() it watches.
PLATEAUS = [
    ({}, "falling"),
    ({"patience": 0, "factor": 0.5}, "falling"),
    ({"patience": 3, "factor": 0.5, "min_lr": 0.003}, "falling"),
    ({"patience": 3, "factor": 0.3, "cooldown": 4}, "falling"),
    ({"patience": 2, "factor": 0.7, "threshold": 0.05}, "falling"),
    ({"patience": 2, "factor": 0.7, "threshold": 0.05, "threshold_mode": "abs"}, "falling"),
    ({"patience": 2, "factor": 0.5, "eps": 0.001}, "falling"),
    ({"patience": 2, "factor": 0.5, "threshold": 0.0}, "flat"),
    ({"patience": 5, "factor": 0.9, "cooldown": 1, "threshold_mode": "abs"}, "flat"),
    ({"patience": 1, "factor": 0.8}, "broken"),
    ({"metric": "val_accuracy", "patience": 4, "factor": 0.5}, "rising"),
    ({"metric": "val_accuracy", "patience": 2, "factor": 0.6, "threshold": 0.1}, "rising"),
    ({"metric": "val_accuracy", "patience": 2, "factor": 0.6, "threshold": 0.02, "threshold_mode": "abs"}, "rising"),
    ({"metric": "train_accuracy", "patience": 0, "factor": 0.95, "cooldown": 2}, "rising"),
    ({"metric": "train_loss", "patience": 6, "factor": 0.2, "min_lr": 0.02}, "broken"),
    ({"patience": 3, "factor": 0.5, "warmup": {"steps": 30, "start_factor": 0.1}}, "falling"),
]


def metrics(kind):
    noise, t = uniform(len(kind), SYNTHETIC, 0, PLATEAU_STEPS), numpy.arange(PLATEAU_STEPS)
    falling = numpy.round(2 * numpy.exp(-t / 40) + 0.2 * noise + 0.1, 4)
    broken = numpy.where(t % 17 == 5, numpy.nan, numpy.where(t % 29 == 7, numpy.inf, falling))
    return {"falling": falling, "flat": numpy.round(falling, 1), "broken": broken,
            "rising": numpy.round(1 - falling / 3, 4)}[kind]


def plateau_rates(options, values):
    options = dict(options)
    warmup, metric = options.pop("warmup", None), options.pop("metric", "val_loss")
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=BASE_LR)
    made = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer, mode="max" if metric.endswith("accuracy") else "min", **options)
    rates = []
    for value in values:
        rates.append(optimizer.param_groups[0]["lr"])
        made.step(value)
    return numpy.array(rates) * (warmup_factors(warmup, len(rates)) if warmup else 1)


def write_plateaus(file):
    file.write("start lr=%g\n" % BASE_LR)
    for options, kind in PLATEAUS:
        values = metrics(kind)
        file.write("schedule %s\n" % json.dumps({"type": "reduce_on_plateau", **options}))
        for name, row in (("metrics", values), ("rates", plateau_rates(options, values))):
            file.write("%s %d %s\n" % (name, len(row), " ".join("%.15g" % number for number in row)))


# ---- clipped gradients ----

# clip_grad_norm and clip_grad_value (None: off), an optimizer and its options.
CLIPS = [
    (0.5, None, "sgd", {"lr": 0.1}),
    (None, 0.25, "sgd", {"lr": 0.1, "momentum": 0.9}),
    (1.0, 0.3, "sgd", {"lr": 0.1, "weight_decay": 0.01}),
    (0.7, 0.5, "adam", {"lr": 0.01}),
    (1e-3, None, "rmsprop", {"lr": 0.01, "momentum": 0.5}),
    (100.0, 100.0, "sgd", {"lr": 0.1}),
]


def write_clips(file):
    torch.set_default_dtype(torch.float64)
    for number, (norm, value, kind, options) in enumerate(CLIPS):
        w = torch.tensor(start(number))
        made = MADE[kind]([w], **options)
        base = made.param_groups[0]["lr"]
        file.write("clip norm=%s value=%s\n" % (norm or "nan", value or "nan"))
        file.write("optimizer %s\n" % words(kind, options))
        file.write("size weights=%d steps=%d\n" % (WEIGHTS_MOVED, STEPS_MOVED))
        for step in range(1, STEPS_MOVED + 1):
            w.grad = torch.tensor(gradient(number, step))
            made.param_groups[0]["lr"] = rate({"lr": base}, step)
            if norm is not None:
                torch.nn.utils.clip_grad_norm_([w], norm)
            if value is not None:
                torch.nn.utils.clip_grad_value_([w], value)
            made.step()
            file.write(numbers("w", w.numpy()))
        file.write("end\n")
    torch.set_default_dtype(torch.float32)


def write(name, *parts):
    path = os.path.join(HERE, name)
    with open(path + ".part", "w", encoding="utf-8") as file:
        file.write("# Made by make.py with PyTorch %s. Do not edit.\n" % torch.__version__)
        for part in parts:
            part(file)
    os.rename(path + ".part", path)
    print("%s: %d bytes" % (path, os.path.getsize(path)))


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    write("schedules.txt", write_schedules)
    write("layers.txt", write_layers)
    write("convolutions.txt", write_convolutions)
    write("losses.txt", write_losses)
    write("inits.txt", write_inits)
    write("lenet5.txt", write_runs)
    write("optimizers.txt", write_optimizers)
    write("batch.txt", batch.write_batches(sys.modules[__name__]))
    write("networks.txt", networks.write_networks(sys.modules[__name__]))
    write("plateaus.txt", write_plateaus)
    write("clips.txt", write_clips)
