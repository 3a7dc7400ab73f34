// A picture that the daemon makes of few pixels, shown as large as there is room: asked for once it
// comes into view, and its pixels are squares.
import { Component, html } from "../html.js";
import { Picture } from "./picture.js";

const AHEAD = "200px"; // how near to the view

/** Properties: path, alt, side (its longer side on the page, at most), square (it takes the room of
 * a square of that side in any case). */
export class Image extends Component {
    constructor() {
        super();
        this.state = { seen: false, lost: "", style: null };
        this.keep = (place) => (this.place = place);
    }

    componentDidMount() {
        this.watch = new IntersectionObserver(
            (entries) => {
                if (entries.some(({ isIntersecting }) => isIntersecting))
                    this.setState({ seen: true }, () => this.watch.disconnect());
            },
            { rootMargin: AHEAD },
        );
        this.watch.observe(this.place);
    }

    componentWillUnmount() {
        this.watch.disconnect();
    }

    fit({ naturalWidth, naturalHeight }) {
        const { side } = this.props;
        const longer = Math.max(naturalWidth, naturalHeight);
        const factor = longer > side ? side / longer : Math.floor(side / longer);
        this.setState({
            style: { width: `${naturalWidth * factor}px`, height: `${naturalHeight * factor}px` },
        });
    }

    render({ path, alt, side, square }, { seen, lost, style }) {
        const room = { width: `${side}px`, height: `${side}px` };
        return html`<span class="image" ref=${this.keep} style=${square ? room : null}>
            ${
                seen &&
                lost !== path &&
                html`<${Picture} src=${path} alt=${alt} style=${style}
                    onLoad=${({ target }) => this.fit(target)}
                    onError=${() => this.setState({ lost: path })} />`
            }
            ${lost === path && html`<span class="soft">no picture</span>`}
        </span>`;
    }
}
