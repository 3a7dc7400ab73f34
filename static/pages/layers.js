// A network, layer by layer: each with its options, what comes out of it, and its place among the
// others, changed by mouse or keyboard. Layers inside layers are lists of the same kind.
import { Component, html } from "../html.js";
import { numberOf } from "../data/draft.js";
import { Fields, Wrong } from "../parts/schema_form.js";
import { count, shape } from "../parts/format.js";

/** Options that are shown at once, for they decide what comes out. */
const MAIN = ["out_channels", "kernel_size", "stride", "padding", "out_features", "p"];
/** Options that are layers themselves. */
const NESTED = ["body", "shortcut", "branches"];
/** Options that alone make no list of options. */
const UNSEEN = ["type", "name", ...NESTED];

const DRAGGED = "application/x-traind-layer";
let dragged = null; // pointer of the layer on the way: a browser tells it only at the drop

const parentOf = (pointer) => pointer.slice(0, pointer.lastIndexOf("/"));
const indexOf = (pointer) => Number(pointer.slice(pointer.lastIndexOf("/") + 1));

/** Properties: form (as schema_form's, with shapes, stale, move(from, to), insert(list, index,
 * layer)), pointer (of the list), layers, title. */
export function LayerList({ form, pointer, layers, title }) {
    const list = Array.isArray(layers) ? layers : [];
    return html`<ol class="network" aria-label=${title} data-list=${pointer}>
        ${list.map(
            (layer, index) => html`<${Layer} key=${numberOf(layer) || `${index} ${layer}`} form=${form}
                pointer="${pointer}/${index}" layer=${layer} last=${index === list.length - 1} />`,
        )}
        <li class="add">
            <${Gap} form=${form} pointer="${pointer}/${list.length}" />
            <${Add} form=${form} pointer=${pointer} index=${list.length} title=${title} />
        </li>
    </ol>`;
}

function Add({ form, pointer, index, title }) {
    const add = ({ target }) => {
        if (target.value === "")
            return;
        form.insert(pointer, index, form.schema.beginVariant(form.layer, target.value));
        target.value = "";
    };
    return html`<select aria-label="Add a layer to ${title}" value="" onChange=${add}>
        <option value="">Add a layer …</option>
        ${form.schema.variants(form.layer).map(
            ({ title: name, description }) => html`<option key=${name} value=${name}
                title=${description}>${name}</option>`,
        )}
    </select>`;
}

// Where a layer may be dropped: above this one.
class Gap extends Component {
    over(event, here) {
        if (!event.dataTransfer.types.includes(DRAGGED) || `${this.props.pointer}/`.startsWith(`${dragged}/`))
            return;
        event.preventDefault();
        this.setState({ here });
    }

    drop(event) {
        event.preventDefault();
        this.setState({ here: false });
        this.props.form.move(dragged, this.props.pointer);
    }

    render(_, { here }) {
        return html`<div class="gap ${here ? "here" : ""}"
            onDragOver=${(event) => this.over(event, true)}
            onDragLeave=${() => this.setState({ here: false })}
            onDrop=${(event) => this.drop(event)}></div>`;
    }
}

/** What moves a layer with Alt held. */
const MOVES = { ArrowUp: -1, ArrowDown: 1 };

class Layer extends Component {
    constructor() {
        super();
        this.keep = (place) => (this.place = place);
    }

    // Among the layers of its list.
    shift(by) {
        const { form, pointer, last } = this.props;
        const index = indexOf(pointer);
        if ((by < 0 && index === 0) || (by > 0 && last))
            return;
        form.move(pointer, `${parentOf(pointer)}/${by > 0 ? index + 2 : index - 1}`);
    }

    press(event) {
        const by = MOVES[event.key];
        if (!event.altKey || !by)
            return;
        event.preventDefault();
        event.stopPropagation();
        const { id } = event.target;
        this.shift(by);
        // The same layer at its new place, where the focus was a field of it.
        setTimeout(() => document.activeElement?.id === id || this.place?.querySelector("select, button")?.focus());
    }

    duplicate() {
        const { form, pointer, layer } = this.props;
        const copy = JSON.parse(JSON.stringify(layer));
        if (typeof copy === "object")
            delete copy.name; // names of tensors must differ
        form.insert(parentOf(pointer), indexOf(pointer) + 1, copy);
    }

    begin(event) {
        event.stopPropagation();
        dragged = this.props.pointer;
        event.dataTransfer.setData(DRAGGED, dragged);
        event.dataTransfer.effectAllowed = "move";
        event.dataTransfer.setDragImage(this.place, 12, 12);
    }

