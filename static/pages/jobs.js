// The list of jobs: which ones, in which order and with which columns stands in the address.
import { Component, html } from "../html.js";
import { differing, pathsOf } from "../data/spec_members.js";
import { go, setOption, withOptions } from "../route.js";
import { chosenKeys, columnOf, readSort, serverSort, sortJobs, writeSort } from "./jobs_columns.js";
import { Filters, queryOf } from "./jobs_filters.js";
import { Marks } from "./jobs_marks.js";
import { Table } from "./jobs_table.js";
import { Late } from "../parts/late.js";

const loadBegin = async () => (await import("./begin.js")).Begin;
const loadChooser = async () => (await import("./jobs_chooser.js")).Chooser;
const loadActions = async () => (await import("./jobs_actions.js")).MarkedActions;

/** Properties: model, options, now. */
export class Jobs extends Component {
    constructor({ model }) {
        super();
        this.marks = new Marks(model.marked, () => this.setState({}));
        this.state = { choosing: false };
    }

    componentDidMount() {
        this.want();
    }

    componentDidUpdate() {
        this.want();
    }

    // What the daemon is asked for: it filters, and sorts where it can.
    want() {
        const { model, options } = this.props;
        model.list.want({ ...queryOf(options), sort: serverSort(readSort(options)) });
    }

    render({ model, options, now }, { choosing }) {
        const { list } = model;
        if (!list.loaded)
            return html`<p class="soft">${list.problem?.message ?? "Reading the jobs …"}</p>`;
        if (list.order.length === 0 && !list.filtered)
            return html`<${Late} load=${loadBegin} model=${model} />`;
        const sort = readSort(options);
        const known = list.order.map((id) => model.jobs.get(id)).filter(Boolean);
        const jobs = serverSort(sort) ? known : sortJobs(known, sort, now);
        const keys = chosenKeys(options);
        const hidden = options.differ ? equal(keys, jobs) : new Set();
        const columns = keys.filter((key) => !hidden.has(key)).map(columnOf);
        return html`
            <div class="bar">
                <h1>Jobs</h1>
                <a class="button" href="#/new">New job</a>
            </div>
            <div class="which">
                <${Filters} options=${options} problem=${list.problem} />
                ${this.shown(options, columns, sort, choosing)}
            </div>
            ${
                choosing &&
                html`<${Late} load=${loadChooser} jobs=${jobs} keys=${keys}
                    close=${() => this.setState({ choosing: false })} />`
            }
            ${
                this.marks.size > 0 &&
                html`<${Late} load=${loadActions} model=${model} jobs=${jobs}
                    marks=${this.marks} />`
            }
            <${Table} jobs=${jobs} columns=${columns} sort=${sort} marks=${this.marks} now=${now}
                turn=${(key) => turnSort(sort, key)} />
            ${jobs.length === 0 && html`<${NoneFits} />`}
            ${this.foot(list, jobs, sort)}`;
    }

    shown(options, columns, sort, choosing) {
        const choices = ["name", "progress", ...columns.map(({ key }) => key), sort.key];
        const order = (change) => setOption("sort", writeSort({ ...sort, ...change }));
        return html`<div class="bar shown">
            <button type="button" aria-expanded=${String(choosing)}
                onClick=${() => this.setState({ choosing: !choosing })}>Columns</button>
            <label>
                <input type="checkbox" checked=${Boolean(options.differ)}
                    onChange=${() => setOption("differ", options.differ ? "" : "1")} />
                ${" "}only what differs
            </label>
            <span class="phone">
                <label>
                    sorted by${" "}
                    <select value=${sort.key} onChange=${({ target }) => order({ key: target.value })}>
                        ${[...new Set(choices)].map(
                            (key) => html`<option key=${key} value=${key}>
                                ${columnOf(key).title}
                            </option>`,
                        )}
                    </select>
                </label>
                <button type="button" onClick=${() => order({ down: !sort.down })}>
                    ${sort.down ? "falling ▼" : "rising ▲"}
                </button>
            </span>
        </div>`;
    }

    foot(list, jobs, sort) {
        const sorted = !serverSort(sort);
        if (!list.cursor)
            return null;
        return html`<p class="bar">
            <button type="button" onClick=${() => list.more()}>
                ${list.newestFirst || sorted ? "Show older jobs" : "Show more jobs"}
            </button>
            <span class="soft">
                ${jobs.length} are shown${sorted && `; by “${columnOf(sort.key).title}” only these are
                sorted, not the older ones`}.
            </span>
        </p>`;
    }
}

// The columns of definitions that say the same in every row.
function equal(keys, jobs) {
    const differs = new Set(differing(jobs, pathsOf(jobs)).map((path) => `spec.${path}`));
    return new Set(keys.filter((key) => columnOf(key).hyper && !differs.has(key)));
}

function turnSort(sort, key) {
    const down = sort.key === key ? !sort.down : Boolean(columnOf(key).down);
    go(withOptions({ sort: writeSort({ key, down }) }));
}

const NoneFits = () => html`<p>
    No job is like this. <a href="#/jobs">All jobs</a>
</p>`;
