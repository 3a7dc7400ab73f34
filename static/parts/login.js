// Asks for the access token, where the daemon wants one.
import { Component, html } from "../html.js";

/** Properties: refused (the last one was no good), enter(text). */
export class Login extends Component {
    constructor() {
        super();
        this.state = { text: "" };
    }

    submit(event) {
        event.preventDefault();
        this.props.enter(this.state.text.trim());
        this.setState({ text: "" });
    }

    render({ refused }, { text }) {
        return html`<form class="login" onSubmit=${(event) => this.submit(event)}>
            <h1>Access token</h1>
            <p>This daemon answers to who has a token. Whoever runs it makes one with${" "}
                <code>traind token add NAME --scope read</code>. It stays in this tab.</p>
            ${refused && html`<p class="warning" role="alert">The daemon does not know this token.</p>`}
            <p class="bar">
                <label class="hidden" for="token">Token</label>
                <input id="token" type="password" autocomplete="off" size="40" value=${text}
                    placeholder="trnd_…" onInput=${(event) =>
                        this.setState({ text: event.target.value })} />
                <button type="submit" class="main" disabled=${text === ""}>Enter</button>
            </p>
        </form>`;
    }
}
