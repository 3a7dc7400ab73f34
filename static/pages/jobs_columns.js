// The columns of the table of jobs: what a job shows there, and by what it is sorted. A column is
// named by a key: rate, last.val_loss, spec.optimizer.lr, label.team.
import { membersOf } from "../data/spec_members.js";
import * as format from "../parts/format.js";
import { elapsed } from "../parts/job_text.js";

const time = (text) => (text ? Date.parse(text) : null);
const ago = (member, title) => ({
    title,
    about: "Times",
    down: true,
    server: member,
    value: (job) => time(job[member]),
    text: (job, now) => (job[member] ? format.age(job[member], now) : "–"),
    hint: (job) => (job[member] ? format.moment(job[member]) : null),
});

// What is left while it runs, what it took once it ended.
function timeText(job, now) {
    if (job.state === "running" && Number.isFinite(job.progress?.eta_seconds))
        return `${format.duration(job.progress.eta_seconds)} left`;
    return format.duration(elapsed(job, now));
}

/** Columns with a key of one word; `server`: the daemon sorts by it, under this name; `down`: the
 * first click sorts downwards. */
const SIMPLE = {
    name: { title: "Job", server: "name", value: (job) => job.name || null },
    progress: { title: "Progress", down: true, value: (job) => job.progress?.fraction ?? 0 },
    rate: {
        title: "Images/s",
        about: "Pace",
        down: true,
        value: (job) => job.progress?.samples_per_second ?? null,
        text: (job) => format.count(job.progress?.samples_per_second),
    },
    time: {
        title: "Time",
        about: "Pace",
        value: (job, now) =>
            job.state === "running" ? (job.progress?.eta_seconds ?? null) : elapsed(job, now),
        text: timeText,
    },
    step: {
        title: "Step",
        about: "Pace",
        down: true,
        value: (job) => job.progress?.step ?? null,
        text: (job) => format.count(job.progress?.step),
    },
    parameters: {
        title: "Parameters",
        about: "Network",
        value: (job) => job.plan?.totals?.parameters ?? null,
        text: (job) => format.count(job.plan?.totals?.parameters),
    },
    priority: {
        title: "Priority",
        about: "Times",
        down: true,
        server: "priority",
        value: (job) => job.priority,
        text: (job) => String(job.priority),
    },
    created: ago("created_at", "Created"),
    started: ago("started_at", "Started"),
    finished: ago("finished_at", "Ended"),
};

const SORTED_BEST = new Set(["val_loss", "val_accuracy", "train_loss", "train_accuracy"]);
const short = (name) => {
    const text = format.title(name).replace("validation", "val.");
    return text[0].toUpperCase() + text.slice(1);
};
const larger = (name) => name.endsWith("accuracy");

const SIDES = { last: "latest", best: "best", min: "min", max: "max" };
const WORDS = { last: "", best: "Best", min: "Smallest", max: "Largest" };

function metricColumn(side, name) {
    const title = short(name);
    const from = SIDES[side];
    return {
        title: side === "last" ? title : `${WORDS[side]} ${title[0].toLowerCase()}${title.slice(1)}`,
        about: "Metrics",
        down: larger(name),
        server: side === "best" && SORTED_BEST.has(name) ? `best.${name}` : undefined,
        value: (job) => job[from]?.[name]?.value ?? null,
        text: (job) => format.metric(name, job[from]?.[name]?.value),
        hint: (job) =>
            job[from]?.[name] ? `step ${format.count(job[from][name].step)}` : null,
    };
}

/** A value of a definition as a person reads it. */
export function memberText(value) {
    if (typeof value === "number")
        return Number.isSafeInteger(value) ? String(value) : format.shortest(value);
    return value === undefined || value === null ? "–" : String(value);
}

const specColumn = (path) => ({
    title: path,
    about: "Definition",
    hyper: path,
    value: (job) => membersOf(job).get(path) ?? null,
    text: (job) => memberText(membersOf(job).get(path)),
});

const labelColumn = (name) => ({
    title: name,
    about: "Labels",
    value: (job) => job.labels?.[name] ?? null,
    text: (job) => job.labels?.[name] ?? "–",
});

