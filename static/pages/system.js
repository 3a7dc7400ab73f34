// The daemon itself: whether it is well, what it does, what it takes of its machine.
import { Component, html } from "../html.js";
import { SmallChart } from "../charts/small.js";
import { Machine, stateCount } from "../data/machine.js";
import { bytes, count, duration, moment } from "../parts/format.js";

const tenths = (value) => (Number.isFinite(value) ? value.toFixed(value < 10 ? 1 : 0) : "–");
const cores = (value) => `${tenths(value)} cores`;

/** Charts, a row each: `series` of data/machine.js, how a value is written, `note(now)` below, `top`:
 * the scale goes at least so far. */
const CHARTS = [
    {
        title: "Workers busy",
        series: "busy",
        write: count,
        top: (now) => now.one("traind_workers"),
        note: (now) => `of ${count(now.one("traind_workers"))}`,
    },
    {
        title: "Jobs waiting",
        series: "queued",
        write: count,
        top: () => 1,
        note: (now) => queueNote(now.one("traind_queue_age_seconds")),
    },
    {
        title: "Images a second",
        series: "samples",
        write: count,
        top: () => 1,
        note: (now) => `${count(now.one("traind_samples_total"))} since the start`,
    },
    {
        title: "Steps a second",
        series: "steps",
        write: tenths,
        top: () => 1,
        note: (now) => `${count(now.one("traind_steps_total"))} since the start`,
    },
    {
        title: "Processor",
        series: "processor",
        write: cores,
        top: () => 1,
        note: (now) => `${duration(now.one("process_cpu_seconds_total"))} since the start`,
    },
    {
        title: "Memory",
        series: "memory",
        write: bytes,
        top: () => 0,
        note: (now) => `${bytes(now.one("process_virtual_memory_bytes"))} of addresses`,
    },
    {
        title: "Database",
        series: "database",
        write: bytes,
        top: () => 0,
        note: (now) => `${bytes(now.one("traind_database_wal_bytes"))} of it the log`,
    },
    {
        title: "Requests a second",
        series: "requests",
        write: tenths,
        top: () => 1,
        note: (now) => `${count(now.one("traind_connections"))} connections`,
    },
];

const queueNote = (age) => (age > 0 ? `the longest for ${duration(age)}` : "nobody waits");

/** Facts: title and how it is read. A row that the daemon does not tell is left out. */
const FACTS = [
    ["Version", (now, ready) => ready.version],
    ["Kernels", (now) => now.label("traind_build_info", "kernels")],
    ["Started", (now) => moment(1000 * now.one("process_start_time_seconds"))],
    ["Running for", (now) => duration(Date.now() / 1000 - now.one("process_start_time_seconds"))],
    ["Threads", (now) => count(now.one("process_threads"))],
    ["Live streams", (now) => count(now.one("traind_streams"))],
    [
        "Open files",
        (now) => `${count(now.one("process_open_fds"))} of ${count(now.one("process_max_fds"))}`,
    ],
    ["Free disk", (now) => bytes(now.one("traind_disk_free_bytes"))],
    ["Checkpoints stored", (now) => bytes(now.one("traind_checkpoint_bytes_total"))],
    ["Evaluations", (now) => count(now.one("traind_evaluations_total"))],
    ["Errors in the log", (now) => count(logged(now, "error"))],
    ["Warnings in the log", (now) => count(logged(now, "warning"))],
];

const logged = (now, level) =>
    now.all("traind_log_entries_total").find(({ labels }) => labels.level === level)?.value;

/** Properties: model. */
export class System extends Component {
    constructor() {
        super();
        this.machine = new Machine(() => this.setState({}));
    }

    componentDidMount() {
        this.machine.start();
    }

    componentWillUnmount() {
        this.machine.stop();
    }

