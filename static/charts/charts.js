// The curves of a job: which charts there are, how they are shown, and the controls they share. All
// of that stands in the address.
import { Component, html } from "../html.js";
import { metricsPath } from "../data/api.js";
import { ended } from "../data/model.js";
import { saveBlob } from "../data/save.js";
import { metric } from "../parts/format.js";
import { go, setOption, withOptions } from "../route.js";
import { Chart } from "./chart.js";
import { LOOKS, colour } from "./lines.js";
import { MARK_KINDS } from "./marks.js";
import { Late } from "../parts/late.js";
import { Range, Smoothing, Toggle, XKind, readRange, usable } from "./settings.js";

/** A chart is one row. `key` names it in the address. `evaluated`: it has no values before the first
 * evaluation, but its place is kept. `smooth`: a mean of it says something. */
const CHARTS = [
    {
        key: "loss",
        title: "Loss",
        curves: [
            { key: "train_loss", label: "train", look: "train", smooth: true },
            { key: "val_loss", label: "validation", look: "val" },
        ],
    },
    {
        key: "accuracy",
        title: "Accuracy",
        evaluated: true,
        curves: [
            { key: "train_accuracy", label: "train", look: "train" },
            { key: "val_accuracy", label: "validation", look: "val" },
        ],
    },
    {
        key: "rate",
        title: "Learning rate",
        curves: [{ key: "lr", label: "rate", look: "other" }],
    },
    {
        key: "norm",
        title: "Gradient norm",
        curves: [{ key: "grad_norm", label: "norm", look: "norm", smooth: true }],
    },
];

const POINTS_PER_PIXEL = 2;
const loadMarks = async () => (await import("./marks_table.js")).Marks;

const listed = (text) => (text ?? "").split(",").filter((word) => word !== "");
const toggled = (list, key) =>
    list.includes(key) ? list.filter((other) => other !== key) : [...list, key];

// Rows that were no finite numbers, as marks at the edge.
function nonfinite(curves) {
    return curves.flatMap(({ rows, label }) => {
        const list = rows();
        return [...list.nonfinite].map(([step, what]) => {
            const at = list.at[list.index(step)];
            return { step, at: at > 0 ? at : undefined, kind: "nonfinite", text: `${label} ${what}` };
        });
    });
}

// When a step was taken: of the rows that there is one of for each step, the nearest.
function timeOf(history, step) {
    const rows = history.get("train_loss");
    return rows.length > 0 ? rows.at[Math.max(0, rows.index(step))] : NaN;
}

/** Properties: job, history, marks, options (of the address). */
export class Charts extends Component {
    constructor() {
        super();
        this.pixels = 0;
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
        const { history, job, options } = this.props;
        const range = readRange(options);
        const window = Smoothing.window(options, job);
        const points = POINTS_PER_PIXEL * (this.pixels || innerWidth);
        history.want({ from: range?.from ?? 0, to: range?.to ?? 0, points, window });
    }

    zoom(from, to) {
        const last = this.props.history.lastStep();
        const [low, high] = [Math.max(1, from), Math.min(to, last)];
        if (to === 0)
            go(withOptions({ from: "", to: "" }));
        else if (high > low) go(withOptions({ from: String(low), to: String(high) }));
    }

    curvesOf({ curves }, window) {
        const { history } = this.props;
        return curves.map(({ smooth, ...curve }) => ({
            ...curve,
            rows: () => history.get(curve.key),
            smoothed: Boolean(smooth) && window > 0,
        }));
    }