    render({ form, pointer, layer, last }) {
        const kind = form.schema.variantOf(form.layer, layer);
        const index = indexOf(pointer);
        const name = `${kind?.title ?? "layer"} ${path(pointer)}`;
        const wrong = [...form.wrong(pointer), ...form.wrong(`${pointer}/type`)];
        return html`<li class="layer ${form.faulty(pointer) ? "wrong" : ""}" data-layer=${pointer} ref=${this.keep}
            onKeyDown=${(event) => this.press(event)}>
            <${Gap} form=${form} pointer=${pointer} />
            <div class="row" role="group" aria-label=${name}>
                <span class="grip" draggable="true" title="Drag to another place"
                    aria-hidden="true" onDragStart=${(event) => this.begin(event)}>⠿</span>
                <span class="soft path">${path(pointer)}</span>
                <${Type} form=${form} pointer=${pointer} layer=${layer} kind=${kind} />
                <${Result} form=${form} pointer=${pointer} />
                <span class="tools">
                    <button type="button" aria-label="Move ${name} up" title="Up (Alt and ↑)"
                        disabled=${index === 0} onClick=${() => this.shift(-1)}>↑</button>
                    <button type="button" aria-label="Move ${name} down" title="Down (Alt and ↓)"
                        disabled=${last} onClick=${() => this.shift(1)}>↓</button>
                    <button type="button" aria-label="Duplicate ${name}: copy" title="Duplicate"
                        onClick=${() => this.duplicate()}>copy</button>
                    <button type="button" aria-label="Remove ${name}" title="Remove"
                        onClick=${() => form.remove(pointer)}>✕</button>
                </span>
            </div>
            <${Wrong} problems=${wrong} id="layer${pointer.replaceAll("/", "-")}-error" />
            ${kind && html`<${Options} form=${form} pointer=${pointer} layer=${layer} kind=${kind} />`}
        </li>`;
    }
}

/** "/model/4/branches/0/1" → "4.branches.0.1", as the daemon names it. */
const path = (pointer) => pointer.split("/").slice(2).join(".");

function Type({ form, pointer, layer, kind }) {
    const choose = ({ target }) =>
        form.set(pointer, form.schema.beginVariant(form.layer, target.value, Object(layer)));
    const said = typeof layer === "string" ? layer : layer?.type;
    return html`<select class="type" aria-label="Type of layer ${path(pointer)}"
            value=${kind?.title ?? ""} title=${kind?.description} onChange=${choose}>
            ${!kind && html`<option value="">${said || "which?"}</option>`}
            ${form.schema.variants(form.layer).map(
                ({ title: name, description }) => html`<option key=${name} value=${name}
                    title=${description}>${name}</option>`,
            )}
        </select>`;
}

// What the daemon says comes out of it.
function Result({ form, pointer }) {
    const made = form.shapes.get(pointer);
    if (!made)
        return html`<span class="result soft"></span>`;
    return html`<span class="result ${form.stale ? "stale" : ""}">
        <b class="shape">${shape(made.output)}</b>
        <span class="soft">${made.parameters > 0 && `${count(made.parameters)} parameters`}</span>
    </span>`;
}

function Options({ form, pointer, layer, kind }) {
    const object = layer && typeof layer === "object" ? layer : {};
    const nested = NESTED.filter((key) => key in kind.properties);
    const others = Object.keys(kind.properties).filter((key) => !UNSEEN.includes(key));
    const main = MAIN.filter((key) => key in kind.properties);
    return html`<div class="options">
        ${
            (others.length > 0 || "name" in object) &&
            html`<${Fields} form=${form} pointer=${pointer} field=${form.layer} value=${layer}
            main=${main} without=${nested} />`
        }
        ${nested.map((key) => html`<${Nested} key=${key} form=${form} pointer="${pointer}/${key}"
            name=${key} value=${object[key]} />`)}
    </div>`;
}

function Nested({ form, pointer, name, value }) {
    if (name !== "branches")
        return html`<div class="nested">
            <h4>${name} ${name === "shortcut" && (value ?? []).length === 0 && html` <span class="soft">
                nothing here: the input itself
            </span>`}</h4>
            <${Wrong} problems=${form.wrong(pointer)} id="nested${pointer.replaceAll("/", "-")}" />
            <${LayerList} form=${form} pointer=${pointer} layers=${value} title=${name} />
        </div>`;
    const branches = Array.isArray(value) ? value : [];
    return html`<${Wrong} problems=${form.wrong(pointer)} id="nested${pointer.replaceAll("/", "-")}" />
        ${branches.map(
            (branch, i) => html`<div class="nested" key=${i}>
                <h4>branch ${i}${" "}
                    <button type="button" class="plain"
                        onClick=${() => form.remove(`${pointer}/${i}`)}>Remove</button>
                </h4>
                <${Wrong} problems=${form.wrong(`${pointer}/${i}`)} id="branch${i}" />
                <${LayerList} form=${form} pointer="${pointer}/${i}" layers=${branch}
                    title="branch ${i}" />
            </div>`,
        )}
        <button type="button" onClick=${() => form.insert(pointer, branches.length, [{ type: "relu" }])}>
            Add a branch
        </button>`;
}
