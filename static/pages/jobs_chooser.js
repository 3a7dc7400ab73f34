// Which columns the table of jobs has, and in which order: of everything that occurs in its rows.
// Kept in the address, and in the browser for the next visit.
import { Component, html } from "../html.js";
import { differing, pathsOf } from "../data/spec_members.js";
import { setOption } from "../route.js";
import { columnOf, keepKeys, possible, writeKeys } from "./jobs_columns.js";

const LISTED = 60; // of one kind; a deep network has hundreds of members

function choose(keys) {
    keepKeys(keys);
    setOption("columns", writeKeys(keys) || "none");
}

function moved(keys, key, by) {
    const others = keys.filter((other) => other !== key);
    const at = Math.max(0, keys.indexOf(key) + by);
    return [...others.slice(0, at), key, ...others.slice(at)];
}

const turned = (keys, key) =>
    keys.includes(key) ? keys.filter((other) => other !== key) : [...keys, key];

/** Properties: jobs (the rows), keys (the columns now), close(). */
export class Chooser extends Component {
    constructor() {
        super();
        this.state = { wanted: "" };
    }

    groups() {
        const { jobs, keys } = this.props;
        const paths = pathsOf(jobs);
        const wanted = this.state.wanted.trim().toLowerCase();
        const groups = new Map();
        for (const key of new Set([...possible(jobs, paths), ...keys])) {
            const { title, about } = columnOf(key);
            if (wanted && !title.toLowerCase().includes(wanted) && !key.includes(wanted))
                continue;
            groups.set(about, [...(groups.get(about) ?? []), key]);
        }
        return groups;
    }

    render({ jobs, keys, close }, { wanted }) {
        const differ = new Set(differing(jobs).map((path) => `spec.${path}`));
        const missing = [...differ].filter((key) => !keys.includes(key) && !key.endsWith(".seed"));
        return html`<section class="chooser" aria-label="Columns">
            <p class="bar">
                <input type="text" aria-label="Find a column" placeholder="find a column" size="18"
                    value=${wanted} onInput=${({ target }) => this.setState({ wanted: target.value })} />
                <button type="button" disabled=${missing.length === 0}
                    onClick=${() => choose([...keys, ...missing])}>
                    Add what differs (${missing.length})
                </button>
                <button type="button" onClick=${() => forget()}>The usual ones</button>
                <button type="button" onClick=${close}>Done</button>
            </p>
            <${Chosen} keys=${keys} />
            <div class="groups">
                ${[...this.groups()].map(
                    ([about, list]) => html`<fieldset key=${about}>
                        <legend>${about}</legend>
                        ${list.slice(0, LISTED).map(
                            (key) => html`<label key=${key} class=${differ.has(key) ? "differs" : ""}>
                                <input type="checkbox" checked=${keys.includes(key)}
                                    onChange=${() => choose(turned(keys, key))} />
                                ${" "}${columnOf(key).title}
                                ${differ.has(key) && html`<span class="soft"> differs</span>`}
                            </label>`,
                        )}
                        ${
                            list.length > LISTED &&
                            html`<p class="soft">
                                and ${list.length - LISTED} more: write a part of the name above
                            </p>`
                        }
                    </fieldset>`,
                )}
            </div>
        </section>`;
    }
}

function forget() {
    keepKeys(null);
    setOption("columns", "");
}

function Chosen({ keys }) {
    return html`<ol class="chosen" aria-label="The columns in their order">
        ${keys.map((key, i) => {
            const { title } = columnOf(key);
            const button = (text, about, act, off) => html`<button type="button" class="plain"
                aria-label="${about} ${title}" disabled=${off} onClick=${act}>${text}</button>`;
            return html`<li key=${key}>
                ${button("‹", "Move to the left:", () => choose(moved(keys, key, -1)), i === 0)}
                ${title}
                ${button(
                    "›",
                    "Move to the right:",
                    () => choose(moved(keys, key, 1)),
                    i === keys.length - 1,
                )}
                ${button("×", "Take away", () => choose(turned(keys, key)), false)}
            </li>`;
        })}
    </ol>`;
}