    render() {
        const { machine } = this;
        const { now, ready, problem, lost } = machine;
        if (!now)
            return html`<div class="bar"><h1>System</h1></div>
                ${problem
                    ? html`<p class="warning" role="alert">${problem.message}</p>`
                    : html`<p class="soft">Asking the daemon …</p>`}`;
        return html`
            <div class="bar"><h1>System</h1>
                <p class=${`health ${ready.status === "ok" && !lost ? "good" : "bad"}`} role="status">
                    ${lost ? "The daemon does not answer" : ready.status === "ok" ? "All is well" : "Not ready"}
                </p>
            </div>
            <${Charts} machine=${machine} />
            <${Jobs} now=${now} />
            <${Checks} ready=${ready} />
            <section>
                <h2>This daemon</h2>
                <dl class="facts plain">${FACTS.map(([title, read]) => [title, read(now, ready)])
                    .filter(([, value]) => value !== undefined && value !== "–")
                    .map(([title, value]) => html`<div key=${title}><dt>${title}</dt><dd>${value}</dd></div>`)}
                </dl>
            </section>
            <${AsTable} machine=${machine} />`;
    }
}

function Charts({ machine }) {
    return html`<div class="gauges">
        ${CHARTS.map(({ title, series, write, top, note }) => {
            const value = write(machine.value(series));
            const line = machine.line(series);
            return html`<section key=${title} class="gauge" data-series=${series}>
                <h2>${title}</h2>
                <p><b>${value}</b> <span class="soft">${note(machine.now)}</span></p>
                <${SmallChart} label="${title}: ${value} now, over the last ${sinceWords(line)}"
                    lines=${[line]} height=${64} top=${top(machine.now)} y=${write}
                    left=${line.length > 1 ? `${sinceWords(line)} ago` : ""} right="now"
                    stale=${machine.lost} />
            </section>`;
        })}
    </div>`;
}

const sinceWords = (line) => duration(-(line[0]?.[0] ?? 0));

const STATES = ["queued", "running", "pausing", "paused", "cancelling", "succeeded", "failed", "cancelled"];

function Jobs({ now }) {
    return html`<section>
        <h2>Jobs</h2>
        <ul class="states">${STATES.map((state) => html`<li key=${state}>
            <span class="state ${state}"><i aria-hidden="true"></i>${state}</span>
            <b>${count(stateCount(now, state))}</b>
        </li>`)}</ul>
    </section>`;
}

function Checks({ ready }) {
    return html`<section>
        <h2>Checks</h2>
        <div class="scroll"><table class="numbers words">
            <thead><tr><th scope="col">Check</th><th scope="col" class="word">Is</th>
                <th scope="col" class="word">What was seen</th></tr></thead>
            <tbody>${ready.checks.map(({ name, status, detail }) => html`<tr key=${name}>
                <th scope="row">${name.replaceAll("-", " ")}</th>
                <td class="word"><span class="state ${status === "ok" ? "succeeded" : "failed"}">
                    <i aria-hidden="true"></i>${status}</span></td>
                <td class="word">${detail}</td>
            </tr>`)}</tbody>
        </table></div>
    </section>`;
}

const ROWS = 10; // of the table of what the charts show

function AsTable({ machine }) {
    const newest = machine.moments.slice(-ROWS).reverse();
    const end = newest[0]?.at ?? 0;
    return html`<details>
        <summary>Charts as a table</summary>
        <div class="scroll"><table class="numbers">
            <thead><tr><th scope="col">Seconds ago</th>
                ${CHARTS.map(({ title }) => html`<th scope="col" key=${title}>${title}</th>`)}</tr></thead>
            <tbody>${newest.map(({ at, values }) => html`<tr key=${at}>
                <th scope="row">${(end - at).toFixed(0)}</th>
                ${CHARTS.map(({ title, series, write }) => html`<td key=${title}>
                    ${write(values[series])}</td>`)}
            </tr>`)}</tbody>
        </table></div>
    </details>`;
}
