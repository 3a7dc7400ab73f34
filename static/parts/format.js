// Numbers, times and sizes as a person reads them. Knows nothing of jobs.

const NOTHING = "–";
const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

const known = (value) => typeof value === "number" && Number.isFinite(value);

export function count(value) {
    return known(value) ? whole.format(value) : NOTHING;
}

/** A loss: four places where these say enough, else four digits and an exponent. */
export function number(value) {
    if (!known(value))
        return NOTHING;
    const size = Math.abs(value);
    if (size !== 0 && (size < 0.001 || size >= 100000))
        return value.toExponential(3).replace("e+", "e");
    return value.toFixed(4);
}

/** A round number without the zeros that say nothing. */
export function shortest(value) {
    const size = Math.abs(value);
    if (size !== 0 && (size < 0.0001 || size >= 1e6))
        return value
            .toExponential(3)
            .replace(/\.?0+e/, "e")
            .replace("e+", "e");
    return String(Number(value.toPrecision(6)));
}

/** To three digits: of numbers that are only to be compared with each other. */
export const rough = (value) => (known(value) ? shortest(Number(value.toPrecision(3))) : NOTHING);

export function percent(fraction, digits = 2) {
    return known(fraction) ? `${(100 * fraction).toFixed(digits)} %` : NOTHING;
}

/** A metric by its name: rates are round, accuracies are fractions, all else plain numbers. */
export function metric(name, value) {
    if (name === "lr" && known(value))
        return shortest(value);
    return name.endsWith("accuracy") ? percent(value) : number(value);
}

/** "val_loss" → "validation loss". */
export const title = (name) =>
    name === "lr" ? "rate" : name.replace("val_", "validation ").replaceAll("_", " ");

export function duration(seconds) {
    if (!known(seconds) || seconds < 0)
        return NOTHING;
    const s = Math.round(seconds);
    const two = (n) => String(n).padStart(2, "0");
    if (s < 60)
        return `${s} s`;
    if (s < 3600)
        return `${Math.floor(s / 60)} min ${two(s % 60)} s`;
    if (s < 86400)
        return `${Math.floor(s / 3600)} h ${two(Math.floor((s % 3600) / 60))} min`;
    return `${Math.floor(s / 86400)} d ${Math.floor((s % 86400) / 3600)} h`;
}

/** A time between two moments, to the tenth where it is short. */
export function span(seconds) {
    if (!known(seconds))
        return NOTHING;
    return Math.abs(seconds) < 60 ? `${seconds.toFixed(1)} s` : duration(seconds);
}

/** 13:05:09, of a moment in ms. */
export const timeOfDay = (ms) => new Date(ms).toLocaleTimeString([], { hour12: false });

/** How long ago, in its largest unit. */
export function age(when, now) {
    const seconds = (now - Date.parse(when)) / 1000;
    if (!known(seconds))
        return NOTHING;
    if (seconds < 10)
        return "just now";
    const units = [
        [86400, "d"],
        [3600, "h"],
        [60, "min"],
        [1, "s"],
    ];
    const [size, unit] = units.find(([size]) => seconds >= size);
    return `${Math.floor(seconds / size)} ${unit} ago`;
}

export function moment(when) {
    const date = new Date(when);
    return Number.isNaN(date.getTime()) ? NOTHING : date.toLocaleString();
}

export function bytes(size) {
    if (!known(size))
        return NOTHING;
    const units = ["B", "KiB", "MiB", "GiB", "TiB"];
    const power = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(size, 1)) / 10));
    const value = size / 2 ** (10 * power);
    return `${power === 0 ? value : value.toPrecision(value >= 1000 ? 4 : 3)} ${units[power]}`;
}

/** A shape as people write it: 6 × 28 × 28. */
export function shape(sizes) {
    return Array.isArray(sizes) ? sizes.map(count).join(" × ") : NOTHING;
}

const JSON_WIDTH = 100;

const members = (value) => Object.entries(value).filter(([, part]) => part !== undefined);

function oneLine(value) {
    if (Array.isArray(value))
        return `[${value.map(oneLine).join(", ")}]`;
    if (typeof value !== "object" || value === null)
        return JSON.stringify(value);
    return `{${members(value)
        .map(([key, part]) => `${JSON.stringify(key)}: ${oneLine(part)}`)
        .join(", ")}}`;
}

/** JSON as a person lays it out: the outermost member by member, within it whatever fits on a line
 * stays there. */
export function json(value, indent = "") {
    const line = oneLine(value);
    const fits = indent !== "" && indent.length + line.length <= JSON_WIDTH;
    if (typeof value !== "object" || value === null || fits || line.length === 2)
        return line;
    const inner = `${indent}  `;
    if (Array.isArray(value))
        return `[\n${value.map((part) => inner + json(part, inner)).join(",\n")}\n${indent}]`;
    const parts = members(value).map(
        ([key, part]) => `${inner}${JSON.stringify(key)}: ${json(part, inner)}`,
    );
    return `{\n${parts.join(",\n")}\n${indent}}`;
}
