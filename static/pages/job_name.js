// What a job is called: its name, labels and priority, changed where they stand.
import { Component, html } from "../html.js";
import { changeJob } from "../data/api.js";
import { Field } from "../parts/field.js";
import { nameOf } from "../parts/job_text.js";
import { Refusal } from "../parts/refusal.js";

const written = (labels) =>
    Object.entries(labels ?? {})
        .map(([key, value]) => `${key}: ${value}`)
        .join("\n");

/** "key: value" lines as an object; a line without a value has an empty one. */
function readLabels(text) {
    const lines = text.split("\n").filter((line) => line.trim() !== "");
    return Object.fromEntries(
        lines.map((line) => {
            const [key, ...value] = line.split(":");
            return [key.trim(), value.join(":").trim()];
        }),
    );
}

/** What was changed between two objects, as a merge patch: what is gone is null. */
function difference(before, after) {
    const gone = Object.keys(before).filter((key) => !Object.hasOwn(after, key));
    const changed = Object.entries(after).filter(([key, value]) => before[key] !== value);
    return Object.fromEntries([...gone.map((key) => [key, null]), ...changed]);
}

const numberOr = (text) => (text.trim() === "" || Number.isNaN(Number(text)) ? text : Number(text));
const read = ({ name, labels, priority }) => ({ name, priority: numberOr(priority), labels });

const firstError = (problem, pointer) =>
    problem?.errors?.find(({ pointer: at }) => at === pointer || at.startsWith(`${pointer}/`))
        ?.detail;

/** Properties: model, job. */
export class Name extends Component {
    constructor() {
        super();
        this.state = { texts: null, first: null, problem: null };
    }

    begin() {
        const { name, labels, priority } = this.props.job;
        const first = { name: name ?? "", labels: written(labels), priority: String(priority) };
        this.setState({ texts: first, first, problem: null });
    }

    /** What was written here: another hand may have changed the rest meanwhile. */
    patch() {
        const { first, texts } = this.state;
        const { labels, ...patch } = difference(read(first), read(texts));
        if (labels === undefined)
            return patch;
        return { ...patch, labels: difference(readLabels(first.labels), readLabels(labels)) };
    }

    async save(event) {
        event.preventDefault();
        const { model, job } = this.props;
        const patch = this.patch();
        try {
            if (Object.keys(patch).length > 0)
                await model.tell(job.id, changeJob(job.id, patch));
            this.setState({ texts: null, problem: null });
        } catch (problem) {
            this.setState({ problem });
        }
    }

    write(name) {
        return ({ target }) =>
            this.setState({ texts: { ...this.state.texts, [name]: target.value } });
    }

    render({ job }, { texts, problem }) {
        return texts ? this.form(texts, problem) : this.title(job);
    }

    title(job) {
        const labels = Object.entries(job.labels ?? {});
        return html`<div class="name">
            <h1>${nameOf(job)}</h1>
            <p class="soft">
                <span>${job.id}</span>
                ${job.priority !== 0 && html`<span>priority ${job.priority}</span>`}
                ${labels.map(
                    ([key, value]) => html`<span class="label" key=${key}>${key}: ${value}</span>`,
                )}
                <button type="button" class="plain" onClick=${() => this.begin()}>
                    Edit name, labels, priority
                </button>
            </p>
        </div>`;
    }

    form(texts, problem) {
        const fields = ["name", "labels", "priority"];
        const known = (problem?.errors ?? [])
            .map(({ pointer }) => pointer)
            .filter((pointer) => fields.some((name) => pointer.startsWith(`/${name}`)));
        const field = (name, more) => html`<${Field} id="job-${name}" value=${texts[name]}
            onInput=${this.write(name)} error=${firstError(problem, `/${name}`)} ...${more} />`;
        return html`<form class="name fields" onSubmit=${(event) => this.save(event)}>
            ${field("name", { title: "Name", size: 40 })}
            ${field("labels", { title: "Labels", note: "one a line, key: value", area: true, rows: 3 })}
            ${field("priority", { title: "Priority", note: "higher runs first", inputmode: "numeric" })}
            ${problem && html`<${Refusal} problem=${problem} known=${known} />`}
            <p class="bar">
                <button type="submit" class="main">Save</button>
                <button type="button" onClick=${() => this.setState({ texts: null })}>Cancel</button>
            </p>
        </form>`;
    }
}
