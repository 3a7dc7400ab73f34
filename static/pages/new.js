// A new job: begun from a preset or from another job, written as text or as a form, checked by the
// daemon as it changes, then sent to it.
import { Component, html } from "../html.js";
import { getJob, getPreset, getSchema, listDatasets, listWeights } from "../data/api.js";
import { Draft } from "../data/draft.js";
import { PRESETS } from "../data/presets.js";
import { Schema } from "../data/schema.js";
import { Copyable } from "../parts/clipboard.js";
import { curl } from "../parts/curl.js";
import { bytes, count, duration } from "../parts/format.js";
import { Refusal } from "../parts/refusal.js";
import { address, go, jobAddress, setOption } from "../route.js";
import { FormEditor } from "./editor_form.js";
import { TextEditor } from "./editor_text.js";
import { Plan } from "./plan.js";
import { ScheduleCurve } from "./schedule_curve.js";

/** What is shown: the option in the address, its word on the page, and the parts. */
const VIEWS = [
    { view: "form", title: "Form", form: true },
    { view: "text", title: "JSON", text: true },
    { view: "both", title: "Both", form: true, text: true },
];
const WIDE = matchMedia("(min-width: 1100px)");

/** Names on the server that a place of a job may hold. */
const NAMED = { "dataset/name": "sets", "init_from/weights": "weights" };

const onData = (name) => ({ name: `on ${name}`, dataset: { name } });

/** Properties: model, options {preset, from, data (name of a set), view}. */
export class NewJob extends Component {
    constructor() {
        super();
        this.state = { schema: null, sets: [], weights: [], problem: null, focus: null };
        this.draft = new Draft(
            () => this.setState({}),
            (name) => this.state.sets.find((set) => set.name === name)?.classes,
        );
        this.names = (path) => (this.state[NAMED[path]] ?? []).map(({ name }) => name);
    }

    componentDidMount() {
        this.lay();
        this.learn();
    }

    componentDidUpdate({ options }) {
        const { preset, from, data } = this.props.options;
        if (preset !== options.preset || from !== options.from || data !== options.data)
            this.lay();
        const { live } = this.props.model;
        if (live === true && this.live === false)
            this.again();
        this.live = live;
    }

    // The daemon is there again: what it did not answer is asked for once more.
    again() {
        if (!this.state.schema)
            this.learn();
        if (this.state.problem?.status !== 0)
            return;
        if (this.draft.text === "")
            this.lay();
        else this.setState({ problem: null });
    }

    componentWillUnmount() {
        clearTimeout(this.draft.timer);
    }

    // What completes and checks is not needed to write: it comes when it comes.
    async learn() {
        const { model } = this.props;
        const [schema, sets, weights] = await Promise.all([
            model.attempt(getSchema()),
            model.attempt(listDatasets()),
            model.attempt(listWeights()),
        ]);
        this.setState({
            schema: schema && new Schema(schema),
            sets: sets?.items ?? [],
            weights: weights?.items ?? [],
        });
    }

    lay() {
        const { preset, from, data } = this.props.options;
        const { file } = this.preset();
        const origin = async () => {
            const { name, spec } = from ? await getJob(from) : { spec: await getPreset(file) };
            return { ...(name ? { name } : {}), ...spec, ...(data ? onData(data) : {}) };
        };
        this.setState({ problem: null });
        const key = `${from ? `from ${from}` : `preset ${preset ?? ""}`} ${data ?? ""}`;
        this.draft.begin(key, origin).catch((problem) => this.setState({ problem }));
    }

    preset() {
        const { preset } = this.props.options;
        return PRESETS.find(({ file }) => file === preset) ?? PRESETS[0];
    }

    async submit() {
        const { draft, props } = this;
        this.setState({ problem: null });
        try {
            const job = await props.model.submit(draft.value);
            draft.drop();
            go(jobAddress(job.id));
        } catch (problem) {
            this.setState({ problem });
            if (problem.errors?.length > 0)
                draft.check(0);
        }
    }

    goTo({ from, to }) {
        if (!this.view().text)
            setOption("view", "text");
        this.setState({ focus: { from, to } });
    }

    view() {
        const { view } = this.props.options;
        const usual = WIDE.matches ? "both" : "form";
        return VIEWS.find((one) => one.view === (view ?? usual)) ?? VIEWS[0];
    }

    // Undo of the form; in the text the browser's own goes back by words.
    press(event) {
        const way = { z: "undo", y: "redo", Z: "redo" }[event.key];
        const inField = event.target.closest("textarea, input");
        if (!way || inField || !(event.ctrlKey || event.metaKey))
            return;
        event.preventDefault();
        this.draft[way]();
    }

