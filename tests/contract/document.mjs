// The OpenAPI document of a daemon, and whether an answer is as it says. In the tests every object
// is closed: a member that the document does not name is a fault of the document.

/** Adds to each schema that lists properties that there are no others. */
function close(schema) {
    if (Array.isArray(schema))
        return schema.map(close);
    if (schema === null || typeof schema !== "object")
        return schema;
    const closed = Object.fromEntries(
        Object.entries(schema).map(([key, value]) => [
            key,
            ["const", "enum", "default"].includes(key) ? value : close(value),
        ]),
    );
    if (schema.properties && typeof schema.type !== "undefined")
        closed.additionalProperties ??= false;
    return closed;
}

/** Whether a pattern such as /v1/jobs/{id} is the address's. */
function matches(pattern, path) {
    const wanted = pattern.split("/");
    const found = path.split("?")[0].split("/");
    return (
        wanted.length === found.length &&
        wanted.every((part, i) => part === found[i] || /^\{.*\}$/.test(part))
    );
}

export class Document {
    constructor(text, require) {
        const Ajv = require("ajv/dist/2020.js");
        this.text = text;
        this.json = JSON.parse(text);
        this.ajv = new Ajv({ allErrors: true, strict: false });
        require("ajv-formats")(this.ajv);
        const schemas = close(this.json.components.schemas);
        this.ajv.addSchema({ $id: "document", components: { schemas } });
        this.seen = new Set();
    }

    /** Every operation: {method, path, operation}. */
    get operations() {
        return Object.entries(this.json.paths).flatMap(([path, item]) =>
            Object.entries(item).map(([method, operation]) => ({
                method: method.toUpperCase(),
                path,
                operation,
            })),
        );
    }

    find(method, path) {
        const exact = this.json.paths[path.split("?")[0]];
        const pattern = exact
            ? path.split("?")[0]
            : Object.keys(this.json.paths).find((one) => matches(one, path));
        const operation = this.json.paths[pattern]?.[method.toLowerCase()];
        if (!operation)
            throw new Error(`${method} ${path} is not in the document`);
        return { pattern, operation };
    }

    schemaErrors(name, value) {
        const validate = this.ajv.getSchema(`document#/components/schemas/${name}`);
        if (!validate)
            throw new Error(`there is no component ${name}`);
        return validate(value) ? [] : validate.errors;
    }

    /** Fails unless the answer is one that the document has for this request. */
    check(method, path, answer) {
        const { pattern, operation } = this.find(method, path);
        const where = `${method} ${path}: ${answer.status}`;
        const listed = operation.responses[answer.status];
        const response = this.resolve(listed ?? operation.responses.default);
        if (!listed && answer.status < 400)
            throw new Error(`${where} is not documented`);
        const content = response.content ?? {};
        if (Object.keys(content).length === 0) {
            if (answer.text !== "")
                throw new Error(`${where} should have no body: ${answer.text.slice(0, 200)}`);
        } else if (!content[answer.type]) {
            throw new Error(`${where}: ${answer.type} is not one of ${Object.keys(content)}`);
        } else if (content[answer.type].schema) {
            this.checkBody(where, content[answer.type].schema, answer);
        }
        if (answer.json !== undefined && !answer.text.endsWith("\n"))
            throw new Error(`${where}: no newline at the end`);
        this.seen.add(`${method} ${pattern} ${listed ? answer.status : "default"} ${answer.type}`);
        if (listed)
            this.seen.add(`${method} ${pattern} ${answer.status}`);
        return answer;
    }

    checkBody(where, schema, answer) {
        const name = schema.$ref.split("/").at(-1);
        const errors = this.schemaErrors(name, answer.json);
        if (errors.length > 0)
            throw new Error(
                `${where} is no ${name}: ${JSON.stringify(errors.slice(0, 5), null, 1)}\n` +
                    answer.text.slice(0, 2000),
            );
    }

    resolve(value) {
        if (!value?.$ref)
            return value;
        return value.$ref
            .slice(2)
            .split("/")
            .reduce((part, key) => part[key], this.json);
    }
}
