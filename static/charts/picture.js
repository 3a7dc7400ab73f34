// A chart as a picture: what is drawn, with its title, its key and a ground under it.
import { colour } from "./lines.js";

const PAD = 12;
const HEAD = 52;

function key(ctx, curves, y) {
    let x = PAD;
    for (const { look, label, value } of curves) {
        ctx.strokeStyle = look;
        ctx.lineWidth = 2;
        ctx.beginPath();
        ctx.moveTo(x, y - 4);
        ctx.lineTo(x + 18, y - 4);
        ctx.stroke();
        ctx.fillStyle = colour("--soft");
        const text = `${label} ${value}`;
        ctx.fillText(text, x + 24, y);
        x += ctx.measureText(text).width + 48;
    }
}

/** Draws `canvas` (uPlot's) under a title and a key [{look: a colour, label, value}]; a PNG as a
 * blob. */
export function picture(canvas, title, curves) {
    const unit = devicePixelRatio;
    const [width, height] = [canvas.width / unit, canvas.height / unit];
    const out = document.createElement("canvas");
    out.width = (width + 2 * PAD) * unit;
    out.height = (height + HEAD + PAD) * unit;
    const ctx = out.getContext("2d");
    ctx.scale(unit, unit);
    ctx.fillStyle = colour("--page");
    ctx.fillRect(0, 0, width + 2 * PAD, height + HEAD + PAD);
    ctx.fillStyle = colour("--text");
    ctx.font = "600 14px system-ui, sans-serif";
    ctx.fillText(title, PAD, 22);
    ctx.font = "13px system-ui, sans-serif";
    key(ctx, curves, 42);
    ctx.drawImage(canvas, PAD, HEAD, width, height);
    return new Promise((resolve) => out.toBlob(resolve, "image/png"));
}
