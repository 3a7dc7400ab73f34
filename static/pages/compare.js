// Several jobs beside each other: their curves on common axes, what differs in their definitions,
// and how results follow from that. Which jobs, which of them are drawn and how, stands in the
// address.
import { Component, html } from "../html.js";
import { Compared } from "../data/compared.js";
import { sheet } from "../parts/sheet.js";
import { looksOf } from "../parts/run_look.js";
import { go, withOptions } from "../route.js";
import { CompareCharts } from "./compare_charts.js";
import { Differences } from "./compare_differences.js";
import { Parallel } from "./compare_parallel.js";
import { Runs } from "./compare_runs.js";
import { Scatter } from "./compare_scatter.js";

await sheet("/compare.css"); // the page is not shown before

const DRAWN = 10; // more curves than these are drawn only when they are asked for

const listed = (text) => [...new Set((text ?? "").split(",").filter((word) => word !== ""))];

/** {ids, drawn}: the jobs of an address, and those whose curves are drawn. */
export function readJobs({ jobs, off, on }) {
    const ids = listed(jobs);
    const [hidden, added] = [new Set(listed(off)), new Set(listed(on))];
    const drawn = ids.filter((id, i) => (i < DRAWN ? !hidden.has(id) : added.has(id)));
    return { ids, drawn };
}

// Hides the curve of a run, or shows it again.
function turn({ off, on }, ids, id) {
    const name = ids.indexOf(id) < DRAWN ? "off" : "on";
    const list = listed(name === "off" ? off : on);
    const next = list.includes(id) ? list.filter((other) => other !== id) : [...list, id];
    go(withOptions({ [name]: next.join(",") }));
}

/** Properties: model, options, now. */
export class Compare extends Component {
    constructor({ model }) {
        super();
        model.compared ??= new Compared(model.hands, model.live !== null);
    }

    componentDidMount() {
        this.want();
    }

    componentDidUpdate() {
        this.want();
    }

    componentWillUnmount() {
        this.props.model.compared.want([], []);
    }

    want() {
        const { ids, drawn } = readJobs(this.props.options);
        this.props.model.compared.want(ids, drawn);
    }

    render({ model, options, now }) {
        const { ids, drawn } = readJobs(options);
        const { compared } = model;
        if (ids.length === 0)
            return html`<${Nothing} />`;
        const looks = looksOf(ids);
        const jobs = ids.map((id) => model.jobs.get(id)).filter(Boolean);
        const shown = jobs.filter(({ id }) => drawn.includes(id));
        const given = { jobs, looks, options };
        return html`<div class="compare">
            <div class="bar">
                <h1>Compare ${ids.length} ${ids.length === 1 ? "job" : "jobs"}</h1>
                <a class="button" href="#/jobs">Choose others</a>
            </div>
            <${Runs} ids=${ids} model=${model} looks=${looks} drawn=${drawn} now=${now}
                turn=${(id) => turn(options, ids, id)}
                drop=${(id) => go(withOptions({ jobs: ids.filter((x) => x !== id).join(",") }))} />
            ${
                ids.length > DRAWN &&
                html`<p class="soft">
                    The curves of ${drawn.length} of ${ids.length} are drawn; the boxes show others.
                </p>`
            }
            ${
                jobs.length > 0 &&
                html`<${CompareCharts} jobs=${shown} all=${jobs} looks=${looks}
                    compared=${compared} options=${options} />`
            }
            ${
                jobs.length > 1 &&
                html`<${Differences} ...${given} /><${Parallel} ...${given} />
                    <${Scatter} ...${given} />`
            }
        </div>`;
    }
}

const Nothing = () => html`<section>
    <h1>Compare jobs</h1>
    <p>Mark jobs in the <a href="#/jobs">list of jobs</a> with the boxes beside them, then choose
    Compare.</p>
</section>`;
