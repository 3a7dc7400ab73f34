// What stands along the axes of a chart: steps, epochs, times of day or times since the start below
// it, values beside it; each on a linear or a logarithmic scale. Knows nothing of jobs.
import { count, percent, shortest } from "../parts/format.js";

const SECOND = 1000;
const COUNTS = Array.from({ length: 15 }, (_, power) => [1, 2, 5].map((n) => n * 10 ** power)).flat();
const TIME_STEPS = [1, 2, 5, 10, 15, 30].flatMap((n) => [n, 60 * n, 3600 * n]).concat([
    21600, 43200, 86400, 172800, 604800, 2592000,
]);

/** 90 → "1:30", 5400 → "1:30 h", as short as a label must be. */
function clock(seconds) {
    const two = (n) => String(Math.floor(n)).padStart(2, "0");
    if (seconds < 60)
        return `${shortest(Number(seconds.toPrecision(3)))} s`;
    if (seconds < 3600)
        return `${Math.floor(seconds / 60)}:${two(seconds % 60)} min`;
    if (seconds < 172800)
        return `${Math.floor(seconds / 3600)}:${two((seconds / 60) % 60)} h`;
    return `${shortest(Math.round(seconds / 8640) / 10)} d`;
}

/** A moment, as exact as neighbours `step` ms apart want it. */
function moment(ms, step) {
    const date = new Date(ms);
    const clock = { hour: "2-digit", minute: "2-digit", hour12: false };
    if (step >= 86400 * SECOND)
        return date.toLocaleDateString();
    if (step >= 60 * SECOND)
        return date.toLocaleTimeString([], clock);
    const text = date.toLocaleTimeString([], { ...clock, second: "2-digit" });
    return step >= SECOND ? text : `${text}.${String(date.getMilliseconds()).padStart(3, "0")}`;
}

/** What may stand below the curves. `of(step, at, run)`: the place of a row, where `at` is its time
 * in ms and `run` is {perEpoch, start}; `needs`: what must be known of the run. */
export const X_KINDS = {
    step: {
        title: "step",
        about: "steps",
        of: (step) => step,
        ticks: (value) => count(value),
        zero: true,
        incrs: COUNTS, // there is no half a step
    },
    epoch: {
        title: "epoch",
        about: "epochs",
        of: (step, _, { perEpoch }) => step / perEpoch,
        ticks: (value) => shortest(value),
        needs: "perEpoch",
        zero: true,
    },
    wall: {
        title: "time of day",
        about: "the time of day",
        of: (_, at) => at,
        ticks: moment,
        time: true,
        times: true,
    },
    relative: {
        title: "time since start",
        about: "the time since the start",
        of: (_, at, { start }) => (at - start) / SECOND,
        ticks: clock,
        needs: "start",
        times: true,
        zero: true,
        incrs: [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, ...TIME_STEPS].sort(
            (a, b) => a - b,
        ),
    },
};

const isFraction = (name) => name.endsWith("accuracy");

// As many decimals of a percentage as tell neighbours `step` apart from each other.
function decimals(step) {
    const whole = (value) => Math.abs(value - Math.round(value)) < 1e-6;
    return [0, 1, 2].find((digits) => whole(step * 100 * 10 ** digits)) ?? 3;
}

const labels = (write) => (plot, values, axis, space, step) =>
    values.map((value) => (value === null ? "" : write(value, step)));

/** Labels of the axis of values of a metric. */
export const valueTicks = (name) =>
    labels((value, step) => (isFraction(name) ? percent(value, decimals(step)) : shortest(value)));

// From one significant digit to another, so that the lines between them are round numbers.
function logRange(plot, low, high) {
    if (!(low > 0))
        return [0.1, 1];
    const size = (value) => 10 ** Math.floor(Math.log10(value));
    const bottom = Math.floor(low / size(low)) * size(low);
    const top = Math.ceil(high / size(high)) * size(high);
    return [bottom, top > bottom ? top : 10 * bottom];
}

export function valueScale(name, log) {
    if (log)
        return { distr: 3, range: logRange };
    const bottom = { pad: 0.1, soft: 0, mode: 3 }; // nothing below 0 is shown that has no values
    const top = { pad: 0.1, hard: isFraction(name) ? 1 : undefined };
    return { range: { min: bottom, max: top } };
}

// Pixels of a decade, and the digits that are labelled within it then.
const DIGITS = [
    [300, [1, 2, 3, 4, 5, 6, 7, 8, 9]],
    [120, [1, 2, 3, 5, 7]],
    [60, [1, 2, 5]],
    [0, [1]],
];
const LABEL = 18; // pixels

/** The values beside a logarithmic axis that have a label: as many as there is room for. */
export function logTicks(plot, values) {
    const decade = Math.abs(plot.valToPos(1, "y") - plot.valToPos(10, "y"));
    const [, digits] = DIGITS.find(([pixels]) => decade >= pixels);
    const every = Math.max(1, Math.ceil(LABEL / decade));
    return values.map((value) => {
        const power = Math.floor(Math.log10(value) + 1e-9);
        const digit = Math.round(value / 10 ** power);
        return digits.includes(digit) && power % every === 0 ? value : null;
    });
}

/** The scale below the curves; `range()` says from where to where. */
export const xScale = (kind, log, range) => ({
    time: X_KINDS[kind].time ?? false,
    distr: log ? 3 : 1,
    range,
});

export function xAxis(kind) {
    const { ticks, incrs, time } = X_KINDS[kind];
    const axis = { space: time ? 96 : 60, size: 34 };
    if (incrs)
        axis.incrs = incrs;
    if (ticks)
        axis.values = labels(ticks);
    return axis;
}

/** Where the rows of a run stand on the axis; an axis never runs backwards, whatever a clock did. */
export function placesOf(rows, kind, run) {
    const { of } = X_KINDS[kind];
    const places = new Float64Array(rows.length);
    let last = -Infinity;
    for (let i = 0; i < rows.length; i++) {
        const place = of(rows.step[i], rows.at[i], run);
        last = place > last ? place : last;
        places[i] = last === -Infinity ? 0 : last;
    }
    return places;
}
