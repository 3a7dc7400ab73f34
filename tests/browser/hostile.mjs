// A data set whose class names and file names are markup, as an archive of folders of PNG files.
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { crc32, deflateSync } from "node:zlib";

export const CLASSES = [
    "<img src=x onerror=alert(1)>",
    'plain "quoted" & a very long name that has to end somewhere before the page does',
    "${alert(2)}<b>bold<b>",
].sort();
const SIDE = 12;

function chunk(type, data) {
    const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
    const out = Buffer.alloc(body.length + 8);
    out.writeUInt32BE(data.length, 0);
    body.copy(out, 4);
    out.writeUInt32BE(sum(body), body.length + 4);
    return out;
}

// Node has it since 20.15.
const sum = crc32 ?? slowSum;
function slowSum(bytes) {
    let value = 0xffffffff;
    for (const byte of bytes) {
        value ^= byte;
        for (let bit = 0; bit < 8; bit++)
            value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
    }
    return (value ^ 0xffffffff) >>> 0;
}

/** A grey PNG of rows of bytes. */
export function png(rows) {
    const head = Buffer.alloc(13);
    head.writeUInt32BE(rows[0].length, 0);
    head.writeUInt32BE(rows.length, 4);
    head.writeUInt8(8, 8); // bits; all else 0: grey, not interlaced
    const lines = Buffer.concat(rows.map((row) => Buffer.from([0, ...row])));
    return Buffer.concat([
        Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]),
        chunk("IHDR", head),
        chunk("IDAT", deflateSync(lines)),
        chunk("IEND", Buffer.alloc(0)),
    ]);
}

/** A bright bar at the class's height on a ground that differs from sample to sample. */
export const barPicture = (label, sample, side = SIDE) =>
    png(
        Array.from({ length: side }, (_, y) =>
            Array.from({ length: side }, (__, x) =>
                Math.floor((y * CLASSES.length) / side) === label
                    ? 200
                    : (37 * sample + 11 * x * y) % 120,
            ),
        ),
    );

/** The archive, made in `place`. */
export function hostileArchive(place) {
    const folder = join(place, "hostile");
    CLASSES.forEach((name, label) => {
        mkdirSync(join(folder, name), { recursive: true });
        for (let sample = 0; sample < 24; sample++)
            writeFileSync(
                join(folder, name, `<svg onload=alert(${sample})>.png`),
                barPicture(label, sample),
            );
    });
    const file = join(place, "hostile.tar");
    execFileSync("tar", ["-cf", file, "-C", folder, "."]);
    return readFileSync(file);
}
