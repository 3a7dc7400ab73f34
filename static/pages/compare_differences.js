// What the definitions of the compared jobs have that is not the same in all; or all of it.
import { html } from "../html.js";
import { differing, membersOf, pathsOf } from "../data/spec_members.js";
import { nameOf } from "../parts/job_text.js";
import { Swatch } from "../parts/run_look.js";
import { setOption } from "../route.js";
import { memberText } from "./jobs_columns.js";

const LAYER = /^(model\.\d+)\./;

/** The layers that are not even of one kind in all jobs: each is one row, for its members say
 * nothing beside those of another kind. */
function otherLayers(jobs) {
    const kinds = differing(jobs, pathsOf(jobs).filter((path) => /^model\.\d+\.type$/.test(path)));
    return new Set(kinds.map((path) => LAYER.exec(path)[1]));
}

/** Paths, those of such layers replaced by the layer's. */
function folded(paths, layers) {
    const place = (path) => Number(path.split(".")[1]);
    return [
        ...paths.filter((path) => !layers.has(LAYER.exec(path)?.[1])),
        ...[...layers].sort((a, b) => place(a) - place(b)),
    ];
}

const TELLING = ["out_channels", "out_features", "kernel_size", "stride", "p"];

/** "conv2d, out channels 6, kernel size 5" */
function layerText(members, path) {
    const said = TELLING.map((name) => [name.replace("_", " "), members.get(`${path}.${name}`)]);
    const known = said.filter(([, value]) => value !== undefined);
    const kind = members.get(`${path}.type`);
    return kind ? [kind, ...known.map((pair) => pair.join(" "))].join(", ") : "–";
}

/** Properties: jobs, looks, options. */
export function Differences({ jobs, looks, options }) {
    const differ = new Set(differing(jobs));
    const whole = Boolean(options.whole);
    const other = otherLayers(jobs);
    const paths = whole ? pathsOf(jobs) : folded([...differ], other);
    const text = (job, path) =>
        !whole && other.has(path)
            ? layerText(membersOf(job), path)
            : memberText(membersOf(job).get(path));
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
                        (path) => html`<tr key=${path} class=${whole && !differ.has(path) ? "same" : ""}>
                            <th scope="row"><code>${path}</code></th>
                            ${jobs.map(
                                (job) => html`<td key=${job.id}>${text(job, path)}</td>`,
                            )}
                        </tr>`,
                    )}
                </tbody>
            </table>
        </div>`
        }
    </section>`;
}
