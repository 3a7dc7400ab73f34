// A small curve with its scale, drawn as SVG: for pages that need no crosshair. Its parent says in
// words or a table what it shows.
import { html } from "../html.js";

const WIDTH = 320;
const EDGE = 4;

/** Properties: label (what a reader of the screen hears), lines [[[x, y], …], …], height, top (least
 * upper end of the scale), zero (the scale begins there), y (writes a value), left and right (written
 * below the ends), stale. */
export function SmallChart({ label, lines, height = 90, top = -Infinity, zero = true, y, left, right, stale }) {
    const points = lines.flat().filter(([, value]) => Number.isFinite(value));
    const values = points.map(([, value]) => value);
    const high = Math.max(top, ...values, zero ? 0 : -Infinity);
    const low = zero ? Math.min(0, ...values) : Math.min(...values);
    const xs = points.map(([x]) => x);
    const [start, end] = [Math.min(...xs), Math.max(...xs)];
    const across = (x) => EDGE + ((WIDTH - 2 * EDGE) * (x - start)) / (end - start || 1);
    const up = (value) => height - EDGE - ((height - 2 * EDGE) * (value - low)) / (high - low || 1);
    return html`<figure class="tiny ${stale ? "stale" : ""}">
        <span class="scale">${points.length > 0 && y(high)}</span>
        <svg viewBox="0 0 ${WIDTH} ${height}" preserveAspectRatio="none" role="img" aria-label=${label}>
            <path class="base" d="M0 ${height - 1}H${WIDTH}M0 1H${WIDTH}" />
            ${lines.map((line, i) => html`<path key=${i} class="line line-${i}"
                d=${pathOf(line, across, up)} />`)}
        </svg>
        <span class="scale">${points.length > 0 && y(low)}</span>
        <span class="ends"><span>${left}</span><span>${right}</span></span>
    </figure>`;
}

// A gap where there is no value.
function pathOf(line, across, up) {
    let pen = "M";
    const parts = [];
    for (const [x, value] of line) {
        if (Number.isFinite(value))
            parts.push(`${pen}${across(x).toFixed(1)} ${up(value).toFixed(1)}`);
        pen = Number.isFinite(value) ? "L" : "M";
    }
    return parts.join("");
}
