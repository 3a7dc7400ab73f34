// The jobs that are compared: the key to their curves, their standing and results, and which of
// them are drawn.
import { html } from "../html.js";
import * as format from "../parts/format.js";
import { State, best, elapsed, latest, nameOf } from "../parts/job_text.js";
import { Swatch } from "../parts/run_look.js";
import { jobAddress } from "../route.js";

/** What is said of each: one row a column. */
const FIGURES = [
    {
        title: "Best val. accuracy",
        text: (job) => format.percent(best(job, "val_accuracy")?.value),
    },
    { title: "Best val. loss", text: (job) => format.number(best(job, "val_loss")?.value) },
    { title: "Train loss", text: (job) => format.number(latest(job, "train_loss")) },
    { title: "Images/s", text: (job) => format.count(job.progress?.samples_per_second) },
    { title: "Time", text: (job, now) => format.duration(elapsed(job, now)) },
];

/** Properties: ids, model, looks, drawn (ids), turn(id), drop(id), now. */
export function Runs({ ids, model, looks, drawn, turn, drop, now }) {
    return html`<div class="scroll">
        <table class="numbers runs-list">
            <thead>
                <tr>
                    <th scope="col"><span class="hidden">Drawn</span></th>
                    <th scope="col" class="word">Run</th>
                    <th scope="col" class="word">Job</th>
                    <th scope="col" class="word">State</th>
                    ${FIGURES.map(({ title }) => html`<th scope="col" key=${title}>${title}</th>`)}
                    <th scope="col"><span class="hidden">Take away</span></th>
                </tr>
            </thead>
            <tbody>
                ${ids.map((id) => {
                    const job = model.jobs.get(id);
                    const missing = model.compared.missing.get(id);
                    const name = job ? nameOf(job) : id;
                    const on = drawn.includes(id);
                    return html`<tr key=${id} data-run=${id} class=${on ? "" : "off"}>
                        <td class="word">
                            <input type="checkbox" checked=${on} onChange=${() => turn(id)}
                                aria-label="Draw the curves of ${name}" />
                        </td>
                        <td class="word"><${Swatch} look=${looks.get(id)} /></td>
                        <th scope="row" class="word"><a href=${jobAddress(id)}>${name}</a></th>
                        <td class="word">
                            ${job ? html`<${State} job=${job} />` : (missing ?? "reading …")}
                        </td>
                        ${FIGURES.map(
                            ({ title, text }) => html`<td key=${title}>${job && text(job, now)}</td>`,
                        )}
                        <td>
                            <button type="button" class="plain" onClick=${() => drop(id)}
                                aria-label="Take ${name} out of the comparison">×</button>
                        </td>
                    </tr>`;
                })}
            </tbody>
        </table>
    </div>`;
}
