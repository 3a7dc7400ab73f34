// One data set: what it is, its classes, and its samples page by page.
import { Component, html } from "../html.js";
import * as api from "../data/api.js";
import { count } from "../parts/format.js";
import { address, setOptions, withOptions } from "../route.js";
import { Facts, Sample } from "./data.js";

const PAGE = 60;
const SPLITS = [
    { split: "train", title: "Training", size: ({ train_samples: size }) => size },
    { split: "test", title: "Test", size: ({ test_samples: size }) => size },
];

/** Properties: model, name, options {split, at, class}, now. */
export class DataSet extends Component {
    constructor() {
        super();
        this.state = { set: null, missing: "", page: null };
    }

    componentDidMount() {
        this.read();
    }

    async read() {
        try {
            this.setState({ set: await api.getDataset(this.props.name), missing: "" });
            this.turn();
        } catch (problem) {
            this.setState({ missing: problem.message });
        }
    }

    // After a time without the daemon, it may answer what it did not before.
    componentDidUpdate({ options }) {
        const { live } = this.props.model;
        if (live === true && this.live === false)
            this.read();
        this.live = live;
        const now = this.props.options;
        if (["split", "at", "class"].some((key) => now[key] !== options[key]))
            this.turn();
    }

    place() {
        const { split, at } = this.props.options;
        const known = SPLITS.find((one) => one.split === split) ?? SPLITS[0];
        return { split: known.split, offset: /^\d+$/.test(at ?? "") ? Number(at) : 0 };
    }

    async turn() {
        const { name, model, options } = this.props;
        const wanted = JSON.stringify(options);
        const asked = { ...this.place(), limit: PAGE, class: options.class };
        const page = await model.attempt(api.listSamples(name, asked));
        if (page && wanted === JSON.stringify(this.props.options))
            this.setState({ page });
    }

    render({ name, now, options }, { set, missing, page }) {
        if (missing)
            return html`<p>${missing}</p><p><a href="#/data">All data sets</a></p>`;
        if (!set)
            return html`<p class="soft">Reading the data set …</p>`;
        return html`
            <div class="bar">
                <h1>${name}</h1>
                <a class="button" href=${address(["new"], { data: name })}>Train on it</a>
                <a href="#/data">All data sets</a>
            </div>
            <${Facts} set=${set} now=${now} />
            <section>
                <div class="bar"><h2>Samples</h2><${Splits} set=${set} shown=${this.place().split} /></div>
                ${page && html`<${Classes} set=${set} page=${page} chosen=${options.class ?? ""} />
                    <p class="samples wide">${page.items.map((sample) => html`<${Sample}
                        key=${`${page.split} ${sample.index}`} sample=${sample} />`)}</p>
                    <${Turn} page=${page} />`}
            </section>`;
    }
}

function Splits({ set, shown }) {
    return html`<div class="views" role="group" aria-label="Split">
        ${SPLITS.filter(({ size }) => size(set) > 0).map(({ split, title, size }) => html`<button
            type="button" key=${split} aria-pressed=${String(split === shown)}
            onClick=${() => setOptions({ split, at: "", class: "" })}>
            ${title} <span class="soft">${count(size(set))}</span>
        </button>`)}
    </div>`;
}

// How many of each class there are; a click shows those alone.
function Classes({ set, page, chosen }) {
    if (!page.counts)
        return null;
    const most = Math.max(...page.counts);
    return html`<details class="class-counts" open=${set.classes <= 20}>
        <summary>${count(set.classes)} classes</summary>
        <table class="numbers">
            <thead><tr><th scope="col">Class</th><th scope="col">Samples</th>
                <th scope="col"><span class="hidden">Share</span></th></tr></thead>
            <tbody>${page.counts.map((number, label) => html`<tr key=${label}>
                <th scope="row">
                    <a href=${withOptions({ class: chosen === String(label) ? "" : String(label), at: "" })}
                        aria-current=${chosen === String(label) ? "true" : null}>
                        ${set.class_names?.[label] ?? `class ${label}`}</a>
                </th>
                <td>${count(number)}</td>
                <td class="share"><progress max=${most} value=${number} aria-hidden="true"></progress></td>
            </tr>`)}</tbody>
        </table>
        ${chosen !== "" && html`<p><a href=${withOptions({ class: "", at: "" })}>Show all classes</a></p>`}
    </details>`;
}

function Turn({ page }) {
    const { offset, total, items, next_offset: next } = page;
    const to = (at, title) => html`<a class="button" href=${withOptions({ at: at === 0 ? "" : String(at) })}>${title}</a>`;
    const last = Math.floor(Math.max(0, total - 1) / PAGE) * PAGE;
    return html`<p class="bar turn">
        ${offset > 0 && to(0, "First")}
        ${offset > 0 && to(Math.max(0, offset - PAGE), "Before")}
        <span role="status">${items.length === 0
            ? "There is no sample here."
            : `${count(offset + 1)} to ${count(offset + items.length)} of ${count(total)}`}</span>
        ${next !== null && to(next, "Next")}
        ${next !== null && last > offset && to(last, "Last")}
    </p>`;
}
