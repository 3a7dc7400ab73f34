"""Weights between traind and PyTorch. The safetensors format is read and written here in plain Python, so that
nothing but PyTorch itself is taken.

usage: torch_weights.py load FILE SET RESULT    the file into nn.Sequential, strictly
       torch_weights.py make FILE SET RESULT    weights of PyTorch's into a file
RESULT gets what the network makes of the set's test split: {"loss", "accuracy", "classes"}. Ends with 3 when PyTorch
is not there."""
import json
import struct
import sys

try:
    import torch
    from torch import nn
except ImportError:
    sys.exit(3)


def network():
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(64, 4))


def read(path):
    data = open(path, "rb").read()
    length = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + length])
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        assert entry["dtype"] == "F32", entry
        begin, end = (8 + length + at for at in entry["data_offsets"])
        tensors[name] = torch.frombuffer(bytearray(data[begin:end]), dtype=torch.float32).reshape(entry["shape"])
    return tensors


def write(path, tensors):
    header, data = {}, b""
    for name, tensor in tensors.items():
        kind = {torch.float32: ("F32", "f"), torch.int64: ("I64", "q")}[tensor.dtype]
        numbers = struct.pack("<%d%s" % (tensor.numel(), kind[1]), *tensor.flatten().tolist())
        header[name] = {"dtype": kind[0], "shape": list(tensor.shape),
                        "data_offsets": [len(data), len(data) + len(numbers)]}
        data += numbers
    text = json.dumps(header).encode()
    open(path, "wb").write(struct.pack("<Q", len(text)) + text + data)


def idx(path):
    data = open(path, "rb").read()
    sizes = struct.unpack(">%dI" % data[3], data[4:4 + 4 * data[3]])
    return torch.frombuffer(bytearray(data[4 + 4 * data[3]:]), dtype=torch.uint8).reshape(sizes)


def main(command, file, data, result):
    torch.manual_seed(5)
    model = network()
    if command == "make":
        model[1].running_mean.uniform_(-0.2, 0.2)
        model[1].running_var.uniform_(0.5, 2)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(torch.randn_like(parameter) * 0.3)
        write(file, model.state_dict())
    else:
        model.load_state_dict(read(file), strict=True)
    model.eval()
    images = idx(data + "/t10k-images-idx3-ubyte").float().unsqueeze(1) / 255
    labels = idx(data + "/t10k-labels-idx1-ubyte").long()
    with torch.no_grad():
        scores = model(images)
    classes = scores.argmax(1)
    json.dump({"loss": nn.functional.cross_entropy(scores, labels).item(),
               "accuracy": (classes == labels).double().mean().item(), "classes": classes.tolist()}, open(result, "w"))


main(*sys.argv[1:])
