// What may be typed at a place of a job's text, by the schema. Knows nothing of markup.
import { json } from "../parts/format.js";
import { placeAt, readTree, valueOf } from "./json_tree.js";

const MOST = 60; // more than any object of a job has keys

const fits = (text, typed) => text.toLowerCase().includes(typed.toLowerCase());

// What was typed first comes first; the schema's order within.
function sorted(choices, typed) {
    if (choices.some(({ text }) => text === typed))
        return choices.slice(0, MOST); // it is whole: what else might stand here?
    const rank = ({ text }) => (text.toLowerCase().startsWith(typed.toLowerCase()) ? 0 : 1);
    return choices
        .filter(({ text }) => fits(text, typed))
        .sort((a, b) => rank(a) - rank(b))
        .slice(0, MOST);
}

function keyChoices(schema, place, above) {
    const at = schema.at(place.path, above);
    const here = place.path.reduce((value, token) => value?.[token], above);
    const taken = new Set(place.parent.members.map(({ key }) => key.value));
    taken.delete(place.typed);
    const required = at ? schema.required(at, here) : [];
    return (at ? schema.fields(at, here) : [])
        .filter(([key]) => !taken.has(key))
        .map(([key, field]) => ({
            text: key,
            about: schema.resolve(field).description ?? "",
            needed: required.includes(key),
            insert: keyText(schema, key, field, place),
        }))
        .sort((a, b) => Number(b.needed) - Number(a.needed));
}

// With a value to begin with, unless one is there already.
function keyText(schema, key, field, place) {
    const name = JSON.stringify(key);
    return place.colon >= 0 ? name : `${name}: ${json(schema.begin(field), "    ")}`;
}

function valueChoices(schema, place, above, names) {
    const at = schema.at(place.path, above);
    if (!at)
        return [];
    const inList = place.parent?.kind === "array";
    const variants = schema.variants(at);
    const known = names(place.path.join("/")).map((name) => ({ text: name, about: "", value: name }));
    const plain = schema
        .values(at)
        .filter((value) => !inList || !variants.some(({ title }) => title === value))
        .map((value) => ({ text: String(value), about: "", value }));
    const whole = variants.map(({ title, description }) => ({
        text: title,
        about: description ?? "",
        value: schema.beginVariant(at, title),
    }));
    const begin = schema.begin(at);
    const other = { text: json(begin, "    "), about: "", value: begin };
    const all = [...known, ...(whole.length > 0 ? whole : plain)];
    const choices = all.length > 0 || begin === "" ? all : [other];
    return choices.map(({ value, ...choice }) => ({
        ...choice,
        insert: json(value, "    "),
    }));
}

// A comma, where something stands before or behind that would lack it.
function commas(text, { from, to, role, colon = -1 }) {
    if (role === "key" && colon >= 0)
        return ["", ""];
    const before = /[^\s[{,:]\s*$/.test(text.slice(0, from)) ? ", " : "";
    const behind = /^\s*["{[\w-]/.test(text.slice(to)) ? ", " : "";
    return [before, behind];
}

/** {from, to, typed, choices: [{text, about, needed, insert}]}. `names(path)` knows what lies on the
 * server: data sets, weights. */
export function complete(schema, text, cursor, names) {
    const { root } = readTree(text);
    const place = placeAt(root, cursor);
    const above = valueOf(root) ?? {};
    const makers = {
        key: () => keyChoices(schema, place, above),
        value: () => valueChoices(schema, place, above, names),
        none: () => [],
    };
    const [before, behind] = commas(text, place);
    const choices = sorted(makers[place.role](), place.typed).map((choice) => ({
        ...choice,
        insert: before + choice.insert + behind,
    }));
    return { from: place.from, to: place.to, typed: place.typed, choices };
}
