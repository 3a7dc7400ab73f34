// A part of a page that is loaded when it is first needed, so that a first visit is light.
import { Component, html } from "../html.js";

const loaded = new Map(); // how to load it → the component

/** Properties: load() gives the component, and what that one takes. */
export class Late extends Component {
    constructor() {
        super();
        this.state = { failed: false };
    }

    componentDidMount() {
        this.begin();
    }

    componentDidUpdate({ load }) {
        if (load !== this.props.load)
            this.begin();
    }

    begin() {
        const { load } = this.props;
        if (loaded.has(load))
            return;
        load().then(
            (view) => {
                loaded.set(load, view);
                this.setState({ failed: false });
            },
            () => this.setState({ failed: true }),
        );
    }

    render({ load, ...given }, { failed }) {
        const view = loaded.get(load);
        if (view)
            return html`<${view} ...${given} />`;
        return failed && html`<p class="warning">A part of this page could not be loaded.</p>`;
    }
}
