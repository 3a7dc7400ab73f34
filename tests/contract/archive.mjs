// A small data set as one tar archive of NPY files, made here.

function npy(shape, type, bytes) {
    const text = `{'descr': '|${type}', 'fortran_order': False, 'shape': (${shape.join(", ")},), }`;
    const padded = text.padEnd(128 - 10 - 1) + "\n";
    const head = Buffer.from([0x93, ...Buffer.from("NUMPY"), 1, 0, padded.length, 0]);
    return Buffer.concat([head, Buffer.from(padded), bytes]);
}

function tar(files) {
    const pieces = [];
    for (const [name, bytes] of Object.entries(files)) {
        const head = Buffer.alloc(512);
        const put = (text, at) => head.write(text, at, "latin1");
        put(name, 0);
        put("0000644\0", 100);
        put("0000000\0", 108);
        put("0000000\0", 116);
        put(`${bytes.length.toString(8).padStart(11, "0")}\0`, 124);
        put("00000000000\0", 136);
        put("        ", 148);
        put("0", 156);
        put("ustar\x0000", 257);
        const sum = head.reduce((total, byte) => total + byte, 0);
        put(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
        pieces.push(head, bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512));
    }
    return Buffer.concat([...pieces, Buffer.alloc(1024)]);
}

/** `count` pictures of 4 × 4 in three classes; another `seed`, other pixels. The files lie in
 * `folder` of the archive. */
export function archive(seed, count = 30, folder = "") {
    const labels = Buffer.from(Array.from({ length: count }, (_, i) => i % 3));
    const pixels = Buffer.from(
        Array.from({ length: count * 16 }, (_, i) => (i * 37 + seed * 11 + labels[i >> 4] * 80) % 256),
    );
    return tar({
        [`${folder}train_images.npy`]: npy([count, 4, 4], "u1", pixels),
        [`${folder}train_labels.npy`]: npy([count], "u1", labels),
    });
}
