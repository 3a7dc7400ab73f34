"""Golden training runs of whole networks: fifty losses from weights that C draws as well.

Knows the random numbers and the single layers of make.py, which calls it; writes networks.txt.
"""

import numpy
import torch

SIDE, CHANNELS, CLASSES, SAMPLES, BATCH, STEPS, SEED = 16, 3, 5, 400, 8, 50, 77
# Runs begin at this many times the default weights: PyTorch's are so small that the first steps hardly move.
FACTOR = 2


def conv(out, size=3, **options):
    return ("conv2d", {"out_channels": out, "kernel_size": size, **options})


def normal():
    return ("batch_norm2d", {})


RELU = ("relu", {})
POOL = ("max_pool2d", {"kernel_size": 2})


def linear(out):
    return ("linear", {"out_features": out})


def basic(out, stride=1, shortcut=()):
    """ResNet's basic block, in its order: the last activation stands behind the sum."""
    return [("residual", {"body": [conv(out, padding=1, stride=stride, bias=False), normal(), RELU,
                                   conv(out, padding=1, bias=False), normal()],
                          "shortcut": list(shortcut)}), RELU]


def stage(width, first):
    down = [conv(width, 1, stride=2, bias=False), normal()]
    blocks = basic(width) if first else basic(width, 2, down)
    return blocks + basic(width) + basic(width)


def separable(out, width, stride=1):
    """MobileNet's pair: every channel by itself, then all of them at each pixel."""
    return [conv(width, padding=1, stride=stride, groups=width, bias=False), normal(), RELU,
            conv(out, 1, bias=False), normal(), RELU]


END = [("adaptive_avg_pool2d", {"output_size": 1}), ("flatten", {}), linear(CLASSES)]

RESNET20 = ([conv(16, padding=1, bias=False), normal(), RELU] + stage(16, True) + stage(32, False)
            + stage(64, False) + END)

# With usual rates a ReLU that rounding turns off is enough to lead ResNet-20 elsewhere: PyTorch's float leaves its own
# double by a hundredth within these steps. Float is asked for the losses of small steps alone.
DOUBLE_ALONE = ("resnet20",)

# name, layers, optimizer, its options
NETWORKS = [
    ("lenet5", [conv(6, 5, padding=2), RELU, POOL, conv(16, 3), RELU, POOL, ("flatten", {}), linear(120), RELU,
                linear(84), RELU, linear(CLASSES)], "adam", {"lr": 0.002}),
    ("vgg with batch norm", [conv(16, padding=1), normal(), RELU, conv(16, padding=1), normal(), RELU, POOL,
                             conv(32, padding=1), normal(), RELU, conv(32, padding=1), normal(), RELU, POOL,
                             ("flatten", {}), linear(32), RELU, linear(CLASSES)],
     "sgd", {"lr": 0.005, "momentum": 0.9, "weight_decay": 0.0005}),
    ("resnet20", RESNET20, "sgd", {"lr": 0.005, "momentum": 0.9, "nesterov": True, "weight_decay": 0.0001}),
    ("resnet20 in small steps", RESNET20, "sgd",
     {"lr": 1e-05, "momentum": 0.9, "nesterov": True, "weight_decay": 0.0001}),
    ("depthwise separable", [conv(16, padding=1, stride=2, bias=False), normal(), RELU] + separable(32, 16)
     + separable(48, 32, 2) + separable(48, 48) + END, "sgd", {"lr": 0.01, "momentum": 0.9}),
    ("concat", [conv(8, padding=1), RELU, POOL,
                ("concat", {"branches": [[conv(8, 1), RELU], [conv(4, 1), RELU, conv(8, padding=1), RELU],
                                         [("avg_pool2d", {"kernel_size": 3, "stride": 1, "padding": 1}),
                                          conv(5, 1), RELU], []]}),
                POOL, ("concat", {"branches": [[conv(8, padding=1), ("tanh", {})], []]}), ("flatten", {}),
                linear(CLASSES)], "adam", {"lr": 0.002}),
]


class Residual(torch.nn.Module):
    def __init__(self, body, shortcut):
        super().__init__()
        self.body, self.shortcut = body, shortcut

    def forward(self, x):
        return self.body(x) + self.shortcut(x)


class Concat(torch.nn.Module):
    def __init__(self, branches):
        super().__init__()
        self.branches = torch.nn.ModuleList(branches)

    def forward(self, x):
        return torch.cat([branch(x) for branch in self.branches], 1)


