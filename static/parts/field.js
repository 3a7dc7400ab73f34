// A field of a form with its title, a note to it, and what is wrong with it.
import { html } from "../html.js";

/** Properties: id, title, note, error, and all others for the input; `area`: of many lines. */
export function Field({ id, title, note, error, area, ...input }) {
    const about = [note && `${id}-note`, error && `${id}-error`].filter(Boolean).join(" ");
    const given = {
        id,
        ...input,
        "aria-invalid": error ? "true" : null,
        "aria-describedby": about || null,
    };
    return html`<div class="field ${error ? "wrong" : ""}">
        <label for=${id}>${title}</label>
        ${
            area
                ? html`<textarea spellcheck="false" ...${given}></textarea>`
                : html`<input autocomplete="off" ...${given} />`
        }
        ${note && html`<span class="soft" id="${id}-note">${note}</span>`}
        ${error && html`<span class="error" id="${id}-error">${error}</span>`}
    </div>`;
}
