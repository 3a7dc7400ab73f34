// The values of a chart in words: the line above it that follows the crosshair, and the table below
// it. Only rows that were logged are ever shown, never a point between them.
import { html } from "../html.js";
import { align } from "../data/rows.js";
import { count, metric, span, timeOfDay } from "../parts/format.js";
import { MARK_KINDS } from "./marks.js";

const epochOf = (step, { perEpoch }) => (perEpoch ? (step / perEpoch).toFixed(2) : "");

/** The values at `step`, or the last ones; a series without a row there shows its row before, and
 * says which. */
export function Legend({ curves, step, marks, run, live }) {
    const shown = curves.filter(({ rows }) => rows().length > 0);
    const at = step ?? Math.max(0, ...shown.map(({ rows }) => rows().last));
    return html`<p class="legend" aria-live=${live ? "polite" : "off"}>
        <span class="at">step ${count(at)}<span class="soft">${placeOf(at, shown, run)}</span></span>
        ${shown.length === 0 && html`<span class="soft">no values yet</span>`}
        ${shown.map(
            (curve) => html`<span class="key ${curve.look}" key=${curve.key}>
                <i aria-hidden="true"></i>${curve.label}${" "}
                <b>${valueAt(curve, at)}</b>
                ${smoothedAt(curve, at)}
            </span>`,
        )}
        ${marks.map(
            ({ kind, step: where, text }) => html`<span class="mark-text" key=${kind + where}>
                <i aria-hidden="true">${MARK_KINDS[kind].sign}</i> step ${count(where)}: ${text}
            </span>`,
        )}
    </p>`;
}

// " · epoch 1.25 · 12:00:03": what else is known of a step.
function placeOf(step, curves, run) {
    const parts = [""];
    if (run.perEpoch)
        parts.push(`epoch ${epochOf(step, run)}`);
    const time = timeAt(curves, step);
    if (time > 0)
        parts.push(timeOfDay(time));
    return parts.join(" · ");
}

function timeAt(curves, step) {
    for (const { rows } of curves) {
        const list = rows();
        const at = list.index(step);
        if (at >= 0 && list.step[at] === step && list.at[at] > 0)
            return list.at[at];
    }
    return NaN;
}

function valueAt({ rows, key, metric: name = key }, step) {
    const list = rows();
    const at = list.index(step);
    if (at < 0)
        return "–";
    const where = list.step[at];
    const value = list.value[at];
    const text = Number.isFinite(value)
        ? metric(name, value)
        : (list.nonfinite.get(where) ?? "not finite");
    return where === step ? text : `${text} (step ${count(where)})`;
}

function smoothedAt({ rows, key, metric: name = key, smoothed }, step) {
    const list = rows();
    const value = smoothed ? list.smoothed[list.index(step)] : NaN;
    if (!Number.isFinite(value))
        return null;
    return html`<span class="soft"> smoothed ${metric(name, value)}</span>`;
}

const TABLE_ROWS = 100;
const TABLE_NONFINITE = 10;

/** The same values for who cannot see the lines: every evaluation, the first values that were no
 * numbers, the rows at marks, and steps spread evenly over the rest. */
export function Table({ title, curves, run, marks }) {
    const cell = (curve, step) => {
        const list = curve.rows();
        return list.step[list.index(step)] === step ? valueAt(curve, step) : "";
    };
    const told = textsByStep(marks);
    return html`<div class="scroll" tabindex="0" role="region" aria-label="${title}: values">
        <table class="numbers">
            <caption class="hidden">${title}</caption>
            <thead>
                <tr>
                    <th scope="col">Step</th>
                    <th scope="col">Epoch</th>
                    <th scope="col">After</th>
                    ${curves.map(({ key, label }) => html`<th scope="col" key=${key}>${label}</th>`)}
                    <th scope="col" class="word">What happened</th>
                </tr>
            </thead>
            <tbody>
                ${tableSteps(curves, told).map(
                    (step) => html`<tr key=${step}>
                        <th scope="row">${count(step)}</th>
                        <td>${epochOf(step, run)}</td>
                        <td>${span((timeAt(curves, step) - run.start) / 1000)}</td>
                        ${curves.map((curve) => html`<td key=${curve.key}>${cell(curve, step)}</td>`)}
                        <td class="word">${told.get(step) ?? ""}</td>
                    </tr>`,
                )}
            </tbody>
        </table>
    </div>`;
}

function textsByStep(marks) {
    const told = new Map();
    for (const { step, text } of marks)
        told.set(step, told.has(step) ? `${told.get(step)}; ${text}` : text);
    return told;
}

function tableSteps(curves, told) {
    const { steps } = align(curves.map(({ rows }) => rows()));
    const kept = new Set(told.keys());
    for (const { look, rows } of curves) {
        const { step, length, nonfinite } = rows();
        [...nonfinite.keys()].slice(0, TABLE_NONFINITE).forEach((s) => kept.add(s));
        if (look === "val")
            step.subarray(0, length).forEach((s) => kept.add(s));
    }
    const stride = Math.max(1, Math.ceil(steps.length / TABLE_ROWS));
    const spread = Array.from(steps).filter((_, i) => i % stride === 0 || i === steps.length - 1);
    return [...new Set([...spread, ...kept])].filter((s) => s > 0).sort((a, b) => a - b);
}