const MADE = {
    spec: specColumn,
    label: labelColumn,
    ...Object.fromEntries(
        Object.keys(SIDES).map((side) => [side, (name) => metricColumn(side, name)]),
    ),
};

const columns = new Map(); // key → column, made once

/** The column of a key; null when it means nothing. */
export function columnOf(key) {
    if (!columns.has(key)) {
        const dot = key.indexOf(".");
        const make = dot > 0 && Object.hasOwn(MADE, key.slice(0, dot)) && MADE[key.slice(0, dot)];
        const found = make ? make(key.slice(dot + 1)) : Object.hasOwn(SIMPLE, key) && SIMPLE[key];
        columns.set(key, found ? { key, ...found } : null);
    }
    return columns.get(key);
}

/** Columns without a text are always there, on the left. */
const FIXED = new Set(["name", "progress"]);

/** The keys of all columns that these jobs could show. */
export function possible(jobs, paths) {
    const metrics = new Set(jobs.flatMap((job) => Object.keys(job.latest ?? {})));
    const best = new Set(jobs.flatMap((job) => Object.keys(job.best ?? {})));
    const labels = new Set(jobs.flatMap((job) => Object.keys(job.labels ?? {})));
    const sides = (name) => Object.keys(SIDES).filter((side) => side !== "best" || best.has(name));
    return [
        ...Object.keys(SIMPLE).filter((key) => !FIXED.has(key)),
        ...[...metrics].sort().flatMap((name) => sides(name).map((side) => `${side}.${name}`)),
        ...[...labels].sort().map((name) => `label.${name}`),
        ...paths.map((path) => `spec.${path}`),
    ];
}

// ---- which ones ----

const USUAL = [
    "rate",
    "time",
    "last.train_loss",
    "last.val_loss",
    "last.val_accuracy",
    "best.val_accuracy",
    "spec.optimizer.lr",
    "created",
];
const KEPT = "traind-columns";

// A label's name may have any letter in it.
export const writeKeys = (keys) => keys.map(encodeURIComponent).join(",");

function readKeys(text) {
    const decoded = text.split(",").map((word) => {
        try {
            return decodeURIComponent(word);
        } catch {
            return "";
        }
    });
    return decoded.filter((key) => !FIXED.has(key) && columnOf(key));
}

/** The keys that the address asks for, else those that were chosen last, else the usual ones. */
export function chosenKeys({ columns: text }) {
    const asked = text ?? kept();
    return asked === null ? USUAL : readKeys(asked);
}

// A browser may be told to keep nothing: then the address alone remembers.
function kept() {
    try {
        return localStorage.getItem(KEPT);
    } catch {
        return null;
    }
}

/** These keys for the next visit; null: the usual ones. */
export function keepKeys(keys) {
    try {
        if (keys === null)
            localStorage.removeItem(KEPT);
        else localStorage.setItem(KEPT, writeKeys(keys));
    } catch {
        // see kept()
    }
}

// ---- in order ----

/** {key, down} of an address; newest first when it says nothing that can be done. */
export function readSort({ sort = "" }) {
    const key = sort.replace(/^-/, "");
    return columnOf(key) ? { key, down: sort.startsWith("-") } : { key: "created", down: true };
}

export const writeSort = ({ key, down }) =>
    key === "created" && down ? "" : `${down ? "-" : ""}${key}`;

/** The daemon's word for it, or undefined: then the jobs that are here are sorted here. */
export function serverSort({ key, down }) {
    const { server } = columnOf(key);
    return server && `${down ? "-" : ""}${server}`;
}

// Numbers before texts; what is not known comes last both ways.
const rank = (value) => (value === null ? 2 : typeof value === "number" ? 0 : 1);

function compare(a, b) {
    if (rank(a) !== 0)
        return String(a).localeCompare(String(b), undefined, { numeric: true });
    return a - b;
}

export function sortJobs(jobs, { key, down }, now) {
    const { value } = columnOf(key);
    const sign = down ? -1 : 1;
    return jobs
        .map((job) => ({ job, at: value(job, now) }))
        .sort((a, b) => rank(a.at) - rank(b.at) || sign * compare(a.at, b.at))
        .map(({ job }) => job);
}
