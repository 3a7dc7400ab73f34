// What the daemon says of itself, again and again: what it is now, and how that moved since the page
// was opened. Knows nothing of markup.
import { getMetricsText, getReady } from "./api.js";
import { Exposition } from "./exposition.js";

const EVERY_MS = 2000;
const KEPT = 300; // moments: ten minutes

/** What is drawn: how much of a counter a second (`rate`), or what a gauge says (`of`). */
const SERIES = {
    processor: { rate: (now) => now.one("process_cpu_seconds_total") },
    memory: { of: (now) => now.one("process_resident_memory_bytes") },
    busy: { of: (now) => now.one("traind_workers_busy") },
    queued: { of: (now) => stateCount(now, "queued") },
    samples: { rate: (now) => now.one("traind_samples_total") },
    steps: { rate: (now) => now.one("traind_steps_total") },
    requests: { rate: (now) => now.sum("traind_http_request_duration_seconds_count") },
    database: { of: (now) => now.one("traind_database_bytes") + now.one("traind_database_wal_bytes") },
};

export const stateCount = (now, state) =>
    now.all("traind_jobs").find(({ labels }) => labels.state === state)?.value ?? NaN;

export class Machine {
    constructor(changed) {
        this.changed = changed;
        this.now = null; // the newest Exposition
        this.ready = null; // what /readyz says
        this.lost = false;
        this.problem = null;
        this.moments = []; // {at, values by name}
        this.shown = () => document.hidden || this.follow();
    }

    start() {
        document.addEventListener("visibilitychange", this.shown);
        this.follow();
    }

    stop() {
        document.removeEventListener("visibilitychange", this.shown);
        clearTimeout(this.timer);
        this.stopped = true;
    }

    // A page that nobody sees asks nothing.
    async follow() {
        clearTimeout(this.timer);
        if (this.stopped || document.hidden)
            return;
        this.timer = setTimeout(() => this.follow(), EVERY_MS);
        try {
            const [text, ready] = await Promise.all([getMetricsText(), getReady()]);
            this.take(new Exposition(text), ready, performance.now() / 1000);
        } catch (problem) {
            this.lost = true;
            this.problem = problem;
        }
        this.changed();
    }

    take(now, ready, at) {
        const restarted = now.one("process_start_time_seconds") !== this.now?.one("process_start_time_seconds");
        const before = restarted ? null : this.moments[this.moments.length - 1];
        const values = {};
        const counted = {};
        for (const [name, { rate, of }] of Object.entries(SERIES)) {
            counted[name] = rate?.(now);
            values[name] = of ? of(now) : (counted[name] - before?.counted[name]) / (at - before?.at);
        }
        this.moments = [...this.moments, { at, values, counted }].slice(-KEPT);
        Object.assign(this, { now, ready, lost: false, problem: null });
    }

    /** [[seconds before now, value], …]. */
    line(name) {
        const end = this.moments[this.moments.length - 1]?.at ?? 0;
        return this.moments.map(({ at, values }) => [at - end, values[name]]);
    }

    /** The newest value. */
    value(name) {
        return this.moments[this.moments.length - 1]?.values[name] ?? NaN;
    }
}
