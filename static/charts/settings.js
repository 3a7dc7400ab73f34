// How curves are shown, as controls: what stands below them, how they are smoothed, which part of
// them. What is chosen is kept in the address.
import { Component, html } from "../html.js";
import { count } from "../parts/format.js";
import { setOption, setOptions } from "../route.js";
import { X_KINDS } from "./axis.js";

/** The kind of x axis that an address asks for and that the run can have. */
export function usable(name, run) {
    const kind = Object.hasOwn(X_KINDS, name) && X_KINDS[name]; // a name may be "constructor"
    return kind && (!kind.needs || run[kind.needs] > 0) ? name : "step";
}

/** Properties: options, run, also: other options that change with the kind. */
export function XKind({ options, run, also = {} }) {
    const kinds = Object.keys(X_KINDS).filter((name) => usable(name, run) === name);
    return html`<label>
        over${" "}
        <select value=${usable(options.x, run)} aria-label="The x axis of the curves"
            onChange=${({ target: { value } }) =>
                setOptions({ ...also, x: value === "step" ? "" : value })}>
            ${kinds.map(
                (name) => html`<option key=${name} value=${name}>${X_KINDS[name].title}</option>`,
            )}
        </select>
    </label>`;
}

const WINDOWS = [0, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000];
const LONG = 1000; // steps; a mean lags, which a shorter run would show more than its noise
const USUAL = 20;

/** A mean over as many rows of what is logged at each step. */
export function Smoothing({ options, job }) {
    const window = Smoothing.window(options, job);
    const text = window ? `${count(window)} steps` : "none";
    const at = WINDOWS.findLastIndex((size) => size <= window);
    return html`<label class="smoothing">
        smoothing${" "}
        <input type="range" min="0" max=${WINDOWS.length - 1} step="1" value=${at}
            aria-valuetext=${text}
            onInput=${({ target }) => setOption("smooth", String(WINDOWS[target.value]))} />
        <output>${text}</output>
    </label>`;
}

Smoothing.window = (options, job) => {
    const asked = Number(options.smooth);
    if (options.smooth !== undefined && WINDOWS.includes(asked))
        return asked;
    return job.plan?.steps >= LONG ? USUAL : 0;
};

/** {from, to} of an address, or null: the whole run. */
export function readRange({ from, to }) {
    const range = { from: Number(from), to: Number(to) };
    const good = Number.isInteger(range.from) && Number.isInteger(range.to);
    return good && range.from >= 1 && range.to > range.from ? range : null;
}

/** The part of the run that is shown, in steps, to be typed. Properties: options, last, zoom. */
export class Range extends Component {
    constructor() {
        super();
        this.state = { from: null, to: null };
    }

    submit(event) {
        event.preventDefault();
        const { from, to } = this.texts();
        this.setState({ from: null, to: null });
        this.props.zoom(Math.round(Number(from)) || 1, Math.round(Number(to)) || this.props.last);
    }

    texts() {
        const range = readRange(this.props.options);
        return {
            from: this.state.from ?? String(range?.from ?? 1),
            to: this.state.to ?? String(range?.to ?? this.props.last),
        };
    }

    render({ options, last, zoom }, { from, to }) {
        const texts = this.texts();
        const field = (name) => html`<input type="number" min="1" max=${last} step="1"
            value=${texts[name]} aria-label=${name === "from" ? "First step" : "Last step"}
            onInput=${({ target }) => this.setState({ [name]: target.value })} />`;
        return html`<form class="range" onSubmit=${(event) => this.submit(event)}>
            steps ${field("from")} to ${field("to")}
            ${(from ?? to) !== null && html`<button type="submit">Show</button>`}
            ${
                readRange(options) &&
                html`<button type="button" onClick=${() => zoom(0, 0)}>Whole run</button>`
            }
        </form>`;
    }
}

export function Toggle({ text, label, on, off = false, turn }) {
    return html`<label>
        <input type="checkbox" checked=${on} disabled=${off} aria-label=${label}
            onChange=${turn} />
        ${" "}${text}
    </label>`;
}
