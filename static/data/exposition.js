// The text in which a daemon tells its measurements (Prometheus), read. Knows no measurement by name.

const LINE = /^([A-Za-z_:][\w:]*)(?:\{(.*)\})? (\S+)/;
const LABEL = /([A-Za-z_]\w*)="((?:[^"\\]|\\.)*)"/g;
const ESCAPES = { "\\n": "\n", '\\"': '"', "\\\\": "\\" };
const WORDS = { "+Inf": Infinity, "-Inf": -Infinity };

const labelsOf = (text = "") =>
    Object.fromEntries(
        [...text.matchAll(LABEL)].map(([, name, value]) => [
            name,
            value.replace(/\\[n"\\]/g, (escape) => ESCAPES[escape]),
        ]),
    );

export class Exposition {
    constructor(text) {
        this.samples = new Map();
        for (const line of text.split("\n")) {
            const [, name, labels, value] = LINE.exec(line) ?? [];
            if (!name || line.startsWith("#"))
                continue;
            const number = WORDS[value] ?? Number(value);
            if (!this.samples.has(name))
                this.samples.set(name, []);
            this.samples.get(name).push({ labels: labelsOf(labels), value: number });
        }
    }

    all(name) {
        return this.samples.get(name) ?? [];
    }

    /** The one of that name; NaN where there is none. */
    one(name) {
        return this.all(name)[0]?.value ?? NaN;
    }

    /** All of that name together; NaN where there is none. */
    sum(name) {
        const all = this.all(name);
        return all.length === 0 ? NaN : all.reduce((total, { value }) => total + value, 0);
    }

    label(name, label) {
        return this.all(name)[0]?.labels[label];
    }
}
