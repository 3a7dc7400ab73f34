// A job as a form: its data, its network layer by layer, how it learns. Another view of the same
// JSON that the text shows; what neither names stays as it is.
import { Component, html } from "../html.js";
import { changed } from "../data/draft.js";
import { tokens } from "../data/json_tree.js";
import { count, shape } from "../parts/format.js";
import { FieldOf, Fields, Labelled, Variant, Wrong } from "../parts/schema_form.js";
import { LayerList } from "./layers.js";
import { ScheduleCurve } from "./schedule_curve.js";

/** The sections: a row each. `keys`: of the job, as fields. Keys that no row names are in the last,
 * so that whatever the schema has can be said here. */
const SECTIONS = [
    { title: "Job", keys: ["name"] },
    { title: "Data", part: Data, owns: ["dataset"] },
    { title: "Network", part: Network, owns: ["model"] },
    { title: "Optimizer", part: Optimizer, owns: ["optimizer"] },
    { title: "Learning rate over time", part: Schedule, owns: ["lr_schedule"] },
    { title: "Training", keys: ["epochs", "max_steps", "batch_size", "precision", "seed"] },
    { title: "Everything else", keys: [], rest: true },
];

const OWNED = new Set(SECTIONS.flatMap(({ keys = [], owns = [] }) => [...keys, ...owns]));

/** What the fields ask and tell, of a draft. */
function formOf({ draft, schema, names }) {
    const problems = draft.problems();
    const under = (pointer) => `${pointer}/`;
    return {
        schema,
        names,
        draft,
        shapes: draft.shapes,
        stale: draft.pending,
        layer: schema.root.properties.model.items,
        set: (pointer, value) => draft.set(pointer, value),
        remove: (pointer) => draft.set(pointer, undefined),
        wrong: (pointer) => problems.filter((problem) => problem.pointer === pointer),
        faulty: (pointer) =>
            problems.some((one) => one.pointer === pointer || one.pointer?.startsWith(under(pointer))),
        insert: (pointer, index, item) =>
            draft.change(pointer, (list) => (Array.isArray(list) ? list : []).toSpliced(index, 0, item)),
        move: (from, to) => draft.change("", (value) => moved(value, from, to)),
    };
}

/** The value with what is at `from` put before what is at `to`. */
export function moved(value, from, to) {
    const [source, target] = [tokens(from), tokens(to)];
    const item = source.reduce((part, token) => part[token], value);
    const depth = source.length - 1;
    const shared = source.slice(0, depth).every((token, i) => token === target[i]);
    if (shared && target.length > depth && Number(target[depth]) > Number(source[depth]))
        target[depth] = String(Number(target[depth]) - 1);
    const without = changed(value, source, () => undefined);
    const put = (list) => (list ?? []).toSpliced(Number(target[target.length - 1]), 0, item);
    return changed(without, target.slice(0, -1), put);
}

/** Properties: draft, schema, names, sets (of data). */
export class FormEditor extends Component {
    render({ draft, schema, names, sets }) {
        const form = formOf({ draft, schema, names });
        return html`<div>
            ${!draft.value && draft.text !== "" && html`<p class="note">The text is not JSON as it
                stands: until it is, the form rests.</p>`}
            <div class="form ${draft.value ? "" : "stale"}" inert=${!draft.value}>
                ${draft.shown && SECTIONS.map((section) => html`<${Section} key=${section.title}
                    section=${section} form=${form} value=${draft.shown} sets=${sets}
                    plan=${draft.plan} />`)}
            </div>
        </div>`;
    }
}

function Section({ section, form, value, sets, plan }) {
    const { title, keys, part, rest } = section;
    if (part)
        return html`<section class="part"><h2>${title}</h2>
            <${part} form=${form} value=${value} sets=${sets} plan=${plan} /></section>`;
    const known = Object.entries(form.schema.root.properties);
    const wanted = known.filter(([key]) => (rest ? !OWNED.has(key) : keys.includes(key)));
    const strange = rest ? Object.keys(value).filter((key) => !(key in form.schema.root.properties)) : [];
    const set = wanted.filter(([key]) => key in value).length;
    const fields = html`<div class="fields">
        ${strange.map((key) => html`<${Unknown} key=${key} form=${form} name=${key} />`)}
        ${wanted.map(([key, field]) => html`<${FieldOf} key=${key} form=${form} pointer="/${key}"
            name=${key} field=${field} value=${value[key]} />`)}
    </div>`;
    if (!rest)
        return html`<section class="part"><h2>${title}</h2>${fields}</section>`;
    return html`<section class="part">
        <details open=${strange.length > 0}>
            <summary><h2>${title}</h2> <span class="soft">labels, loss, checkpoints, early stopping …
                ${set > 0 && `${set} set`}</span></summary>
            ${fields}
        </details>
    </section>`;
}

