// The rows of one series in typed columns: sorted by step, each step once. A row is what was
// logged; `min` and `max` are those of the rows that it stands for where the daemon left some out.
// What is not known, or is no finite number, is NaN here; `nonfinite` says which it was. Knows
// nothing of where rows come from.

const COLUMNS = ["step", "value", "min", "max", "at", "smoothed"];
const ROOM = 256;

/** The index of the first of `length` sorted numbers that is not below `wanted`. */
export function firstFrom(list, length, wanted) {
    let low = 0;
    let high = length;
    while (low < high) {
        const middle = (low + high) >> 1;
        if (list[middle] < wanted)
            low = middle + 1;
        else high = middle;
    }
    return low;
}

/** An exponential mean over rows, without the pull to zero at the start: a constant stays what it
 * is. Rows that are not finite are passed over. */
export class Mean {
    /** `window`: rows; a mean of one is the row itself. `last` and `rows`: the mean so far, and how
     * many finite rows it is of. */
    constructor(window, last = 0, rows = 0) {
        this.keep = 1 - 1 / window;
        this.weight = 1 - this.keep ** rows;
        this.value = last;
    }

    /** The mean with one more row; NaN for one that is not finite. */
    add(value) {
        if (!Number.isFinite(value))
            return NaN;
        this.weight = this.keep * this.weight + (1 - this.keep);
        this.value += ((1 - this.keep) / this.weight) * (value - this.value);
        return this.value;
    }
}

export class Rows {
    constructor(room = ROOM) {
        this.length = 0;
        this.room = Math.max(room, ROOM);
        for (const name of COLUMNS)
            this[name] = new Float64Array(this.room);
        this.nonfinite = new Map(); // step → "nan", "inf" or "-inf"
        this.thinned = false; // some rows stand for others too
        this.mean = null; // of the rows up to the last one
    }

    /** What the daemon answered for one series; `window` is that of its smoothed column. */
    static of(columns, window) {
        const rows = new Rows(columns.step.length);
        rows.length = columns.step.length;
        const { step, value, min = value, max = value, at, smoothed } = columns;
        const given = { step, value, min, max, at, smoothed };
        for (const name of COLUMNS)
            for (let i = 0; i < rows.length; i++)
                rows[name][i] = given[name]?.[i] ?? NaN;
        for (let i = 0; i < rows.length && !rows.thinned; i++)
            rows.thinned = rows.min[i] < rows.max[i];
        for (const [where, what] of columns.nonfinite ?? [])
            rows.nonfinite.set(where, what);
        rows.begin(window, columns.rows);
        return rows;
    }

    // The mean of the rows that will come goes on from here.
    begin(window, count) {
        let last = this.length - 1;
        while (last >= 0 && !Number.isFinite(this.value[last]))
            last--;
        if (!window || (last >= 0 && Number.isNaN(this.smoothed[last])))
            return;
        this.mean = last < 0 ? new Mean(window) : new Mean(window, this.smoothed[last], count);
    }

    /** These rows up to `from`, `detail` from there to `to`, and these again. */
    with(detail, from, to) {
        const left = firstFrom(this.step, this.length, from);
        const right = firstFrom(this.step, this.length, to + 1);
        const rows = new Rows(left + detail.length + this.length - right);
        for (const name of COLUMNS) {
            rows[name].set(this[name].subarray(0, left));
            rows[name].set(detail[name].subarray(0, detail.length), left);
            rows[name].set(this[name].subarray(right, this.length), left + detail.length);
        }
        rows.length = left + detail.length + this.length - right;
        rows.nonfinite = new Map([...this.nonfinite, ...detail.nonfinite]);
        rows.thinned = this.thinned || detail.thinned;
        return rows;
    }

    /** One more row, or a known one again. `what`: its name when it is no finite number. */
    put(step, value, at = NaN, what = undefined) {
        const number = value ?? NaN;
        const end = this.length;
        if (what)
            this.nonfinite.set(step, what);
        if (end === 0 || step > this.step[end - 1])
            this.write(end, step, number, at, this.mean?.add(number) ?? NaN);
        else this.insert(step, number, at);
    }

    insert(step, value, at) {
        const where = firstFrom(this.step, this.length, step);
        if (this.step[where] === step)
            return;
        this.grow();
        for (const name of COLUMNS)
            this[name].copyWithin(where + 1, where, this.length);
        const last = this.length;
        this.write(where, step, value, at, NaN);
        this.length = last + 1;
    }

    write(where, step, value, at, smoothed) {
        this.grow();
        const row = { step, value, min: value, max: value, at, smoothed };
        for (const name of COLUMNS)
            this[name][where] = row[name];
        this.length = Math.max(this.length, where + 1);
    }

    grow() {
        if (this.length < this.room)
            return;
        this.room *= 2;
        for (const name of COLUMNS) {
            const larger = new Float64Array(this.room);
            larger.set(this[name]);
            this[name] = larger;
        }
    }

    /** Forgets what lies behind a step; the mean has to be asked for anew. */
    cut(step) {
        this.length = firstFrom(this.step, this.length, step + 1);
        this.mean = null;
        for (const where of [...this.nonfinite.keys()])
            if (where > step)
                this.nonfinite.delete(where);
    }

    /** Index of the row at `step`, or of the nearest one before it; −1 when there is none. */
    index(step) {
        const at = firstFrom(this.step, this.length, step);
        return at < this.length && this.step[at] === step ? at : at - 1;
    }

    /** The step of the last row, 0 when there is none. */
    get last() {
        return this.length > 0 ? this.step[this.length - 1] : 0;
    }
}

const NO_ROW = -1;

/** The union of the steps of several lists of rows: {steps, places}, where places[k][i] is the
 * index of the row of list k at steps[i], −1 where it has none. `keys`: by what else than steps the
 * lists are sorted, a column each. */
export function align(lists, keys = lists.map(({ step }) => step)) {
    const most = lists.reduce((sum, rows) => sum + rows.length, 0);
    const steps = new Float64Array(most);
    const places = lists.map(() => new Int32Array(most));
    const next = lists.map(() => 0);
    let count = 0;
    for (;;) {
        let step = Infinity;
        for (let k = 0; k < lists.length; k++)
            if (next[k] < lists[k].length && keys[k][next[k]] < step)
                step = keys[k][next[k]];
        if (step === Infinity)
            break;
        steps[count] = step;
        for (let k = 0; k < lists.length; k++) {
            const here = next[k] < lists[k].length && keys[k][next[k]] === step;
            places[k][count] = here ? next[k]++ : NO_ROW;
        }
        count++;
    }
    return {
        steps: steps.subarray(0, count),
        places: places.map((place) => place.subarray(0, count)),
    };
}
