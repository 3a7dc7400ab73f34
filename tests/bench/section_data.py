"""What the way of the data into the network costs: decoding, augmentation, normalization."""
import specs
import tools

TITLE = "The data path"
SHARE = 0.06
MOVES = [{"type": "random_crop", "padding": 4}, "random_horizontal_flip"]
WAYS = {
    "plain": [],
    "crops and flips": MOVES,
    "and colours": MOVES + ["random_brightness", "random_contrast"],
    "and turns": MOVES + ["random_brightness", "random_contrast",
                          {"type": "random_rotation", "degrees": 15, "interpolation": "bilinear"}],
}


def cell(bench, name, augment):
    spec = specs.merged(specs.spec(name), {"dataset": {"augment": augment, "normalize": "standard"}})
    answer, _ = bench.traind(spec, bench.threads[-1], "--bench", str(bench.turn_seconds), "--explain")
    data = answer["profile"]["parts_ms"]["data"]
    return "%s (%.2f %%)" % (tools.figure(data), 100 * data / answer["mean_ms"])


def run(bench, _until):
    rows = []
    for name in specs.NETS:
        if bench.late():
            break
        rows.append([name] + [cell(bench, name, augment) for augment in WAYS.values()])
    return [tools.table(["net"] + ["%s, ms (of the step)" % way for way in WAYS], rows),
            "%d threads, fp32, normalization \"standard\"; the time of all threads divided by their number. Crops and flips: "
            "random_crop with a padding of 4 pixels and random_horizontal_flip; colours: random_brightness and "
            "random_contrast; turns: random_rotation, bilinear.\n" % bench.threads[-1]]
