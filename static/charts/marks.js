// Marks on a chart: where something happened to the run. Each kind has a shape and a letter of its
// own, for colours are not seen by all. Knows nothing of jobs.
import { colour } from "./lines.js";

/** `line`: a line over the whole height. `small`: not worth its place on a small chart. */
export const MARK_KINDS = {
    edit: { sign: "▲", title: "changed by hand", tone: "--accent", line: true },
    checkpoint: { sign: "◆", title: "checkpoint", tone: "--soft", small: true },
    paused: { sign: "‖", title: "paused", tone: "--wait", line: true },
    resumed: { sign: "▸", title: "resumed", tone: "--wait", line: true },
    restarted: { sign: "↻", title: "restarted", tone: "--wait", line: true },
    back: { sign: "↶", title: "went back", tone: "--bad", line: true },
    warning: { sign: "!", title: "warning", tone: "--wait", line: true },
    end: { sign: "■", title: "ended", tone: "--soft", small: true },
    nonfinite: { sign: "×", title: "not finite", tone: "--bad" },
};

const DRAWN_MAX = 500; // more crosses than this are one red line anyway
const NEAR = 6; // pixels around the crosshair
const SIGN = 9; // pixels that a sign takes …
const LINE = 11; // … and that the next one stands below it

function placed(plot, marks, xOf) {
    const { left, width } = plot.bbox;
    return marks
        .map((mark) => ({ mark, x: plot.valToPos(xOf(mark), "x", true) }))
        .filter(({ x }) => x >= left - 1 && x <= left + width + 1)
        .slice(-DRAWN_MAX);
}

// A sign goes below another one that stands in its place: neither hides the other.
function rowsFor(unit) {
    const rows = []; // the last sign of each
    return (kind, x) => {
        const free = (last) => last.kind === kind || Math.abs(x - last.x) >= SIGN * unit;
        const found = rows.findIndex(free);
        const row = found < 0 ? rows.length : found;
        rows[row] = { kind, x };
        return row;
    };
}

/** Draws them; `xOf(mark)`: its place on the axis. */
export function drawMarks(plot, marks, xOf) {
    const { ctx, bbox } = plot;
    const unit = devicePixelRatio;
    ctx.save();
    ctx.font = `${11 * unit}px system-ui, sans-serif`;
    ctx.textAlign = "center";
    ctx.lineWidth = unit;
    ctx.setLineDash([3 * unit, 3 * unit]);
    const rowOf = rowsFor(unit);
    for (const { mark, x } of placed(plot, marks, xOf)) {
        const { sign, tone, line } = MARK_KINDS[mark.kind];
        ctx.strokeStyle = ctx.fillStyle = colour(tone);
        if (line) {
            ctx.beginPath();
            ctx.moveTo(x, bbox.top);
            ctx.lineTo(x, bbox.top + bbox.height);
            ctx.stroke();
        }
        ctx.fillText(sign, x, bbox.top + (4 + LINE * rowOf(mark.kind, x)) * unit);
    }
    ctx.restore();
}

/** The marks beside a place, in CSS pixels from the left. */
export function marksNear(plot, marks, xOf, left) {
    return marks.filter((mark) => Math.abs(plot.valToPos(xOf(mark), "x") - left) <= NEAR);
}
