// One chart: a few named curves over steps or times, with a crosshair that reads logged rows only,
// marks where something happened, and the same values as a table. Draws with uPlot; asks its parent
// for finer points; knows nothing of jobs.
import { html } from "../html.js";
import { align } from "../data/rows.js";
import { X_KINDS, valueScale, xScale } from "./axis.js";
import { columns, drawn } from "./lines.js";
import { drawMarks, marksNear } from "./marks.js";
import { Plot } from "./plot.js";
import { Legend, Table } from "./readout.js";
import { uPlot } from "./uplot.js";

// How far a key moves the crosshair, in rows.
const MOVES = {
    ArrowLeft: -1,
    ArrowRight: 1,
    PageUp: -50,
    PageDown: 50,
    Home: -Infinity,
    End: Infinity,
};
const ZOOM = 2; // of one key press

/** Properties: title, metric (says how values are written), curves [{key, label, look, rows(),
 * smoothed}], version (another one: the rows have changed), x (a kind of axis.js), run {perEpoch,
 * start, last, time(step)}, logx, logy, range {from, to} or null, marks [{step, at, kind, text}], sync (charts
 * with the same one share the crosshair), zoom(from, to), wide(pixels), children (controls), more
 * (what stands below). */
export class Chart extends Plot {
    constructor() {
        super();
        this.state = { step: null, near: [], table: false, focus: false };
        this.held = null; // the step that the keyboard put the crosshair on
        this.made = ""; // what the data were made of
        this.steps = new Float64Array(0);
        this.rows = [[]];
    }

    // A scale's kind and the lines are fixed when a plot is made; new rows only need new data.
    componentDidUpdate(before) {
        if (this.shape(this.props) !== this.shape(before))
            this.build();
        else this.feed(before);
    }

    shape({ logx, logy, x, curves, metric }) {
        const lines = curves.map(({ key, look, smoothed }) => [key, look, smoothed]);
        return JSON.stringify([logx, logy, x, metric, lines]);
    }

    // ---- the plot ----

    build() {
        this.plot?.destroy();
        const { metric, logx, logy, x, curves, sync } = this.props;
        const options = {
            ...this.size(),
            ms: 1,
            padding: [null, 28, null, null], // half a label
            legend: { show: false },
            cursor: {
                y: false,
                sync: { key: sync, setSeries: false, scales: ["x", null] },
                points: { size: 7 },
                drag: { setScale: false, x: true, y: false },
                bind: { dblclick: () => () => this.props.zoom(0, 0) },
            },
            scales: {
                x: xScale(x, logx, () => this.range()),
                y: valueScale(metric, logy),
            },
            axes: this.axes(x, metric, logy),
            ...drawn(curves),
            hooks: {
                setCursor: [() => this.point()],
                setSelect: [() => this.select()],
                draw: [(plot) => drawMarks(plot, this.props.marks, (mark) => this.xOf(mark))],
            },
        };
        this.made = "";
        this.plot = new uPlot(options, this.data(), this.place);
        if (this.held !== null)
            this.hold(this.held);
    }

    /** What is drawn, made anew when there are new rows: [places, values, …]. */
    data() {
        const { curves, version, x, run } = this.props;
        const made = `${this.shape(this.props)} ${version} ${run.perEpoch} ${run.start}`;
        if (made === this.made)
            return this.rows;
        this.made = made;
        const lists = curves.map(({ rows }) => rows());
        const { steps, places } = align(lists);
        this.steps = steps;
        this.times = X_KINDS[x].times ? timesOf(steps, lists, places) : steps;
        const place = X_KINDS[x].of;
        this.rows = [
            Array.from(steps, (step, i) => place(step, this.times[i], run)),
            ...columns(curves, places),
        ];
        return this.rows;
    }

    feed(before) {
        const { range, marks } = this.props;
        const moved = range?.from !== before.range?.from || range?.to !== before.range?.to;
        if (this.data() !== this.plot.data) {
            this.plot.setData(this.rows);
            if (this.held !== null)
                this.hold(this.held);
        } else if (moved) {
            this.plot.setData(this.rows);
        } else if (marks.length !== before.marks.length) this.plot.redraw();
    }

    // Where a step or a mark stands on the axis.
    xOf({ step, at }) {
        const { x, run } = this.props;
        const { of, times } = X_KINDS[x];
        return of(step, times && at === undefined ? run.time(step) : at, run);
    }

    // The whole run, or the part that was asked for.
    range() {
        const { range, x, logx, run } = this.props;
        const places = this.rows[0];
        const known = (value, otherwise) => (Number.isFinite(value) ? value : otherwise);
        if (range) {
            const [from, to] = [range.from, range.to].map((step) => this.xOf({ step }));
            if (to > from)
                return [from, to];
        }
        const end = known(this.xOf({ step: run.last }), known(places[places.length - 1], 1));
        const first = logx ? places.find((place) => place > 0) : places[0];
        const start = X_KINDS[x].zero && !logx ? 0 : known(first, 0);
        if (end > start)
            return [start, end];
        return logx ? [start || 1, 10 * (start || 1)] : [start, start + 1];
    }

    // ---- the part that is shown ----

    // What the mouse was drawn over becomes what is shown, to whole steps.
    select() {
        const { left, width } = this.plot.select;
        if (width < 3)
            return;
        const [low, high] = [left, left + width].map((pixel) => this.plot.posToVal(pixel, "x"));
        this.plot.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
        this.props.zoom(...this.stepsOf(low, high));
    }

