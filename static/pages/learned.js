// What the tabs about a trained network share: which checkpoint they look at, of which split, and
// what a class is called. Both choices stand in the address.
import { html } from "../html.js";
import { ended } from "../data/model.js";
import { count, metric } from "../parts/format.js";
import { sheet } from "../parts/sheet.js";
import { setOption } from "../route.js";

await sheet("/learned.css"); // the tabs that import this are not shown before

/** A class's name, or its number where it has none. */
export const nameOfClass = (classes, index) => classes[index]?.name ?? String(index);

/** The checkpoint that the address names; the best one when it names none. Null: there is none. */
export function chosenCheckpoint(items, { checkpoint = "" }) {
    if (!items || items.length === 0)
        return null;
    const last = items[items.length - 1];
    if (checkpoint === "last")
        return last;
    const named = items.find(({ step }) => String(step) === checkpoint);
    return named ?? items.find(({ best }) => best) ?? last;
}

/** Shows `view(item)` of the chosen checkpoint, or says why there is none. */
export function OfCheckpoint({ job, opened, options, view }) {
    const item = chosenCheckpoint(opened.checkpoints, options);
    if (item)
        return view(item);
    if (!opened.checkpoints)
        return html`<p class="soft">Reading the checkpoints …</p>`;
    return html`<p class="soft">
        ${
            ended(job)
                ? "The job has stored no checkpoint, so there is no network to look at."
                : "The first checkpoint is not stored yet. There is something to see once it is."
        }
    </p>`;
}

function checkpointTitle({ step, best, metrics = {} }) {
    const [name] = ["val_accuracy", "val_loss", "train_loss"].filter((key) => key in metrics);
    const parts = [`step ${count(step)}`];
    if (name)
        parts.push(`${name.replace("_", ". ")} ${metric(name, metrics[name])}`);
    return parts.join(", ") + (best ? " (best)" : "");
}

/** Properties: items (the stored checkpoints), options. */
export function CheckpointChoice({ items, options }) {
    const chosen = options.checkpoint ?? "";
    const known = ["", "last"].includes(chosen) || items.some(({ step }) => String(step) === chosen);
    const option = (value, title) => html`<option key=${value} value=${value}
        selected=${value === (known ? chosen : "")}>${title}</option>`;
    return html`<label>Checkpoint${" "}
        <select onChange=${({ target }) => setOption("checkpoint", target.value)}>
            ${option("", "the best")}${option("last", "the last")}
            ${[...items].reverse().map((item) => option(String(item.step), checkpointTitle(item)))}
        </select>
    </label>`;
}

/** The parts of the data set that there are for a job, by the names that evaluations have. */
export function splitsOf({ plan, spec }) {
    const shared = plan.validation_samples > 0 && spec.dataset.validation === "test";
    const splits = [
        {
            key: "validation",
            title: shared ? "validation (the test samples)" : "validation",
            count: plan.validation_samples,
        },
        { key: "train", title: "training", count: plan.train_samples },
        { key: "test", title: "test", count: shared ? 0 : plan.data.test_samples },
    ];
    return splits.filter(({ count: samples }) => samples > 0);
}

export function SplitChoice({ splits, chosen }) {
    return html`<label>Samples${" "}
        <select onChange=${({ target }) => setOption("split", target.value)}>
            ${splits.map(
                ({ key, title, count: samples }) => html`<option key=${key} value=${key}
                    selected=${key === chosen}>${title}: ${count(samples)}</option>`,
            )}
        </select>
    </label>`;
}
