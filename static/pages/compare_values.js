// The values of jobs along an axis: numbers on a linear or a logarithmic scale, all else as names
// beside each other. Knows no markup.
import { differing, membersOf } from "../data/spec_members.js";
import * as format from "../parts/format.js";
import { columnOf, memberText } from "./jobs_columns.js";

const WIDE = 20; // largest to smallest, from where on a logarithmic scale says more

/** The keys of members that differ; the seed says nothing. */
export const inputs = (jobs) =>
    differing(jobs)
        .filter((path) => path !== "seed")
        .map((path) => `spec.${path}`);

/** Those that every job has: what only some of them have, as the momentum of an optimizer, says
 * little about the others. */
export function common(jobs) {
    const shared = inputs(jobs).filter((key) => jobs.every((job) => valueOf(key, job) !== null));
    return shared.length > 0 ? shared : inputs(jobs);
}

const RESULTS = ["best.val_accuracy", "best.val_loss", "best.train_loss", "last.train_loss"];
/** The keys of results that a job has, the most telling first. */
export const results = (jobs) =>
    RESULTS.filter((key) => jobs.some((job) => columnOf(key).value(job) !== null));

export const valueOf = (key, job) =>
    key.startsWith("spec.") ? (membersOf(job).get(key.slice(5)) ?? null) : columnOf(key).value(job);

export function valueText(key, value) {
    if (key.startsWith("spec."))
        return memberText(value);
    return value === null ? "–" : format.metric(key.slice(key.indexOf(".") + 1), value);
}

/** An axis: {key, title, log, canLog, place(value): 0 … 1 or null, ticks: [{place, text}]}. `turned`:
 * the user wants the other kind of scale than the usual one. */
export function makeAxis(key, jobs, turned) {
    const values = jobs.map((job) => valueOf(key, job)).filter((value) => value !== null);
    const title = columnOf(key).title;
    const numbers = values.length > 0 && values.every((value) => typeof value === "number");
    return numbers
        ? { key, title, ...numeric(key, values, turned) }
        : { key, title, ...named(key, values) };
}

function named(key, values) {
    const names = [...new Set(values.map(String))].sort((a, b) =>
        a.localeCompare(b, undefined, { numeric: true }),
    );
    const at = (name) => (names.length > 1 ? names.indexOf(name) / (names.length - 1) : 0.5);
    return {
        log: false,
        canLog: false,
        place: (value) => (value === null ? null : at(String(value))),
        ticks: names.map((name) => ({ place: at(name), text: valueText(key, name) })),
    };
}

const TICKS = 4;

function numeric(key, values, turned) {
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const canLog = low > 0 && high > low;
    const log = canLog && high / low >= WIDE !== Boolean(turned);
    const [scale, back] = log ? [Math.log, Math.exp] : [(x) => x, (x) => x];
    const [bottom, top] = [scale(low), scale(high)];
    const place = (value) => (top > bottom ? (scale(value) - bottom) / (top - bottom) : 0.5);
    const different = [...new Set(values)].sort((a, b) => a - b);
    const evenly = Array.from({ length: TICKS + 1 }, (_, i) =>
        back(bottom + ((top - bottom) * i) / TICKS),
    );
    const ticks = different.length <= TICKS + 1 ? different : evenly;
    return {
        log,
        canLog,
        place: (value) => (typeof value === "number" ? place(value) : null),
        ticks: ticks.map((value) => ({
            place: place(value),
            text: valueText(key, Number(value.toPrecision(3))),
        })),
    };
}
