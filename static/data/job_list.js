// The list of jobs that the user asked for: which ones, in which order, page by page. The daemon
// filters and sorts; what the events bring is put in place here, or the list is read anew. Knows
// the jobs by their ids only, and no markup.
import { listJobs } from "./api.js";

const PAGE = 50;
const PAGE_MAX = 200;
const NEWEST = "-created_at";
const REREAD_MS = 1500; // many changes are one reading

export class JobList {
    /** `attempt(promise)`: the value, or null and a notice to the user; `put(job)`: a job as the
     * daemon told it, false if it is gone; `soon(what, delay, work)`: once, however often it is asked for. */
    constructor({ attempt, put, soon, changed }) {
        this.attempt = attempt;
        this.put = put;
        this.soon = soon;
        this.changed = changed;
        this.query = {}; // state, label, name, sort, as the daemon takes them
        this.order = []; // ids
        this.cursor = null; // of the next page; null: there is none
        this.loaded = false;
        this.problem = null; // why the daemon cannot give this list
        this.reading = null;
    }

    /** Asks for other jobs, or another order. What was shown stays until the answer is there. */
    want(query) {
        const text = (list) => JSON.stringify([list.state, list.label, list.name, list.sort]);
        if (text(query) === text(this.query))
            return;
        this.query = query;
        this.reload(PAGE);
    }

    get filtered() {
        const { state, label, name } = this.query;
        return Boolean(state || label || name);
    }

    get newestFirst() {
        return !this.filtered && (this.query.sort ?? NEWEST) === NEWEST;
    }

    async reload(size = this.order.length) {
        const page = await this.read(Math.min(PAGE_MAX, Math.max(PAGE, size)), null);
        if (!page)
            return;
        this.order = page.items.map((job) => job.id);
        this.turn(page);
    }

    async more() {
        const page = await this.read(PAGE, this.cursor);
        if (!page)
            return;
        const known = new Set(this.order);
        this.order.push(...page.items.map((job) => job.id).filter((id) => !known.has(id)));
        this.turn(page);
    }

    turn(page) {
        this.cursor = page.next_cursor ?? null;
        this.loaded = true;
        this.changed();
    }

    // An answer to what is no longer asked is dropped. What the daemon has against a filter is for
    // the place where it was written.
    async read(limit, cursor) {
        const reading = {};
        this.reading = reading;
        let problem = null;
        const promise = listJobs(limit, cursor, this.query).catch((reason) => {
            if (reason.status !== 400)
                throw reason;
            problem = reason;
            return null;
        });
        const page = await this.attempt(promise);
        if (this.reading !== reading)
            return null;
        this.problem = problem;
        this.changed();
        return page && { ...page, items: page.items.filter((job) => this.put(job)) };
    }

    /** There is a job, perhaps a new one. A new one goes to the top; one older than what is shown
     * waits for its page. In any other order only the daemon knows its place. */
    meet(job, jobs) {
        if (!this.loaded || this.order.includes(job.id))
            return;
        const first = jobs.get(this.order[0]);
        if (!this.newestFirst)
            this.doubt();
        else if (!first || job.created_at >= first.created_at) this.order.unshift(job.id);
    }

    /** A job has changed in a way that may move it or take it out of the list. */
    doubt() {
        if (!this.newestFirst)
            this.soon("list", REREAD_MS, () => this.reload());
    }

    drop(id) {
        this.order = this.order.filter((other) => other !== id);
    }
}
