// Keeps what goes wrong in one page from taking the others along: says so, and offers the page as it
// is without the rest of its address.
import { Component, html } from "../html.js";
import { address, readAddress } from "../route.js";

/** Properties: children, at (the address: another one is worth another try). */
export class Guard extends Component {
    constructor() {
        super();
        this.state = { broken: false };
    }

    componentDidUpdate({ at }) {
        if (this.state.broken && at !== this.props.at)
            this.setState({ broken: false });
    }

    componentDidCatch(error) {
        console.error(error);
        this.setState({ broken: true });
    }

    render({ children }, { broken }) {
        if (!broken)
            return children;
        return html`<p class="warning" role="alert">
            This page cannot be shown like this: it met an error of its own.${" "}
            <a href=${address(readAddress(location.hash).parts)}>Show it as it usually is</a>${" "}
            or <a href="#/jobs">all jobs</a>.
        </p>`;
    }
}
