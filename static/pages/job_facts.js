// Where a job stands, in figures: its progress, what it is made of, and the last, best, smallest
// and largest values of its metrics.
import { html } from "../html.js";
import * as format from "../parts/format.js";
import { Progress, State, active, best, elapsed, latest } from "../parts/job_text.js";
import { ended } from "../data/model.js";
import { jobAddress, setOption } from "../route.js";

const PAUSED = new Set(["paused", "pausing"]);
const EPOCHS_DRAWN = 40; // more of them are no longer told apart

// ---- how far it is ----

export function Standing({ job, ahead, now }) {
    const { epoch, epochs, step, fraction } = job.progress ?? {};
    const known = step > 0;
    const ticks = epochs > 1 && epochs <= EPOCHS_DRAWN ? epochs : 0;
    return html`<section class="standing" aria-label="Where the job stands">
        <p class="bar">
            <${State} job=${job} />
            ${
                job.reason &&
                job.state !== "failed" &&
                html`<span class="soft">${job.reason}</span>`
            }
            ${waiting(job, ahead) && html`<span class="soft">${waiting(job, ahead)}</span>`}
        </p>
        ${job.state === "failed" && job.reason && html`<p class="warning">${job.reason}</p>`}
        <div class="epochs">
            <${Progress} job=${job} />
            ${
                ticks > 0 &&
                html`<div class="ticks" aria-hidden="true">
                ${Array.from({ length: ticks }, (_, i) => html`<i key=${i}></i>`)}
            </div>`
            }
        </div>
        <p class="pace">
            <span>
                ${
                    known
                        ? `${format.percent(fraction, 0)} · epoch ${format.count(epoch)} of
                           ${format.count(epochs)} · step ${format.count(step)} of
                           ${format.count(job.progress.steps)}`
                        : "no step yet"
                }
            </span>
            <span class="soft">${pace(job, now)}</span>
        </p>
    </section>`;
}

function waiting(job, ahead) {
    if (job.state === "cancelling" && job.stop_when && job.stop_when !== "now")
        return `goes on to the next ${job.stop_when === "epoch" ? "end of an epoch" : "checkpoint"}`;
    if (job.state !== "queued" || ahead === null)
        return "";
    if (ahead === 0)
        return "next in the queue";
    return `${format.count(ahead)} ${ahead === 1 ? "job" : "jobs"} before it in the queue`;
}

// The time that is left is a guess that stands still while the job does.
function pace(job, now) {
    const { samples_per_second: rate, eta_seconds: left } = job.progress ?? {};
    const parts = [];
    if (active(job))
        parts.push(`${format.count(rate)} images/s`);
    if (active(job) || PAUSED.has(job.state))
        parts.push(`${format.duration(left)} left${PAUSED.has(job.state) ? " once it goes on" : ""}`);
    if (job.started_at)
        parts.push(`${format.duration(elapsed(job, now))} ${ended(job) ? "in all" : "so far"}`);
    if (job.restarts > 0)
        parts.push(`${format.count(job.restarts)} ${job.restarts === 1 ? "restart" : "restarts"}`);
    return parts.join(" · ");
}

// ---- what it is ----

/** Figures beside each other: a title, a value and a note to it. A figure is one row. */
export function Facts({ job, now }) {
    const spec = job.spec ?? {};
    const facts = [
        { title: "train loss", value: format.number(latest(job, "train_loss")) },
        measured(job, "val_loss", "validation loss"),
        measured(job, "val_accuracy", "validation accuracy"),
        {
            title: "rate now",
            value: format.metric("lr", latest(job, "lr") ?? spec.optimizer?.lr),
            note: `${spec.optimizer?.type}, ${spec.lr_schedule?.type}`,
        },
        { title: "data set", value: spec.dataset?.name ?? "synthetic", note: dataNote(job) },
        { title: "batch", value: format.count(spec.batch_size), note: `seed ${spec.seed}` },
        {
            title: "created",
            value: format.age(job.created_at, now),
            note: format.moment(job.created_at),
        },
    ];
    if (job.forked_from)
        facts.push(forked(job));
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

const dataNote = ({ plan }) =>
    plan?.train_samples ? `${format.count(plan.train_samples)} to train on` : "";

function forked({ forked_from: from }) {
    const id = from.job ?? from;
    return {
        title: "forked from",
        value: html`<a href=${jobAddress(id)}>${id}</a>`,
        note: from.checkpoint === undefined ? "" : `step ${format.count(from.checkpoint)}`,
    };
}

function measured(job, name, title) {
    const record = best(job, name);
    const note = record
        ? `best ${format.metric(name, record.value)}, step ${format.count(record.step)}`
        : "";
    return { title, value: format.metric(name, latest(job, name)), note };
}

// ---- its metrics ----

const USUAL = ["train_loss", "val_loss", "val_accuracy"];

function extremes(rows) {
    const found = { min: null, max: null };
    for (let i = 0; i < rows.length; i++) {
        const [value, step] = [rows.value[i], rows.step[i]];
        if (!Number.isFinite(value))
            continue;
        if (!found.min || value < found.min.value)
            found.min = { value, step };
        if (!found.max || value > found.max.value)
            found.max = { value, step };
    }
    return found;
}

/** Last, best, smallest and largest values; which metrics, the address says. The daemon keeps the
 * extremes of a curve however much it thins it. */
export function Figures({ job, history, options }) {
    const names = history.names();
    const chosen = (options.figures?.split(",") ?? USUAL).filter((name) => names.includes(name));
    if (names.length === 0)
        return null;
    const turn = (name) => {
        const kept = names.filter((other) => chosen.includes(other) !== (other === name));
        setOption("figures", kept.join(","));
    };
    return html`<section>
        <div class="bar">
            <h2>Figures</h2>
            ${names.map(
                (name) => html`<label key=${name}>
                    <input type="checkbox" checked=${chosen.includes(name)}
                        onChange=${() => turn(name)} />${" "}${format.title(name)}
                </label>`,
            )}
        </div>
        <div class="scroll">
            <table class="numbers figures">
                <thead>
                    <tr>
                        <th scope="col">Metric</th>
                        ${["Last", "Best", "Smallest", "Largest"].map(
                            (title) => html`<th scope="col" key=${title}>${title}</th>`,
                        )}
                    </tr>
                </thead>
                <tbody>
                    ${chosen.map((name) => figureRow(job, history, name))}
                </tbody>
            </table>
        </div>
    </section>`;
}

// What is stored as the best is read from time to time; the rows may have brought a better one.
function bestOf(stored, name, { min, max }) {
    if (name.endsWith("accuracy"))
        return max && !(stored?.value >= max.value) ? max : stored;
    return name.endsWith("loss") && min && !(stored?.value <= min.value) ? min : stored;
}

function figureRow(job, history, name) {
    const found = extremes(history.overview(name));
    const { min, max } = found;
    const cell = (record) =>
        html`<td>
            ${format.metric(name, record?.value)}
            ${record && html`<span class="soft"> step ${format.count(record.step)}</span>`}
        </td>`;
    return html`<tr key=${name}>
        <th scope="row">${format.title(name)}</th>
        ${cell(job.latest?.[name])} ${cell(bestOf(best(job, name), name, found))} ${cell(min)} ${cell(max)}
    </tr>`;
}
