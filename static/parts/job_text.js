// A job in words: the small texts and parts that both the list and the page of a job show.
import { html } from "../html.js";
import { count, percent } from "./format.js";

const ACTIVE = new Set(["running", "pausing", "cancelling"]);

export const active = (job) => ACTIVE.has(job.state);
export const nameOf = (job) => job.name || job.id;
export const latest = (job, name) => job.latest?.[name]?.value ?? null;
export const best = (job, name) => job.best?.[name] ?? null;

/** The state as a word with a sign; the sign moves while the job does. */
export function State({ job }) {
    const moving = active(job) ? "moving" : "";
    return html`<span class="state ${moving} ${job.state}">
        <i aria-hidden="true"></i>${job.state}
    </span>`;
}

export function Progress({ job }) {
    const fraction = job.progress.fraction;
    return html`<progress class=${job.state} max="1" value=${fraction} aria-label="Progress">
        ${percent(fraction, 0)}
    </progress>`;
}

export function progressText(job) {
    const { epoch, epochs, fraction } = job.progress;
    if (epoch === 0)
        return job.state === "queued" ? "waiting" : "–";
    return `${percent(fraction, 0)} · epoch ${count(epoch)} of ${count(epochs)}`;
}

/** Seconds between start and end, or until now; null before the start. */
export function elapsed(job, now) {
    if (!job.started_at)
        return null;
    const end = job.finished_at ? Date.parse(job.finished_at) : now;
    return Math.max(0, (end - Date.parse(job.started_at)) / 1000);
}
