// The confusion matrix of many classes as a picture. The pointer and the arrow keys read its cells;
// the tables beside it say the same in numbers.
import { Component, html } from "../html.js";
import { colour } from "../charts/lines.js";
import { setOption } from "../route.js";
import { cellAfter, cellText, strengthOf } from "./results_matrix.js";

const SIDE = 560; // of the picture, about

const channels = (tone) => [1, 3, 5].map((at) => Number.parseInt(tone.slice(at, at + 2), 16));

/** Properties: those of the table. */
export class MatrixPicture extends Component {
    constructor({ cell }) {
        super();
        this.state = { at: cell ? [cell.true, cell.predicted] : [0, 0], touched: false };
        this.keep = (canvas) => (this.canvas = canvas);
        this.redraw = () => this.draw();
    }

    componentDidMount() {
        addEventListener("themechange", this.redraw);
        this.draw();
    }

    componentDidUpdate({ confusion }) {
        if (confusion !== this.props.confusion)
            this.draw();
    }

    componentWillUnmount() {
        removeEventListener("themechange", this.redraw);
    }

    // A pixel for each cell, which the page shows larger.
    draw() {
        const { confusion, classes } = this.props;
        const size = classes.length;
        const context = this.canvas.getContext("2d");
        const [page, right, wrong] = ["--page", "--accent", "--bad"].map((n) => channels(colour(n)));
        const image = context.createImageData(size, size);
        for (let row = 0; row < size; row++)
            for (let column = 0; column < size; column++) {
                const strength = strengthOf(confusion[row][column], classes[row].support);
                const tone = row === column ? right : wrong;
                const at = 4 * (row * size + column);
                for (let i = 0; i < 3; i++)
                    image.data[at + i] = page[i] + strength * (tone[i] - page[i]);
                image.data[at + 3] = 255;
            }
        context.putImageData(image, 0, 0);
    }

    cellAt({ offsetX, offsetY, currentTarget }) {
        const size = this.props.classes.length;
        const place = (offset, length) =>
            Math.min(size - 1, Math.max(0, Math.floor((offset / length) * size)));
        const { clientWidth, clientHeight } = currentTarget;
        return [place(offsetY, clientHeight), place(offsetX, clientWidth)];
    }

    press(event) {
        const { at } = this.state;
        const next = cellAfter(event.key, at, this.props.classes.length);
        if (event.key === "Enter" || event.key === " ")
            setOption("cell", at.join());
        else if (next) this.setState({ at: next, touched: true });
        else return;
        event.preventDefault();
    }

    render({ classes, confusion }, { at, touched }) {
        const size = classes.length;
        const side = size * Math.max(1, Math.floor(SIDE / size));
        const read = (event) => this.setState({ at: this.cellAt(event), touched: true });
        return html`<figure class="matrix-picture">
            <canvas ref=${this.keep} width=${size} height=${size} tabindex="0" role="img"
                aria-label="Confusion matrix of ${size} classes; arrow keys read its cells"
                style=${{ width: `${side}px` }} onMouseMove=${read}
                onClick=${(event) => setOption("cell", this.cellAt(event).join())}
                onKeyDown=${(event) => this.press(event)}></canvas>
            <figcaption class="soft" aria-live="polite">
                ${touched ? cellText(classes, confusion, ...at) : "Rows: as it is. Columns: as it was predicted."}
            </figcaption>
        </figure>`;
    }
}
