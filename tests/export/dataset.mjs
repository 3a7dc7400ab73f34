// Two data sets of small images that are no squares: one of bytes, one of real numbers, as NPY
// files. The generator is a fixed LCG.
import { mkdirSync, writeFileSync } from "node:fs";

export const SHAPE = [3, 13, 11];
const CLASSES = 5;
const PER_IMAGE = SHAPE.reduce((a, b) => a * b);

/** NPY 1.0: magic, version, length of the header, a Python dict padded to 64 bytes, the numbers. */
function npy(descr, shape, bytes) {
    const dict = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${shape.join(", ")},), }`;
    const header = `${dict.padEnd(Math.ceil((dict.length + 11) / 64) * 64 - 11)}\n`;
    const head = Buffer.from("\x93NUMPY\x01\x00\x00\x00", "latin1");
    head.writeUInt16LE(header.length, 8);
    return Buffer.concat([head, Buffer.from(header, "latin1"), Buffer.from(bytes.buffer)]);
}

function generator(seed) {
    let state = seed;
    return () => {
        state = (state * 1103515245 + 12345) % 2147483648;
        return state / 2147483648;
    };
}

function images(count, seed, real) {
    const draw = generator(seed);
    const pixels = real ? new Float32Array(count * PER_IMAGE) : new Uint8Array(count * PER_IMAGE);
    for (let i = 0; i < pixels.length; i++)
        pixels[i] = real ? 7 * draw() - 2 : Math.floor(256 * draw());
    return { count, pixels, npy: npy(real ? "<f4" : "|u1", [count, ...SHAPE], pixels) };
}

function write(folder, real) {
    mkdirSync(folder, { recursive: true });
    for (const [split, count] of [
        ["train", 64],
        ["test", 16],
    ]) {
        const labels = Uint8Array.from({ length: count }, (_, i) => (i * 3) % CLASSES);
        writeFileSync(`${folder}/${split}_images.npy`, images(count, count, real).npy);
        writeFileSync(`${folder}/${split}_labels.npy`, npy("|u1", [count], labels));
    }
    return images(7, 99, real);
}

/** Writes them as FOLDER/small and FOLDER/real; gives some more samples of each. */
export function writeDatasets(folder) {
    return { small: write(`${folder}/small`, false), real: write(`${folder}/real`, true) };
}
