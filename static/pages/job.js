// The page of one job: where it stands, its curves, its network, its checkpoints, and how to send
// it again.
import { html } from "../html.js";
import { Charts } from "../charts/charts.js";
import { Checkpoints } from "./checkpoints.js";
import { Copyable, submitAsCurl } from "../parts/clipboard.js";
import * as format from "../parts/format.js";
import { Progress, State, active, best, elapsed, latest } from "../parts/job_text.js";
import { nameOf, progressText } from "../parts/job_text.js";
import { ended } from "../data/model.js";
import { Plan } from "./plan.js";

export function Job({ model, options, now }) {
    const opened = model.opened;
    const job = model.jobs.get(opened.id);
    if (opened.missing)
        return html`<p>${opened.missing} <a href="#/jobs">All jobs</a></p>`;
    if (!job)
        return html`<p class="soft">Reading the job …</p>`;
    return html`
        <${Head} job=${job} model=${model} />
        <${Standing} job=${job} now=${now} />
        <${Facts} job=${job} now=${now} />
        <${Charts} job=${job} history=${opened.history} options=${options} />
        <div class="halves">
            ${opened.plan && html`<${Network} plan=${opened.plan} />`}
            <div>
                ${
                    opened.checkpoints &&
                    html`<${Stored} job=${job} items=${opened.checkpoints} now=${now} />`
                }
                <${Again} job=${job} />
            </div>
        </div>`;
}

function Head({ job, model }) {
    const cancelling = job.state === "cancelling";
    return html`<div class="bar">
        <h1>${nameOf(job)}</h1>
        <${State} job=${job} />
        ${
            !ended(job) &&
            html`<button type="button" class="danger" disabled=${cancelling}
                onClick=${() => model.cancel(job.id)}>
                ${cancelling ? "Cancelling …" : "Cancel"}
            </button>`
        }
    </div>`;
}

function Standing({ job, now }) {
    return html`
        ${
            job.reason &&
            html`<p class=${job.state === "failed" ? "warning" : "soft"}>${job.reason}</p>`
        }
        <div class="progress wide">
            <${Progress} job=${job} />
            <p>
                <span>${progressText(job)}</span>
                <span class="soft">${pace(job, now)}</span>
            </p>
        </div>`;
}

function pace(job, now) {
    const { samples_per_second: rate, eta_seconds: left, step, steps } = job.progress ?? {};
    const parts = [];
    if (step !== undefined)
        parts.push(`step ${format.count(step)} of ${format.count(steps)}`);
    if (active(job))
        parts.push(`${format.count(rate)} images/s`, `${format.duration(left)} left`);
    if (job.started_at)
        parts.push(`${format.duration(elapsed(job, now))} ${ended(job) ? "in all" : "so far"}`);
    return parts.join(" · ");
}

/** Figures beside each other: a title, a value and a note to it. A figure is one row. */
function Facts({ job, now }) {
    const spec = job.spec ?? {};
    const facts = [
        { title: "train loss", value: format.number(latest(job, "train_loss")) },
        measured(job, "val_loss", "validation loss"),
        measured(job, "val_accuracy", "validation accuracy"),
        { title: "data set", value: spec.dataset?.name ?? "synthetic", note: job.id },
        {
            title: "optimizer",
            value: spec.optimizer?.type,
            note: `rate ${spec.optimizer?.lr}, ${spec.lr_schedule?.type}`,
        },
        { title: "batch", value: format.count(spec.batch_size), note: `seed ${spec.seed}` },
        {
            title: "created",
            value: format.age(job.created_at, now),
            note: format.moment(job.created_at),
        },
    ];
    return html`<dl class="facts">
        ${facts.map(
            ({ title, value, note }) => html`<div key=${title}>
                <dt>${title}</dt>
                <dd>${value}</dd>
                ${note && html`<dd class="soft">${note}</dd>`}
            </div>`,
        )}
    </dl>`;
}

function measured(job, name, title) {
    const record = best(job, name);
    const note = record
        ? `best ${format.metric(name, record.value)}, step ${format.count(record.step)}`
        : "";
    return { title, value: format.metric(name, latest(job, name)), note };
}

function Network({ plan }) {
    return html`<section>
        <h2>Network</h2>
        <${Plan} plan=${plan} />
    </section>`;
}

function Stored({ job, items, now }) {
    return html`<section>
        <h2>Checkpoints</h2>
        <${Checkpoints} job=${job} items=${items} now=${now} />
    </section>`;
}

function Again({ job }) {
    const sent = { name: job.name, ...job.spec };
    return html`<section>
        <h2>Run it again</h2>
        <details>
            <summary>As a curl command</summary>
            <${Copyable} label="Command that submits this job again" text=${submitAsCurl(sent)} />
        </details>
        <details>
            <summary>The job as JSON, every default written out</summary>
            <${Copyable} label="The job as JSON" text=${format.json(sent)} />
        </details>
        <p><a href="#/new?from=${encodeURIComponent(job.id)}">Use it as a template</a></p>
    </section>`;
}
