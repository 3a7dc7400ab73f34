// Tabs of the page of a job that show what is known of it: its network, its checkpoints.
import { html } from "../html.js";
import { Checkpoints } from "./checkpoints.js";
import { Plan } from "./plan.js";

export function Network({ opened }) {
    if (!opened.plan)
        return html`<p class="soft">
            The daemon does not say: perhaps the data set is no longer there, or this token may only
            read.
        </p>`;
    return html`<section aria-label="Network"><${Plan} plan=${opened.plan} /></section>`;
}

export function Stored({ job, opened, now }) {
    if (!opened.checkpoints)
        return html`<p class="soft">Reading the checkpoints …</p>`;
    return html`<section aria-label="Checkpoints">
        <${Checkpoints} job=${job} items=${opened.checkpoints} now=${now} />
    </section>`;
}
