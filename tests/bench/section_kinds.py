"""Where a step of each network goes, by kind of layer and by part."""
import collections

import specs
import tools

TITLE = "Where a step goes"
SHARE = 0.04
PARTS = ["pack", "norm", "update", "data", "loss", "waiting"]


def shares(answer):
    """Kind or part → share of the mean step. A layer's gathering of gradients is the layer's."""
    found, profile = collections.Counter(), answer["profile"]
    for op in profile["ops"]:
        found[op["type"]] += op["forward_ms"] + op["backward_ms"] + op["gather_ms"]
    for part in PARTS:
        found[part] = profile["parts_ms"][part]
    return {name: value / answer["mean_ms"] for name, value in found.items()}


def run(bench, _until):
    threads, columns, names = bench.threads[-1], [], []
    for name in specs.NETS + ["depthwise"]:
        if bench.late():
            break
        answer, _ = bench.traind(specs.spec(name), threads, "--bench", str(bench.turn_seconds), "--explain")
        columns.append(shares(answer))
        names.append(name)
    total = sum((collections.Counter(column) for column in columns), collections.Counter())
    kinds = sorted((name for name in total if name not in PARTS), key=lambda name: -total[name])
    rows = [[name] + ["%.1f %%" % (100 * column[name]) if name in column else "" for column in columns]
            for name in kinds + PARTS]
    return [tools.table(["share of the step"] + names, rows),
            "%d threads, fp32. `make profile NET=%s` shows it layer by layer.\n" % (threads, specs.NETS[-1])]
