// The values of several runs in words: the line above a chart that follows the crosshair, and the
// table below it. Only rows that were logged are shown: at the crosshair, or the last before it.
import { html } from "../html.js";
import { align, firstFrom } from "../data/rows.js";
import { count, metric as written, span, timeOfDay } from "../parts/format.js";
import { Swatch } from "../parts/run_look.js";
import { placesOf } from "./axis.js";

const PLACE = {
    step: (at) => `step ${count(at)}`,
    epoch: (at) => `epoch ${at.toFixed(2)}`,
    wall: (at) => timeOfDay(at),
    relative: (at) => `after ${span(at)}`,
};

function rowAt(list, places, at) {
    const next = firstFrom(places, places.length, at);
    return next < places.length && places[next] === at ? next : next - 1;
}

function valueText(list, i, metric) {
    if (i < 0)
        return "–";
    const value = list.value[i];
    return Number.isFinite(value)
        ? written(metric, value)
        : (list.nonfinite.get(list.step[i]) ?? "not finite");
}

/** Properties: runs, metric, x, at (null: the last values), near (the run that is meant), live. */
export function Readout({ runs, metric, x, at, near, live }) {
    const named = runs.find(({ id }) => id === near);
    return html`<p class="readout" aria-live=${live ? "polite" : "off"}>
        <span class="soft">${at === null ? "last values" : PLACE[x](at)}</span>
        ${runs.map(({ id, look, run, rows, name }) => {
            const list = rows();
            const places = at === null ? null : placesOf(list, x, run);
            const i = places ? rowAt(list, places, at) : list.length - 1;
            const exact = !places || i < 0 || places[i] === at;
            return html`<span key=${id} class="run-${look.tone} ${id === near ? "near" : ""}"
                title=${name}>
                <b>${look.number}</b>${" "}
                <span class="value">${valueText(list, i, metric)}</span>
                ${!exact && html`<span class="soft"> (step ${count(list.step[i])})</span>`}
            </span>`;
        })}
        ${named && html`<b>${named.name}</b>`}
    </p>`;
}

const ROWS = 100;

/** Properties: title, runs, metric. */
export function RunsTable({ title, runs, metric }) {
    const lists = runs.map(({ rows }) => rows());
    const { steps } = align(lists);
    const stride = Math.max(1, Math.ceil(steps.length / ROWS));
    const shown = Array.from(steps).filter((_, i) => i % stride === 0 || i === steps.length - 1);
    const cell = (list, step) => {
        const i = list.index(step);
        return i >= 0 && list.step[i] === step ? valueText(list, i, metric) : "";
    };
    return html`<div class="scroll" tabindex="0" role="region" aria-label="${title}: values">
        <table class="numbers">
            <caption class="hidden">${title}</caption>
            <thead>
                <tr>
                    <th scope="col">Step</th>
                    ${runs.map(
                        ({ id, look, name }) => html`<th scope="col" key=${id} title=${name}>
                            <${Swatch} look=${look} /><span class="hidden">${name}</span>
                        </th>`,
                    )}
                </tr>
            </thead>
            <tbody>
                ${shown.map(
                    (step) => html`<tr key=${step}>
                        <th scope="row">${count(step)}</th>
                        ${lists.map((list, k) => html`<td key=${runs[k].id}>${cell(list, step)}</td>`)}
                    </tr>`,
                )}
            </tbody>
        </table>
    </div>`;
}
