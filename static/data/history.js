// The curves of one job as they are shown: a view of every series over the whole run, and one with
// finer points of the part that is looked at. The daemon thins them; rows that come by the stream
// are added, and when there are many more than can be seen, the view is read anew. Knows nothing of
// charts.
import { Rows } from "./rows.js";

const REREAD_MS = 2000; // at least, between two readings of a view
const REREAD_SHARE = 20; // … and as many times what the last one took
const REREAD_ROWS = 2; // times the points asked for
const SETTLE_MS = 200; // what is looked at may still be moving
const NONE = new Rows();

/** Every series over a range of steps; `to` is Infinity while it follows the run. */
class View {
    constructor(from, to) {
        this.from = from;
        this.to = to;
        this.series = new Map();
        this.asked = null; // what was last read, as a text
        this.reading = null; // … and is being read
        this.fresh = []; // batches that came meanwhile
        this.due = 0; // not to be read again before
        this.whole = false; // it was read, and all that came since is in it
    }

    rows(name) {
        if (!this.series.has(name))
            this.series.set(name, new Rows());
        return this.series.get(name);
    }

    add(batch) {
        if (this.reading)
            this.fresh.push(batch);
        for (const [name, columns] of Object.entries(batch.rows))
            this.addColumns(this.rows(name), columns, batch.at);
    }

    // One event brings many rows, and the time of the last.
    addColumns(rows, { step, value, at, nonfinite = [] }, heard) {
        const odd = new Map(nonfinite);
        step.forEach((where, i) => {
            if (where >= this.from && where <= this.to)
                rows.put(where, value[i], at?.[i] ?? heard, odd.get(where));
        });
    }

    take(answer, window) {
        const fresh = this.fresh;
        this.series = new Map(
            Object.entries(answer.series).map(([name, list]) => [name, Rows.of(list, window)]),
        );
        this.reading = null;
        this.fresh = [];
        fresh.forEach((batch) => this.add(batch));
    }

    cut(step) {
        this.series.forEach((rows) => rows.cut(step));
        this.fresh = [];
        this.reading = null; // that answer may still have them
        this.asked = null;
    }

    longest() {
        return Math.max(0, ...[...this.series.values()].map((rows) => rows.length));
    }
}

export class History {
    /** `read({from, to, points, window})` gives the daemon's answer or null; `changed()` is called
     * when there is something new to show. */
    constructor(read, changed) {
        this.read = read;
        this.changed = changed;
        this.whole = new View(1, Infinity);
        this.part = null;
        this.wish = { from: 0, to: 0, points: 0, window: 0 };
        this.following = false;
        this.version = 0;
        this.composed = new Map();
        this.timer = 0;
    }

    // ---- what is wanted ----

    /** What the charts show: a range of steps (to 0: the whole run), how many points they have room
     * for, and the window of their means. */
    want(wish) {
        const points = Math.max(500, Math.ceil(wish.points / 500) * 500);
        const before = this.wish;
        this.wish = { ...wish, points };
        if (before.from !== wish.from || before.to !== wish.to)
            this.part = wish.to > 0 ? new View(wish.from, wish.to) : null;
        const same = ["from", "to", "points", "window"].every((k) => before[k] === this.wish[k]);
        if (!same)
            this.touch();
        if (!same && this.following)
            this.soon(before.points === 0 ? 0 : SETTLE_MS);
    }

    /** The stream lives, or there is none: what came before is read. */
    follow() {
        this.following = true;
        for (const view of this.views()) {
            view.asked = null;
            view.due = 0;
        }
        this.soon(0);
    }

    /** The stream is gone: what comes is not known. */
    lose() {
        this.following = false;
    }

    /** Nobody looks any more. */
    close() {
        clearTimeout(this.timer);
        this.following = false;
    }

    views() {
        return this.part ? [this.whole, this.part] : [this.whole];
    }

    // ---- reading ----

    soon(delay) {
        clearTimeout(this.timer);
        this.timer = setTimeout(() => this.look(), delay);
    }

    // Reads what is not as it is wanted.
    look() {
        const { points, window } = this.wish;
        if (!this.following || points === 0)
            return;
        const now = Date.now();
        for (const view of this.views()) {
            const wanted = `${points} ${window}`;
            const many = view === this.whole && view.longest() > REREAD_ROWS * points;
            if (view.reading || (view.asked === wanted && !many))
                continue;
            if (view.asked === wanted && view.due > now)
                this.soon(view.due - now);
            else this.readView(view, wanted);
        }
    }

    async readView(view, wanted) {
        const { points, window } = this.wish;
        const start = Date.now();
        const reading = {};
        view.reading = reading;
        view.fresh = [];
        const to = Number.isFinite(view.to) ? view.to : 0;
        const answer = await this.read({ from: view.from, to, points, window });
        if (view.reading !== reading)
            return;
        view.reading = null;
        if (!answer)
            return;
        view.take(answer, window);
        view.asked = wanted;
        const took = Date.now() - start;
        view.due = Date.now() + Math.max(REREAD_MS, REREAD_SHARE * took);
        view.whole = true;
        this.touch();
        this.changed();
        this.look();
    }

    // ---- what comes ----

    /** `rows` is columnar: {train_loss: {step: […], value: […], nonfinite: [[step, "nan"]]}}; `at`:
     * when they were told, in ms. */
    add(rows, at) {
        for (const view of this.views())
            view.add({ rows, at });
        this.touch();
        if (this.whole.longest() > REREAD_ROWS * this.wish.points && !this.whole.reading)
            this.look();
    }

    /** Forgets what lies behind a step: the job has gone back there. */
    cut(step) {
        for (const view of this.views())
            view.cut(step);
        this.touch();
        this.soon(SETTLE_MS);
    }

    touch() {
        this.version++;
        this.composed.clear();
    }

    // ---- what there is ----

    /** The rows to draw: the finer ones where there are any. */
    get(name) {
        const rows = this.whole.series.get(name) ?? NONE;
        if (!this.part?.whole)
            return rows;
        if (!this.composed.has(name)) {
            const { from, to } = this.part;
            this.composed.set(name, rows.with(this.part.rows(name), from, to));
        }
        return this.composed.get(name);
    }

    /** The rows of the whole run, finer ones or not. */
    overview(name) {
        return this.whole.series.get(name) ?? NONE;
    }

    has(name) {
        return this.get(name).length > 0;
    }

    /** The names of all series. */
    names() {
        return [...this.whole.series.keys()].filter((name) => this.has(name));
    }

    /** The largest step of any series, 0 when there is none. */
    lastStep() {
        return Math.max(0, ...[...this.whole.series.values()].map((rows) => rows.last));
    }
}