    stepsOf(low, high) {
        const { x, run } = this.props;
        if (x === "step")
            return [Math.floor(low), Math.ceil(high)];
        if (x === "epoch")
            return [Math.floor(low * run.perEpoch), Math.ceil(high * run.perEpoch)];
        const places = this.rows[0];
        const from = places.findLastIndex((place) => place <= low);
        const to = places.findIndex((place) => place >= high);
        return [this.steps[Math.max(0, from)], this.steps[to < 0 ? places.length - 1 : to]];
    }

    // Around the crosshair, by a factor.
    zoomBy(factor) {
        const { range, run, zoom } = this.props;
        const { from, to } = range ?? { from: 1, to: run.last };
        const middle = this.state.step ?? (from + to) / 2;
        const half = Math.max(2, ((to - from) * factor) / 2);
        const low = Math.max(1, Math.round(middle - half));
        const high = Math.min(run.last, Math.round(middle + half));
        if (low <= 1 && high >= run.last)
            zoom(0, 0);
        else zoom(low, high);
    }

    // ---- the crosshair ----

    // The row nearest to the mouse, or to the crosshair of a chart beside this one.
    point() {
        if (this.held !== null || !this.plot)
            return;
        const { idx, left } = this.plot.cursor;
        if (idx === null || idx === undefined || !(left >= 0))
            this.show(null, []);
        else this.show(this.steps[idx], this.near(left));
    }

    near(left) {
        return marksNear(this.plot, this.props.marks, (mark) => this.xOf(mark), left);
    }

    show(step, near) {
        const before = this.state;
        const same = near.length === before.near.length && near.every((m, i) => m === before.near[i]);
        if (step !== before.step || !same)
            this.setState({ step, near });
    }

    // The keyboard's crosshair stays on its step while the scale moves under it.
    hold(step) {
        this.held = step;
        const at = this.steps.indexOf(step);
        const left = this.plot.valToPos(at < 0 ? this.xOf({ step }) : this.rows[0][at], "x");
        this.plot.setCursor({ left, top: 1 });
        this.show(step, this.near(left));
    }

    release() {
        this.held = null;
    }

    keys = {
        "+": () => this.zoomBy(1 / ZOOM),
        "-": () => this.zoomBy(ZOOM),
        0: () => this.props.zoom(0, 0),
        m: () => this.walkMarks(1),
        M: () => this.walkMarks(-1),
    };

    press(event) {
        if (event.ctrlKey || event.metaKey || event.altKey)
            return;
        const act = event.key in MOVES ? () => this.walk(MOVES[event.key]) : this.keys[event.key];
        if (!act)
            return;
        event.preventDefault();
        act();
    }

    walk(move) {
        const { steps } = this;
        if (steps.length === 0)
            return;
        const here = steps.indexOf(this.state.step ?? steps[steps.length - 1]);
        this.hold(steps[Math.min(steps.length - 1, Math.max(0, here + move))]);
    }

    // To the next row that has a mark beside it.
    walkMarks(direction) {
        const here = this.state.step ?? (direction > 0 ? 0 : Infinity);
        const there = this.props.marks
            .map(({ step }) => step)
            .filter((step) => (direction > 0 ? step > here : step < here));
        if (there.length > 0)
            this.hold(direction > 0 ? Math.min(...there) : Math.max(...there));
    }

    leave() {
        this.release();
        this.plot.setCursor({ left: -10, top: -10 });
        this.setState({ focus: false, step: null, near: [] });
    }

    // ---- the page ----

    render(props, { step, near, table, focus }) {
        const { title, curves, run, x, logx, logy, range, marks, children, more } = props;
        const rows = curves.reduce((sum, curve) => sum + curve.rows().length, 0);
        const scale = (log) => (log ? "log" : "linear");
        return html`<figure class="chart" data-points=${rows} data-scale=${scale(logy)}
            data-scale-x=${scale(logx)}>
            <figcaption>
                <h3>${title}</h3>
                <div class="controls">${children}</div>
            </figcaption>
            <${Legend} curves=${curves} step=${step ?? range?.to} marks=${near} run=${run} live=${focus} />
            <div class="plot" ref=${this.keep} tabindex="0" role="application"
                aria-label="${title} over ${X_KINDS[x].about}. ${HELP}"
                onFocus=${() => this.setState({ focus: true })} onBlur=${() => this.leave()}
                onMouseMove=${() => this.release()} onKeyDown=${(event) => this.press(event)}></div>
            <div class="below">
                <details onToggle=${(event) => this.setState({ table: event.target.open })}>
                    <summary>Values as a table</summary>
                    ${
                        table &&
                        html`<${Table} title=${title} curves=${curves} run=${run}
                        marks=${marks} />`
                    }
                </details>
                ${more?.(this)}
            </div>
        </figure>`;
    }
}

const HELP =
    "Left and right arrow keys read the values, M goes to the next mark, plus and minus show a " +
    "smaller or larger part, 0 all.";

// The time of each step: of the first list that knows it; where none does, that of the step before.
function timesOf(steps, lists, places) {
    let last = NaN;
    return Float64Array.from(steps, (_, i) => {
        const k = places.findIndex((place, k) => place[i] >= 0 && lists[k].at[place[i]] > 0);
        const at = k < 0 ? last : lists[k].at[places[k][i]];
        last = at < last ? last : at; // an axis never runs backwards, whatever the clock did
        return last;
    });
}
