// A job that is being written: its text, what the daemon says to it as it changes, and the way back.
// The text is the one truth; a form changes the value that it says. Knows nothing of markup.
import { json } from "../parts/format.js";
import * as api from "./api.js";
import { find, lineAt, readTree, tokens } from "./json_tree.js";

const CHECK_MS = 350; // after the last key
const RETRY_MS = 4000; // of a check that was not answered
const PASSING = new Set([0, 503]); // what may be answered a moment later
const STEPS_BACK = 100;
const store = globalThis.sessionStorage;

export class Draft {
    /** `changed` is called after every change, `classes(name)`: how many a data set has, or
     * undefined. */
    constructor(changed, classes) {
        this.changed = changed;
        this.classes = classes;
        this.key = "";
        this.text = "";
        this.back = [];
        this.forth = [];
        this.forget();
        this.read();
    }

    forget() {
        this.plan = null; // of the newest text that could be trained
        this.shown = null;
        this.shapes = new Map(); // pointer → a layer of a plan, also of a network not yet whole
        this.problem = null; // what the daemon had against this text
        this.checked = ""; // the text that the plan or problem is about
        this.origin = "";
    }

    // ---- text and value ----

    read() {
        const { root, problems } = readTree(this.text);
        this.root = root;
        this.syntax = this.text.trim() === "" ? [] : problems;
        const whole = problems.length === 0 && root.kind === "object";
        this.value = whole ? JSON.parse(this.text) : null;
        this.shown = this.value ?? this.shown; // by a form, while the text is half written
    }

    /** Begins with what is kept under a key, else with what `origin` gives. */
    async begin(key, origin) {
        this.key = `traind-draft ${key}`;
        this.forget();
        const kept = JSON.parse(store.getItem(this.key) ?? "null");
        this.text = kept?.text ?? "";
        this.origin = kept?.origin ?? "";
        if (!kept) {
            const value = await origin();
            if (this.key !== `traind-draft ${key}`)
                return;
            this.text = this.origin = json(value);
        }
        this.read();
        this.check(0);
        this.changed();
    }

    get touched() {
        return this.origin !== "" && this.text !== this.origin;
    }

    /** `step`: one that can be taken back. */
    setText(text, step = false) {
        if (text === this.text)
            return;
        if (step) {
            this.back = [...this.back, this.text].slice(-STEPS_BACK);
            this.forth = [];
        }
        this.text = text;
        this.read();
        this.keep();
        this.check(CHECK_MS);
        this.changed();
    }

    keep() {
        store.setItem(this.key, JSON.stringify({ text: this.text, origin: this.origin }));
    }

    undo() {
        this.travel(this.back, this.forth);
    }

    redo() {
        this.travel(this.forth, this.back);
    }

    travel(from, to) {
        if (from.length === 0)
            return;
        to.push(this.text);
        this.setText(from.pop());
    }

    startOver() {
        this.setText(this.origin, true);
    }

    drop() {
        clearTimeout(this.timer);
        store.removeItem(this.key);
    }

    /** Makes the value at a pointer another one; undefined takes it away. */
    set(pointer, value) {
        this.change(pointer, () => value);
    }

    change(pointer, work) {
        if (!this.value)
            return;
        this.value = changed(this.value, tokens(pointer), work);
        const { value } = this;
        this.setText(json(value), true);
        this.shown = this.value = value; // who holds a part of it still holds a part of it
    }

    /** Takes the place of a part of the text. */
    splice(from, to, insert) {
        this.setText(this.text.slice(0, from) + insert + this.text.slice(to), true);
    }

    // ---- what the daemon says ----

    check(delay) {
        clearTimeout(this.timer);
        this.timer = setTimeout(() => this.ask(), delay);
    }

    get pending() {
        return this.checked !== this.text && this.value !== null;
    }

    /** Whether the plan is about another text than this. */
    get old() {
        return this.pending || this.problem !== null || this.value === null;
    }

    async ask() {
        const { text, value } = this;
        if (!value || text === this.checked)
            return;
        const answer = await api.planJob(value).catch((problem) => problem);
        if (text !== this.text)
            return;
        if (PASSING.has(answer.status))
            return this.check(RETRY_MS);
        this.checked = text;
        this.problem = answer instanceof Error ? answer : null;
        if (answer.plan) {
            this.plan = answer.plan;
            this.shapes = byPointer(answer.plan);
        } else await this.askPart(text, value);
        this.changed();
    }

    // A network that is not whole yet: what its layers give up to the first that is wrong.
    async askPart(text, value) {
        const shapes = await this.partOf(value).catch(() => null);
        if (text === this.text)
            this.shapes = shapes ?? new Map();
    }

    async partOf({ model, dataset }) {
        const classes = dataset?.synthetic?.classes ?? this.classes(dataset?.name);
        if (!Array.isArray(model) || !classes)
            return null;
        const wrong = (this.problem?.errors ?? [])
            .filter(({ detail }) => !detail.startsWith("the last layer gives"))
            .map(({ pointer }) => /^\/model\/(\d+)/.exec(pointer))
            .map((found) => (found ? Number(found[1]) : Infinity));
        const good = model.slice(0, Math.min(...wrong, model.length));
        if (good.length === 0)
            return new Map();
        const end = ["flatten", { type: "linear", out_features: classes }];
        const job = { dataset, model: [...good, ...end], optimizer: { type: "sgd" } };
        const { plan } = await api.planJob(job);
        const shapes = byPointer(plan);
        end.forEach((_, i) => shapes.delete(`/model/${good.length + i}`));
        return shapes;
    }

    /** All that is wrong now: [{pointer, detail, from, to, line, fix}], by place. `fix`: {say,
     * work()}. */
    problems() {
        const errors = this.pending ? [] : (this.problem?.errors ?? []);
        const all = [...this.syntax, ...errors.map((error) => this.locate(error))];
        return all
            .map((one) => ({ ...one, ...lineAt(this.text, one.from) }))
            .sort((a, b) => a.from - b.from);
    }

    locate({ pointer, detail, suggestion }) {
        const { node, member, missing } = find(this.root, pointer);
        const key = /has no such key/.test(detail) && member;
        const { from, to } = key ? member.key : missing.length > 0 ? opening(node) : node;
        const said = suggestion !== undefined && missing.length === 0;
        const word = JSON.stringify(suggestion);
        const work = () => this.splice(from, to, word);
        return { pointer, detail, from, to, fix: said ? { say: suggestion, work } : null };
    }
}

// What lacks something is marked at its bracket, not all over.
const opening = ({ from }) => ({ from, to: from + 1 });

const byPointer = (plan) => new Map(plan.layers.map((layer) => [layer.pointer, layer]));

// Who is who among layers that move: an object that takes another's place takes its number.
const numbers = new WeakMap();
let next = 1;

export function numberOf(object) {
    if (object === null || typeof object !== "object")
        return "";
    if (!numbers.has(object))
        numbers.set(object, next++);
    return numbers.get(object);
}

/** The value with another one at a path; all that is not on the way stays the same object. */
export function changed(value, path, work) {
    if (path.length === 0)
        return work(value);
    const [token, ...others] = path;
    const copy = Array.isArray(value) ? [...value] : { ...value };
    if (value && typeof value === "object")
        numbers.set(copy, numberOf(value));
    const made = changed(copy[token], others, work);
    if (made !== undefined)
        copy[token] = made;
    else if (Array.isArray(copy)) copy.splice(Number(token), 1);
    else delete copy[token];
    return copy;
}
