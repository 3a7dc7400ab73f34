// What can be done with all marked jobs at once. Each action is a row of a table that says for which
// jobs it can be done; what the daemon refuses is told job by job.
import { Component, html } from "../html.js";
import * as api from "../data/api.js";
import { ended, pausable, resumable } from "../data/model.js";
import { Confirm } from "../parts/confirm.js";
import { nameOf } from "../parts/job_text.js";
import { Menu } from "../parts/menu.js";
import { address } from "../route.js";

const TOGETHER = 4; // requests under way at once
const TOLD = 5; // refusals that are told

/** `fits(job)`: it can be done; `ask`: a question before it; `done`: what is said then. */
const ACTIONS = [
    { key: "pause", title: "Pause", fits: pausable, done: "told to pause", call: api.pauseJob },
    { key: "resume", title: "Resume", fits: resumable, done: "resumed", call: api.resumeJob },
    {
        key: "cancel",
        title: "Cancel",
        fits: (job) => !ended(job) && job.state !== "cancelling",
        done: "cancelled",
        look: "danger",
        ask: "They stop after the step they are at. A job that is cancelled does not go on.",
        call: (id) => api.cancelJob(id),
    },
    {
        key: "delete",
        title: "Delete",
        fits: ended,
        done: "deleted",
        look: "danger",
        ask: "Their curves, events and checkpoints go with them. This cannot be taken back.",
        removes: true,
    },
];

const jobsText = (count) => `${count} ${count === 1 ? "job" : "jobs"}`;

/** Does something for each, a few at a time; gives what was refused: [{job, problem}]. */
async function forEach(jobs, work) {
    const left = [...jobs];
    const refused = [];
    const worker = async () => {
        for (let job = left.shift(); job; job = left.shift())
            await work(job).catch((problem) => refused.push({ job, problem }));
    };
    await Promise.all(Array.from({ length: TOGETHER }, worker));
    return refused;
}

/** Properties: model, jobs (the rows), marks. */
export class MarkedActions extends Component {
    constructor() {
        super();
        this.state = { asking: null, busy: "", said: "", refused: [] };
    }

    marked() {
        const { model, marks } = this.props;
        return [...marks.ids].map((id) => model.jobs.get(id)).filter(Boolean);
    }

    begin(action, jobs) {
        if (action.ask)
            this.setState({ asking: { action, jobs }, said: "", refused: [] });
        else this.act(action, jobs);
    }

    async act({ done, call, title, removes }, jobs) {
        const { model } = this.props;
        this.setState({ asking: null, busy: `${title}: ${jobsText(jobs.length)} …`, said: "" });
        const refused = await forEach(jobs, (job) =>
            removes ? model.remove(job.id) : model.tell(job.id, call(job.id)),
        );
        const count = jobs.length - refused.length;
        this.setState({ busy: "", said: `${jobsText(count)} ${done}.`, refused });
    }

    label(event, jobs) {
        event.preventDefault();
        const { key, value } = Object.fromEntries(new FormData(event.target));
        if (key.trim() === "")
            return;
        const patch = { labels: { [key.trim()]: value.trim() } };
        event.target.reset();
        const call = (id) => api.changeJob(id, patch);
        this.act({ title: "Label", done: "labelled", call }, jobs);
    }

    render({ jobs, marks }, { asking, busy, said, refused }) {
        const marked = this.marked();
        const order = jobs.map(({ id }) => id);
        const elsewhere = marked.filter(({ id }) => !order.includes(id)).length;
        return html`<section class="marked-bar" aria-label="Marked jobs">
            <p class="bar">
                <b>${jobsText(marked.length)} marked</b>
                ${elsewhere > 0 && html`<span class="soft">${elsewhere} not shown here</span>`}
                <a class="button main" href=${address(["compare"], {
                    jobs: marked.map(({ id }) => id).join(","),
                })}>Compare</a>
                ${ACTIONS.map((action) => this.button(action, marked, busy))}
                <${Menu} title="Label" disabled=${busy !== ""} keep>
                    <form class="fields" onSubmit=${(event) => this.label(event, marked)}>
                        <input type="text" name="key" aria-label="Label" placeholder="label"
                            size="14" />
                        <input type="text" name="value" aria-label="Its value" placeholder="value"
                            size="14" />
                        <button type="submit">Set</button>
                    </form>
                <//>
                <button type="button" class="plain" onClick=${() => marks.turn(order, true)}>
                    Mark all ${order.length} shown
                </button>
                <button type="button" class="plain" onClick=${() => marks.clear()}>
                    Mark none
                </button>
                <span class="soft" role="status">${busy || said}</span>
            </p>
            <${Refused} list=${refused} />
            ${
                asking &&
                html`<${Confirm} title="${asking.action.title} ${jobsText(asking.jobs.length)}?"
                    text="${names(asking.jobs)}. ${asking.action.ask}"
                    yes="${asking.action.title} ${jobsText(asking.jobs.length)}"
                    confirm=${() => this.act(asking.action, asking.jobs)}
                    cancel=${() => this.setState({ asking: null })} />`
            }
        </section>`;
    }

    button(action, marked, busy) {
        const { key, title, fits, look } = action;
        const able = marked.filter(fits);
        return html`<button type="button" key=${key} class=${look ?? ""}
            disabled=${able.length === 0 || busy !== ""} onClick=${() => this.begin(action, able)}>
            ${title}${able.length > 0 && able.length < marked.length && ` ${able.length}`}
        </button>`;
    }
}

function names(jobs) {
    const shown = jobs.slice(0, TOLD).map((job) => `“${nameOf(job)}”`);
    const more = jobs.length - shown.length;
    return more > 0 ? `${shown.join(", ")} and ${more} more` : shown.join(", ");
}

function Refused({ list }) {
    if (list.length === 0)
        return null;
    return html`<div class="warning" role="alert">
        <p>${jobsText(list.length)} not: the daemon refused.</p>
        <ul>
            ${list.slice(0, TOLD).map(
                ({ job, problem }) => html`<li key=${job.id}>${nameOf(job)}: ${problem.message}</li>`,
            )}
        </ul>
    </div>`;
}