    render({ options }, { schema, sets, problem, focus }) {
        const { draft, names } = this;
        const { form, text } = this.view();
        return html`<div onKeyDown=${(event) => this.press(event)}>
            <div class="bar"><h1>New job</h1>
                <${Views} shown=${this.view().view} />
            </div>
            <${Begin} options=${options} draft=${draft} preset=${this.preset().file} />
            ${problem && html`<${Refusal} problem=${problem} />`}
            <div class="editor ${form && text ? "both" : ""}">
                ${form && schema && html`<${FormEditor} draft=${draft} schema=${schema} names=${names}
                    sets=${sets} />`}
                ${text && html`<div class="text">
                    <${TextEditor} draft=${draft} schema=${schema} names=${names} focus=${focus} />
                    <${Problems} draft=${draft} goTo=${(place) => this.goTo(place)} />
                </div>`}
            </div>
            <${Verdict} draft=${draft} submit=${() => this.submit()} goTo=${(place) => this.goTo(place)} />
            ${draft.plan && html`<${Outcome} draft=${draft} curve=${!form} />`}
            ${draft.value && html`<details>
                <summary>As a curl command</summary>
                <${Copyable} label="Command that submits this job"
                    text=${curl({ method: "POST", path: "/v1/jobs", body: draft.value })} />
            </details>`}
        </div>`;
    }
}

function Views({ shown }) {
    return html`<div class="views" role="group" aria-label="Shown as">
        ${VIEWS.map(({ view, title }) => html`<button type="button" key=${view}
            aria-pressed=${String(view === shown)} onClick=${() => setOption("view", view)}>
            ${title}
        </button>`)}
    </div>`;
}

function Begin({ options, draft, preset }) {
    const choose = (event, file) => {
        if (options.preset !== file || !draft.touched)
            return;
        event.preventDefault();
        draft.startOver();
    };
    return html`<p class="presets">
        <span class="soft">${options.from ? html`As job <code>${options.from}</code>, or begin with` : "Begin with"}</span>
        ${PRESETS.map(({ file, title, about }) => html`<a class="button" key=${file} title=${about}
            aria-current=${!options.from && file === preset ? "true" : null}
            onClick=${(event) => choose(event, file)}
            href=${address(["new"], { preset: file, view: options.view ?? "" })}>${title}</a>`)}
        <span class="steps">
            <button type="button" disabled=${draft.back.length === 0}
                onClick=${() => draft.undo()}>Undo</button>
            <button type="button" disabled=${draft.forth.length === 0}
                onClick=${() => draft.redo()}>Redo</button>
            <button type="button" disabled=${!draft.touched}
                onClick=${() => draft.startOver()}>Start over</button>
        </span>
    </p>`;
}

const sayLine = ({ line, column }) => `line ${line}, column ${column}`;

/** All that is wrong, each with the way to it and what puts it right. */
function Problems({ draft, goTo }) {
    const problems = draft.problems();
    return html`<ul class="problems" aria-label="What is wrong">
        ${problems.map((one) => html`<li key=${`${one.from} ${one.detail}`}>
            <button type="button" class="plain" onClick=${() => goTo(one)}>${sayLine(one)}</button>
            ${one.pointer && html` <code>${one.pointer}</code>`} ${one.detail}
            ${one.fix && html` <button type="button" onClick=${one.fix.work}>
                Change to ${String(one.fix.say)}
            </button>`}
        </li>`)}
    </ul>`;
}

// What the daemon thinks of it, in one line that stays in sight, and the button.
function Verdict({ draft, submit, goTo }) {
    const problems = draft.problems();
    const said = verdict(draft, problems);
    return html`<div class="ruling ${said.look}">
        <button type="button" class="main" disabled=${!draft.value} onClick=${submit}>Submit</button>
        <p role="status">${said.text}</p>
        ${problems.length > 0 && html`<button type="button" onClick=${() => goTo(problems[0])}>
            Show the first
        </button>`}
    </div>`;
}

function verdict(draft, problems) {
    const { plan, problem, pending } = draft;
    if (draft.text.trim() === "")
        return { look: "", text: "Nothing is written yet." };
    if (problems.length > 0) {
        const things = problems.length === 1 ? "1 thing is" : `${problems.length} things are`;
        return { look: "bad", text: `This cannot be trained yet: ${things} wrong.` };
    }
    if (pending || (!plan && !problem))
        return { look: "", text: "Checking …" };
    if (problem)
        return { look: "bad", text: problem.message };
    const { totals, estimate, steps } = plan;
    const facts = [
        `${count(totals.parameters)} parameters`,
        `${count(steps)} steps`,
        totals.bytes !== null && `${bytes(totals.bytes)} of memory`,
        estimate.seconds !== null && `about ${duration(estimate.seconds)}`,
    ];
    return { look: "good", text: `This can be trained: ${facts.filter(Boolean).join(", ")}.` };
}

function Outcome({ draft, curve }) {
    const { plan, old, pending } = draft;
    return html`<section class=${old ? "outcome stale" : "outcome"}>
        <h2>What it would be</h2>
        ${old && !pending && html`<p class="soft">Of the last version that could be trained.</p>`}
        ${curve && html`<h3>Learning rate</h3><${ScheduleCurve} plan=${plan} />`}
        <${Plan} plan=${plan} />
    </section>`;
}
