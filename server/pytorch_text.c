/* PyTorch: the Python that is the same in every script. */
#include "server/pytorch.h"

/* clang-format off */
const char pytorch_flipped_conv2d[] =
    "class FlippedConv2d(nn.Conv2d):\n"
    "    \"\"\"True convolution: the kernels are turned by 180 degrees.\"\"\"\n"
    "\n"
    "    def forward(self, x):\n"
    "        return self._conv_forward(x, self.weight.flip(2, 3), self.bias)\n";

const char pytorch_locally_connected2d[] =
    "class LocallyConnected2d(nn.Module):\n"
    "    \"\"\"As Conv2d, but every pixel of the output (size) has kernels of its own.\"\"\"\n"
    "\n"
    "    def __init__(self, in_channels, out_channels, size, padding, kernel_size, stride=1, dilation=1,\n"
    "                 bias=True, padding_mode=\"zeros\"):\n"
    "        super().__init__()\n"
    "        kernel = kernel_size if isinstance(kernel_size, tuple) else (kernel_size, kernel_size)\n"
    "        self.windows = {\"kernel_size\": kernel, \"stride\": stride, \"dilation\": dilation}\n"
    "        self.padding = padding  # left, right, top, bottom\n"
    "        self.padding_mode = \"constant\" if padding_mode == \"zeros\" else padding_mode\n"
    "        bound = (in_channels * kernel[0] * kernel[1]) ** -0.5\n"
    "        weight = torch.empty(out_channels, *size, in_channels, *kernel)\n"
    "        self.weight = nn.Parameter(weight.uniform_(-bound, bound))\n"
    "        self.bias = nn.Parameter(torch.empty(out_channels, *size).uniform_(-bound, bound)) if bias else None\n"
    "\n"
    "    def forward(self, x):\n"
    "        out_channels, height, width = self.weight.shape[:3]\n"
    "        x = nn.functional.pad(x, self.padding, self.padding_mode)\n"
    "        patches = nn.functional.unfold(x, **self.windows)\n"
    "        weight = self.weight.reshape(out_channels, height * width, -1)\n"
    "        y = torch.einsum(\"nkp,opk->nop\", patches, weight).reshape(-1, out_channels, height, width)\n"
    "        return y if self.bias is None else y + self.bias\n";

const char pytorch_residual[] =
    "class Residual(nn.Module):\n"
    "    def __init__(self, body, shortcut):\n"
    "        super().__init__()\n"
    "        self.body = body\n"
    "        self.shortcut = shortcut\n"
    "\n"
    "    def forward(self, x):\n"
    "        return self.body(x) + self.shortcut(x)\n";

const char pytorch_concat[] =
    "class Concat(nn.Module):\n"
    "    def __init__(self, branches):\n"
    "        super().__init__()\n"
    "        self.branches = nn.ModuleList(branches)\n"
    "\n"
    "    def forward(self, x):\n"
    "        return torch.cat([branch(x) for branch in self.branches], dim=1)\n";

const char pytorch_end[] =
    "def read_safetensors(path):\n"
    "    \"\"\"The tensors of a checkpoint by name.\"\"\"\n"
    "    try:\n"
    "        from safetensors.torch import load_file\n"
    "        return load_file(path)\n"
    "    except ImportError:  # the format is simple enough to do without\n"
    "        pass\n"
    "    with open(path, \"rb\") as file:\n"
    "        head = json.loads(file.read(int.from_bytes(file.read(8), \"little\")))\n"
    "        data = bytearray(file.read())\n"
    "    head.pop(\"__metadata__\", None)\n"
    "    tensors = {}\n"
    "    for name, tensor in head.items():\n"
    "        begin, end = tensor[\"data_offsets\"]\n"
    "        numbers = torch.frombuffer(data, dtype=torch.float32, offset=begin, count=(end - begin) // 4)\n"
    "        tensors[name] = numbers.reshape(tensor[\"shape\"])\n"
    "    return tensors\n"
    "\n"
    "\n"
    "def main():\n"
    "    if len(sys.argv) != 3:\n"
    "        sys.exit(__doc__)\n"
    "    network = make_network()\n"
    "    network.load_state_dict(read_safetensors(sys.argv[1]))\n"
    "    network.eval()\n"
    "    pixels = torch.from_numpy(numpy.load(sys.argv[2]))\n"
    "    with torch.no_grad():\n"
    "        rows = probabilities(network(normalize(pixels)))\n"
    "    for i, row in enumerate(rows):\n"
    "        best = int(row.argmax())\n"
    "        print(i, best, f\"{float(row[best]):.4f}\", *CLASSES[best:best + 1])\n"
    "\n"
    "\n"
    "if __name__ == \"__main__\":\n"
    "    main()\n";
/* clang-format on */
