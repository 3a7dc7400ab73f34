// A picture that the daemon makes. Where it wants a token, which no address may carry, the picture is
// fetched and shown from memory.
import { Component, html } from "../html.js";
import { getBlob } from "../data/api.js";
import { token } from "../data/token.js";

/** Properties: src, and all others for the element. */
export class Picture extends Component {
    constructor() {
        super();
        this.state = { here: "" };
    }

    componentDidMount() {
        this.fetch();
    }

    componentDidUpdate({ src }) {
        if (src !== this.props.src)
            this.fetch();
    }

    componentWillUnmount() {
        URL.revokeObjectURL(this.state.here);
        this.gone = true;
    }

    async fetch() {
        const { src } = this.props;
        if (token() === "")
            return;
        const blob = await getBlob(src).catch(() => null);
        if (this.gone || src !== this.props.src)
            return;
        URL.revokeObjectURL(this.state.here);
        if (!blob) {
            this.setState({ here: "" });
            this.props.onError?.();
            return;
        }
        this.setState({ here: URL.createObjectURL(blob) });
    }

    render({ src, ...given }, { here }) {
        const shown = token() === "" ? src : here;
        return html`<img ...${given} src=${shown || undefined} />`;
    }
}
