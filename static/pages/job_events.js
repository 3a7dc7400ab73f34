// What happened to a job, as a log to read, newest first.
import { html } from "../html.js";
import { MARK_KINDS } from "../charts/marks.js";
import { changesOf } from "../data/story.js";
import { bytes, count, metric, moment, title } from "../parts/format.js";
import { setOption } from "../route.js";

const SHOWN = 500;

function measured(values = {}) {
    const names = Object.keys(values).filter((name) => /_(loss|accuracy)$/.test(name));
    return names.map((name) => `${title(name)} ${metric(name, values[name])}`).join(", ");
}

/** Kinds of events: one row each. `text`: what it says. */
const KINDS = {
    state: {
        title: "States",
        text: ({ state, reason }) => (reason ? `${state}: ${reason}` : state),
    },
    edit: {
        title: "Changes",
        sign: "edit",
        text: (event) => changesOf(event, true).join(", ") || "nothing changed",
    },
    checkpoint: {
        title: "Checkpoints",
        sign: "checkpoint",
        text: ({ best, bytes: size, metrics }) =>
            [`checkpoint of ${bytes(size)}${best ? ", the best until then" : ""}`, measured(metrics)]
                .filter(Boolean)
                .join(": "),
    },
    evaluation: { title: "Evaluations", text: (event) => `evaluation: ${measured(event)}` },
    warning: {
        title: "Warnings",
        sign: "warning",
        text: ({ detail }) => detail,
    },
};

/** Properties: opened, options {hide: kinds that are not shown, with commas between}. */
export function Events({ opened, options }) {
    const { events, known } = opened.story;
    const hidden = (options.hide ?? "").split(",");
    const shown = events.filter(({ event }) => event in KINDS && !hidden.includes(event));
    const turn = (kind) => {
        const kept = Object.keys(KINDS).filter((k) => hidden.includes(k) !== (k === kind));
        setOption("hide", kept.join(","));
    };
    return html`<section aria-label="Events">
        <div class="bar">
            ${Object.entries(KINDS).map(
                ([kind, row]) => html`<label key=${kind}>
                    <input type="checkbox" checked=${!hidden.includes(kind)}
                        onChange=${() => turn(kind)} />${" "}${row.title}
                </label>`,
            )}
        </div>
        ${!known && html`<p class="soft">Reading what happened …</p>`}
        ${known && shown.length === 0 && html`<p class="soft">Nothing of that kind happened.</p>`}
        ${shown.length > 0 && html`<${Log} events=${shown} />`}
    </section>`;
}

function Log({ events }) {
    return html`<div class="scroll">
        <table class="numbers events">
            <thead>
                <tr>
                    <th scope="col" class="word">Time</th>
                    <th scope="col">Step</th>
                    <th scope="col" class="word">What happened</th>
                </tr>
            </thead>
            <tbody>
                ${events
                    .slice(-SHOWN)
                    .reverse()
                    .map((event) => html`<${Line} key=${keyOf(event)} event=${event} />`)}
            </tbody>
        </table>
        ${
            events.length > SHOWN &&
            html`<p class="soft">and ${count(events.length - SHOWN)} before these</p>`
        }
    </div>`;
}

const keyOf = ({ id, event, at, step }) => id ?? `${event} ${at} ${step}`;

function Line({ event }) {
    const { text, sign } = KINDS[event.event];
    return html`<tr data-event=${event.event}>
        <th scope="row" class="word"><time datetime=${event.at}>${moment(event.at)}</time></th>
        <td>${count(event.step)}</td>
        <td class="word text">
            ${sign && html`<i aria-hidden="true">${MARK_KINDS[sign].sign}</i>`} ${text(event)}
        </td>
    </tr>`;
}
