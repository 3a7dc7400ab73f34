// The curves of one job: named series of (step, value), sorted by step, each step once. Rows may
// come twice and in any order (a resumed job takes its last steps again). A non-finite value is
// kept as null beside its name.

const before = (list, step) => {
    let low = 0;
    let high = list.length;
    while (low < high) {
        const middle = (low + high) >> 1;
        if (list[middle] < step)
            low = middle + 1;
        else high = middle;
    }
    return low;
};

class Series {
    constructor() {
        this.step = [];
        this.value = [];
        this.nonfinite = new Map();
    }

    put(step, value) {
        const end = this.step.length;
        if (end === 0 || step > this.step[end - 1]) {
            this.step.push(step);
            this.value.push(value);
            return;
        }
        const at = before(this.step, step);
        if (this.step[at] === step) {
            this.value[at] = value;
        } else {
            this.step.splice(at, 0, step);
            this.value.splice(at, 0, value);
        }
    }

    cut(step) {
        const end = before(this.step, step + 1);
        this.step.splice(end);
        this.value.splice(end);
        for (const at of this.nonfinite.keys())
            if (at > step)
                this.nonfinite.delete(at);
    }
}

export class History {
    constructor() {
        this.series = new Map();
        this.version = 0;
    }

    /** `rows` is columnar: {train_loss: {step: […], value: […], nonfinite: [[step, "nan"], …]}}. */
    merge(rows) {
        for (const [name, columns] of Object.entries(rows)) {
            const series = this.get(name);
            columns.step.forEach((step, i) => series.put(step, columns.value[i] ?? null));
            for (const [step, what] of columns.nonfinite ?? []) {
                series.put(step, null);
                series.nonfinite.set(step, what);
            }
        }
        this.version++;
    }

    /** Forgets what lies behind a step: the job has gone back there. */
    cut(step) {
        this.series.forEach((series) => series.cut(step));
        this.version++;
    }

    has(name) {
        return this.get(name).step.length > 0;
    }

    /** Whether there is a row for every step up to the last: nothing was thinned out. */
    whole(name) {
        const { step } = this.get(name);
        return step.length === step[step.length - 1];
    }

    get(name) {
        if (!this.series.has(name))
            this.series.set(name, new Series());
        return this.series.get(name);
    }

    /** The largest step of any series, 0 when there is none. */
    lastStep() {
        let last = 0;
        for (const { step } of this.series.values())
            last = Math.max(last, step[step.length - 1] ?? 0);
        return last;
    }

    /** Index of the row at `step`, or of the nearest one before it; −1 when there is none. */
    static at(series, step) {
        const at = before(series.step, step);
        return series.step[at] === step ? at : at - 1;
    }
}

/** Exponential mean over the rows themselves, without the pull to zero at the start. Rows that are
 * not finite stay gaps. */
export function smooth(values, window) {
    const keep = 1 - 1 / window;
    let sum = 0;
    let weight = 0;
    return values.map((value) => {
        if (value === null)
            return null;
        sum = keep * sum + (1 - keep) * value;
        weight = keep * weight + (1 - keep);
        return sum / weight;
    });
}

/** Puts lists of {step, value} over the union of their steps: [steps, values, …]; undefined where a
 * list has no row. */
export function align(lists) {
    const steps = [];
    const columns = lists.map(() => []);
    const next = lists.map(() => 0);
    for (;;) {
        let step = Infinity;
        lists.forEach((list, i) => {
            if (next[i] < list.step.length)
                step = Math.min(step, list.step[next[i]]);
        });
        if (step === Infinity)
            return [steps, ...columns];
        steps.push(step);
        lists.forEach((list, i) => {
            const here = list.step[next[i]] === step;
            columns[i].push(here ? list.value[next[i]++] : undefined);
        });
    }
}
