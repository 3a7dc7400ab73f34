// JSON as it stands in a text, be it half written: a tree of nodes with their places, and what is
// wrong where. Never throws. Knows nothing of what the JSON is about.

const SPACE = /[ \t\r\n]*/y;
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const OPEN_STRING = /"(?:[^"\\\n]|\\[^\n])*"?/y; // one that lacks its end stops with its line
const SCALAR = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.+-])|(?:true|false|null)(?!\w)/y;
const WORD = /[^\s,:"[\]{}]+/y;
const DEEPEST = 60; // far more than a job may nest

class Reader {
    constructor(text) {
        this.text = text;
        this.at = 0;
        this.problems = [];
    }

    match(pattern) {
        pattern.lastIndex = this.at;
        const found = pattern.exec(this.text)?.[0] ?? null;
        this.at += found?.length ?? 0;
        return found;
    }

    look() {
        this.match(SPACE);
        return this.text[this.at];
    }

    blame(from, to, detail) {
        this.problems.push({ from, to: Math.max(to, from + 1), detail });
    }

    value(depth) {
        const sign = this.look();
        const from = this.at;
        if (sign === "{" && depth < DEEPEST)
            return this.object(from, depth);
        if (sign === "[" && depth < DEEPEST)
            return this.array(from, depth);
        if (sign === '"')
            return this.string(from);
        const known = this.match(SCALAR);
        if (known !== null)
            return { kind: "scalar", from, to: this.at, value: JSON.parse(known) };
        const word = this.match(WORD);
        const what = word === null ? "a value is missing here" : `${word} is no JSON value`;
        this.blame(from, this.at, what);
        return { kind: word === null ? "missing" : "word", from, to: this.at, value: word };
    }

    string(from) {
        const good = this.match(STRING);
        if (good !== null)
            return { kind: "string", from, to: this.at, value: JSON.parse(good) };
        const bad = this.match(OPEN_STRING);
        this.blame(from, this.at, "this text has no end, or a sign that wants a backslash");
        const value = bad.replace(/^"|"$/g, "");
        return { kind: "string", from, to: this.at, value, open: true };
    }

    array(from, depth) {
        const items = [];
        this.at++;
        this.list("]", () => items.push(this.value(depth + 1)));
        return { kind: "array", from, to: this.at, items };
    }

    object(from, depth) {
        const members = [];
        this.at++;
        this.list("}", () => members.push(this.member(members, depth)));
        return { kind: "object", from, to: this.at, members };
    }

    member(before, depth) {
        const sign = this.look();
        const from = this.at;
        const key = sign === '"' ? this.string(from) : { from, value: this.match(WORD) ?? "" };
        key.to = this.at;
        if (sign !== '"')
            this.blame(from, this.at, "a key in double quotes is missing here");
        if (before.some((other) => other.key.value === key.value))
            this.blame(from, this.at, `the key ${key.value} is there already`);
        const colon = this.look() === ":" ? this.at++ : -1;
        if (colon >= 0)
            return { key, colon, value: this.value(depth + 1) };
        if (sign === '"')
            this.blame(from, key.to, "a colon and a value are missing behind this key");
        return { key, colon, value: { kind: "missing", from: key.to, to: key.to } };
    }

    // What stands between brackets, with its commas. Each turn reads on, whatever stands there.
    list(end, read) {
        let comma = -1;
        for (let sign = this.look(); ; sign = this.look()) {
            const from = this.at;
            if (sign === undefined)
                return this.blame(from - 1, from, `a ${end} is missing at the end`);
            if (sign === end) {
                this.at++;
                return comma < 0 || this.blame(comma, comma + 1, "nothing comes after this comma");
            }
            read();
            if (this.at === from)
                this.at++;
            comma = this.look() === "," ? this.at++ : -1;
            if (comma < 0 && this.at < this.text.length && this.text[this.at] !== end)
                this.blame(this.at, this.at + 1, "a comma is missing before this");
        }
    }
}

/** {root, problems: [{from, to, detail}]}. */
export function readTree(text) {
    const reader = new Reader(text);
    const root = reader.value(0);
    if (reader.look() !== undefined)
        reader.blame(reader.at, text.length, "this stands behind the end of the JSON");
    return { root, problems: reader.problems };
}

export const tokens = (pointer) =>
    pointer
        .split("/")
        .slice(1)
        .map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"));

export const pointerOf = (path) =>
    path.map((token) => `/${String(token).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");

function step(node, token) {
    if (node.kind === "array")
        return { node: node.items[Number(token)] };
    const member = node.members?.find(({ key }) => key.value === token);
    return { node: member?.value, member };
}

/** {node, member} that a pointer leads to; where there is none, of what is nearest above it, with
 * `missing`: the tokens that were left. */
export function find(root, pointer) {
    let place = { node: root, member: null };
    const way = tokens(pointer);
    for (const [i, token] of way.entries()) {
        const next = step(place.node, token);
        if (!next.node)
            return { ...place, missing: way.slice(i) };
        place = { node: next.node, member: next.member ?? null };
    }
    return { ...place, missing: [] };
}

/** What the node says, as far as it says it. */
export function valueOf(node) {
    if (node.kind === "object")
        return Object.fromEntries(node.members.map(({ key, value }) => [key.value, valueOf(value)]));
    return node.kind === "array" ? node.items.map(valueOf) : node.value;
}

const within = (node, at) =>
    node.from < at && (at < node.to || (node.open && at === node.to));

/** Where in the JSON the cursor stands: {path, role: "key" or "value", node, parent, from, to,
 * typed}. from … to is what a completion takes the place of. */
export function placeAt(root, at) {
    const path = [];
    let parent = null;
    let node = root;
    for (;;) {
        const inside = node.kind === "object" || node.kind === "array";
        if (!inside || !within(node, at))
            return asValue(path, parent, node, at);
        parent = node;
        const next = node.kind === "object" ? inObject(node, at) : inArray(node, at);
        if (next.role)
            return { path, parent, ...next };
        path.push(next.token);
        node = next.node;
    }
}

function asValue(path, parent, node, at) {
    const touched = node.from <= at && at <= node.to && node.kind !== "missing";
    if (touched && (node.kind === "object" || node.kind === "array"))
        return { path, parent, role: "none", from: at, to: at, typed: "" };
    const place = touched ? typedAt(node, at) : { from: at, to: at, typed: "" };
    return { path, parent, role: "value", ...place };
}

// What has no end yet ends at the cursor: what stands behind it was there before.
function typedAt({ from, to, open, value }, at) {
    const typed = typeof value === "string" ? value : "";
    return open ? { from, to: at, typed: typed.slice(0, at - from - 1) } : { from, to, typed };
}

function inObject(node, at) {
    for (const { key, colon, value } of node.members) {
        if (key.from <= at && at <= key.to)
            return { role: "key", colon, ...typedAt(key, at) };
        const empty = value.kind === "missing" || value.from > at;
        if (colon >= 0 && colon < at && at <= value.to)
            return empty
                ? { token: key.value, node: { kind: "missing", from: at, to: at } }
                : { token: key.value, node: value };
        if (colon >= 0 && value.kind === "missing" && colon < at && at <= value.to + 1)
            return { token: key.value, node: { kind: "missing", from: at, to: at } };
    }
    return { role: "key", from: at, to: at, typed: "", colon: -1 };
}

function inArray(node, at) {
    const index = node.items.findIndex((item) => item.from <= at && at <= item.to);
    if (index >= 0)
        return { token: index, node: node.items[index] };
    const before = node.items.filter((item) => item.to < at).length;
    return { token: before, node: { kind: "missing", from: at, to: at } };
}

/** Line and column of a place, both from 1. */
export function lineAt(text, at) {
    const before = text.slice(0, at);
    const line = before.split("\n").length;
    return { line, column: at - before.lastIndexOf("\n") };
}
