// Parallel coordinates: an axis for each member that differs and for a result, a line for each job.
// Two thumbs on an axis keep what is between them: drawn with the mouse or moved with arrow keys.
import { Component, html } from "../html.js";
import { nameOf } from "../parts/job_text.js";
import { go, jobAddress, setOption } from "../route.js";
import { columnOf } from "./jobs_columns.js";
import { ValuesTable } from "./compare_table.js";
import { common, inputs, makeAxis, results, valueOf } from "./compare_values.js";

const HEIGHT = 300;
const [TOP, BOTTOM] = [46, 30];
const SIDE = 70;
const ROOM = 124; // at least, for an axis
const AXES = 6; // at first
const ABSENT = 16; // pixels below an axis: the place of what a job does not have
const MOVES = {
    ArrowUp: 0.05,
    ArrowDown: -0.05,
    ArrowRight: 0.05,
    ArrowLeft: -0.05,
    PageUp: 0.2,
    PageDown: -0.2,
    Home: -1,
    End: 1,
};

const listed = (text) => (text ?? "").split(",").filter((word) => word !== "");
const clamp = (value) => Math.min(1, Math.max(0, value));

/** Key → [from, to], of an address: spec.optimizer.lr:0.2:1,… */
function readBrushes({ brush }) {
    const found = listed(brush).map((text) => /^(.*):([\d.]+):([\d.]+)$/.exec(text));
    return new Map(
        found.filter(Boolean).map(([, key, from, to]) => [key, [clamp(+from), clamp(+to)]]),
    );
}

function setBrush(options, key, range) {
    const brushes = readBrushes(options);
    brushes.set(key, range);
    const text = [...brushes]
        .filter(([, [from, to]]) => from > 0 || to < 1)
        .map(([name, ends]) => [name, ...ends.map((end) => end.toFixed(3))].join(":"));
    setOption("brush", text.join(","));
}

/** Properties: jobs, looks, options. */
export class Parallel extends Component {
    axes() {
        const { jobs, options } = this.props;
        const known = inputs(jobs);
        const asked = options.axes === undefined ? common(jobs).slice(0, AXES) : listed(options.axes);
        const result = this.result();
        const logs = listed(options.plog);
        return [...asked.filter((key) => known.includes(key)), result]
            .filter(Boolean)
            .map((key) => makeAxis(key, jobs, logs.includes(key)));
    }

    result() {
        const known = results(this.props.jobs);
        return known.includes(this.props.options.result) ? this.props.options.result : known[0];
    }

    turn(name, key, list) {
        const next = list.includes(key) ? list.filter((other) => other !== key) : [...list, key];
        setOption(name, next.join(",") || (name === "axes" ? "none" : ""));
    }

    render({ jobs, looks, options }) {
        const axes = this.axes();
        const brushes = readBrushes(options);
        const kept = jobs.filter((job) => isKept(job, axes, brushes));
        const room = Math.min(1312, innerWidth - (innerWidth <= 900 ? 28 : 48));
        const width = Math.max(room, 2 * SIDE + ROOM * (axes.length - 1));
        return html`<section aria-label="Parallel coordinates">
            <div class="bar">
                <h2>Parallel coordinates</h2>
                <span role="status">${kept.length} of ${jobs.length} jobs are kept</span>
                ${
                    brushes.size > 0 &&
                    html`<button type="button" onClick=${() => setOption("brush", "")}>
                    Keep all
                </button>`
                }
            </div>
            ${this.controls(axes)}
            ${inputs(jobs).length === 0 && html`<p class="soft">No member but the seed differs between them.</p>`}
            <div class="scroll" tabindex="0" role="region" aria-label="Parallel coordinates: picture">
                <svg class="picture-of-runs" viewBox="0 0 ${width} ${HEIGHT}" style=${{ width }}>
                    ${jobs.map(
                        (job) => html`<${Line} key=${job.id} job=${job} axes=${axes} width=${width}
                            look=${looks.get(job.id)} out=${!kept.includes(job)} />`,
                    )}
                    ${axes.map(
                        (axis, i) => html`<${Axis} key=${axis.key} axis=${axis}
                            x=${xOf(i, axes.length, width)} options=${options}
                            range=${brushes.get(axis.key) ?? [0, 1]} />`,
                    )}
                </svg>
            </div>
            <${ValuesTable} title="Parallel coordinates" jobs=${kept} looks=${looks}
                keys=${axes.map(({ key }) => key)} />
        </section>`;
    }