def sequence(layers, x, single):
    """The network as modules, with the names that traind gives its tensors; x runs through it, for the shapes."""
    made = []
    for kind, options in layers:
        if kind == "residual":
            module = Residual(sequence(options["body"], x, single), sequence(options["shortcut"], x, single))
        elif kind == "concat":
            module = Concat([sequence(branch, x, single) for branch in options["branches"]])
        else:
            module, _ = single(kind, options, x.shape[1])
        made.append(module.to(x.dtype))
        x = made[-1](x)
    return torch.nn.Sequential(*made)


def network_words(layers, words):
    def bracket(inner):
        return "(%s)" % network_words(inner, words)
    each = []
    for kind, options in layers:
        if kind == "residual":
            each.append("residual body=%s shortcut=%s" % (bracket(options["body"]), bracket(options["shortcut"])))
        elif kind == "concat":
            each.append("concat branches=%s" % "".join(bracket(branch) for branch in options["branches"]))
        else:
            each.append(words(kind, options))
    return " | ".join(each)


def images(make):
    """A bar whose height and slope tell the class, shifted from channel to channel, in noise. Bytes."""
    labels = (CLASSES * make.uniform(SEED, make.SPLIT, 0, SAMPLES)).astype(numpy.int64)
    noise = (176 * make.uniform(SEED, make.SYNTHETIC, 0, SAMPLES * CHANNELS * SIDE * SIDE)).astype(numpy.int64)
    channel, y, x = numpy.mgrid[0:CHANNELS, 0:SIDE, 0:SIDE]
    c = labels.reshape(-1, 1, 1, 1)
    distance = 2 * y - 6 * (c % 3) - 6 + 3 * channel - numpy.where(c < 3, x - 8, 8 - x)
    return numpy.where(abs(distance) < 3, 79, 0) + noise.reshape(SAMPLES, CHANNELS, SIDE, SIDE), labels


def draw(network, make):
    """The default weights of traind: its tensors are those of PyTorch, in the same order."""
    tensors = [pair for pair in network.state_dict().items() if not pair[0].endswith("num_batches_tracked")]
    modules = dict(network.named_modules())
    with torch.no_grad():
        for number, (name, tensor) in enumerate(tensors):
            module = modules[name.rpartition(".")[0]]
            if isinstance(module, torch.nn.BatchNorm2d):
                continue
            fan_in = module.weight[0].numel()
            u = make.uniform(SEED, make.WEIGHTS | number << 8, 0, tensor.numel())
            values = ((2 * u - 1) * (1 / numpy.sqrt(fan_in))).astype(numpy.float32) * FACTOR
            tensor.copy_(torch.tensor(values.astype(numpy.float64)).reshape(tensor.shape))


def train(make, layers, optimizer, options):
    """Losses of the steps and then the mean loss in evaluation, in double."""
    pixels, labels = images(make)
    x, y = torch.tensor(pixels).double() / 255, torch.tensor(labels)
    network = sequence(layers, x[:2], make.layer)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.reset_running_stats()
    draw(network, make)
    made = make.MADE[optimizer](network.parameters(), **options)
    losses = []
    for step in range(STEPS):
        batch = slice(step * BATCH, (step + 1) * BATCH)
        made.zero_grad()
        loss = torch.nn.functional.cross_entropy(network(x[batch]), y[batch])
        loss.backward()
        losses.append(loss.item())
        made.step()
    network.eval()
    with torch.no_grad():
        evaluation = torch.nn.functional.cross_entropy(network(x), y).item()
    return losses, evaluation, sum(p.numel() for p in network.parameters())


def write_networks(make):
    def part(file):
        file.write("start seed=%d factor=%d samples=%d channels=%d side=%d classes=%d batch=%d\n"
                   % (SEED, FACTOR, SAMPLES, CHANNELS, SIDE, CLASSES, BATCH))
        for name, layers, optimizer, options in NETWORKS:
            losses, evaluation, parameters = train(make, layers, optimizer, options)
            file.write("network %s\n" % name)
            file.write("model %s\n" % network_words(layers, make.words))
            file.write("optimizer %s\n" % make.words(optimizer, options))
            file.write("size parameters=%d float=%d\n" % (parameters, name not in DOUBLE_ALONE))
            file.write(make.numbers("losses", losses))
            file.write(make.numbers("evaluation", [evaluation]))
            file.write("end\n")
    return part
