// A black sheet to draw on in white: with mouse, finger or pen, or with the keys. Gives what was
// drawn as a picture of the size that the network sees.
import { Component, html } from "../html.js";

const SIDE = 280; // of the sheet, in pixels
const PEN = 22; // width of a line
const WAIT_MS = 150; // after the last stroke until the picture is given

const MOVES = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };
const STEP = 14; // of a key, in pixels

/** Properties: height, width (that the network sees), drawn(file), cleared(). */
export class Drawing extends Component {
    constructor() {
        super();
        this.state = { empty: true, pen: [SIDE / 2, SIDE / 2], down: false, keys: false };
        this.keep = (canvas) => (this.canvas = canvas);
        this.keepSmall = (canvas) => (this.small = canvas);
    }

    componentDidMount() {
        this.wipe();
    }

    componentWillUnmount() {
        clearTimeout(this.timer);
    }

    wipe() {
        for (const canvas of [this.canvas, this.small]) {
            const context = canvas.getContext("2d");
            context.fillStyle = "#000";
            context.fillRect(0, 0, canvas.width, canvas.height);
        }
    }

    clear() {
        clearTimeout(this.timer);
        this.wipe();
        this.setState({ empty: true });
        this.props.cleared();
    }

    // ---- lines ----

    placeOf({ offsetX, offsetY, currentTarget }) {
        return [
            (offsetX / currentTarget.clientWidth) * SIDE,
            (offsetY / currentTarget.clientHeight) * SIDE,
        ];
    }

    line(from, to) {
        const context = this.canvas.getContext("2d");
        Object.assign(context, { strokeStyle: "#fff", lineWidth: PEN, lineCap: "round" });
        context.beginPath();
        context.moveTo(...from);
        context.lineTo(to[0], to[1] + 0.01); // a dot is a line too
        context.stroke();
        this.setState({ empty: false });
        clearTimeout(this.timer);
        this.timer = setTimeout(() => this.give(), WAIT_MS);
    }

    press(event) {
        event.currentTarget.setPointerCapture(event.pointerId);
        this.last = this.placeOf(event);
        this.setState({ keys: false });
        this.line(this.last, this.last);
    }

    move(event) {
        if (!this.last)
            return;
        const to = this.placeOf(event);
        this.line(this.last, to);
        this.last = to;
    }

    release() {
        this.last = null;
    }

    key(event) {
        const { pen, down } = this.state;
        const step = MOVES[event.key];
        if (event.key === " ")
            this.setState({ down: !down, keys: true }, () => !down && this.line(pen, pen));
        else if (step) this.carry(pen, step, down);
        else return;
        event.preventDefault();
    }

    carry(pen, step, down) {
        const within = (place) => Math.min(SIDE, Math.max(0, place));
        const next = pen.map((place, i) => within(place + STEP * step[i]));
        if (down)
            this.line(pen, next);
        this.setState({ pen: next, keys: true });
    }

    // ---- what the network sees ----

    // In halves: a picture that is made much smaller at once would lose its thin lines.
    give() {
        const { width, height, drawn } = this.props;
        let from = this.canvas;
        while (from.width >= 2 * width && from.height >= 2 * height) {
            const half = new OffscreenCanvas(Math.ceil(from.width / 2), Math.ceil(from.height / 2));
            half.getContext("2d").drawImage(from, 0, 0, half.width, half.height);
            from = half;
        }
        this.small.getContext("2d").drawImage(from, 0, 0, width, height);
        this.small.toBlob((blob) => drawn(new File([blob], "drawing.png", { type: "image/png" })));
    }

    render({ width, height }, { empty, pen, down, keys }) {
        return html`<h3>or a drawing</h3>
        <div class="drawing">
            <div class="sheet">
                <canvas ref=${this.keep} width=${SIDE} height=${SIDE} tabindex="0"
                    role="application" aria-describedby="drawing-note"
                    aria-label="Sheet to draw on; the pen is ${down ? "down" : "up"}"
                    onPointerDown=${(event) => this.press(event)}
                    onPointerMove=${(event) => this.move(event)}
                    onPointerUp=${() => this.release()} onPointerCancel=${() => this.release()}
                    onKeyDown=${(event) => this.key(event)}></canvas>
                ${
                    keys &&
                    html`<i class=${down ? "pen down" : "pen"} aria-hidden="true"
                        style=${{ left: `${(100 * pen[0]) / SIDE}%`, top: `${(100 * pen[1]) / SIDE}%` }}></i>`
                }
            </div>
            <div>
                <canvas ref=${this.keepSmall} width=${width} height=${height} class="as-seen" role="img"
                    aria-label="The drawing as the network sees it"></canvas>
                <p class="soft">as the network sees it</p>
                <button type="button" disabled=${empty} onClick=${() => this.clear()}>Clear</button>
            </div>
        </div>
        <p class="soft" id="drawing-note">
            Draw with mouse, finger or pen. With the keys: arrows move the pen, space lowers and
            lifts it.
        </p>`;
    }
}
