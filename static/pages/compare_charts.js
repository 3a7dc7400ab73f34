// The curves of the compared jobs, a chart for each metric. How they are shown stands in the address.
import { Component, html } from "../html.js";
import { placesOf } from "../charts/axis.js";
import { RunsChart } from "../charts/runs_chart.js";
import { Smoothing, Toggle, XKind, usable } from "../charts/settings.js";
import { firstFrom } from "../data/rows.js";
import { saveCurves } from "../data/runs_csv.js";
import { nameOf } from "../parts/job_text.js";
import { go, jobAddress, setOption, withOptions } from "../route.js";

/** A chart is one row; `smooth`: a mean of it says something. */
const CHARTS = [
    { key: "val_loss", title: "Validation loss" },
    { key: "val_accuracy", title: "Validation accuracy" },
    { key: "train_loss", title: "Train loss", smooth: true },
    { key: "lr", title: "Learning rate" },
    { key: "train_accuracy", title: "Train accuracy" },
    { key: "grad_norm", title: "Gradient norm", smooth: true },
];

const POINTS_PER_PIXEL = 2;

const listed = (text) => (text ?? "").split(",").filter((word) => word !== "");
const toggled = (list, key) =>
    list.includes(key) ? list.filter((other) => other !== key) : [...list, key];

const runOf = (job) => ({
    perEpoch: job.plan?.steps_per_epoch,
    start: Date.parse(job.started_at),
});

/** {from, to} on the axis, or null: all. */
function readRange({ from, to }) {
    const range = { from: Number(from), to: Number(to) };
    return from !== undefined && to !== undefined && range.to > range.from ? range : null;
}

// The steps of a run that stand in a part of the axis.
function stepsIn(range, history, x, run) {
    const rows = history.overview("train_loss");
    const places = placesOf(rows, x, run);
    const first = Math.max(0, firstFrom(places, places.length, range.from) - 1);
    const last = Math.min(places.length - 1, firstFrom(places, places.length, range.to));
    return last > first ? { from: rows.step[first], to: rows.step[last] } : { from: 0, to: 0 };
}

/** Properties: jobs (those that are drawn), all, looks, compared, options. */
export class CompareCharts extends Component {
    constructor() {
        super();
        this.pixels = 0;
        this.state = { said: "" };
    }

    componentDidMount() {
        this.want();
    }

    componentDidUpdate() {
        this.want();
    }

    // The widest chart says how many points are read.
    wide(pixels) {
        this.pixels = Math.max(this.pixels, pixels);
        this.want();
    }

    want() {
        const { jobs, compared, options } = this.props;
        const range = readRange(options);
        const points = POINTS_PER_PIXEL * (this.pixels || innerWidth);
        const x = this.kind();
        for (const job of jobs) {
            const history = compared.history(job.id);
            const part = range && history ? stepsIn(range, history, x, runOf(job)) : { from: 0, to: 0 };
            history?.want({ ...part, points, window: this.window() });
        }
    }

    // What can stand below the curves must be known of every run.
    common() {
        const runs = this.props.all.map(runOf);
        const known = (name) => (runs.every((run) => run[name] > 0) ? 1 : 0);
        return { perEpoch: known("perEpoch"), start: known("start") };
    }

    kind() {
        return usable(this.props.options.x, this.common());
    }

    longest() {
        return { plan: { steps: Math.max(0, ...this.props.all.map(({ plan }) => plan?.steps ?? 0)) } };
    }

    window() {
        return Smoothing.window(this.props.options, this.longest());
    }

    zoom(from = "", to = "") {
        const text = (value) => (value === "" ? "" : String(Number(value.toPrecision(15))));
        go(withOptions({ from: text(from), to: text(to) }));
    }

    async save() {
        const { all } = this.props;
        const say = (said) => this.setState({ said });
        try {
            await saveCurves(all, (done) => say(`reading ${done + 1} of ${all.length} …`));
            say("");
        } catch (problem) {
            say(problem.message);
        }
    }

    render({ jobs, all, compared, options }, { said }) {
        const shown = CHARTS.filter(({ key }) =>
            jobs.some(({ id }) => compared.history(id)?.has(key)),
        );
        return html`<section aria-label="Curves">
            <div class="bar curve-bar">
                <${XKind} options=${options} run=${this.common()} also=${{ from: "", to: "" }} />
                <${Smoothing} options=${options} job=${this.longest()} />
                ${
                    readRange(options) &&
                    html`<button type="button" onClick=${() => this.zoom()}>Whole runs</button>`
                }
                <button type="button" class="push" onClick=${() => this.save()}>
                    All values of ${all.length} as CSV
                </button>
                <span class="soft" role="status">${said}</span>
            </div>
            ${shown.length === 0 && html`<p class="soft">There are no curves to draw.</p>`}
            <div class="charts">${shown.map((chart) => this.chart(chart))}</div>
        </section>`;
    }

    chart({ key, title, smooth }) {
        const { jobs, looks, compared, options } = this.props;
        const [xs, ys] = [listed(options.logx), listed(options.logy)];
        const x = this.kind();
        const smoothed = Boolean(smooth) && this.window() > 0;
        const runs = jobs
            .map((job) => ({ job, history: compared.history(job.id) }))
            .filter(({ history }) => history?.has(key))
            .map(({ job, history }) => ({
                id: job.id,
                key: job.id,
                name: nameOf(job),
                look: looks.get(job.id),
                run: runOf(job),
                rows: () => history.get(key), // it may be drawn once more when it is let go
                smoothed,
            }));
        const turn = (name, list) => () => setOption(name, toggled(list, key).join(","));
        return html`<${RunsChart} key=${key} title=${title} metric=${key} runs=${runs}
            version=${compared.version} x=${x} sync="compare" range=${readRange(options)}
            logx=${xs.includes(key) && x !== "wall"} logy=${ys.includes(key)}
            zoom=${(from, to) => this.zoom(from, to)} wide=${(pixels) => this.wide(pixels)}
            open=${(id) => go(jobAddress(id))}>
            <${Toggle} text="log x" label="${title}: logarithmic x axis" on=${xs.includes(key)}
                off=${x === "wall"} turn=${turn("logx", xs)} />
            <${Toggle} text="log y" label="${title}: logarithmic y axis" on=${ys.includes(key)}
                turn=${turn("logy", ys)} />
        <//>`;
    }
}
