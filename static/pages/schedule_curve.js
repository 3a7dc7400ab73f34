// How the learning rate will move, as the daemon's plan says it, drawn and as a table.
import { html } from "../html.js";
import { SmallChart } from "../charts/small.js";
import { count, shortest, title } from "../parts/format.js";

const ROWS = 11; // of the table

function sampled(points) {
    const last = points.length - 1;
    const rows = Math.min(ROWS, points.length);
    return Array.from({ length: rows }, (_, i) => points[Math.round((i * last) / (rows - 1 || 1))]);
}

/** Properties: plan, stale (one that is on its way will be newer). */
export function ScheduleCurve({ plan, stale }) {
    const { schedule: points, schedule_metric: metric, steps } = plan;
    const rates = points.map(([, rate]) => rate);
    const [least, most] = [Math.min(...rates), Math.max(...rates)];
    const label = `Learning rate over ${count(steps)} steps: from ${shortest(rates[0])} to ${shortest(
        rates[rates.length - 1],
    )}, least ${shortest(least)}, most ${shortest(most)}`;
    return html`<div class="schedule">
        <${SmallChart} label=${label} lines=${[points]} height=${120} y=${shortest} stale=${stale}
            left="step 1" right="step ${count(steps)}" />
        ${metric && html`<p class="soft">Lower still where ${title(metric)} no longer gets better.</p>`}
        <details>
            <summary>Rates as a table</summary>
            <table class="numbers">
                <thead><tr><th scope="col">Step</th><th scope="col">Rate</th></tr></thead>
                <tbody>${sampled(points).map(([step, rate]) => html`<tr key=${step}>
                    <th scope="row">${count(step)}</th><td>${shortest(rate)}</td>
                </tr>`)}</tbody>
            </table>
        </details>
    </div>`;
}
