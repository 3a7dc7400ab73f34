// Which jobs are listed: by state, by a part of the name, by labels. The daemon finds them; the
// address keeps it.
import { Component, html } from "../html.js";
import { setOption } from "../route.js";

const TYPING_MS = 300;

const STATES = [
    ["", "all states"],
    ["queued,running,pausing,paused,cancelling", "not ended"],
    ["running", "running"],
    ["queued", "queued"],
    ["paused", "paused"],
    ["succeeded", "succeeded"],
    ["failed", "failed"],
    ["cancelled", "cancelled"],
];

export const queryOf = ({ state = "", name = "", label = "" }) => ({ state, name, label });

/** A label as the daemon's list of them wants it. */
export const labelQuery = (key, value) =>
    [key, value].map((text) => text.replace(/[:,\\]/g, "\\$&")).join(":");

export function Filters({ options, problem }) {
    const state = options.state ?? "";
    const known = STATES.some(([value]) => value === state);
    return html`<form class="bar filters" role="search" aria-label="Which jobs"
        onSubmit=${(event) => event.preventDefault()}>
        <select aria-label="State" value=${state}
            onChange=${({ target }) => setOption("state", target.value)}>
            ${STATES.map(([value, title]) => html`<option key=${value} value=${value}>${title}</option>`)}
            ${!known && html`<option value=${state}>${state}</option>`}
        </select>
        <${Typed} name="name" title="Name" hint="part of a name" options=${options} />
        <${Typed} name="label" title="Label" hint="label, or label:value" options=${options} />
        ${
            (state || options.name || options.label) &&
            html`<a href="#/jobs">All jobs</a>`
        }
        ${problem && html`<p class="error" role="alert">${problem.message}</p>`}
    </form>`;
}

/** A text that is asked for once the typing rests. Properties: name (of the option), title, hint,
 * options. */
class Typed extends Component {
    constructor() {
        super();
        this.state = { text: null };
    }

    componentWillUnmount() {
        clearTimeout(this.timer);
    }

    type(text) {
        this.setState({ text });
        clearTimeout(this.timer);
        this.timer = setTimeout(() => {
            setOption(this.props.name, text.trim());
            this.setState({ text: null });
        }, TYPING_MS);
    }

    render({ name, title, hint, options }, { text }) {
        return html`<input type="text" name=${name} aria-label=${title} placeholder=${hint} size="18"
            autocomplete="off" spellcheck="false" value=${text ?? options[name] ?? ""}
            onInput=${({ target }) => this.type(target.value)} />`;
    }
}
