// Something that the daemon is asked for, and what is shown until it has answered. The answer before
// stays while another one comes, so that nothing jumps. Knows nothing of what is asked.
import { Component, html } from "../html.js";
import { Refusal } from "./refusal.js";

const RETRY_MS = 2000;
const PASSING = new Set([0, 429, 503]); // what may go well a moment later

/** Properties: what (a text: another one is another question), ask() (gives a promise), wait (what
 * is said meanwhile), children (a function of the answer, which gives markup). */
export class Asked extends Component {
    constructor() {
        super();
        this.state = { value: null, problem: null };
    }

    componentDidMount() {
        this.ask();
    }

    componentDidUpdate({ what }) {
        if (what !== this.props.what)
            this.ask();
    }

    componentWillUnmount() {
        clearTimeout(this.timer);
        this.asking = "";
    }

    async ask() {
        const { what, ask } = this.props;
        clearTimeout(this.timer);
        this.asking = what;
        try {
            const value = await ask();
            if (this.asking === what)
                this.setState({ what, value, problem: null });
        } catch (problem) {
            if (this.asking === what)
                this.refused(problem);
        }
    }

    refused(problem) {
        this.setState({ what: this.props.what, value: null, problem });
        if (PASSING.has(problem.status))
            this.timer = setTimeout(() => this.ask(), RETRY_MS);
    }

    render({ children, wait, what }, { value, problem, what: answered }) {
        if (problem)
            return html`<${Refusal} problem=${problem} />`;
        if (value === null)
            return html`<p class="soft" role="status">${wait}</p>`;
        const [show] = [children].flat();
        return html`<div class="asked" aria-busy=${String(answered !== what)}>${show(value)}</div>`;
    }
}
