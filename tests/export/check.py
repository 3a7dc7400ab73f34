"""What Debian's Python makes of exported networks: onnx checks the model, PyTorch runs the script.

usage: check.py PLACE ID …, where PLACE holds ID.onnx, ID.py, ID.safetensors and ID.npy. Prints one JSON object: for each id
what is wrong with the model (null: nothing), the probabilities of the samples, or what went wrong on the way, and what is wrong
with optimizer and schedule.
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
    return probabilities.double().tolist()


def run_program(file, rows):
    """The same as a user runs it: a line of text for each sample, with the likeliest class."""
    command = [sys.executable, "-B", file + ".py", file + ".safetensors", file + ".npy"]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    best = [row.index(max(row)) for row in rows]
    said = [int(line.split()[1]) for line in lines]
    if said != best:
        raise ValueError(f"the program says {said} and its parts {best}")


def check_course(file):
    """What is wrong with optimizer and schedule; None: with both, the rates are those that the job has used."""
    script = load_script(file + ".py")
    with open(file + ".rates.json") as rates:
        wanted = json.load(rates)["series"]["lr"]["value"]
    optimizer = script.make_optimizer(script.make_network())
    with open(file + ".py") as text:
        told = text.read()
    if optimizer is None:
        return None if "PyTorch has no adabound" in told else "there is no optimizer"
    schedule = script.make_schedule(optimizer)
    if schedule is None:
        return None if "PyTorch has no piecewise" in told else "there is no schedule"
    if isinstance(schedule, torch.optim.lr_scheduler.ReduceLROnPlateau):
        return None if schedule.mode == "max" and schedule.patience == 1 else "the plateau is another one"
    if "a warm-up over 4 steps" in told:
        return None
    rates, each = [], 1 if "every optimizer's step" in script.make_schedule.__doc__ else 8
    for step in range(1, len(wanted) + 1):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if step % each == 0:
            schedule.step()
    return None if numpy.allclose(rates, wanted, rtol=1e-6, atol=0) else f"{rates} instead of {wanted}"


def check(file, as_program):
    found = {"onnx": check_onnx(file + ".onnx"), "probabilities": None, "error": None, "course": "not looked at"}
    try:
        found["probabilities"] = run_script(file)
        if as_program:
            run_program(file, found["probabilities"])
        found["course"] = check_course(file)
    except Exception:
        found["error"] = traceback.format_exc()
    return found


def main():
    torch.set_num_threads(1)
    place, names = sys.argv[1], sys.argv[2:]
    # To start Python takes longer than all the rest: the program is tried with some of them.
    found = {name: check(os.path.join(place, name), i % 10 == 0) for i, name in enumerate(names)}
    json.dump(found, sys.stdout)


main()
