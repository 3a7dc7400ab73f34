// One metric of several runs on common axes: a curve for each, that looks the same whatever else is
// shown and says its number at its end; a crosshair that reads logged rows only; a click on a curve
// opens its run. Knows nothing of jobs.
import { html } from "../html.js";
import { align, firstFrom } from "../data/rows.js";
import { X_KINDS, placesOf, valueScale, xScale } from "./axis.js";
import { colour, columns, drawn } from "./lines.js";
import { Plot } from "./plot.js";
import { Readout, RunsTable } from "./runs_readout.js";
import { uPlot } from "./uplot.js";

const NEAR = 24; // pixels from a curve that still mean it
const ZOOM = 2; // of one key press
const MOVES = { ArrowLeft: -1, ArrowRight: 1, PageUp: -50, PageDown: 50 };
const ENDS = { Home: 0, End: Infinity };
const TURNS = { ArrowUp: -1, ArrowDown: 1 };

const [NUMBER_WIDTH, NUMBER_HEIGHT] = [14, 11];

// Moves apart what would be written over each other: down, and up again from the bottom.
function spread(ends, bottom, unit) {
    const close = (a, b) => Math.abs(a.left - b.left) < NUMBER_WIDTH * unit;
    ends.sort((a, b) => a.top - b.top);
    ends.forEach((end, i) => {
        const above = ends.slice(0, i).findLast((other) => close(other, end));
        if (above)
            end.top = Math.max(end.top, above.top + NUMBER_HEIGHT * unit);
    });
    for (let i = ends.length - 1; i >= 0; i--) {
        const below = ends.slice(i + 1).find((other) => close(other, ends[i]));
        const lowest = below ? below.top - NUMBER_HEIGHT * unit : bottom - 2 * unit;
        ends[i].top = Math.min(ends[i].top, lowest);
    }
}

/** Properties: title, metric, runs [{id, name, look, run {perEpoch, start}, rows(), smoothed}],
 * version (another one: the rows have changed), x (a kind of axis.js), logx, logy, range {from, to}
 * on that axis or null, sync, zoom(from, to) (nothing: all), wide(pixels), open(id), children. */
export class RunsChart extends Plot {
    constructor() {
        super();
        this.state = { at: null, near: null, table: false, focus: false };
        this.held = false; // the keyboard has the crosshair
        this.dragged = false;
        this.made = "";
        this.all = { xs: new Float64Array(0), lists: [], places: [], rows: [[]] };
    }

    componentDidUpdate(before) {
        if (this.shape(this.props) !== this.shape(before))
            this.build();
        else this.feed(before);
    }

    shape({ logx, logy, x, runs }) {
        return JSON.stringify([logx, logy, x, runs.map(({ id, look, smoothed }) => [id, look, smoothed])]);
    }

    // ---- the plot ----

    build() {
        this.plot?.destroy();
        const { metric, logx, logy, x, runs, sync } = this.props;
        const options = {
            ...this.size(),
            ms: 1,
            padding: [8, 22, 0, 0],
            legend: { show: false },
            focus: { alpha: 0.25 },
            cursor: {
                y: false,
                focus: { prox: NEAR },
                sync: { key: sync, setSeries: false, scales: ["x", null] },
                points: { size: 7 },
                drag: { setScale: false, x: true, y: false },
                bind: { dblclick: () => () => this.props.zoom() },
            },
            scales: { x: xScale(x, logx, () => this.range()), y: valueScale(metric, logy) },
            axes: this.axes(x, metric, logy),
            ...drawn(runs),
            hooks: {
                setCursor: [() => this.point()],
                setSelect: [() => this.select()],
                setSeries: [(_, index) => this.meet(index)],
                draw: [(plot) => this.number(plot)],
            },
        };
        this.made = "";
        this.plot = new uPlot(options, this.data(), this.place);
    }

    data() {
        const { runs, version, x } = this.props;
        const made = `${this.shape(this.props)} ${version}`;
        if (made === this.made)
            return this.all.rows;
        this.made = made;
        const lists = runs.map(({ rows }) => rows());
        const places = runs.map(({ run }, k) => placesOf(lists[k], x, run));
        const { steps: xs, places: found } = align(lists, places);
        this.all = { xs, lists, places, rows: [Array.from(xs), ...columns(runs, found)] };
        return this.all.rows;
    }

    feed({ range: before }) {
        const { range } = this.props;
        const moved = range?.from !== before?.from || range?.to !== before?.to;
        if (this.data() !== this.plot.data || moved)
            this.plot.setData(this.all.rows);
    }

    // What was asked for, or all.
    range() {
        const { range, x, logx } = this.props;
        const { xs } = this.all;
        if (range)
            return [range.from, range.to];
        const first = logx ? (xs.find((place) => place > 0) ?? 1) : (xs[0] ?? 0);
        const start = X_KINDS[x].zero && !logx ? 0 : first;
        const end = xs[xs.length - 1] ?? 1;
        return end > start ? [start, end] : [start, logx ? 10 * start : start + 1];
    }

    // The last point of a curve in the part that is shown, in pixels; null when it is out of sight.
    endOf(plot, { look, smoothed }, k) {
        const { bbox, scales } = plot;
        const list = this.all.lists[k];
        const places = this.all.places[k];
        const values = smoothed ? list.smoothed : list.value;
        let at = places.findLastIndex((place) => place <= scales.x.max);
        while (at >= 0 && !Number.isFinite(values[at]))
            at--;
        if (at < 0)
            return null;
        const left = plot.valToPos(places[at], "x", true);
        const top = plot.valToPos(values[at], "y", true);
        const seen = left >= bbox.left && top >= bbox.top - 1 && top <= bbox.top + bbox.height + 1;
        return seen ? { look, left, top } : null;
    }

