// The schema of a job, as questions that an editor asks of it: which keys and values may stand at a
// place, what they mean, what is taken when nothing is said. Knows nothing of texts or markup.

export class Schema {
    constructor(root) {
        this.root = root;
    }

    /** The schema itself, where there is only a reference to it; a note beside the reference wins. */
    resolve(schema) {
        if (!schema?.$ref)
            return schema ?? {};
        const name = schema.$ref.split("/").pop();
        return { ...this.root.$defs[name], ...schema };
    }

    /** The kinds that a value may be of, by their name; [] where there is only one kind. */
    variants(schema) {
        const { oneOf = [] } = this.resolve(schema);
        return oneOf.filter((one) => one.properties && one.title);
    }

    /** Names of variants that may stand for themselves, as a text. */
    shortNames(schema) {
        const { oneOf = [], enum: own = [] } = this.resolve(schema);
        return [...own, ...oneOf.flatMap((one) => one.enum ?? [])];
    }

    /** The variant that a value is of, or undefined. */
    variantOf(schema, value) {
        const all = this.variants(schema);
        const named = typeof value === "string" ? value : value?.type;
        if (named !== undefined)
            return all.find(({ title }) => title === named);
        const implied = (one) => one.required?.every((key) => key !== "type" && key in value);
        return value && typeof value === "object" ? all.find(implied) : undefined;
    }

    /** The keys that an object at this place may have: [[key, schema], …]. */
    fields(schema, value) {
        const one = this.resolve(schema);
        if (one.properties)
            return Object.entries(one.properties);
        const variant = this.variantOf(schema, value);
        if (variant)
            return Object.entries(variant.properties);
        const type = { enum: this.variants(schema).map(({ title }) => title) };
        return type.enum.length > 0 ? [["type", type]] : [];
    }

    required(schema, value) {
        const one = this.resolve(schema);
        return (one.properties ? one : this.variantOf(schema, value))?.required ?? [];
    }

    /** What the schema says of the place that a path leads to in a value. */
    at(path, value) {
        let schema = this.root;
        let here = value;
        for (const token of path) {
            const one = this.resolve(schema);
            const kinds = token === "type" ? this.variants(schema) : [];
            if (kinds.length > 0)
                return { enum: kinds.map(({ title }) => title) };
            const next = one.items ?? new Map(this.fields(schema, here)).get(String(token));
            schema = next ?? one.additionalProperties;
            if (!schema)
                return null;
            here = here?.[token];
        }
        return schema;
    }

    /** Values that are worth offering at a place. */
    values(schema) {
        const one = this.resolve(schema);
        const kinds = [one, ...(one.oneOf ?? [])];
        const found = kinds.flatMap((kind) => [
            ...(kind.enum ?? []),
            ...(kind.const === undefined ? [] : [kind.const]),
            ...(kind.type === "boolean" ? [true, false] : []),
        ]);
        if (one.default !== undefined && typeof one.default !== "object")
            found.unshift(one.default);
        return [...new Set(found)];
    }

    /** The least that may stand there, to be filled in. */
    begin(schema) {
        const one = this.resolve(schema);
        const [first] = this.variants(schema);
        if (one.default !== undefined)
            return one.default;
        if (first)
            return this.beginVariant(schema, first.title);
        if (one.enum)
            return one.enum[0];
        if (one.oneOf)
            return this.begin(one.oneOf[0]);
        return this.beginOf(one);
    }

    beginOf(one) {
        const makers = {
            object: () => this.beginObject(one),
            array: () => Array.from({ length: one.minItems ?? 0 }, () => this.begin(one.items)),
            boolean: () => true,
            string: () => "",
        };
        return (makers[one.type] ?? (() => Math.max(one.minimum ?? 0, one.exclusiveMinimum ? 1 : 0)))();
    }

    beginObject({ properties = {}, required = [] }) {
        const made = required.map((key) => [key, this.begin(properties[key])]);
        return Object.fromEntries(made);
    }

    /** A variant with what it must have. Of `old`, another variant, what both know is kept. */
    beginVariant(schema, name, old = {}) {
        const variant = this.variants(schema).find(({ title }) => title === name);
        const { type, ...others } = variant.properties;
        const kept = Object.entries(old).filter(([key]) => key in others);
        const begun = Object.fromEntries(
            (variant.required ?? [])
                .filter((key) => key !== "type")
                .map((key) => [
                    key,
                    key in GUESSES ? structuredClone(GUESSES[key]) : this.begin(others[key]),
                ]),
        );
        return { ...(type ? { type: name } : {}), ...begun, ...Object.fromEntries(kept) };
    }
}

/** Where something must be said, a better beginning than the least that may be. */
const GUESSES = {
    out_channels: 16,
    kernel_size: 3,
    out_features: 10,
    output_size: 1,
    step_size: 10,
    gamma: 0.1,
    milestones: [10, 20],
    t_0: 10,
    max_lr: 0.1,
    base_lr: 0.001,
    step_size_up: 500,
    rollback: true,
    padding: 2,
    degrees: 10,
    size: 8,
    factor: 0.2,
    body: [{ type: "relu" }], // what any shape goes through
    branches: [[{ type: "relu" }], [{ type: "relu" }]],
    points: [
        [1, 0.1],
        [1000, 0.01],
    ],
};
