"""What PyTorch says of the samples of an NPY file with the weights that were downloaded.

usage: predict.py WEIGHTS SAMPLES MEAN STD: prints a list of lists of probabilities. Exit code 77: PyTorch is not
installed. The network is the one of support_predict.c.
"""
import json
import struct
import sys

try:
    import numpy
    import torch
except ImportError:
    sys.exit(77)


def read_safetensors(path):
    data = open(path, "rb").read()
    size = struct.unpack("<Q", data[:8])[0]
    head, body = json.loads(data[8 : 8 + size]), data[8 + size :]
    state = {}
    for name, tensor in head.items():
        if name == "__metadata__":
            continue
        begin, end = tensor["data_offsets"]
        numbers = numpy.frombuffer(body[begin:end], "<f4").reshape(tensor["shape"])
        state[name] = torch.from_numpy(numbers.copy())
    return state


weights, samples, mean, std = sys.argv[1:]
net = torch.nn.Sequential(
    torch.nn.Conv2d(1, 4, 3),
    torch.nn.BatchNorm2d(4),
    torch.nn.ReLU(),
    torch.nn.MaxPool2d(2),
    torch.nn.Flatten(),
    torch.nn.Linear(64, 4),
)
missing, unexpected = net.load_state_dict(read_safetensors(weights), strict=False)
assert not unexpected and all(name.endswith("num_batches_tracked") for name in missing), (missing, unexpected)
net.eval()
x = torch.from_numpy(numpy.load(samples).astype("float32"))[:, None]
x = (x / 255 - float(mean)) / float(std)
with torch.no_grad():
    print(json.dumps(torch.softmax(net(x).double(), 1).tolist()))
