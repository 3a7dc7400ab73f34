// What to do while there is no job.
import { html } from "../html.js";
import { PRESETS } from "../data/presets.js";
import { Copyable, presetAsCurl } from "../parts/clipboard.js";
import { jobAddress } from "../route.js";

export function Begin({ model }) {
    const submit = async (file) => {
        const job = await model.submitPreset(file);
        if (job)
            location.hash = jobAddress(job.id);
    };
    return html`<section class="begin">
        <h1>No jobs yet</h1>
        <p>A job trains one network on one data set. Send the first from a terminal:</p>
        <${Copyable} label="Command that submits a job" text=${presetAsCurl(PRESETS[0].file)} />
        <p>or start one of these here, on 60,000 small pictures of clothes:</p>
        <ul class="presets">
            ${PRESETS.map(
                ({ file, title, about }) => html`<li key=${file}>
                    <button type="button" onClick=${() => submit(file)}>${title}</button>
                    <span class="soft">${about}</span>
                </li>`,
            )}
        </ul>
        <p>or <a href="#/new">write a job of your own</a>.</p>
    </section>`;
}
