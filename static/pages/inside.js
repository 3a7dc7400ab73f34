// What is inside the network of a checkpoint: the filters that it looks through, what its layers make
// of a sample, and how its weights are spread.
import { html } from "../html.js";
import { count } from "../parts/format.js";
import { setOption } from "../route.js";
import { Activations } from "./inside_activations.js";
import { Filters } from "./inside_filters.js";
import { Histograms } from "./inside_histograms.js";
import { CheckpointChoice, OfCheckpoint } from "./learned.js";

export function Inside({ job, opened, options }) {
    const items = opened.checkpoints;
    const view = (item) => html`
        <div class="bar learned-bar">
            <${CheckpointChoice} items=${items} options=${options} />
            <${Slider} items=${items} item=${item} />
        </div>
        <${Filters} job=${job} item=${item} />
        <${Activations} job=${job} item=${item} options=${options} />
        <${Histograms} job=${job} item=${item} items=${items} />`;
    return html`<${OfCheckpoint} job=${job} opened=${opened} options=${options} view=${view} />`;
}

// From the first stored checkpoint to the last one: what changes is seen while it is moved.
function Slider({ items, item }) {
    if (items.length < 2)
        return html`<span>step ${count(item.step)}</span>`;
    const move = ({ target }) => setOption("checkpoint", String(items[Number(target.value)].step));
    return html`<label class="slider">
        <span class="hidden">Checkpoint in the order of training</span>
        <input type="range" min="0" max=${items.length - 1} value=${items.indexOf(item)}
            aria-valuetext="step ${count(item.step)}" onInput=${move} />
        <output>step ${count(item.step)}</output>
    </label>`;
}
