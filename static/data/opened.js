// What the page of one job knows beside the job itself: its curves, its story, its checkpoints, its
// network's plan, and how many jobs are before it in the queue. Knows no markup.
import * as api from "./api.js";
import { History } from "./history.js";
import { Story } from "./story.js";

const CHECKPOINTS_MS = 1000; // how long news of checkpoints may wait to be one reading
const QUEUE_MS = 1000;

/** How many of `queued`, newest first, are taken before the one with `id`; null: it is not there. */
function before(queued, id) {
    const at = queued.findIndex((job) => job.id === id);
    const first = ({ priority }, i) =>
        priority > queued[at].priority || (priority === queued[at].priority && i > at);
    return at < 0 ? null : queued.filter(first).length;
}

export class Opened {
    /** `metrics(id, range)`: rows, or null; `soon(what, delay, work)`: once, however often it is
     * asked for. */
    constructor(id, { metrics, soon, changed }) {
        this.id = id;
        this.soon = soon;
        this.changed = changed;
        this.closed = false; // nobody looks any more
        this.missing = ""; // why there is no such job
        this.unread = ""; // why it cannot be read now
        this.checkpoints = null;
        this.plan = null;
        this.ahead = null; // jobs before it in the queue; null: it is not known
        this.story = new Story();
        this.history = new History((range) => metrics(id, range), changed);
    }

    close() {
        this.closed = true;
        this.history.close();
    }

    // ---- the stream ----

    /** The stream ends or begins: what came meanwhile is not known. */
    lose() {
        this.history.lose();
    }

    follow(job) {
        this.history.follow();
        this.readStory();
        this.readCheckpoints();
        this.look(job);
    }

    hear(name, data) {
        const at = Date.parse(data.at);
        if (name === "metrics")
            this.history.add(data.rows ?? {}, at);
        else this.story.hear(name, data);
        if (name === "warning" && data.rollback)
            this.history.cut(data.rollback.to);
        if (name === "checkpoint" || name === "end")
            this.soon(`checkpoints of ${this.id}`, CHECKPOINTS_MS, () => this.readCheckpoints());
    }

    /** The job, or another that is in the queue, has changed. */
    look(job) {
        if (job?.state === "queued")
            this.soon(`queue before ${this.id}`, QUEUE_MS, () => this.readQueue());
        else this.ahead = null;
    }

    // ---- reading ----

    readStory() {
        return this.part(async () => this.story.take(await api.getStory(this.id)));
    }

    readCheckpoints() {
        return this.part(async () => {
            this.checkpoints = (await api.listCheckpoints(this.id)).items;
        });
    }

    readPlan({ name, spec }) {
        return this.part(async () => {
            this.plan = (await api.planJob({ name, ...spec })).plan;
        });
    }

    // Of a queue too long for one page nothing is said.
    readQueue() {
        return this.part(async () => {
            const { items, next_cursor: more } = await api.listQueued();
            this.ahead = more === null ? before(items, this.id) : null;
        });
    }

    // Quietly leaves what the daemon cannot say: a data set may be gone.
    async part(work) {
        if (this.closed)
            return;
        await work().catch(() => {});
        this.changed();
    }
}
