"""Golden batches: what normalization and augmentation make of images that C draws as well.

Normalization is torch's float32 arithmetic as torchvision's ToTensor and Normalize do it. Augmentations are slices,
pads and flips of numpy, rotation is torch's grid_sample; their draws are those of core/rng.h and core/augment.h, written
once more here. torchvision itself is not needed. Knows the random numbers of make.py, which calls it; writes batch.txt.
"""

import math

import numpy
import torch

AUGMENT, SYNTHETIC = 4, 6
SEED, EPOCH, SAMPLES, FIRST = 7, 3, 5, 2
DRAWS = 64  # of one sample at each place of the list


# ---- draws ----

class Draws:
    """The draws of one sample at one place of the list."""

    def __init__(self, make, place, sample):
        self.make, self.stream, self.sample = make, AUGMENT | place << 8, sample

    def block(self, k):
        index = self.sample * DRAWS + k
        counter = [index & 0xFFFFFFFF, index >> 32, EPOCH, self.stream]
        return [int(word) for word in self.make.philox(counter, (SEED & 0xFFFFFFFF, SEED >> 32))]

    def uniform(self, k):
        block = self.block(k)
        return ((block[0] << 32 | block[1]) >> 11) * 2.0 ** -53

    def below(self, k, bound):
        """Lemire's: the first word whose product's low half is not among the refused ones."""
        refused = 2 ** 32 % bound
        for word in self.block(k):
            if word * bound % 2 ** 32 >= refused:
                return word * bound >> 32
        raise AssertionError("all four words refused: choose another seed")


# ---- augmentations of one image (channels, height, width) in float64 ----

def random_crop(x, draw, padding, padding_mode="zeros"):
    p = (padding, padding) if isinstance(padding, int) else padding
    mode = {"zeros": "constant", "reflect": "reflect"}[padding_mode]
    padded = numpy.pad(x, ((0, 0), (p[0], p[0]), (p[1], p[1])), mode=mode)
    top, left = draw.below(0, 2 * p[0] + 1), draw.below(1, 2 * p[1] + 1)
    return padded[:, top:top + x.shape[1], left:left + x.shape[2]]


def random_horizontal_flip(x, draw, p=0.5):
    return x[:, :, ::-1] if draw.uniform(0) < p else x


def random_vertical_flip(x, draw, p=0.5):
    return x[:, ::-1, :] if draw.uniform(0) < p else x


def rotate(x, degrees, interpolation):
    """torchvision's rotate for tensors: affine_grid and grid_sample with zeros outside."""
    height, width = x.shape[1:]
    sine, cosine = math.sin(math.radians(degrees)), math.cos(math.radians(degrees))
    theta = torch.tensor([[cosine, -sine * height / width, 0], [sine * width / height, cosine, 0]],
                         dtype=torch.float64)
    image = torch.tensor(x.copy())[None]
    grid = torch.nn.functional.affine_grid(theta[None], list(image.shape), align_corners=False)
    return torch.nn.functional.grid_sample(image, grid, mode=interpolation, padding_mode="zeros",
                                           align_corners=False)[0].numpy()


def random_rotation(x, draw, degrees, interpolation="nearest"):
    return rotate(x, (2 * draw.uniform(0) - 1) * degrees, interpolation)