    // The number of each run at the end of its curve, one below the other where they end together.
    number(plot) {
        const { ctx } = plot;
        const unit = devicePixelRatio;
        ctx.save();
        ctx.font = `600 ${11 * unit}px system-ui, sans-serif`;
        ctx.textBaseline = "middle";
        const ends = this.props.runs.map((run, k) => this.endOf(plot, run, k)).filter(Boolean);
        spread(ends, plot.bbox.top + plot.bbox.height, unit);
        for (const { look, left, top } of ends) {
            ctx.fillStyle = colour(look.colour);
            ctx.fillText(String(look.number), left + 5 * unit, top);
        }
        ctx.restore();
    }

    // ---- the part that is shown ----

    select() {
        const { left, width } = this.plot.select;
        if (width < 3)
            return;
        this.dragged = true;
        const [from, to] = [left, left + width].map((pixel) => this.plot.posToVal(pixel, "x"));
        this.plot.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
        this.props.zoom(from, to);
    }

    zoomBy(factor) {
        const [from, to] = this.range();
        const middle = this.state.at ?? (from + to) / 2;
        const half = ((to - from) * factor) / 2;
        const { xs } = this.all;
        const low = Math.max(xs[0], middle - half);
        const high = Math.min(xs[xs.length - 1], middle + half);
        if (low <= xs[0] && high >= xs[xs.length - 1])
            this.props.zoom();
        else this.props.zoom(low, high);
    }

    // ---- the crosshair ----

    point() {
        if (this.held || !this.plot)
            return;
        const { idx, left } = this.plot.cursor;
        const at = idx === null || idx === undefined || !(left >= 0) ? null : this.all.xs[idx];
        if (at !== this.state.at)
            this.setState({ at });
    }

    // The curve that is meant: by uPlot's index of its line.
    meet(index) {
        const { runs } = this.props;
        const lines = runs[0]?.smoothed ? 2 : 1;
        const near = index > 0 ? (runs[Math.floor((index - 1) / lines)]?.id ?? null) : null;
        if (near !== this.state.near)
            this.setState({ near });
    }

    turn(by) {
        const { runs } = this.props;
        const here = runs.findIndex(({ id }) => id === this.state.near);
        const next = here < 0 ? (by > 0 ? 0 : runs.length - 1) : here + by;
        const k = (next + runs.length) % runs.length;
        const lines = runs[0]?.smoothed ? 2 : 1;
        this.plot.setSeries(k * lines + lines, { focus: true });
        this.setState({ near: runs[k].id });
    }

    walk(index) {
        const { xs } = this.all;
        if (xs.length === 0)
            return;
        const at = xs[Math.max(0, Math.min(xs.length - 1, index))];
        this.held = true;
        this.plot.setCursor({ left: this.plot.valToPos(at, "x"), top: 1 });
        this.setState({ at });
    }

    press(event) {
        const { key } = event;
        if (event.ctrlKey || event.metaKey || event.altKey)
            return;
        const { xs } = this.all;
        const here = this.state.at === null ? xs.length - 1 : firstFrom(xs, xs.length, this.state.at);
        if (key in MOVES)
            this.walk(here + MOVES[key]);
        else if (key in ENDS) this.walk(ENDS[key]);
        else if (key in TURNS) this.turn(TURNS[key]);
        else if (key === "+" || key === "-") this.zoomBy(key === "+" ? 1 / ZOOM : ZOOM);
        else if (key === "0") this.props.zoom();
        else if (key === "Enter" && this.state.near) this.props.open(this.state.near);
        else return;
        event.preventDefault();
    }

    click() {
        if (!this.dragged && this.state.near)
            this.props.open(this.state.near);
        this.dragged = false;
    }

    leave() {
        this.held = false;
        this.plot.setCursor({ left: -10, top: -10 });
        this.plot.setSeries(null, { focus: true });
        this.setState({ focus: false, at: null, near: null });
    }

    // ---- the page ----

    render({ title, metric, runs, x, logx, logy, children }, { at, near, table, focus }) {
        const scale = (log) => (log ? "log" : "linear");
        const points = runs.reduce((sum, { rows }) => sum + rows().length, 0);
        return html`<figure class="chart" data-points=${points} data-scale=${scale(logy)}
            data-scale-x=${scale(logx)}>
            <figcaption>
                <h3>${title}</h3>
                <div class="controls">${children}</div>
            </figcaption>
            <${Readout} runs=${runs} metric=${metric} x=${x} at=${at} near=${near} live=${focus} />
            <div class=${near ? "plot pointing" : "plot"} ref=${this.keep} tabindex="0"
                role="application" aria-label="${title} over ${X_KINDS[x].about}. ${HELP}"
                onFocus=${() => this.setState({ focus: true })} onBlur=${() => this.leave()}
                onMouseMove=${() => (this.held = false)} onClick=${() => this.click()}
                onKeyDown=${(event) => this.press(event)}></div>
            <details onToggle=${({ target }) => this.setState({ table: target.open })}>
                <summary>Values as a table</summary>
                ${table && html`<${RunsTable} title=${title} runs=${runs} metric=${metric} />`}
            </details>
        </figure>`;
    }
}

const HELP =
    "Left and right arrow keys read the values, up and down choose a run, Enter opens it, plus and " +
    "minus show a smaller or larger part, 0 all.";
