// How a run looks wherever several are drawn: a colour and a pattern of dashes by its id, so that it
// looks the same whatever else is shown, and a number, for colours are not seen by all.
import { html } from "../html.js";

const COLOURS = 10; // --run-0 …
const DASHES = [[], [9, 5], [2, 4], [12, 4, 2, 4]];

// FNV-1a
function hash(text) {
    let sum = 0x811c9dc5;
    for (const letter of text)
        sum = Math.imul(sum ^ letter.codePointAt(0), 0x01000193) >>> 0;
    return sum;
}

/** Id → {colour, dash, width, quiet, number}. Two of one colour differ by their dashes: where the
 * hash gives them the same, the later one takes the next that is free. */
export function looksOf(ids) {
    const taken = new Set();
    return new Map(
        ids.map((id, i) => {
            const sum = hash(id);
            const tone = sum % COLOURS;
            const first = Math.floor(sum / COLOURS) % DASHES.length;
            const free = DASHES.findIndex(
                (_, k) => !taken.has(`${tone} ${(first + k) % DASHES.length}`),
            );
            const dash = (first + Math.max(0, free)) % DASHES.length;
            taken.add(`${tone} ${dash}`);
            const look = { colour: `--run-${tone}`, dash: DASHES[dash], width: 1.75, quiet: true };
            return [id, { ...look, tone, number: i + 1 }];
        }),
    );
}

/** The line of a run, and its number. */
export function Swatch({ look }) {
    return html`<span class="swatch run-${look.tone}">
        <svg width="34" height="10" aria-hidden="true">
            <line x1="0" y1="5" x2="34" y2="5" stroke="currentColor" stroke-width="2"
                stroke-dasharray=${look.dash.join(" ")} />
        </svg>
        <b>${look.number}</b>
    </span>`;
}
