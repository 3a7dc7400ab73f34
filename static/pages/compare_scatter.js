// One member of the definitions against one result: a dot for each job.
import { html } from "../html.js";
import { nameOf } from "../parts/job_text.js";
import { go, jobAddress, setOption } from "../route.js";
import { Choice } from "./compare_parallel.js";
import { ValuesTable } from "./compare_table.js";
import { common, inputs, makeAxis, results, valueOf } from "./compare_values.js";

const HEIGHT = 320;
const LEAST = 200; // wide, whatever a window says while it is made
const WIDEST = 900;
const [TOP, RIGHT, BOTTOM, LEFT] = [26, 20, 44, 78];
const INSET = 14; // a dot is not on the edge

const either = (wanted, known) => (known.includes(wanted) ? wanted : known[0]);

/** Properties: jobs, looks, options. */
export function Scatter({ jobs, looks, options }) {
    const [xs, ys] = [inputs(jobs), results(jobs)];
    if (xs.length === 0 || ys.length === 0)
        return null;
    const numbers = common(jobs).find((key) => typeof valueOf(key, jobs[0]) === "number");
    const x = makeAxis(either(options.sx ?? numbers, xs), jobs, options.sxlog);
    const y = makeAxis(either(options.sy, ys), jobs, options.sylog);
    const width = Math.max(LEAST, Math.min(WIDEST, innerWidth - 28));
    const left = (place) => LEFT + INSET + place * (width - LEFT - RIGHT - 2 * INSET);
    const top = (place) => HEIGHT - BOTTOM - INSET - place * (HEIGHT - TOP - BOTTOM - 2 * INSET);
    const dots = jobs
        .map((job) => ({
            job,
            at: [x.place(valueOf(x.key, job)), y.place(valueOf(y.key, job))],
        }))
        .filter(({ at }) => !at.includes(null));
    const absent = jobs.length - dots.length;
    const log = (name, axis) => html`<label>
        <input type="checkbox" checked=${axis.log} disabled=${!axis.canLog}
            onChange=${() => setOption(name, options[name] ? "" : "1")} />
        ${" "}log
    </label>`;
    return html`<section aria-label="Scatter">
        <div class="bar">
            <h2>A member against a result</h2>
            <${Choice} label="Across" value=${x.key} keys=${xs}
                choose=${(key) => setOption("sx", key)} />
            ${log("sxlog", x)}
            <${Choice} label="Up" value=${y.key} keys=${ys}
                choose=${(key) => setOption("sy", key)} />
            ${log("sylog", y)}
        </div>
        <svg class="picture-of-runs" viewBox="0 0 ${width} ${HEIGHT}" style=${{ maxWidth: width }}
            role="img" aria-label="${y.title} over ${x.title}; the values are in the table below">
            <${Grid} x=${x} y=${y} left=${left} top=${top} width=${width} />
            ${dots.map(({ job, at }) => {
                const look = looks.get(job.id);
                return html`<g key=${job.id} class="dot run-${look.tone}" data-run=${job.id}
                    transform="translate(${Math.round(left(at[0]))} ${Math.round(top(at[1]))})"
                    onClick=${() => go(jobAddress(job.id))}>
                    <circle r="5" />
                    <text x="8" y="4">${look.number}</text>
                    <title>${look.number}: ${nameOf(job)}</title>
                </g>`;
            })}
        </svg>
        ${
            absent > 0 &&
            html`<p class="soft">
            ${absent} ${absent === 1 ? "job has" : "jobs have"} not both values.
        </p>`
        }
        <${ValuesTable} title="${y.title} over ${x.title}" looks=${looks} keys=${[x.key, y.key]}
            jobs=${dots.sort((a, b) => a.at[0] - b.at[0]).map(({ job }) => job)} />
    </section>`;
}

function Grid({ x, y, left, top, width }) {
    return html`<g>
        ${y.ticks.map(
            ({ place, text }) => html`<g key=${text}>
                <line class="grid" x1=${LEFT} x2=${width - RIGHT} y1=${top(place)} y2=${top(place)} />
                <text class="faint" x=${LEFT - 10} y=${top(place) + 4} text-anchor="end">${text}</text>
            </g>`,
        )}
        ${x.ticks.map(
            ({ place, text }) => html`<g key=${text}>
                <line class="grid" x1=${left(place)} x2=${left(place)} y1=${TOP} y2=${HEIGHT - BOTTOM} />
                <text class="faint" x=${left(place)} y=${HEIGHT - BOTTOM + 18} text-anchor="middle">
                    ${text}
                </text>
            </g>`,
        )}
        <text x=${(LEFT + width - RIGHT) / 2} y=${HEIGHT - 6} text-anchor="middle">
            ${x.title}${x.log ? " (log)" : ""}
        </text>
        <text x=${LEFT} y=${TOP - 10}>${y.title}${y.log ? " (log)" : ""}</text>
    </g>`;
}
