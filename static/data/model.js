// What the page knows of the daemon: the jobs listed, and the one that is open. Kept up to date by
// the event stream; an event carries what is new, so a history is read once. Knows nothing of
// markup.
import * as api from "./api.js";
import { JobList } from "./job_list.js";
import { Opened } from "./opened.js";
import { Stream } from "./stream.js";

const ENDED = new Set(["succeeded", "failed", "cancelled"]);

// How long news may wait until what belongs to them is read, so that many news are one reading.
const PROGRESS_MS = 2000; // a running job's rate and remaining time
const RECORD_MS = 250; // the best values after an evaluation
const AGAIN_MS = 2000; // until a job that could not be read is asked for again

const BUSY = 503; // it stops, or has too much to do

const PAUSABLE = new Set(["queued", "running"]);
const RESUMABLE = new Set(["paused", "pausing"]);

export const ended = (job) => ENDED.has(job.state);
export const pausable = (job) => PAUSABLE.has(job.state);
export const resumable = (job) => RESUMABLE.has(job.state);

export class Model {
    /** `changed` is called after every change, often. */
    constructor(changed) {
        this.changed = changed;
        this.jobs = new Map();
        this.gone = new Set(); // ids of deleted jobs: an answer from before must not bring one back
        this.marked = new Set(); // ids of jobs that the user has chosen for something
        this.live = null; // null until the stream first opens or fails
        this.notice = null; // what went wrong last, for the user
        this.passing = false; // … for a while only
        this.locked = false; // the daemon wants a token, or another one
        this.opened = null;
        this.waiting = new Map(); // see soon()
        this.hands = {
            put: (job) => this.put(job),
            attempt: (promise) => this.attempt(promise),
            metrics: (id, range) => this.metrics(id, range),
            soon: (what, delay, work) => this.soon(what, delay, work),
            changed: () => this.changed(),
        };
        this.list = new JobList(this.hands);
        this.compared = null; // set by the page that compares: what it knows
        this.stream = new Stream(Object.keys(this.handlers), {
            event: (name, data) => this.hear(name, data),
            live: (yes) => this.connection(yes),
            refused: () => this.lock(),
        });
    }

    start() {
        this.stream.open();
    }

    // ---- the token ----

    lock() {
        this.locked = true;
        this.changed();
    }

    /** There is a token now, good or not. */
    unlock() {
        const id = this.opened?.id;
        this.locked = false;
        this.opened = null;
        this.stream.open();
        if (id)
            this.open(id);
        this.changed();
    }

    // ---- what the stream says ----

    handlers = {
        state: (job, data) => {
            job.state = data.state ?? job.state;
            job.reason = data.reason ?? null;
            this.refresh(job.id, 0);
            this.list.doubt();
        },
        metrics: (job, data) => {
            this.advance(job, data);
            this.refresh(job.id, PROGRESS_MS);
        },
        evaluation: (job) => {
            this.refresh(job.id, RECORD_MS);
            this.list.doubt();
        },
        edit: (job) => {
            this.refresh(job.id, 0);
            this.list.doubt();
        },
        checkpoint: () => {},
        warning: (job, data) => {
            if (data.rollback)
                this.rewind(job, data.rollback.to);
        },
        end: (job) => this.refresh(job.id, 0),
        deleted: (job) => this.forget(job.id),
    };

    hear(name, data) {
        const job = this.jobs.get(data.job);
        if (this.opened?.id === data.job)
            this.opened.hear(name, data);
        this.compared?.hear(name, data);
        if (name === "state")
            this.opened?.look(this.jobs.get(this.opened.id));
        if (job)
            this.handlers[name](job, data);
        else if (name === "deleted") this.forget(data.job);
        else if (typeof data.job === "string") this.refresh(data.job, 0);
        this.changed();
    }

    // A stream begins with what happens now: what came before is read. While there is none, each
    // try to open one reads as well.
    connection(live) {
        this.live = live;
        if (live && this.passing)
            this.dismiss();
        this.list.reload();
        this.compared?.connection();
        this.opened?.lose();
        this.opened?.follow(this.jobs.get(this.opened.id));
        if (this.opened?.unread)
            this.readOpened();
        this.changed();
    }

    // The step moves with every event; the rest of the progress is the daemon's to say.
    advance(job, data) {
        const progress = job.progress;
        if (progress && data.step > progress.step) {
            progress.step = data.step;
            progress.fraction = data.step / progress.steps;
        }
        for (const [name, { step, value }] of Object.entries(data.rows ?? {})) {
            const end = value.findLastIndex((number) => number !== null);
            if (end >= 0)
                job.latest = { ...job.latest, [name]: { step: step[end], value: value[end] } };
        }
    }

    // The job diverged and takes the steps from there again.
    rewind(job, step) {
        if (job.progress) {
            job.progress.step = step;
            job.progress.fraction = step / job.progress.steps;
        }
        this.refresh(job.id, RECORD_MS);
    }

