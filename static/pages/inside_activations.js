// What each layer makes of one sample of the data set: its channels as tiles, and how its numbers
// are spread. The sample stands in the address: sample=test/17.
import { html } from "../html.js";
import { getActivations, listSamples } from "../data/api.js";
import { Asked } from "../parts/asked.js";
import { count, percent, rough, shape } from "../parts/format.js";
import { Image } from "../parts/image.js";
import { setOption } from "../route.js";

const STRIP = 12; // samples to choose from at a time
const THUMB = 56;
const TILES = 560; // the longer side of a layer's picture, at most

/** The splits of a data set that have samples. */
const splitsOf = ({ plan: { data } }) =>
    [
        { key: "test", title: "test", count: data.test_samples },
        { key: "train", title: "training", count: data.train_samples },
    ].filter((split) => split.count > 0);

/** "test/17" → {split, sample}; the first of the first split when it names none. */
function readSample(text, splits) {
    const [name, number] = (text ?? "").split("/");
    const split = splits.find(({ key }) => key === name) ?? splits[0];
    const sample = /^\d+$/.test(number ?? "") ? Number(number) : 0;
    return { split, sample: Math.min(sample, split.count - 1) };
}

const choose = (split, sample) => setOption("sample", `${split.key}/${sample}`);

/** Properties: job, item (the checkpoint), options. */
export function Activations({ job, item, options }) {
    const splits = splitsOf(job);
    const { split, sample } = readSample(options.sample, splits);
    const ask = () => getActivations(job.id, item.step, { split: split.key, sample });
    return html`<section aria-labelledby="activations-title">
        <h2 id="activations-title">What the layers make of a sample</h2>
        <${Chooser} job=${job} splits=${splits} split=${split} sample=${sample} />
        <${Asked} what="${item.sha256} ${split.key} ${sample}" ask=${ask}
            wait="The network looks at the sample …">
            ${(answer) => html`<${Layers} answer=${answer} />`}
        <//>
    </section>`;
}

function Chooser({ job, splits, split, sample }) {
    const { name } = job.spec.dataset;
    const first = STRIP * Math.floor(sample / STRIP);
    const write = ({ target }) => {
        const number = Math.trunc(Number(target.value));
        if (target.value !== "" && number >= 0)
            choose(split, Math.min(number, split.count - 1));
    };
    const button = (title, to) => html`<button type="button" disabled=${to < 0 || to >= split.count}
        onClick=${() => choose(split, to)}>${title}</button>`;
    return html`
        <div class="bar sample-chooser">
            <label>Sample${" "}<input type="number" min="0" max=${split.count - 1} value=${sample}
                onChange=${write} /></label>
            <label>of${" "}<select aria-label="Split"
                onChange=${({ target }) => choose({ key: target.value }, 0)}>
                ${splits.map(
                    ({ key, title, count: samples }) => html`<option key=${key} value=${key}
                        selected=${key === split.key}>${title}: ${count(samples)}</option>`,
                )}
            </select></label>
            ${button("Previous", sample - 1)}${button("Next", sample + 1)}
            ${name && button("Earlier", first - STRIP)}${name && button("Later", first + STRIP)}
        </div>
        ${
            name &&
            html`<${Asked} what="${name} ${split.key} ${first}" wait="Reading samples …"
                ask=${() => listSamples(name, { split: split.key, offset: first, limit: STRIP })}>
                ${({ items }) => html`<${Strip} items=${items} split=${split} sample=${sample} />`}
            <//>`
        }`;
}

function Strip({ items, split, sample }) {
    return html`<ul class="sample-strip">
        ${items.map(
            ({ index, label, class: name, links }) => html`<li key=${index}>
                <button type="button" aria-pressed=${String(index === sample)}
                    onClick=${() => choose(split, index)}>
                    <${Image} path="${links.image}&size=${THUMB}" side=${THUMB} square
                        alt="Sample ${count(index)}" />
                    <span>${name ?? label}</span>
                </button>
            </li>`,
        )}
    </ul>`;
}

function Layers({ answer }) {
    return html`<p class="soft">
        Of each layer the smallest number is black, the largest white.
    </p>
    <ol class="layer-maps">
        ${answer.layers.map((layer) => html`<${Layer} key=${layer.layer} layer=${layer} />`)}
    </ol>`;
}

function Layer({ layer }) {
    const [channels, height = 1, width = 1] = layer.shape;
    const maps = height * width > 1;
    const what = maps ? `${count(channels)} maps of ${count(height)} × ${count(width)}` : "numbers";
    return html`<li>
        <p>
            <b>${layer.layer}</b> ${layer.type} <span class="soft">${shape(layer.shape)}</span>
            <span class="soft spread">
                ${spreadOf(layer)}
            </span>
            ${
                layer.nonfinite > 0 &&
                html`<span class="not-finite">${count(layer.nonfinite)} are no finite numbers</span>`
            }
        </p>
        <${Image} path=${layer.links.image} side=${maps ? TILES : TILES / 2}
            alt="What layer ${layer.layer}, ${layer.type}, gives: ${what}" />
    </li>`;
}

function spreadOf(layer) {
    if (!Number.isFinite(layer.min))
        return "no finite number";
    const zeros = layer.zeros > 0 ? `, ${percent(layer.zeros / layer.count, 0)} are 0` : "";
    return `${rough(layer.min)} … ${rough(layer.max)}, mean ${rough(layer.mean)}${zeros}`;
}
