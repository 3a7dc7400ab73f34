// Fields of a form as a schema wants them: each shows what is there, or what is taken when nothing
// is said, and what is wrong with it. Knows the schema, not what the fields mean.
import { Component, html } from "../html.js";
import { json } from "./format.js";

/** What a field needs beside its own schema is in `form`: {schema, value(pointer), set(pointer,
 * value), wrong(pointer), names(path)}. */

const plain = (value) => (typeof value === "string" ? value : json(value, "  "));
const idOf = (pointer) => `field${pointer.replaceAll("/", "-")}`;
const titleOf = (key) => key.replaceAll("_", " ");

/** A value as a person types it: 3 is a number, "3, 5" a list, all else a text; "" is none. */
export function readTyped(text) {
    const typed = text.trim();
    if (typed === "")
        return undefined;
    for (const form of [typed, `[${typed}]`]) {
        try {
            return JSON.parse(form);
        } catch {
            // Not JSON: the next form, or the text as it is.
        }
    }
    return typed;
}

export const typedOf = (value) => {
    if (value === undefined)
        return "";
    const flat = Array.isArray(value) && value.every((part) => typeof part !== "object");
    return flat && value.length > 1 ? value.map(plain).join(", ") : plain(value);
};

/** What is wrong at a place, with what puts it right. */
export function Wrong({ problems, id }) {
    return problems.map(
        ({ detail, fix }, i) => html`<span class="error" id=${i === 0 ? id : null} key=${detail}>
            ${detail}${" "}
            ${
                fix &&
                html`<button type="button" class="plain" onClick=${fix.work}>
                Change to ${String(fix.say)}
            </button>`
            }
        </span>`,
    );
}

/** Properties: form, pointer, title, about, children(id, given): the input. */
export function Labelled({ form, pointer, title, about, children }) {
    const id = idOf(pointer);
    const problems = form.wrong(pointer);
    const given = {
        id,
        title: about,
        "aria-invalid": problems.length > 0 ? "true" : null,
        "aria-describedby": problems.length > 0 ? `${id}-error` : null,
    };
    return html`<div class="field ${problems.length > 0 ? "wrong" : ""}">
        <label for=${id} title=${about}>${title}</label>
        ${children(given)}
        <${Wrong} problems=${problems} id="${id}-error" />
    </div>`;
}

/** A line of text that keeps what is typed while it is: "3," is on the way to "3, 5". */
export class Loose extends Component {
    constructor() {
        super();
        this.state = { typed: null };
    }

    type(typed) {
        const { text, change } = this.props;
        this.setState({ typed });
        change(text ? typed || undefined : readTyped(typed));
    }

    render({ value, change, fallback, text, ...given }, { typed }) {
        const shown = typed ?? (text ? (value ?? "") : typedOf(value));
        return html`<input autocomplete="off" spellcheck="false" ...${given} value=${shown}
            placeholder=${fallback === undefined ? "" : typedOf(fallback)}
            onInput=${({ target }) => this.type(target.value)}
            onBlur=${() => this.setState({ typed: null })} />`;
    }
}

function Choice({ given, value, options, fallback, change }) {
    const none = fallback === undefined ? "default" : `${plain(fallback)} (default)`;
    const known = options.filter((option) => option !== fallback);
    const strange = value !== undefined && !options.includes(value);
    const taken = value === fallback ? undefined : value;
    return html`<select ...${given} value=${taken === undefined ? "" : plain(taken)}
        onChange=${({ target }) =>
            change(options.find((option) => plain(option) === target.value))}>
        <option value="">${none}</option>
        ${strange && html`<option value=${plain(value)}>${plain(value)}</option>`}
        ${known.map((option) => html`<option key=${plain(option)} value=${plain(option)}>
            ${plain(option)}
        </option>`)}
    </select>`;
}

// ---- one widget for each kind of value ----

const KINDS = [
    [(one, form) => form.schema.variants(one).length > 0, Variant],
    [(one) => one.type === "object" && one.properties, Group],
    [(one, form) => one.type === "array" && form.schema.variants(one.items).length > 0, List],
    [(one) => one.type === "boolean", (props) => html`<${Simple} ...${props} options=${[true, false]} />`],
    [(one) => one.enum, (props) => html`<${Simple} ...${props} options=${props.one.enum} />`],
    [() => true, Simple],
];

/** Properties: form, pointer, name (its key), field (its schema), value. */
export function FieldOf({ form, pointer, name, field, value }) {
    const one = form.schema.resolve(field);
    const [, widget] = KINDS.find(([is]) => is(one, form));
    const change = (next) => form.set(pointer, next);
    return html`<${widget} form=${form} pointer=${pointer} title=${titleOf(name)} one=${one}
        value=${value} change=${change} />`;
}

function Simple({ form, pointer, title, one, value, change, options }) {
    const names = form.names(pointer.slice(1));
    const input = (given) => {
        if (options)
            return html`<${Choice} given=${given} value=${value} options=${options}
                fallback=${one.default} change=${change} />`;
        const list = names.length > 0 ? `${given.id}-names` : null;
        return html`<${Loose} ...${given} value=${value} fallback=${one.default} list=${list}
            text=${one.type === "string"} change=${change} />
            ${
                list &&
                html`<datalist id=${list}>
                ${names.map((option) => html`<option key=${option} value=${option} />`)}
            </datalist>`
            }`;
    };
    return html`<${Labelled} form=${form} pointer=${pointer} title=${title} about=${one.description}>
        ${input}
    </${Labelled}>`;
}

