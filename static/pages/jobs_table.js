// The rows of the list of jobs. A row is drawn again only when something in it has changed: there
// may be hundreds, and every event of every job draws the page.
import { Component, html } from "../html.js";
import { Progress, State, nameOf, progressText } from "../parts/job_text.js";
import { jobAddress, setOption } from "../route.js";
import { labelQuery } from "./jobs_filters.js";
import { columnOf } from "./jobs_columns.js";

/** Properties: jobs, columns, sort {key, down}, turn(key), marks, now. */
export function Table({ jobs, columns, sort, turn, marks, now }) {
    const order = jobs.map(({ id }) => id);
    const all = order.length > 0 && order.every((id) => marks.has(id));
    const some = !all && order.some((id) => marks.has(id));
    const heading = (key, look) => html`<${Heading} key=${key} name=${key} look=${look} sort=${sort}
        turn=${turn} />`;
    return html`<div class="scroll jobs-scroll">
        <table class="jobs">
            <thead>
                <tr>
                    <th scope="col" class="box">
                        <input type="checkbox" aria-label="Mark all jobs shown" checked=${all}
                            indeterminate=${some} onChange=${() => marks.turn(order, !all)} />
                    </th>
                    ${heading("name", "")} ${heading("progress", "")}
                    ${columns.map(({ key }) => heading(key, "number"))}
                </tr>
            </thead>
            <tbody>
                ${jobs.map(
                    (job) => html`<${Row} key=${job.id} job=${job} columns=${columns}
                        marked=${marks.has(job.id)} ...${written(job, columns, now)}
                        mark=${(range) => marks.click(job.id, order, range)} />`,
                )}
            </tbody>
        </table>
    </div>`;
}

function Heading({ name, look, sort, turn }) {
    const { title, server } = columnOf(name);
    const here = sort.key === name;
    const way = sort.down ? "descending" : "ascending";
    return html`<th scope="col" class=${look} aria-sort=${here ? way : null}>
        <button type="button" class="sort" onClick=${() => turn(name)}
            title=${server ? null : "Sorts the jobs that are shown"}>
            ${title}<i aria-hidden="true">${here ? (sort.down ? "▼" : "▲") : ""}</i>
        </button>
    </th>`;
}

// Whatever a row shows, as texts: the same texts are the same row.
function written(job, columns, now) {
    const texts = columns.map(({ text }) => text(job, now));
    const { name, state, labels, progress } = job;
    const sign = JSON.stringify([
        name,
        state,
        labels,
        progress?.fraction,
        texts,
        columns.map(({ key }) => key),
    ]);
    return { texts, sign };
}

class Row extends Component {
    shouldComponentUpdate({ sign, marked }) {
        return sign !== this.props.sign || marked !== this.props.marked;
    }

    render({ job, columns, texts, marked }) {
        return html`<tr data-job=${job.id} data-state=${job.state} class=${marked ? "marked" : ""}>
            <td class="box">
                <input type="checkbox" checked=${marked} aria-label="Mark ${nameOf(job)}"
                    onClick=${({ shiftKey }) => this.props.mark(shiftKey)} />
            </td>
            <th scope="row">
                <a href=${jobAddress(job.id)} title=${nameOf(job)}>${nameOf(job)}</a>
                <span class="soft">${job.spec?.dataset?.name ?? "synthetic"} · ${job.id}</span>
                <${Labels} labels=${job.labels} />
            </th>
            <td class="progress">
                <span><${State} job=${job} /> <span class="soft">${progressText(job)}</span></span>
                <${Progress} job=${job} />
            </td>
            ${columns.map(
                ({ key, title, hint }, i) => html`<td class="number" key=${key}
                    data-title=${title} title=${hint?.(job)}>${texts[i]}</td>`,
            )}
        </tr>`;
    }
}

const LABELS = 6; // in a row; the page of the job has them all

function Labels({ labels }) {
    const list = Object.entries(labels ?? {});
    if (list.length === 0)
        return null;
    return html`<span class="labels">
        ${list.slice(0, LABELS).map(
            ([key, value]) => html`<button type="button" class="label" key=${key}
                title="Show the jobs with the label ${key}: ${value}"
                onClick=${() => setOption("label", labelQuery(key, value))}>
                ${value === "" ? key : `${key}: ${value}`}
            </button>`,
        )}
        ${list.length > LABELS && html`<span class="soft">and ${list.length - LABELS} more</span>`}
    </span>`;
}
