// What the page that compares jobs knows of each of them: the curves of those that are drawn, kept
// up to date, and whether there is such a job at all. Knows no markup.
import * as api from "./api.js";
import { History } from "./history.js";

export class Compared {
    /** `metrics`, `put`, `changed`: see the model. `connected`: the stream has begun. */
    constructor(hands, connected) {
        this.hands = hands;
        this.ids = [];
        this.runs = new Map(); // id → its history, of those that are drawn
        this.missing = new Map(); // id → why there is no such job
        this.connected = connected;
    }

    /** These jobs are compared, and the curves of some of them drawn. [] ends it. */
    want(ids, drawn) {
        const before = new Set(this.ids);
        this.ids = ids;
        ids.filter((id) => !before.has(id)).forEach((id) => this.readJob(id));
        for (const [id, history] of this.runs)
            if (!drawn.includes(id)) {
                history.close();
                this.runs.delete(id);
            }
        for (const id of drawn)
            if (!this.runs.has(id))
                this.begin(id);
    }

    begin(id) {
        const { metrics, changed } = this.hands;
        const read = (range) => (this.missing.has(id) ? null : metrics(id, range));
        const history = new History(read, changed);
        this.runs.set(id, history);
        if (this.connected)
            history.follow();
    }

    async readJob(id) {
        try {
            if (this.hands.put(await api.getJob(id)))
                this.missing.delete(id);
        } catch (problem) {
            if (problem.status === 404)
                this.missing.set(id, problem.message);
        }
        this.hands.changed();
    }

    history(id) {
        return this.runs.get(id);
    }

    /** Grows with everything that is new. */
    get version() {
        return [...this.runs].map(([id, { version }]) => `${id} ${version}`).join(" ");
    }

    // ---- the stream ----

    /** The stream ends or begins: what came meanwhile is not known. */
    connection() {
        this.connected = true;
        this.ids.forEach((id) => this.readJob(id));
        for (const history of this.runs.values()) {
            history.lose();
            history.follow();
        }
    }

    hear(name, data) {
        const history = this.runs.get(data.job);
        if (name === "deleted" && this.ids.includes(data.job))
            this.missing.set(data.job, "This job was deleted.");
        if (name === "metrics")
            history?.add(data.rows ?? {}, Date.parse(data.at));
        if (name === "warning" && data.rollback)
            history?.cut(data.rollback.to);
    }
}