    controls(axes) {
        const { jobs, options } = this.props;
        const shown = axes.map(({ key }) => key);
        const result = this.result();
        const chosen = shown.filter((key) => key !== result);
        return html`<details>
            <summary>Axes</summary>
            <p class="bar">
                ${inputs(jobs).map(
                    (key) => html`<label key=${key}>
                        <input type="checkbox" checked=${shown.includes(key)}
                            onChange=${() => this.turn("axes", key, chosen)} />
                        ${" "}${columnOf(key).title}
                    </label>`,
                )}
                <${Choice} label="Result" value=${result} keys=${results(jobs)}
                    choose=${(key) => setOption("result", key)} />
            </p>
            <p class="bar">
                ${axes
                    .filter(({ canLog }) => canLog)
                    .map(
                        ({ key, title, log }) => html`<label key=${key}>
                            <input type="checkbox" checked=${log}
                                onChange=${() => this.turn("plog", key, listed(options.plog))} />
                            ${" "}log ${title}
                        </label>`,
                    )}
            </p>
        </details>`;
    }
}

/** A choice among columns. Properties: label, value, keys, choose(key). */
export const Choice = ({ label, value, keys, choose }) => html`<label>
    ${label}${" "}
    <select value=${value} onChange=${({ target }) => choose(target.value)}>
        ${keys.map((key) => html`<option key=${key} value=${key}>${columnOf(key).title}</option>`)}
    </select>
</label>`;

function isKept(job, axes, brushes) {
    return axes.every(({ key, place }) => {
        const [from, to] = brushes.get(key) ?? [0, 1];
        const at = place(valueOf(key, job));
        return (from <= 0 && to >= 1) || (at !== null && at >= from - 1e-9 && at <= to + 1e-9);
    });
}

const xOf = (i, count, width) =>
    count > 1 ? SIDE + ((width - 2 * SIDE) * i) / (count - 1) : width / 2;
const yOf = (place) =>
    place === null
        ? HEIGHT - BOTTOM + ABSENT
        : HEIGHT - BOTTOM - place * (HEIGHT - TOP - BOTTOM);

function Line({ job, axes, width, look, out }) {
    const points = axes.map(({ key, place }, i) =>
        [xOf(i, axes.length, width), yOf(place(valueOf(key, job)))].map(Math.round).join(","),
    );
    return html`<polyline class="run run-${look.tone} ${out ? "out" : ""}" points=${points.join(" ")}
        stroke-dasharray=${look.dash.join(" ")} onClick=${() => go(jobAddress(job.id))}>
        <title>${look.number}: ${nameOf(job)}</title>
    </polyline>`;
}

class Axis extends Component {
    // Where on the axis the mouse is.
    placeOf({ clientY, currentTarget }) {
        const box = currentTarget.ownerSVGElement.getBoundingClientRect();
        const y = ((clientY - box.top) * HEIGHT) / box.height;
        return clamp((HEIGHT - BOTTOM - y) / (HEIGHT - TOP - BOTTOM));
    }

    move(end, place) {
        const { axis, range, options } = this.props;
        const next = [...range];
        next[end] = end === 0 ? Math.min(place, range[1]) : Math.max(place, range[0]);
        setBrush(options, axis.key, next.map(clamp));
    }

    press(end, event) {
        const by = MOVES[event.key];
        if (by === undefined)
            return;
        event.preventDefault();
        this.move(end, this.props.range[end] + by);
    }

    thumb(end) {
        const { axis, x, range } = this.props;
        const y = yOf(range[end]);
        const up = end === 0 ? 9 : -9;
        return html`<path class="thumb" d="M${x - 7},${y + up} L${x + 7},${y + up} L${x},${y} Z"
            role="slider" tabindex="0" aria-orientation="vertical" aria-valuemin="0"
            aria-valuemax="100" aria-valuenow=${Math.round(100 * range[end])}
            aria-label="${axis.title}: ${end === 0 ? "keep from" : "keep up to"}, percent of the axis"
            onKeyDown=${(event) => this.press(end, event)}
            onPointerDown=${(event) => event.currentTarget.setPointerCapture(event.pointerId)}
            onPointerMove=${(event) => event.buttons > 0 && this.move(end, this.placeOf(event))} />`;
    }

    render({ axis, x, range }) {
        const [from, to] = range.map(yOf);
        const held = range[0] > 0 || range[1] < 1;
        return html`<g>
            <line class="axis" x1=${x} x2=${x} y1=${TOP} y2=${HEIGHT - BOTTOM} />
            ${held && html`<rect class="brush" x=${x - 9} y=${to} width="18" height=${from - to} />`}
            <text x=${x} y="12" text-anchor="middle">${short(axis.title)}<title>${axis.title}</title></text>
            ${axis.log && html`<text class="faint" x=${x} y="26" text-anchor="middle">log</text>`}
            ${axis.ticks.map(
                ({ place, text }) => html`<text key=${text} class="faint" x=${x - 11}
                    y=${yOf(place) + 4} text-anchor="end">${short(text)}</text>`,
            )}
            ${this.thumb(0)} ${this.thumb(1)}
        </g>`;
    }
}

const SHORT = 18;
const short = (text) => (text.length > SHORT ? `…${text.slice(1 - SHORT)}` : text);
