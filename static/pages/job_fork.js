// A fork: a new job that begins with a checkpoint of this one, with some of its spec changed.
import { Component, html } from "../html.js";
import { forkJob, jobPath, tryFork } from "../data/api.js";
import { Copyable } from "../parts/clipboard.js";
import { curl } from "../parts/curl.js";
import { Field } from "../parts/field.js";
import { count, metric, title } from "../parts/format.js";
import { nameOf } from "../parts/job_text.js";
import { Refusal } from "../parts/refusal.js";
import { go, jobAddress, setOption } from "../route.js";
import { Plan } from "./plan.js";

const begun = ({ spec }) => JSON.stringify({ optimizer: { lr: spec?.optimizer?.lr } }, null, 2);

// "step 400: validation loss 0.3131".
function about({ step, metrics = {} }) {
    const name = ["val_loss", "train_loss"].find((known) => known in metrics);
    const value = name ? `: ${title(name)} ${metric(name, metrics[name])}` : "";
    return `step ${count(step)}${value}`;
}

/** Properties: model, job, opened, options {checkpoint}. */
export class Fork extends Component {
    constructor({ job }) {
        super();
        const name = `fork of ${nameOf(job)}`;
        this.state = { name, text: begun(job), state: false, problem: null, plan: null };
    }

    choice() {
        const { checkpoint } = this.props.options;
        return /^\d+$/.test(checkpoint ?? "") ? Number(checkpoint) : (checkpoint ?? "best");
    }

    // A job that runs keeps its newest checkpoints and the best.
    isGone(items) {
        const choice = this.choice();
        return typeof choice === "number" && !items.some(({ step }) => step === choice);
    }

    fork() {
        const { name, text, state } = this.state;
        return { checkpoint: this.choice(), state, name, spec: JSON.parse(text) };
    }

    async guard(work) {
        this.setState({ problem: null, plan: null });
        try {
            await work();
        } catch (problem) {
            this.setState({ problem });
        }
    }

    check() {
        return this.guard(async () => {
            const { plan } = await tryFork(this.props.job.id, this.fork());
            this.setState({ plan });
        });
    }

    submit(event) {
        event.preventDefault();
        return this.guard(async () => {
            const { model, job } = this.props;
            const { id } = await model.begin(forkJob(job.id, this.fork()));
            go(jobAddress(id));
        });
    }

    command() {
        const { job } = this.props;
        try {
            return curl({ method: "POST", path: `${jobPath(job.id)}/fork`, body: this.fork() });
        } catch {
            return "";
        }
    }

    render({ opened }, { name, text, state, problem, plan }) {
        const items = opened.checkpoints ?? [];
        if (opened.checkpoints && items.length === 0)
            return html`<p class="soft">There is no checkpoint yet to begin with.</p>`;
        const command = this.command();
        return html`<form class="fields wide" onSubmit=${(event) => this.submit(event)}>
            <h2>A new job that begins with a checkpoint of this one</h2>
            <div class="field">
                <label for="fork-from">Begins with</label>
                <select id="fork-from" value=${String(this.choice())}
                    onChange=${({ target }) => setOption("checkpoint", target.value)}>
                    <option value="best">the best checkpoint</option>
                    <option value="last">the last checkpoint</option>
                    ${
                        this.isGone(items) &&
                        html`<option value=${String(this.choice())}>
                        step ${count(this.choice())}: no longer kept
                    </option>`
                    }
                    ${[...items].reverse().map(
                        (item) => html`<option key=${item.step} value=${String(item.step)}>
                            ${about(item)}
                        </option>`,
                    )}
                </select>
            </div>
            <${Field} id="fork-name" title="Name" value=${name} size="40"
                onInput=${({ target }) => this.setState({ name: target.value })} />
            <${Field} id="fork-spec" title="What is to be other than in this job" area rows="8"
                note="A merge patch of its definition: what is not named stays, null takes away."
                value=${text} onInput=${({ target }) => this.setState({ text: target.value })} />
            <label>
                <input type="checkbox" checked=${state}
                    onChange=${({ target }) => this.setState({ state: target.checked })} />
                ${" "}The optimizer goes on with what it remembers
            </label>
            ${problem && html`<${Refusal} problem=${problem} />`}
            <p class="bar">
                <button type="submit" class="main">Fork</button>
                <button type="button" onClick=${() => this.check()}>Check only</button>
            </p>
            ${plan && html`<p>This can be trained.</p><${Plan} plan=${plan} />`}
            ${
                command !== "" &&
                html`<details>
                <summary>As a curl command</summary>
                <${Copyable} label="Command that forks this job" text=${command} />
            </details>`
            }
        </form>`;
    }
}
