// The values of a chart in words: the line above it that follows the crosshair, and the table below
// it. Only rows that were logged are ever shown, never a point between them.
import { html } from "../html.js";
import { count, metric } from "../parts/format.js";
import { History, align } from "../data/history.js";

/** The values at `step`; a series without a row there shows its row before, and says which. */
export function Legend({ series, history, smoothed, step, epoch, live }) {
    const shown = series.filter(({ name }) => history.has(name));
    return html`<p class="legend" aria-live=${live ? "polite" : "off"}>
        <span class="at">step ${count(step)}<span class="soft"> · ${epoch(step)}</span></span>
        ${shown.length === 0 && html`<span class="soft">no values yet</span>`}
        ${shown.map(
            ({ name, label, look }) => html`<span class="key ${look}" key=${name}>
                <i aria-hidden="true"></i>${label}${" "}
                <b>${valueAt(history.get(name), name, step)}</b>
                ${smoothedAt(history.get(name), smoothed.get(name), name, step)}
            </span>`,
        )}
    </p>`;
}

function valueAt(rows, name, step) {
    const at = History.at(rows, step);
    if (at < 0)
        return "–";
    const where = rows.step[at];
    const value = rows.value[at];
    const text = value === null ? (rows.nonfinite.get(where) ?? "not finite") : metric(name, value);
    return where === step ? text : `${text} (step ${count(where)})`;
}

function smoothedAt(rows, values, name, step) {
    const value = values?.[History.at(rows, step)];
    if (typeof value !== "number")
        return null;
    return html`<span class="soft"> smoothed ${metric(name, value)}</span>`;
}

const TABLE_ROWS = 100;
const TABLE_NONFINITE = 10;

/** The same values for who cannot see the lines: every evaluation, the first values that were no
 * numbers, and steps spread evenly over the rest. */
export function Table({ title, series, history, epoch }) {
    const cell = (name, step) => {
        const rows = history.get(name);
        const at = History.at(rows, step);
        return rows.step[at] === step ? valueAt(rows, name, step) : "";
    };
    return html`<div class="scroll">
        <table class="numbers">
            <caption class="hidden">${title}</caption>
            <thead>
                <tr>
                    <th scope="col">Step</th>
                    <th scope="col">Epoch</th>
                    ${series.map(({ label }) => html`<th scope="col" key=${label}>${label}</th>`)}
                </tr>
            </thead>
            <tbody>
                ${tableSteps(series, history).map(
                    (step) => html`<tr key=${step}>
                        <th scope="row">${count(step)}</th>
                        <td>${epoch(step).replace("epoch ", "")}</td>
                        ${series.map(({ name }) => html`<td key=${name}>${cell(name, step)}</td>`)}
                    </tr>`,
                )}
            </tbody>
        </table>
    </div>`;
}

function tableSteps(series, history) {
    const all = align(series.map(({ name }) => history.get(name)))[0];
    const kept = new Set();
    for (const { name, look } of series) {
        const { step, nonfinite } = history.get(name);
        [...nonfinite.keys()].slice(0, TABLE_NONFINITE).forEach((s) => kept.add(s));
        if (look === "val")
            step.forEach((s) => kept.add(s));
    }
    const stride = Math.max(1, Math.ceil(all.length / TABLE_ROWS));
    return all.filter((s, i) => i % stride === 0 || i === all.length - 1 || kept.has(s));
}
