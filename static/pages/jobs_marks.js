// The jobs that the user has marked for something, by boxes in the rows. Knows no markup.

export class Marks {
    /** `ids`: a set that outlives the page; `changed()` after every change. */
    constructor(ids, changed) {
        this.ids = ids;
        this.changed = changed;
        this.last = null; // the box that a range begins at
    }

    get size() {
        return this.ids.size;
    }

    has(id) {
        return this.ids.has(id);
    }

    /** A click on a box; with `range`, all between it and the last one become as this one. */
    click(id, order, range) {
        const on = !this.ids.has(id);
        const [a, b] = [order.indexOf(this.last), order.indexOf(id)];
        const ids = range && a >= 0 ? order.slice(Math.min(a, b), Math.max(a, b) + 1) : [id];
        this.last = id;
        this.turn(ids, on);
    }

    turn(ids, on) {
        for (const id of ids)
            if (on)
                this.ids.add(id);
            else this.ids.delete(id);
        this.changed();
    }

    clear() {
        this.ids.clear();
        this.changed();
    }
}
