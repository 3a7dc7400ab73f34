// Asks before something is done that cannot be taken back.
import { Component, html } from "../html.js";

/** Properties: title, text, yes (the word on the button), problem, confirm(), cancel(). Is shown as
 * long as it is there. */
export class Confirm extends Component {
    constructor() {
        super();
        this.keep = (dialog) => (this.dialog = dialog);
    }

    componentDidMount() {
        this.dialog.showModal();
    }

    render({ title, text, yes, problem, confirm, cancel }) {
        return html`<dialog ref=${this.keep} aria-labelledby="confirm-title" onClose=${cancel}>
            <h2 id="confirm-title">${title}</h2>
            <p>${text}</p>
            ${problem && html`<p class="warning" role="alert">${problem}</p>`}
            <p class="bar">
                <button type="button" class="danger" onClick=${confirm}>${yes}</button>
                <button type="button" onClick=${() => this.dialog.close()}>Keep it</button>
            </p>
        </dialog>`;
    }
}