/** One of several kinds, and the fields of that. */
export function Variant({ form, pointer, title, one, value, change, main = [] }) {
    const kinds = form.schema.variants(one);
    const kind = form.schema.variantOf(one, value);
    const short = form.schema.shortNames(one);
    const inherited = typeof one.default === "object" ? one.default.type : one.default;
    const choose = (name) => {
        if (name === "")
            return change(undefined);
        const made = form.schema.beginVariant(one, name, typeof value === "object" ? value : {});
        const bare = Object.keys(made).every((key) => key === "type") && short.includes(name);
        return change(bare && typeof one.default === "string" ? name : made);
    };
    const none = inherited === undefined ? "default" : `${inherited} (default)`;
    return html`<div class="variant">
        <${Labelled} form=${form} pointer=${pointer} title=${title} about=${one.description}>
            ${(given) => html`<select ...${given} value=${kind?.title ?? ""}
                onChange=${({ target }) => choose(target.value)}>
                ${!(value !== undefined && inherited === undefined && kind) && html`<option value="">${none}</option>`}
                ${kinds.map(({ title: name, description }) => html`<option key=${name} value=${name}
                    title=${description}>${name}</option>`)}
            </select>`}
        </${Labelled}>
        ${
            kind &&
            html`<${Fields} form=${form} pointer=${pointer} field=${one} value=${value}
            main=${main} />`
        }
    </div>`;
}

function Group({ form, pointer, title, one, value, change }) {
    const id = idOf(pointer);
    if (value === undefined)
        return html`<div class="field">
            <span class="label-text">${title}</span>
            <button type="button" id=${id} title=${one.description}
                onClick=${() => change(form.schema.beginObject(one))}>Set</button>
            <${Wrong} problems=${form.wrong(pointer)} id="${id}-error" />
        </div>`;
    return html`<fieldset>
        <legend title=${one.description}>${title}</legend>
        <${Wrong} problems=${form.wrong(pointer)} id="${id}-error" />
        <${Fields} form=${form} pointer=${pointer} field=${one} value=${value} all />
        <button type="button" class="plain" onClick=${() => change(undefined)}>
            Take ${title} away
        </button>
    </fieldset>`;
}

function List({ form, pointer, title, one, value, change }) {
    const items = Array.isArray(value) ? value : [];
    const kinds = form.schema.variants(one.items);
    const add = ({ target }) => {
        change([...items, form.schema.beginVariant(one.items, target.value)]);
        target.value = "";
    };
    const remove = (index) => change(items.length > 1 ? items.toSpliced(index, 1) : undefined);
    return html`<fieldset class="list">
        <legend title=${one.description}>${title}</legend>
        <${Wrong} problems=${form.wrong(pointer)} id="${idOf(pointer)}-error" />
        ${items.map(
            (item, i) => html`<div class="bar" key=${i}>
                <${FieldOf} form=${form} pointer="${pointer}/${i}" name=${`${i + 1}`}
                    field=${one.items} value=${item} />
                <button type="button" class="plain" onClick=${() => remove(i)}>Remove</button>
            </div>`,
        )}
        <select aria-label="Add to ${title}" id=${idOf(pointer)} value="" onChange=${add}>
            <option value="">Add …</option>
            ${kinds.map(({ title: name, description }) => html`<option key=${name} value=${name}
                title=${description}>${name}</option>`)}
        </select>
    </fieldset>`;
}

/** The fields of an object: those it has or must have, and `main` ones; the others on demand.
 * Properties: form, pointer, field (the object's schema), value, main, all, without. */
export function Fields({ form, pointer, field, value, main = [], all, without = [] }) {
    const object = value && typeof value === "object" ? value : {};
    const required = form.schema.required(field, value);
    const known = form.schema.fields(field, value);
    const shown = ([key]) => all || key in object || required.includes(key) || main.includes(key);
    const fields = known.filter(([key, { const: fixed }]) => fixed === undefined && !without.includes(key));
    const strange = Object.keys(object).filter((key) => !known.some(([name]) => name === key));
    const show = ([key, one]) => html`<${FieldOf} key=${key} form=${form} pointer="${pointer}/${key}"
        name=${key} field=${one} value=${object[key]} />`;
    const more = fields.filter((one) => !shown(one));
    return html`<div class="fields">
        ${fields.filter(shown).map(show)}
        ${strange.map((key) => html`<${Strange} key=${key} form=${form} pointer="${pointer}/${key}"
            name=${key} value=${object[key]} />`)}
        ${
            more.length > 0 &&
            html`<details>
            <summary>${more.length} more option${more.length > 1 ? "s" : ""}</summary>
            <div class="fields">${more.map(show)}</div>
        </details>`
        }
    </div>`;
}

// A key that the schema does not know: shown, so that it can be put right or taken away.
function Strange({ form, pointer, name, value }) {
    return html`<div class="field wrong">
        <span class="label-text">${name}</span>
        <code>${plain(value)}</code>
        <${Wrong} problems=${form.wrong(pointer)} id="${idOf(pointer)}-error" />
        <button type="button" class="plain" onClick=${() => form.set(pointer, undefined)}>
            Take it away
        </button>
    </div>`;
}
