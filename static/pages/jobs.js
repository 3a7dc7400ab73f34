// The list of jobs, newest first, and what to do while there is none.
import { html } from "../html.js";
import { Copyable, presetAsCurl } from "../parts/clipboard.js";
import * as format from "../parts/format.js";
import { Progress, State, best, elapsed, latest } from "../parts/job_text.js";
import { nameOf, progressText } from "../parts/job_text.js";
import { PRESETS } from "../data/presets.js";
import { jobAddress } from "../route.js";

/** Columns beside the job itself: title, what a job shows there, and a hint to it. A column is one
 * row. */
const COLUMNS = [
    { title: "Images/s", cell: (job) => format.count(job.progress?.samples_per_second) },
    { title: "Time", cell: (job, now) => timeText(job, now) },
    { title: "Train loss", cell: (job) => format.number(latest(job, "train_loss")) },
    { title: "Val. loss", cell: (job) => format.number(latest(job, "val_loss")) },
    { title: "Val. accuracy", cell: (job) => format.percent(latest(job, "val_accuracy")) },
    { title: "Best accuracy", cell: (job) => format.percent(best(job, "val_accuracy")?.value) },
    {
        title: "Created",
        cell: (job, now) => format.age(job.created_at, now),
        hint: (job) => format.moment(job.created_at),
    },
];

// What is left while it runs, what it took once it ended.
function timeText(job, now) {
    if (job.state === "running" && Number.isFinite(job.progress?.eta_seconds))
        return `${format.duration(job.progress.eta_seconds)} left`;
    return format.duration(elapsed(job, now));
}

export function Jobs({ model, now }) {
    const jobs = model.order.map((id) => model.jobs.get(id)).filter(Boolean);
    if (!model.loaded)
        return html`<p class="soft">Reading the jobs …</p>`;
    if (jobs.length === 0)
        return html`<${Begin} model=${model} />`;
    return html`
        <div class="bar">
            <h1>Jobs</h1>
            <a class="button" href="#/new">New job</a>
        </div>
        <table class="jobs">
            <thead>
                <tr>
                    <th scope="col">Job</th>
                    <th scope="col">Progress</th>
                    ${COLUMNS.map(({ title }) => html`<${Heading} key=${title} title=${title} />`)}
                </tr>
            </thead>
            <tbody>
                ${jobs.map((job) => html`<${Row} key=${job.id} job=${job} now=${now} />`)}
            </tbody>
        </table>
        ${
            model.cursor &&
            html`<p><button type="button" onClick=${() => model.more()}>Show older jobs</button></p>`
        }`;
}

const Heading = ({ title }) => html`<th scope="col" class="number">${title}</th>`;

function Row({ job, now }) {
    return html`<tr data-job=${job.id} data-state=${job.state}>
        <th scope="row">
            <a href=${jobAddress(job.id)}>${nameOf(job)}</a>
            <span class="soft">${job.spec?.dataset?.name ?? "synthetic"} · ${job.id}</span>
        </th>
        <td class="progress">
            <span><${State} job=${job} /> <span class="soft">${progressText(job)}</span></span>
            <${Progress} job=${job} />
        </td>
        ${COLUMNS.map(
            ({ title, cell, hint }) => html`<td class="number" key=${title} data-title=${title}
                title=${hint?.(job)}>${cell(job, now)}</td>`,
        )}
    </tr>`;
}

function Begin({ model }) {
    const submit = async (file) => {
        const job = await model.submitPreset(file);
        if (job)
            location.hash = jobAddress(job.id);
    };
    return html`<section class="begin">
        <h1>No jobs yet</h1>
        <p>A job trains one network on one data set. Send the first from a terminal:</p>
        <${Copyable} label="Command that submits a job" text=${presetAsCurl(PRESETS[0].file)} />
        <p>or start one of these here, on 60,000 small pictures of clothes:</p>
        <ul class="presets">
            ${PRESETS.map(
                ({ file, title, about }) => html`<li key=${file}>
                    <button type="button" onClick=${() => submit(file)}>${title}</button>
                    <span class="soft">${about}</span>
                </li>`,
            )}
        </ul>
        <p>or <a href="#/new">write a job of your own</a>.</p>
    </section>`;
}
