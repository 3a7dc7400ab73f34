// What of a job's course can be changed while it runs: its rate and what goes with it. The daemon
// takes it at the next step, and says so in an event.
import { Component, html } from "../html.js";
import { changeJob, jobPath } from "../data/api.js";
import { copyText } from "../parts/clipboard.js";
import { curl } from "../parts/curl.js";
import { Field } from "../parts/field.js";
import * as format from "../parts/format.js";
import { latest } from "../parts/job_text.js";
import { Refusal } from "../parts/refusal.js";

const asNumber = (text) => {
    const number = Number(text);
    return text.trim() === "" || Number.isNaN(number) ? text : number;
};

function asJson(text) {
    try {
        return JSON.parse(text);
    } catch {
        return text;
    }
}

/** The fields: one row each. `of(spec)`: the value now, undefined where the job has no such thing;
 * `read`: what is sent for a text. */
const FIELDS = [
    { key: "lr", title: "Rate", of: ({ optimizer }) => optimizer.lr, note: rateNote },
    { key: "momentum", title: "Momentum", of: ({ optimizer }) => optimizer.momentum },
    { key: "weight_decay", title: "Weight decay", of: ({ optimizer }) => optimizer.weight_decay },
    { key: "epochs", title: "Epochs", of: ({ epochs }) => epochs },
    { key: "max_steps", title: "Steps", of: ({ max_steps: steps }) => steps },
    {
        key: "lr_schedule",
        title: "Schedule",
        of: ({ lr_schedule: schedule }) => schedule,
        read: asJson,
        write: (value) => format.json(value).replace(/\s*\n\s*/g, " "),
        area: true,
    },
];

const writtenValue = ({ of, write = String }, spec) => write(of(spec));

// The schedule makes another rate of the one that is given.
function rateNote(job) {
    const now = latest(job, "lr");
    return now === null ? "" : `the step just taken used ${format.shortest(now)}`;
}

/** Properties: model, job. */
export class Steering extends Component {
    constructor() {
        super();
        this.state = { texts: {}, problem: null, said: "" };
    }

    /** What differs from the job as it is. */
    patch() {
        const { spec } = this.props.job;
        const changed = FIELDS.filter(
            (field) =>
                field.of(spec) !== undefined &&
                this.state.texts[field.key] !== undefined &&
                this.state.texts[field.key] !== writtenValue(field, spec),
        );
        return Object.fromEntries(
            changed.map(({ key, read = asNumber }) => [key, read(this.state.texts[key])]),
        );
    }

    async submit(event) {
        event.preventDefault();
        const { model, job } = this.props;
        try {
            await model.tell(job.id, changeJob(job.id, this.patch()));
            this.setState({ texts: {}, problem: null, said: "Asked for: taken at the next step." });
        } catch (problem) {
            this.setState({ problem, said: "" });
        }
    }

    async copy() {
        const { job } = this.props;
        const command = { method: "PATCH", path: jobPath(job.id), body: this.patch() };
        const copied = await copyText(curl(command));
        this.setState({ said: copied ? "Copied" : "The browser does not let this page copy." });
    }

    write(key) {
        return ({ target }) =>
            this.setState({ texts: { ...this.state.texts, [key]: target.value }, said: "" });
    }

    render({ job }, { problem, said }) {
        const nothing = Object.keys(this.patch()).length === 0;
        const errors = problem?.errors ?? [];
        return html`
            <form class="fields" onSubmit=${(event) => this.submit(event)}>
                ${FIELDS.filter(({ of }) => of(job.spec) !== undefined).map((field) =>
                    this.field(field, job, errors),
                )}
                ${
                    problem &&
                    html`<${Refusal} problem=${problem}
                    known=${errors.map(({ pointer }) => pointer).filter(ofField)} />`
                }
                <p class="bar">
                    <button type="submit" class="main" disabled=${nothing}>Change</button>
                    <button type="button" disabled=${nothing} onClick=${() => this.copy()}>
                        Copy as curl
                    </button>
                    <span class="soft" role="status">${said}</span>
                </p>
            </form>`;
    }

    field(field, job, errors) {
        const { key, title, note, area } = field;
        const now = writtenValue(field, job.spec);
        const error = errors.find(({ pointer }) => fieldOf(pointer) === key)?.detail;
        const changed = (this.state.texts[key] ?? now) !== now;
        const notes = [changed && `now ${now}`, note?.(job)].filter(Boolean);
        return html`<${Field} key=${key} id="steer-${key}" title=${title} area=${area} rows="2"
            value=${this.state.texts[key] ?? now} onInput=${this.write(key)} error=${error}
            note=${notes.join("; ")} inputmode=${area ? null : "decimal"} />`;
    }
}

const fieldOf = (pointer) => pointer.split("/")[1] ?? "";
const ofField = (pointer) => FIELDS.some(({ key }) => key === fieldOf(pointer));
