// Data sets and weights on the server: seen, uploaded, deleted.
import { Component, html } from "../html.js";
import { Confirm } from "../parts/confirm.js";
import { Drop } from "../parts/drop.js";
import { age, bytes, count, moment, shape } from "../parts/format.js";
import { Image } from "../parts/image.js";
import * as api from "../data/api.js";
import { address } from "../route.js";

const SHOWN = 14; // sample images of a set in the list
const SIDE = 84; // pixels of one
const MOST = 200; // weights of one answer
const ARCHIVES = [".tar", ".tar.gz", ".tgz", ".tar.zst", ".zip"];

const setAddress = (name, options) => address(["data", name], options);

/** Properties: model, now. */
export class DataSets extends Component {
    constructor() {
        super();
        this.state = { sets: null, weights: null, asked: null, problem: null };
    }

    componentDidMount() {
        this.read();
    }

    // After a time without the daemon, what it has may have changed.
    componentDidUpdate() {
        const { live } = this.props.model;
        if (live === true && this.live === false)
            this.read();
        this.live = live;
    }

    async read() {
        const { model } = this.props;
        const [sets, weights] = await Promise.all([
            model.attempt(api.listDatasets()),
            model.attempt(api.listWeights()),
        ]);
        this.setState((before) => ({ sets: sets ?? before.sets, weights: weights ?? before.weights }));
    }

    // `asked`: {title, text, yes, work()} of what cannot be taken back.
    async confirm() {
        try {
            await this.state.asked.work();
            this.setState({ asked: null, problem: null });
            this.read();
        } catch ({ message }) {
            this.setState({ problem: message });
        }
    }

    removal(what, name, text, work) {
        const asked = { title: `Delete ${what} ${name}?`, text, yes: "Delete", work };
        return () => this.setState({ asked, problem: null });
    }

    render({ now }, { sets, weights, asked, problem }) {
        return html`
            <div class="bar"><h1>Data sets</h1></div>
            <${Drop} id="upload-set" title="Choose an archive" endings=${ARCHIVES}
                note="tar or zip of IDX, CIFAR binary, NPY or NPZ files, or of a folder of PNG or JPEG for each class."
                path=${api.datasetPath} done=${() => this.read()} />
            ${!sets && html`<p class="soft">Reading the data sets …</p>`}
            ${sets?.items.length === 0 && html`<p>There is none yet: upload one here, or train on
                synthetic images.</p>`}
            <div class="sets">${sets?.items.map((set) => html`<${SetCard} key=${`${set.name} ${set.sha256}`}
                set=${set} now=${now} model=${this.props.model} remove=${this.removal(
                    "the data set",
                    set.name,
                    "Jobs that learned from it stay, and can no longer go on or be evaluated.",
                    () => api.deleteDataset(set.name),
                )} />`)}</div>
            <section>
                <h2>Weights</h2>
                <p class="soft">Files that a new job can begin with, as <code>init_from</code>.</p>
                <${Drop} id="upload-weights" title="Choose a safetensors file"
                    endings=${[".safetensors"]} note="" path=${api.weightsPath}
                    done=${() => this.read()} />
                ${weights && html`<${Weights} weights=${weights} now=${now} removal=${(name) =>
                    this.removal("the weights", name, "Jobs that began with them stay as they are.", () =>
                        api.deleteWeights(name),
                    )} />`}
            </section>
            ${asked && html`<${Confirm} ...${asked} problem=${problem}
                confirm=${() => this.confirm()} cancel=${() => this.setState({ asked: null })} />`}`;
    }
}

class SetCard extends Component {
    componentDidMount() {
        const { set, model } = this.props;
        model.attempt(api.listSamples(set.name, { limit: SHOWN })).then((page) => this.setState({ page }));
    }

    render({ set, now, remove }, { page }) {
        return html`<section class="set" data-set=${set.name}>
            <div class="bar">
                <h2><a href=${setAddress(set.name)}>${set.name}</a></h2>
                <a class="button" href=${address(["new"], { data: set.name })}>Train on it</a>
                <button type="button" class="danger" aria-label="Delete ${set.name}"
                    onClick=${remove}>Delete</button>
            </div>
            <p class="samples">${page?.items.map((sample) => html`<${Sample} key=${sample.index}
                sample=${sample} />`)}</p>
            <${Facts} set=${set} now=${now} />
        </section>`;
    }
}

/** One picture with its class. */
export function Sample({ sample }) {
    const name = sample.class ?? `class ${sample.label}`;
    return html`<figure class="sample">
        <${Image} path="${sample.links.image}&size=${SIDE}" side=${SIDE} square
            alt="Sample ${sample.index}: ${name}" />
        <figcaption title=${name}>${name}</figcaption>
    </figure>`;
}

/** What is known of a data set. */
export function Facts({ set, now }) {
    const rows = [
        ["Shape", shape(set.shape), set.pixels],
        ["Classes", count(set.classes), ""],
        ["Training samples", count(set.train_samples), ""],
        ["Test samples", count(set.test_samples), ""],
        ["Size", bytes(set.bytes), set.format],
        ["Added", age(set.created_at, now), moment(set.created_at)],
    ];
    return html`<dl class="facts">
            ${rows.map(([title, value, note]) => html`<div key=${title}>
                <dt>${title}</dt><dd>${value}</dd>
                ${note !== "" && html`<dd class="soft">${note}</dd>`}
            </div>`)}
        </dl>
        <p class="soft digest">SHA-256 of pixels and labels: <code>${set.sha256}</code></p>`;
}

function Weights({ weights, now, removal }) {
    if (weights.items.length === 0)
        return html`<p>There are none yet. The checkpoints of a job are such files.</p>`;
    return html`<div class="scroll"><table class="numbers">
        <thead><tr>
            <th scope="col">Name</th><th scope="col">Tensors</th><th scope="col">Parameters</th>
            <th scope="col">Size</th><th scope="col">Added</th><th scope="col">SHA-256</th>
            <th scope="col"><span class="hidden">Delete</span></th>
        </tr></thead>
        <tbody>${weights.items.map((row) => html`<tr key=${row.name} data-weights=${row.name}>
            <th scope="row"><a href=${api.weightsPath(row.name)}>${row.name}</a></th>
            <td>${count(row.tensor_count)}</td>
            <td>${count(row.parameters)}</td>
            <td>${bytes(row.bytes)}</td>
            <td title=${moment(row.created_at)}>${age(row.created_at, now)}</td>
            <td title=${row.sha256}><code>${row.sha256.slice(0, 12)}…</code></td>
            <td><button type="button" class="danger" aria-label="Delete ${row.name}"
                onClick=${removal(row.name)}>Delete</button></td>
        </tr>`)}</tbody>
    </table></div>
    ${weights.next_cursor && html`<p class="soft">The first ${MOST} are shown.</p>`}`;
}
