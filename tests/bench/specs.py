"""The networks that are measured: specs/NAME.json, and the variants of them in specs/variants.json."""
import copy
import json
import os

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "specs")

NETS = ["lenet5", "cnn32", "vgg6", "resnet20"]
FURTHER = ["depthwise", "cnn32-adam", "resnet20-adam", "cnn32-16", "resnet20-16", "cnn32-512", "resnet20-512",
           "vgg6-64x64"]


def read(name):
    with open(os.path.join(HERE, name + ".json"), encoding="utf-8") as file:
        return json.load(file)


def merged(old, new):
    """`old` with the members of `new`, objects in objects merged the same way; one with a type takes the old one's place.
    """
    if not isinstance(old, dict) or not isinstance(new, dict) or "type" in new:
        return copy.deepcopy(new)
    return {**old, **{key: merged(old.get(key), value) for key, value in new.items()}}


def in_precision(old, precision):
    """fp32 is what a spec says that says nothing."""
    return dict(old) if precision == "fp32" else {**old, "precision": precision}


def spec(name):
    base, change = read("variants").get(name, (name, {}))
    return merged(read(base), {**change, "name": name})
