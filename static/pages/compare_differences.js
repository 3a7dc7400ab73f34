// What the definitions of the compared jobs have that is not the same in all; or all of it.
import { html } from "../html.js";
import { differing, membersOf, pathsOf } from "../data/spec_members.js";
import { nameOf } from "../parts/job_text.js";
import { Swatch } from "../parts/run_look.js";
import { setOption } from "../route.js";
import { memberText } from "./jobs_columns.js";

/** Properties: jobs, looks, options. */
export function Differences({ jobs, looks, options }) {
    const differ = new Set(differing(jobs));
    const whole = Boolean(options.whole);
    const paths = whole ? pathsOf(jobs) : [...differ];
    return html`<section aria-label="Differences">
        <div class="bar">
            <h2>Differences in the definitions</h2>
            <label>
                <input type="checkbox" checked=${whole}
                    onChange=${() => setOption("whole", whole ? "" : "1")} />
                ${" "}also what is the same
            </label>
        </div>
        ${
            paths.length === 0
                ? html`<p class="soft">There are none.</p>`
                : html`<div class="scroll" tabindex="0" role="region" aria-label="Differences">
            <table class="numbers differences">
                <thead>
                    <tr>
                        <th scope="col">Member</th>
                        ${jobs.map(
                            (job) => html`<th scope="col" key=${job.id} title=${nameOf(job)}>
                                <${Swatch} look=${looks.get(job.id)} />
                                <span class="hidden">${nameOf(job)}</span>
                            </th>`,
                        )}
                    </tr>
                </thead>
                <tbody>
                    ${paths.map(
                        (path) => html`<tr key=${path} class=${differ.has(path) ? "" : "same"}>
                            <th scope="row"><code>${path}</code></th>
                            ${jobs.map(
                                (job) => html`<td key=${job.id}>
                                    ${memberText(membersOf(job).get(path))}
                                </td>`,
                            )}
                        </tr>`,
                    )}
                </tbody>
            </table>
        </div>`
        }
    </section>`;
}
