// One chart: a few named series over steps, on a logarithmic or linear scale, with a crosshair that
// reads logged rows only, marks where values stopped being numbers, and the same values as a table.
// Draws with uPlot; knows nothing of jobs.
import uPlot from "../vendor/uplot-1.6.32/uPlot.js";
import { Component, html } from "../html.js";
import { percent, shortest } from "../parts/format.js";
import { align, smooth } from "../data/history.js";
import { Legend, Table } from "./readout.js";

// Lines differ by width and dots as well as by colour.
const LOOKS = {
    train: { colour: "--train", width: 1, dots: false },
    val: { colour: "--val", width: 2, dots: true },
    other: { colour: "--other", width: 1.5, dots: false },
};

const FAINT_ROWS = 2000; // a noisy line of more rows is a band, through which others must be seen
const DOTS_MAX = 60;
const MARKS_MAX = 500; // more crosses than this are one red line anyway

// How far a key moves the crosshair, in rows.
const MOVES = {
    ArrowLeft: -1,
    ArrowRight: 1,
    PageUp: -50,
    PageDown: 50,
    Home: -Infinity,
    End: Infinity,
};

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const isFraction = (name) => name.endsWith("accuracy");

// As many decimals of a percentage as tell neighbours `step` apart from each other.
function decimals(step) {
    const whole = (value) => Math.abs(value - Math.round(value)) < 1e-6;
    return [0, 1, 2].find((digits) => whole(step * 100 * 10 ** digits)) ?? 3;
}

// Labels of the value axis.
const ticks = (name) => (plot, values, axis, space, step) =>
    values.map((value) => {
        if (value === null)
            return "";
        return isFraction(name) ? percent(value, decimals(step)) : shortest(value);
    });

// From one significant digit to another, so that the lines between them are round numbers.
function logRange(plot, low, high) {
    if (!(low > 0))
        return [0.1, 1];
    const size = (value) => 10 ** Math.floor(Math.log10(value));
    const bottom = Math.floor(low / size(low)) * size(low);
    const top = Math.ceil(high / size(high)) * size(high);
    return [bottom, top > bottom ? top : 10 * bottom];
}

const valueScale = (name, log) => {
    if (log)
        return { distr: 3, range: logRange };
    const bottom = { pad: 0.1, soft: 0, mode: 3 }; // nothing below 0 is shown that has no values
    const top = { pad: 0.1, hard: isFraction(name) ? 1 : undefined };
    return { range: { min: bottom, max: top } };
};

/** Properties: title, series [{name, label, look}], history, log, smooth (a window in rows, 0:
 * none), sync (charts with the same one share the crosshair), epoch (step → text), children
 * (controls). */
export class Chart extends Component {
    constructor() {
        super();
        this.state = { step: null, table: false, focus: false };
        this.plot = null;
        this.zoomed = false;
        this.held = null; // the step that the keyboard put the crosshair on
        this.made = ""; // what `rows` were made of
        this.rows = [[]];
        this.smoothed = new Map(); // name → the smoothed values, row by row
        this.dark = matchMedia("(prefers-color-scheme: dark)");
        this.rebuild = () => this.build();
        this.keep = (place) => (this.place = place);
    }

    componentDidMount() {
        this.build();
        this.dark.addEventListener("change", this.rebuild);
        this.sized = new ResizeObserver(() => this.plot.setSize(this.size()));
        this.sized.observe(this.place);
    }

    componentWillUnmount() {
        this.dark.removeEventListener("change", this.rebuild);
        this.sized.disconnect();
        this.plot.destroy();
    }

    // A scale's kind and the lines are fixed when a plot is made; new rows only need new data.
    componentDidUpdate(before) {
        const { log, smooth: window } = this.props;
        if (log !== before.log || window > 0 !== before.smooth > 0)
            this.build();
        else if (this.data() !== this.plot.data) this.feed();
    }

    // ---- the plot ----

    build() {
        this.plot?.destroy();
        this.zoomed = false;
        const { log, series, sync } = this.props;
        const name = series[0].name;
        const thin = { stroke: colour("--grid"), width: 1 };
        const axis = { stroke: colour("--soft"), grid: thin, ticks: thin, font: "12px system-ui" };
        const options = {
            ...this.size(),
            legend: { show: false },
            cursor: {
                y: false,
                sync: { key: sync, setSeries: false, scales: ["x", null] },
                points: { size: 7 },
                bind: { dblclick: () => () => this.unzoom() },
            },
            scales: {
                x: { time: false, range: (plot, low, high) => this.range(low, high) },
                y: valueScale(name, log),
            },
            axes: [
                { ...axis, space: 60, size: 34 },
                { ...axis, size: 64, values: ticks(name) },
            ],
            series: [{}, ...this.lines()],
            hooks: {
                setCursor: [() => this.point()],
                setSelect: [(plot) => (this.zoomed ||= plot.select.width > 0)],
                draw: [(plot) => this.mark(plot)],
            },
        };
        this.plot = new uPlot(options, this.data(), this.place);
    }

    size() {
        return { width: this.place.clientWidth, height: this.place.clientHeight };
    }

    isSmoothed(look) {
        return this.props.smooth > 0 && look === "train";
    }

