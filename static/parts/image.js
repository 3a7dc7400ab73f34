// A picture that the daemon makes. Where it wants a token, an address in the markup cannot bring
// it: then it is fetched once it comes into view.
import { Component, html } from "../html.js";
import { getBlob } from "../data/api.js";
import { token } from "../data/token.js";

const AHEAD = "200px"; // how near to the view

/** Properties: path, alt, side (its longer side on the page, at most: pixels are shown as whole
 * squares of one size), square (it takes the room of a square of that side in any case). */
export class Image extends Component {
    constructor() {
        super();
        this.state = { source: "", lost: false, style: null };
        this.keep = (place) => (this.place = place);
    }

    componentDidMount() {
        this.watch = new IntersectionObserver(
            (entries) => entries.some(({ isIntersecting }) => isIntersecting) && this.seen(),
            { rootMargin: AHEAD },
        );
        this.watch.observe(this.place);
    }

    componentDidUpdate({ path }) {
        if (path !== this.props.path && this.shown)
            this.load();
    }

    componentWillUnmount() {
        this.watch.disconnect();
        this.shown = false;
        this.release();
    }

    release() {
        if (this.state.source.startsWith("blob:"))
            URL.revokeObjectURL(this.state.source);
    }

    seen() {
        this.watch.disconnect();
        this.shown = true;
        this.load();
    }

    async load() {
        const { path } = this.props;
        if (token() === "") {
            this.setState({ source: path, lost: false });
            return;
        }
        const blob = await getBlob(path).catch(() => null);
        if (!this.shown || path !== this.props.path)
            return;
        this.release();
        this.setState({ source: blob ? URL.createObjectURL(blob) : "", lost: !blob });
    }

    fit({ naturalWidth, naturalHeight }) {
        const { side } = this.props;
        const longer = Math.max(naturalWidth, naturalHeight);
        const factor = longer > side ? side / longer : Math.floor(side / longer);
        this.setState({
            style: { width: `${naturalWidth * factor}px`, height: `${naturalHeight * factor}px` },
        });
    }

    render({ alt, side, square }, { source, lost, style }) {
        const room = { width: `${side}px`, height: `${side}px` };
        return html`<span class="image" ref=${this.keep} style=${square ? room : null}>
            ${
                source !== "" &&
                !lost &&
                html`<img src=${source} alt=${alt} style=${style}
                    onLoad=${({ target }) => this.fit(target)}
                    onError=${() => this.setState({ lost: true })} />`
            }
            ${lost && html`<span class="soft">no picture</span>`}
        </span>`;
    }
}
