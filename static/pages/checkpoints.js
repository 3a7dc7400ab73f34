// The stored checkpoints of a job, each to be downloaded as safetensors.
import { html } from "../html.js";
import { checkpointPath } from "../data/api.js";
import { age, bytes, count, metric, moment } from "../parts/format.js";
import { address } from "../route.js";

const titleOf = (name) => name.replace("val_", "val. ").replaceAll("_", " ");

/** The forms of a checkpoint: one row each. */
const FILES = [
    { title: "safetensors", about: "the checkpoint", options: "" },
    { title: "with state", about: "the checkpoint with optimizer state", options: "state=full" },
    { title: "ONNX", about: "the network as ONNX", options: "format=onnx", perhaps: true },
];

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
                    <th scope="col" class="word">Files</th>
                    ${names.map((name) => html`<th scope="col" key=${name}>${titleOf(name)}</th>`)}
                    <th scope="col" class="word"><span class="hidden">Fork</span></th>
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
        <td class="word files">
            ${FILES.map(
                ({ title, about, options, perhaps }) => html`<a key=${title} download
                    href=${checkpointPath(job.id, item.step, options)}
                    data-fetch=${perhaps ? "" : null}
                    aria-label="${title}: ${about} of step ${item.step}">${title}</a> `,
            )}
        </td>
        ${names.map((name) => html`<td key=${name}>${metric(name, item.metrics?.[name])}</td>`)}
        <td class="word">
            <a href=${address(["jobs", job.id, "fork"], { checkpoint: String(item.step) })}
                aria-label="Fork from step ${item.step}">fork</a>
        </td>
        <td>${bytes(item.bytes)}</td>
        <td title=${moment(item.created_at)}>${age(item.created_at, now)}</td>
    </tr>`;
}
