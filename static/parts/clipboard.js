// A piece of text to take away: shown as it is, with a button that copies it. Where the browser
// keeps the clipboard from a page (plain http by a host name), the text is selected instead.
import { Component, html } from "../html.js";
import { json } from "./format.js";

const SHOWN_MS = 2000;

/** A request as one would type it. The heredoc needs no quoting: no line of JSON is that word. */
export const submitAsCurl = (job) =>
    `curl --json @- ${location.origin}/v1/jobs <<'EOF'\n${json(job)}\nEOF`;

export const presetAsCurl = (file) =>
    `curl ${location.origin}/presets/${file} | curl --json @- ${location.origin}/v1/jobs`;

/** Whether the browser let it be copied. */
export const copyText = (text) =>
    (navigator.clipboard?.writeText(text) ?? Promise.reject()).then(
        () => true,
        () => false,
    );

/** Properties: text, label. */
export class Copyable extends Component {
    constructor() {
        super();
        this.state = { said: "" };
        this.keep = (place) => (this.place = place);
    }

    componentWillUnmount() {
        clearTimeout(this.timer);
    }

    async copy() {
        const copied = await copyText(this.props.text);
        if (!copied)
            getSelection().selectAllChildren(this.place);
        this.setState({ said: copied ? "Copied" : "Selected: copy with Ctrl-C" });
        clearTimeout(this.timer);
        this.timer = setTimeout(() => this.setState({ said: "" }), SHOWN_MS);
    }

    render({ text, label }, { said }) {
        return html`<div class="copyable">
            <pre ref=${this.keep} tabindex="0" aria-label=${label}>${text}</pre>
            <button type="button" onClick=${() => this.copy()}>${said || "Copy"}</button>
            <span class="hidden" role="status">${said}</span>
        </div>`;
    }
}