    // ---- jobs ----

    // An answer may be older than the events that came meanwhile: of the same run, the later step
    // wins. Says whether there still is such a job.
    put(job) {
        const old = this.jobs.get(job.id);
        if (this.gone.has(job.id))
            return false;
        if (old && job.revision < old.revision)
            return true;
        if (old?.progress && job.progress && old.restarts === job.restarts) {
            const { step, fraction } = old.progress;
            if (step > job.progress.step)
                Object.assign(job.progress, { step, fraction });
            for (const [name, row] of Object.entries(old.latest ?? {}))
                if (row.step > (job.latest?.[name]?.step ?? 0))
                    job.latest[name] = row;
        }
        this.jobs.set(job.id, job);
        return true;
    }

    refresh(id, delay) {
        this.soon(`job ${id}`, delay, async () => {
            const job = await api.getJob(id).catch((problem) => this.lost(id, problem));
            if (!job || !this.put(job))
                return;
            this.list.meet(job, this.jobs);
            if (this.opened?.id === id)
                this.opened.look(job);
            this.changed();
        });
    }

    // Another hand may have deleted it.
    lost(id, { status }) {
        if (status === 404)
            this.forget(id);
        return null;
    }

    forget(id) {
        this.gone.add(id);
        if (this.opened?.id === id) {
            this.opened.close();
            this.opened.missing ||= "This job was deleted.";
        }
        clearTimeout(this.waiting.get(`job ${id}`)?.timer);
        this.waiting.delete(`job ${id}`);
        this.jobs.delete(id);
        this.marked.delete(id);
        this.list.drop(id);
        this.changed();
    }

    /** Does `work` once after at most `delay` ms, however often it is asked for meanwhile. */
    soon(what, delay, work) {
        const due = Date.now() + delay;
        const waiting = this.waiting.get(what);
        if (waiting && waiting.due <= due)
            return;
        clearTimeout(waiting?.timer);
        const timer = setTimeout(() => {
            this.waiting.delete(what);
            work();
        }, delay);
        this.waiting.set(what, { timer, due });
    }

    // ---- the open job ----

    /** Makes `id` the open job and reads all that its page shows; "" closes. */
    async open(id) {
        if ((this.opened?.id ?? "") === id)
            return;
        this.opened?.close();
        this.opened = id === "" ? null : new Opened(id, this.hands);
        if (this.opened)
            await this.readOpened();
    }

    // A daemon that does not answer now may do so later: then it is asked again.
    async readOpened() {
        const { opened } = this;
        try {
            this.put(await api.getJob(opened.id));
            opened.unread = "";
        } catch (problem) {
            const known = problem.status >= 400 && problem.status < 500;
            opened[known ? "missing" : "unread"] = problem.message;
        }
        this.changed();
        if (opened.unread)
            this.soon(`opened ${opened.id}`, AGAIN_MS, () => this.opened === opened && this.readOpened());
        const job = this.jobs.get(opened.id);
        if (opened.missing || this.opened !== opened || !job)
            return;
        if (this.live !== null && !opened.history.following)
            opened.follow(job);
        if (!opened.plan)
            opened.readPlan(job);
    }

    // ---- what the user does ----

    submit(spec) {
        return this.begin(api.submitJob(spec));
    }

    /** A new job, as the daemon answers it. Throws. */
    async begin(promise) {
        const job = await promise;
        this.put(job);
        this.list.meet(job, this.jobs);
        this.changed();
        return job;
    }

    submitPreset(file) {
        return this.attempt(api.getPreset(file).then((spec) => this.submit(spec)));
    }

    /** Tells the daemon something about a job; the answer is the job as it is then. Throws. */
    async tell(id, promise) {
        const job = await promise;
        this.put(job);
        this.refresh(id, 0);
        this.changed();
        return job;
    }

    async remove(id) {
        await api.deleteJob(id);
        this.forget(id);
    }

    /** Shows what went wrong; `passing`: it is forgotten with the next connection. */
    note(text, passing = false) {
        this.notice = text;
        this.passing = passing;
        this.changed();
    }

    dismiss() {
        this.notice = null;
        this.changed();
    }

    // Rows, or null: of a job that was deleted meanwhile its own page says so.
    metrics(id, range) {
        const quiet = (problem) => (problem.status === 404 ? null : Promise.reject(problem));
        return this.attempt(api.getMetrics(id, range).catch(quiet));
    }

    // The value, or null and a notice. That the daemon does not answer at all has its own sign.
    async attempt(promise) {
        try {
            return await promise;
        } catch (problem) {
            if (problem.status === 401)
                this.locked = true;
            else if (problem.status !== 0) this.note(problem.message, problem.status === BUSY);
            this.changed();
            return null;
        }
    }
}
