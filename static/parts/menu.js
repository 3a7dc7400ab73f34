// A button that opens a few others below it. Escape, a choice, or the focus leaving it close it.
import { Component, html } from "../html.js";

/** Properties: title, look (classes of the button), disabled, keep (a click within does not close
 * it: there is a form), children (buttons and links). */
export class Menu extends Component {
    constructor() {
        super();
        this.state = { open: false };
        this.keep = (place) => (this.place = place);
    }

    close() {
        this.setState({ open: false });
    }

    leave({ relatedTarget }) {
        if (relatedTarget && !this.place.contains(relatedTarget))
            this.close();
    }

    press(event) {
        if (event.key !== "Escape" || !this.state.open)
            return;
        this.close();
        this.place.querySelector("button").focus();
    }

    componentDidMount() {
        this.outside = ({ target }) => this.place.contains(target) || this.close();
        addEventListener("click", this.outside);
    }

    componentWillUnmount() {
        removeEventListener("click", this.outside);
    }

    render({ title, look = "", disabled, keep, children }, { open }) {
        return html`<div class="menu" ref=${this.keep} onFocusOut=${(event) => this.leave(event)}
            onKeyDown=${(event) => this.press(event)}>
            <button type="button" class=${look} disabled=${disabled} aria-expanded=${String(open)}
                aria-haspopup="true" onClick=${() => this.setState({ open: !open })}>
                ${title} <i aria-hidden="true">▾</i>
            </button>
            ${
                open &&
                html`<div class="choices" onClick=${() => keep || this.close()}>${children}</div>`
            }
        </div>`;
    }
}