    // The raw line first; over it, when smoothing is on, the smoothed one.
    lines() {
        return this.props.series.flatMap(({ name, look }) => {
            const { colour: tone, width, dots } = LOOKS[look];
            const smoothed = this.isSmoothed(look);
            const rows = () => this.props.history.get(name).step.length;
            const faint = () => look === "train" && (smoothed || rows() > FAINT_ROWS);
            const raw = {
                stroke: () => colour(faint() ? `${tone}-faint` : tone),
                width,
                points: { show: () => dots && rows() <= DOTS_MAX, size: 6 },
            };
            const mean = { stroke: colour(tone), width: 2, points: { show: false } };
            return smoothed ? [raw, mean] : [raw];
        });
    }

    /** What is drawn, made anew when there are new rows: [steps, values, …]. */
    data() {
        const { history, series, smooth: window } = this.props;
        const made = `${window} ${history.version}`;
        if (made === this.made)
            return this.rows;
        this.made = made;
        this.smoothed.clear();
        this.rows = align(
            series.flatMap(({ name, look }) => {
                const rows = history.get(name);
                if (!this.isSmoothed(look))
                    return [rows];
                this.smoothed.set(name, smooth(rows.value, window));
                return [rows, { step: rows.step, value: this.smoothed.get(name) }];
            }),
        );
        return this.rows;
    }

    feed() {
        this.plot.setData(this.data(), !this.zoomed);
        if (this.zoomed)
            this.plot.redraw();
        if (this.held !== null)
            this.hold(this.held);
    }

    // The whole run, unless a part of it was drawn open with the mouse.
    range(low, high) {
        if (this.zoomed)
            return [low, high];
        return [0, Math.max(1, this.props.history.lastStep())];
    }

    unzoom() {
        this.zoomed = false;
        this.plot.setData(this.plot.data);
    }

    // A cross at the upper edge for each row that was no finite number.
    mark({ ctx, bbox, valToPos }) {
        const arm = 4 * devicePixelRatio;
        const y = bbox.top + 2 * arm;
        ctx.save();
        ctx.strokeStyle = colour("--bad");
        ctx.lineWidth = 2 * devicePixelRatio;
        ctx.beginPath();
        for (const step of this.broken()) {
            const x = valToPos(step, "x", true);
            if (x < bbox.left || x > bbox.left + bbox.width)
                continue;
            ctx.moveTo(x - arm, y - arm);
            ctx.lineTo(x + arm, y + arm);
            ctx.moveTo(x - arm, y + arm);
            ctx.lineTo(x + arm, y - arm);
        }
        ctx.stroke();
        ctx.restore();
    }

    /** Steps at which some series was no finite number. */
    broken() {
        const { history, series } = this.props;
        const steps = series.flatMap(({ name }) => [...history.get(name).nonfinite.keys()]);
        return steps.slice(0, MARKS_MAX);
    }

    // ---- the crosshair ----

    // The row nearest to the mouse, or to the crosshair of a chart beside this one.
    point() {
        if (this.held !== null || !this.plot)
            return;
        const at = this.plot.cursor.idx;
        this.show(at === null || at === undefined ? null : this.plot.data[0][at]);
    }

    show(step) {
        if (step !== this.state.step)
            this.setState({ step });
    }

    // The keyboard's crosshair stays on its step while the scale moves under it.
    hold(step) {
        this.held = step;
        this.plot.setCursor({ left: this.plot.valToPos(step, "x"), top: 1 });
        this.show(step);
    }

    release() {
        this.held = null;
    }

    walk(event) {
        const steps = this.plot.data[0];
        const move = MOVES[event.key];
        if (move === undefined || steps.length === 0)
            return;
        event.preventDefault();
        const here = steps.indexOf(this.state.step ?? steps[steps.length - 1]);
        this.hold(steps[Math.min(steps.length - 1, Math.max(0, here + move))]);
    }

    leave() {
        this.release();
        this.plot.setCursor({ left: -10, top: -10 });
        this.setState({ focus: false, step: null });
    }

    // ---- the page ----

    render({ title, series, history, log, epoch, children }, { step, table, focus }) {
        this.data();
        const rows = series.reduce((sum, { name }) => sum + history.get(name).step.length, 0);
        return html`<figure class="chart" data-points=${rows} data-scale=${log ? "log" : "linear"}>
            <figcaption>
                <h3>${title}</h3>
                ${children}
            </figcaption>
            <${Legend} series=${series} history=${history} smoothed=${this.smoothed}
                step=${step ?? history.lastStep()} epoch=${epoch} live=${focus} />
            <div class="plot" ref=${this.keep} tabindex="0" role="application"
                aria-label="${title} over steps. Left and right arrow keys read the values."
                onFocus=${() => this.setState({ focus: true })} onBlur=${() => this.leave()}
                onMouseMove=${() => this.release()} onKeyDown=${(event) => this.walk(event)}></div>
            <details onToggle=${(event) => this.setState({ table: event.target.open })}>
                <summary>Values as a table</summary>
                ${
                    table &&
                    html`<${Table} title=${title} series=${series} history=${history}
                    epoch=${epoch} />`
                }
            </details>
        </figure>`;
    }
}