def cutout(x, draw, size):
    size = (size, size) if isinstance(size, int) else size
    first = [draw.below(axis, x.shape[1 + axis]) - size[axis] // 2 for axis in range(2)]
    x = x.copy()
    x[:, max(first[0], 0):max(first[0] + size[0], 0), max(first[1], 0):max(first[1] + size[1], 0)] = 0
    return x


def random_erasing(x, draw, p=0.5, scale=(0.02, 0.33), ratio=(0.3, 3.3)):
    """torchvision's RandomErasing.get_params, with its ten attempts."""
    if draw.uniform(0) >= p:
        return x
    height, width = x.shape[1:]
    for attempt in range(1, 41, 4):
        area = height * width * (scale[0] + (scale[1] - scale[0]) * draw.uniform(attempt))
        low, high = math.log(ratio[0]), math.log(ratio[1])
        aspect = math.exp(low + (high - low) * draw.uniform(attempt + 1))
        h, w = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
        if h < height and w < width:
            top, left = draw.below(attempt + 2, height - h + 1), draw.below(attempt + 3, width - w + 1)
            x = x.copy()
            x[:, top:top + h, left:left + w] = 0
            return x
    return x


def change(draw, factor):
    low = max(0, 1 - factor)
    return low + (1 + factor - low) * draw.uniform(0)


def random_brightness(x, draw, factor=0.2):
    return (x * change(draw, factor)).clip(0, 255)


def random_contrast(x, draw, factor=0.2):
    ratio = change(draw, factor)
    grey = numpy.tensordot([0.2989, 0.587, 0.114], x, 1) if len(x) == 3 else x
    return (ratio * x + (1 - ratio) * grey.mean()).clip(0, 255)


AUGMENTATIONS = [
    [(random_crop, {"padding": 2})],
    [(random_crop, {"padding": (1, 3)})],
    [(random_crop, {"padding": (0, 9)})],
    [(random_crop, {"padding": (4, 2), "padding_mode": "reflect"})],
    [(random_horizontal_flip, {})],
    [(random_vertical_flip, {"p": 0.7})],
    [(random_rotation, {"degrees": 30.0})],
    [(random_rotation, {"degrees": 180.0, "interpolation": "bilinear"})],
    [(cutout, {"size": 3})],
    [(cutout, {"size": (2, 20)})],
    [(random_erasing, {"p": 1.0})],
    [(random_erasing, {"p": 0.6, "scale": (0.5, 0.9), "ratio": (0.1, 0.2)})],
    [(random_brightness, {"factor": 0.9})],
    [(random_contrast, {"factor": 1.5})],
    [(random_crop, {"padding": 1}), (random_horizontal_flip, {}), (random_vertical_flip, {}),
     (random_brightness, {}), (random_crop, {"padding": 1}), (cutout, {"size": 2})],
]
NORMALIZATIONS = ["none", "scale", "standard", "mean_std mean=0.25,0.5,0.4914 std=0.247,2,0.2435",
                  "mean_std mean=0.2860406 std=0.35302424"]


# ---- files ----

def bytes_of(make, number, samples, shape):
    """Word 0 of draw i, its high byte: image after image."""
    count = samples * int(numpy.prod(shape))
    return (make.draws(number, SYNTHETIC, 0, count)[0] >> numpy.uint64(24)).astype(numpy.uint8).reshape((samples,) + shape)


def write_augmentations(make, file):
    quarter = numpy.arange(16.0).reshape(1, 4, 4)
    assert numpy.allclose(rotate(quarter, 90, "nearest"), numpy.rot90(quarter, 1, (1, 2)))  # against the clock
    for number, chain in enumerate(AUGMENTATIONS):
        shape = ((3, 6, 5), (1, 5, 8), (2, 5, 5))[number % 3]
        images = bytes_of(make, number, FIRST + SAMPLES, shape)[FIRST:].astype(numpy.float64)
        out = []
        for sample, x in enumerate(images):
            for place, (function, options) in enumerate(chain):
                x = function(x, Draws(make, place, FIRST + sample), **options)
            out.append(numpy.ascontiguousarray(x))
        file.write("augment %s\n" % " | ".join(make.words(function.__name__, options) for function, options in chain))
        file.write("shape channels=%d height=%d width=%d first=%d samples=%d seed=%d epoch=%d\n"
                   % (shape + (FIRST, SAMPLES, SEED, EPOCH)))
        file.write(make.numbers("x", numpy.stack(out).ravel()))


def standard(images):
    """Mean and deviation of each channel of byte / 255, in float64."""
    scaled = images.astype(numpy.float64) / 255
    return scaled.mean((0, 2, 3)), scaled.std((0, 2, 3))


def write_normalizations(make, file):
    for number, normalization in enumerate(NORMALIZATIONS):
        shape = (1, 5, 8) if normalization.endswith("std=0.35302424") else (3, 4, 5)
        images = bytes_of(make, 100 + number, SAMPLES, shape)
        x = torch.tensor(images).to(torch.float32)
        if normalization != "none":
            x = x.div(255)  # ToTensor
        mean, std = standard(images)
        for word in normalization.split()[1:]:
            name, values = word.split("=")
            given = [float(value) for value in values.split(",")]
            mean, std = (given, std) if name == "mean" else (mean, given)
        if normalization not in ("none", "scale"):
            mean, std = (torch.tensor(numpy.asarray(v), dtype=torch.float32)[:, None, None] for v in (mean, std))
            x = x.sub(mean).div(std)  # Normalize
        file.write("normalize %s\n" % normalization)
        file.write("shape channels=%d height=%d width=%d samples=%d\n" % (shape + (SAMPLES,)))
        file.write(make.numbers("x", x.double()))


def write_batches(make):
    def part(file):
        write_augmentations(make, file)
        write_normalizations(make, file)
    return part
