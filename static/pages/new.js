// A new job: a text to edit, begun from a preset or from another job, checked by the daemon, then
// sent to it.
import { Component, html } from "../html.js";
import { getJob, getPreset, planJob } from "../data/api.js";
import { json } from "../parts/format.js";
import { Plan } from "./plan.js";
import { PRESETS } from "../data/presets.js";
import { Refusal } from "../parts/refusal.js";
import { jobAddress } from "../route.js";

/** Properties: model, options {preset, from}. */
export class NewJob extends Component {
    constructor() {
        super();
        this.state = { text: "", problem: null, plan: null };
    }

    componentDidMount() {
        const { preset, from } = this.props.options;
        const named = PRESETS.find(({ file }) => file === preset) ?? PRESETS[0];
        if (from)
            this.fill(getJob(from).then(({ name, spec }) => ({ name, ...spec })));
        else this.fill(getPreset(named.file));
    }

    fill(promise) {
        return this.guard(async () => this.setState({ text: json(await promise) }));
    }

    check() {
        return this.guard(async () => {
            const { plan } = await planJob(JSON.parse(this.state.text));
            this.setState({ plan });
        });
    }

    submit() {
        return this.guard(async () => {
            const job = await this.props.model.submit(JSON.parse(this.state.text));
            location.hash = jobAddress(job.id);
        });
    }

    async guard(work) {
        this.setState({ problem: null, plan: null });
        try {
            await work();
        } catch (problem) {
            this.setState({ problem });
        }
    }

    render(_, { text, problem, plan }) {
        return html`
            <div class="bar"><h1>New job</h1></div>
            <p class="presets">
                Begin with
                ${PRESETS.map(
                    ({ file, title, about }) => html`<button type="button" key=${file}
                        title=${about} onClick=${() => this.fill(getPreset(file))}>
                        ${title}
                    </button>`,
                )}
            </p>
            <label class="hidden" for="spec">The job as JSON</label>
            <textarea id="spec" spellcheck="false" rows="24" value=${text}
                onInput=${(event) => this.setState({ text: event.target.value })}></textarea>
            <p class="bar">
                <button type="button" class="main" onClick=${() => this.submit()}>Submit</button>
                <button type="button" onClick=${() => this.check()}>Check only</button>
            </p>
            ${problem && html`<${Refusal} problem=${problem} />`}
            ${plan && html`<p>This can be trained.</p><${Plan} plan=${plan} />`}`;
    }
}
