// The curves of a job: which charts there are, how they are shown, and the controls they share.
import { html } from "../html.js";
import { metricsPath } from "../data/api.js";
import { Chart } from "./chart.js";
import { ended } from "../data/model.js";
import { setOption } from "../route.js";

/** A chart is one row. `option` keeps its scale in the address; `evaluated`: it has no values
 * before the first evaluation, but its place is kept. */
const CHARTS = [
    {
        title: "Loss",
        option: "log",
        series: [
            { name: "train_loss", label: "train", look: "train" },
            { name: "val_loss", label: "validation", look: "val" },
        ],
    },
    {
        title: "Accuracy",
        option: "logaccuracy",
        evaluated: true,
        series: [
            { name: "train_accuracy", label: "train", look: "train" },
            { name: "val_accuracy", label: "validation", look: "val" },
        ],
    },
    {
        title: "Learning rate",
        option: "loglr",
        series: [{ name: "lr", label: "rate", look: "other" }],
    },
];

const WINDOWS = [0, 20, 100, 500];

// When the address names none: a mean lags, which a short run would show more than its noise.
const usualWindow = (job) => (job.plan?.steps >= 1000 ? 20 : 0);

export function Charts({ job, history, options }) {
    if (history.lastStep() === 0) {
        const text = ended(job) ? "There are no values." : "The curves begin with the first step.";
        return html`<p class="soft">${text}</p>`;
    }
    const perEpoch = job.plan?.steps_per_epoch;
    const epoch = (step) => (perEpoch ? `epoch ${(step / perEpoch).toFixed(2)}` : "");
    // A mean over rows of which some were left out would be a lie.
    const whole = history.whole("train_loss");
    const named = WINDOWS.find((size) => String(size) === options.smooth);
    const window = whole ? (named ?? usualWindow(job)) : 0;
    const awaited = !ended(job) && job.spec?.dataset?.validation !== "none";
    const shown = CHARTS.filter(
        ({ series, evaluated }) =>
            series.some(({ name }) => history.has(name)) || (evaluated && awaited),
    );
    return html`<section>
        <div class="bar">
            <h2>Curves</h2>
            <${Smoothing} window=${window} whole=${whole} />
            <a href=${metricsPath(job.id)}>values as JSON</a>
        </div>
        <div class="charts">
            ${shown.map(({ title, option, series }) => {
                const log = options[option] === "1";
                return html`<${Chart} key=${title} title=${title} series=${series} log=${log}
                    history=${history} smooth=${window} sync=${job.id} epoch=${epoch}>
                    <${LogScale} option=${option} on=${log} />
                <//>`;
            })}
        </div>
    </section>`;
}

function Smoothing({ window, whole }) {
    const hint = whole ? null : "Curves of long runs are thinned. Smoothing would distort them.";
    return html`<label title=${hint}>
        smoothing${" "}
        <select value=${String(window)} disabled=${!whole}
            onChange=${(event) => setOption("smooth", event.target.value)}>
            ${WINDOWS.map((size) => {
                const text = size ? `${size} steps` : "none";
                return html`<option key=${size} value=${String(size)}>${text}</option>`;
            })}
        </select>
    </label>`;
}

function LogScale({ option, on }) {
    return html`<label>
        <input type="checkbox" checked=${on}
            onChange=${(event) => setOption(option, event.target.checked ? "1" : "")} />
        ${" "}log scale
    </label>`;
}