// A key of the job that the schema does not know.
const Unknown = ({ form, name }) => html`<div class="field wrong">
    <span class="label-text">${name}</span>
    <${Wrong} problems=${form.wrong(`/${name}`)} id="unknown-${name}" />
    <button type="button" class="plain" onClick=${() => form.remove(`/${name}`)}>
        Take it away
    </button>
</div>`;

const SYNTHETIC = "\n"; // no data set has such a name

function Data({ form, value, sets }) {
    const data = value.dataset && typeof value.dataset === "object" ? value.dataset : {};
    const field = form.schema.root.properties.dataset;
    const known = sets.some(({ name }) => name === data.name);
    const choose = (name) => {
        const { name: before, synthetic, ...others } = data;
        const begun = { shape: [3, 32, 32], classes: 10, samples: 4096 };
        const set = name === SYNTHETIC ? { synthetic: begun } : { name };
        form.set("/dataset", { ...set, ...others });
    };
    return html`
        <${Labelled} form=${form} pointer="/dataset/name" title="data set"
            about="What to learn from; more can be uploaded under Data">
            ${(given) => html`<select ...${given} value=${data.synthetic ? SYNTHETIC : (data.name ?? "")}
                onChange=${({ target }) => choose(target.value)}>
                ${!known && !data.synthetic && html`<option value=${data.name ?? ""}>
                    ${data.name ? `${data.name}: not on this server` : "choose one"}
                </option>`}
                ${sets.map((set) => html`<option key=${set.name} value=${set.name}>
                    ${set.name}: ${shape(set.shape)}, ${count(set.classes)} classes,${" "}
                    ${count(set.train_samples)} samples
                </option>`)}
                <option value=${SYNTHETIC}>synthetic: learnable images, drawn from the seed</option>
            </select>`}
        </${Labelled}>
        <${Wrong} problems=${form.wrong("/dataset")} id="dataset-error" />
        <${Fields} form=${form} pointer="/dataset" field=${field} value=${data}
            without=${data.synthetic ? ["name"] : ["name", "synthetic"]} main=${["normalize", "augment"]} />`;
}

function Network({ form, value, plan }) {
    const data = plan?.data;
    return html`
        ${data && html`<p class="soft input">Pictures of <b class="shape">${shape(data.shape)}</b>${" "}
            come in, one score for each of ${count(data.classes)} classes must come out.</p>`}
        <${Wrong} problems=${form.wrong("/model")} id="model-error" />
        <${LayerList} form=${form} pointer="/model" layers=${value.model} title="the network" />`;
}

function Optimizer({ form, value }) {
    return html`<${Variant} form=${form} pointer="/optimizer" title="type" value=${value.optimizer}
        one=${form.schema.resolve(form.schema.root.properties.optimizer)}
        main=${["lr", "momentum", "betas", "weight_decay", "nesterov"]}
        change=${(next) => form.set("/optimizer", next)} />`;
}

/** Options of a schedule that are always shown: all but what every one has. */
const LATER = ["unit", "warmup", "threshold", "threshold_mode", "cooldown", "eps"];

function Schedule({ form, value, plan }) {
    const one = form.schema.resolve(form.schema.root.properties.lr_schedule);
    const kind = form.schema.variantOf(one, value.lr_schedule ?? one.default);
    const main = Object.keys(kind?.properties ?? {}).filter((key) => !LATER.includes(key));
    return html`<div class="split">
        <${Variant} form=${form} pointer="/lr_schedule" title="type" value=${value.lr_schedule}
            one=${one} main=${main} change=${(next) => form.set("/lr_schedule", next)} />
        ${plan && html`<${ScheduleCurve} plan=${plan} stale=${form.draft.old} />`}
    </div>`;
}

