"""What Debian's Python makes of exported networks: onnx checks the model, PyTorch runs the script.

usage: check.py PLACE ID …, where PLACE holds ID.onnx, ID.py, ID.safetensors and ID.npy. Prints one JSON object: for each id
what is wrong with the model (null: nothing), and the probabilities of the samples, or what went wrong on the way.
"""

import importlib.util
import json
import os
import subprocess
import sys
import traceback

import numpy
import onnx
import torch


def check_onnx(path):
    """What is wrong with the model; None when nothing is."""
    try:
        onnx.checker.check_model(path, full_check=True)
        model = onnx.load(path)
        outputs = [output.name for output in model.graph.output]
        if outputs != ["logits", "probabilities"]:
            return "its outputs are " + ", ".join(outputs)
        if not model.graph.input[0].type.tensor_type.shape.dim[0].dim_param:
            return "the number of samples is fixed"
        return None
    except Exception as error:
        return str(error)


def load_script(path):
    spec = importlib.util.spec_from_file_location("exported", path)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    return script


def run_script(file):
    """The probabilities by the script's parts, its names being what others build on."""
    script = load_script(file + ".py")
    network = script.make_network()
    network.load_state_dict(script.read_safetensors(file + ".safetensors"), strict=True)
    network.eval()
    with torch.no_grad():
        pixels = torch.from_numpy(numpy.load(file + ".npy"))
        probabilities = script.probabilities(network(script.normalize(pixels)))
    optimizer = script.make_optimizer(network)
    return probabilities.double().tolist(), optimizer


def run_program(file, rows):
    """The same as a user runs it: a line of text for each sample, with the likeliest class."""
    command = [sys.executable, "-B", file + ".py", file + ".safetensors", file + ".npy"]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    best = [row.index(max(row)) for row in rows]
    said = [int(line.split()[1]) for line in lines]
    if said != best:
        raise ValueError(f"the program says {said} and its parts {best}")


def check(file):
    found = {"onnx": check_onnx(file + ".onnx"), "probabilities": None, "error": None}
    try:
        found["probabilities"], _ = run_script(file)
        run_program(file, found["probabilities"])
    except Exception:
        found["error"] = traceback.format_exc()
    return found


def main():
    torch.set_num_threads(1)
    place = sys.argv[1]
    json.dump({name: check(os.path.join(place, name)) for name in sys.argv[2:]}, sys.stdout)


main()
