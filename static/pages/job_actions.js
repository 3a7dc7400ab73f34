// What can be done with a job: each thing is a row of a table that says when it can, what it asks
// the daemon for, and so what the same is as a curl command.
import { Component, html } from "../html.js";
import * as api from "../data/api.js";
import { ended, pausable, resumable } from "../data/model.js";
import { Copyable, copyText } from "../parts/clipboard.js";
import { Confirm } from "../parts/confirm.js";
import { curl } from "../parts/curl.js";
import { Menu } from "../parts/menu.js";
import { nameOf } from "../parts/job_text.js";
import { address, go } from "../route.js";

const CANCELS = [
    { when: "now", title: "now, after this step" },
    { when: "epoch", title: "at the end of the epoch" },
    { when: "checkpoint", title: "at the next checkpoint" },
];

/** What may be downloaded. `best` says whether there is a checkpoint. */
function downloads(job) {
    const file = (which, options) => api.checkpointPath(job.id, which, options);
    return [
        { title: "Best weights (safetensors)", path: file("best"), stored: true },
        { title: "Last weights (safetensors)", path: file("last"), stored: true },
        {
            title: "Last weights and optimizer state",
            path: file("last", "state=full"),
            stored: true,
        },
        { title: "Best network as ONNX", path: file("best", "format=onnx"), stored: true },
        { title: "Network as a PyTorch script", path: `${api.jobPath(job.id)}/export/pytorch` },
        {
            title: "All curves as CSV",
            path: api.metricsPath(job.id),
            accept: "text/csv",
            name: `${job.id}.csv`,
        },
    ];
}

/** Every action as a request, for a terminal. */
function commands(job) {
    const path = api.jobPath(job.id);
    const post = (title, what) => ({ title, method: "POST", path: `${path}/${what}` });
    return [
        {
            title: "Submit it again",
            method: "POST",
            path: "/v1/jobs",
            body: { name: job.name, labels: job.labels, ...job.spec },
        },
        post("Pause", "pause"),
        post("Resume", "resume"),
        ...CANCELS.map(({ when, title }) => post(`Cancel ${title}`, `cancel?when=${when}`)),
        {
            title: "Change the rate",
            method: "PATCH",
            path,
            body: { lr: job.spec?.optimizer?.lr },
        },
        {
            title: "Fork",
            method: "POST",
            path: `${path}/fork`,
            body: { checkpoint: "best", spec: { optimizer: { lr: job.spec?.optimizer?.lr } } },
        },
        { title: "Follow its events", path: `${path}/events`, accept: "application/jsonl" },
        ...downloads(job).map(({ title, path: from, accept, name }) => ({
            title,
            path: from,
            accept,
            output: name ?? true,
        })),
        { title: "Delete", method: "DELETE", path },
    ];
}

export class Actions extends Component {
    constructor() {
        super();
        this.state = { asking: false, problem: "", command: null, said: "" };
    }

    async tell(promise) {
        const { model, job } = this.props;
        await model.tell(job.id, promise).catch((problem) => model.note(problem.message));
    }

    async remove() {
        const { model, job } = this.props;
        try {
            await model.remove(job.id);
            go("#/jobs");
        } catch (problem) {
            const text = problem.status === 501 ? "This daemon cannot delete jobs yet." : "";
            this.setState({ problem: text || problem.message });
        }
    }

    async copy(command) {
        const text = curl(command);
        const copied = await copyText(text);
        this.setState({ command: { ...command, text }, said: copied ? "Copied" : "" });
    }

    render({ job, opened }, { asking, problem, command, said }) {
        const { id, state } = job;
        const stored = (opened.checkpoints?.length ?? 0) > 0;
        return html`<div class="actions" role="group" aria-label="Actions">
            ${
                pausable(job) &&
                html`<button type="button" onClick=${() => this.tell(api.pauseJob(id))}>
                Pause
            </button>`
            }
            ${
                resumable(job) &&
                html`<button type="button" class="main"
                onClick=${() => this.tell(api.resumeJob(id))}>Resume</button>`
            }
            ${!ended(job) && this.cancel(job)}
            <a class="button" href=${address(["jobs", id, "fork"])}>Fork</a>
            <a class="button" href=${address(["new"], { from: id })}>Clone</a>
            <${Menu} title="Download">
                ${downloads(job)
                    .filter((file) => stored || !file.stored)
                    .map(
                        ({ title, path, accept, name }) => html`<a key=${title} href=${path}
                            download data-fetch data-accept=${accept} data-name=${name}>
                            ${title}
                        </a>`,
                    )}
            <//>
            <${Menu} title="Copy as curl">
                ${commands(job).map(
                    (row) => html`<button type="button" key=${row.title}
                        onClick=${() => this.copy(row)}>${row.title}</button>`,
                )}
            <//>
            ${
                ended(job) &&
                html`<button type="button" class="danger"
                onClick=${() => this.setState({ asking: true, problem: "" })}>Delete</button>`
            }
            ${
                command &&
                html`<div class="command">
                <p class="bar">
                    <b>${command.title}</b>
                    <span class="soft" role="status">${said}</span>
                    <button type="button" class="plain"
                        onClick=${() => this.setState({ command: null })}>Close</button>
                </p>
                <${Copyable} label="${command.title} as a curl command" text=${command.text} />
            </div>`
            }
            ${
                asking &&
                html`<${Confirm} title="Delete ${nameOf(job)}?" yes="Delete for good"
                text="Its curves, events and checkpoints go with it. This cannot be taken back."
                problem=${problem} confirm=${() => this.remove()}
                cancel=${() => this.setState({ asking: false })} />`
            }
        </div>`;
    }

    // A job that no worker has simply ends; one that runs may first come to a good place.
    cancel({ id, state, stop_when: when }) {
        const now = (title) =>
            html`<button type="button" class="danger"
                onClick=${() => this.tell(api.cancelJob(id, "now"))}>${title}</button>`;
        if (state === "cancelling")
            return when && when !== "now"
                ? now("Cancel now")
                : html`<button type="button" class="danger" disabled>Cancelling …</button>`;
        if (state !== "running")
            return now("Cancel");
        return html`<${Menu} title="Cancel" look="danger">
            ${CANCELS.map(
                ({ when, title }) => html`<button type="button" key=${when}
                    onClick=${() => this.tell(api.cancelJob(id, when))}>${title}</button>`,
            )}
        <//>`;
    }
}
