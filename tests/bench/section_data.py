"""What the way of the data into the network costs: decoding, augmentation, normalization."""
import specs
import tools

TITLE = "The data path"
SHARE = 0.04
HEAD = ["net", "plain, ms", "share of the step", "augmented, ms", "share of the step"]
AUGMENT = [{"type": "random_crop", "padding": 4}, "random_horizontal_flip"]


def run(bench, _until):
    rows, threads = [], bench.threads[-1]
    for name in specs.NETS:
        if bench.late():
            break
        row = [name]
        for augment in ([], AUGMENT):
            spec = specs.merged(specs.spec(name), {"dataset": {"augment": augment}})
            answer, _ = bench.traind(spec, threads, "--bench", str(bench.turn_seconds), "--explain")
            data = answer["profile"]["parts_ms"]["data"]
            row += [tools.figure(data), "%.2f %%" % (100 * data / answer["mean_ms"])]
        rows.append(row)
    return [tools.table(HEAD, rows),
            "%d threads; the time of all threads divided by their number. Augmented: random_crop with a padding of 4 "
            "pixels and random_horizontal_flip.\n" % threads]
