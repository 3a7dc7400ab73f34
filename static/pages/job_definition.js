// The job as it was sent, every default written out, and as a command that sends it again.
import { html } from "../html.js";
import { Copyable, submitAsCurl } from "../parts/clipboard.js";
import * as format from "../parts/format.js";
import { address } from "../route.js";

export function Definition({ job }) {
    const sent = { name: job.name, labels: job.labels, priority: job.priority, ...job.spec };
    return html`<section aria-label="Definition">
        <p class="bar">
            <a class="button" href=${address(["new"], { from: job.id })}>Edit a copy</a>
        </p>
        <h2>As JSON</h2>
        <${Copyable} label="The job as JSON" text=${format.json(sent)} />
        <h2>As a command that submits it again</h2>
        <${Copyable} label="Command that submits this job again" text=${submitAsCurl(sent)} />
    </section>`;
}