    render({ job, history, marks, options }) {
        const last = history.lastStep();
        if (last === 0)
            return html`<p class="soft">
                ${ended(job) ? "There are no values." : "The curves begin with the first step."}
            </p>`;
        const run = {
            perEpoch: job.plan?.steps_per_epoch,
            start: Date.parse(job.started_at),
            last,
            time: (step) => timeOf(history, step),
        };
        const window = Smoothing.window(options, job);
        const awaited = !ended(job) && job.spec?.dataset?.validation !== "none";
        const shown = CHARTS.filter(
            ({ curves, evaluated }) =>
                curves.some(({ key }) => history.has(key)) || (evaluated && awaited),
        );
        return html`<section aria-label="Curves">
            <div class="bar curve-bar">
                <${XKind} options=${options} run=${run} />
                <${Smoothing} options=${options} job=${job} />
                <${Range} options=${options} last=${last} zoom=${(a, b) => this.zoom(a, b)} />
            </div>
            <div class="charts">
                ${shown.map((chart) => this.chart(chart, { run, window, marks, options, job }))}
            </div>
            ${
                marks.length > 0 &&
                html`<${Late} load=${loadMarks} marks=${marks} run=${run}
                    zoom=${(a, b) => this.zoom(a, b)} />`
            }
            <p class="soft">
                All values:${" "}
                <a href=${metricsPath(job.id)} data-fetch data-accept="text/csv"
                    data-name=${fileName(job, "all", "csv")}>CSV</a>${" · "}
                <a href=${metricsPath(job.id)} data-fetch data-accept="application/json"
                    data-name=${fileName(job, "all", "json")}>JSON</a>
            </p>
        </section>`;
    }

    chart(chart, { run, window, marks, options, job }) {
        const { key, title } = chart;
        const { history } = this.props;
        const curves = this.curvesOf(chart, window);
        const [xs, ys] = [listed(options.logx), listed(options.logy)];
        const x = usable(options.x, run);
        const large = key === CHARTS[0].key;
        const own = nonfinite(curves);
        const shared = large ? marks : marks.filter(({ kind }) => !MARK_KINDS[kind].small);
        const saved = curves.map((curve) => curve.key);
        const turn = (name, list) => () => setOption(name, toggled(list, key).join(","));
        return html`<${Chart} key=${key} title=${title} metric=${saved[0]} curves=${curves}
            version=${history.version} x=${x} run=${run} sync=${job.id}
            logx=${xs.includes(key) && x !== "wall"} logy=${ys.includes(key)}
            range=${readRange(options)} marks=${[...shared, ...own]}
            zoom=${(a, b) => this.zoom(a, b)} wide=${(pixels) => this.wide(pixels)}
            more=${(drawn) => html`<span class="saves">
                <button type="button" class="plain" aria-label="${title} as a PNG picture"
                    onClick=${() => savePicture(drawn, job, key)}>PNG</button>
                <a href=${metricsPath(job.id, saved)} data-fetch data-accept="text/csv"
                    data-name=${fileName(job, key, "csv")}
                    aria-label="${title}: every logged value as CSV">CSV</a>
            </span>`}>
            <${Toggle} text="log x" label="${title}: logarithmic x axis" on=${xs.includes(key)}
                off=${x === "wall"} turn=${turn("logx", xs)} />
            <${Toggle} text="log y" label="${title}: logarithmic y axis" on=${ys.includes(key)}
                turn=${turn("logy", ys)} />
        <//>`;
    }
}

// A name that every file system takes.
const fileName = (job, key, form) =>
    `${(job.name || job.id).replace(/[^\p{L}\p{N}._-]+/gu, "-").slice(0, 60)}-${key}.${form}`;

async function savePicture({ plot, props }, job, key) {
    const curves = props.curves
        .filter(({ rows }) => rows().length > 0)
        .map(({ label, look, key: name, rows }) => {
            const list = rows();
            const value = metric(name, list.value[list.length - 1]);
            return { label, look: colour((LOOKS[look] ?? look).colour), value };
        });
    const title = `${job.name || job.id}: ${props.title.toLowerCase()}`;
    const { picture } = await import("./picture.js");
    saveBlob(await picture(plot.ctx.canvas, title, curves), fileName(job, key, "png"));
}
