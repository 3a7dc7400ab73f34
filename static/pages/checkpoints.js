// The stored checkpoints of a job, each to be downloaded as safetensors.
import { html } from "../html.js";
import { checkpointPath } from "../data/api.js";
import { age, bytes, count, metric, moment } from "../parts/format.js";

const titleOf = (name) => name.replace("val_", "val. ").replaceAll("_", " ");

export function Checkpoints({ job, items, now }) {
    if (items.length === 0)
        return html`<p class="soft">None yet.</p>`;
    const measured = items.flatMap((item) => Object.keys(item.metrics ?? {}));
    const names = [...new Set(measured)].sort().reverse(); // validation before training
    return html`<div class="scroll">
        <table class="numbers">
            <thead>
                <tr>
                    <th scope="col">Step</th>
                    <th scope="col" class="word">File</th>
                    ${names.map((name) => html`<th scope="col" key=${name}>${titleOf(name)}</th>`)}
                    <th scope="col">Size</th>
                    <th scope="col">Stored</th>
                </tr>
            </thead>
            <tbody>
                ${[...items].reverse().map(
                    (item) => html`<${Row} key=${item.step} job=${job} item=${item} names=${names}
                        now=${now} />`,
                )}
            </tbody>
        </table>
    </div>`;
}

function Row({ job, item, names, now }) {
    return html`<tr>
        <th scope="row">${count(item.step)}${item.best && html` <span class="tag">best</span>`}</th>
        <td class="word">
            <a href=${checkpointPath(job.id, item.step)} download
                aria-label="Download the checkpoint of step ${item.step}">safetensors</a>
        </td>
        ${names.map((name) => html`<td key=${name}>${metric(name, item.metrics?.[name])}</td>`)}
        <td>${bytes(item.bytes)}</td>
        <td title=${moment(item.created_at)}>${age(item.created_at, now)}</td>
    </tr>`;
}
