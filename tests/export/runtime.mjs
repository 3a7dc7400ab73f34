// ONNX Runtime as npm has it, compiled to WebAssembly: nothing of it is made for one machine, and
// its packages need no script of their own to be installed.
import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { SHAPE } from "./dataset.mjs";

const PACKAGE = "onnxruntime-web";

function install(here, folder) {
    const lock = `${folder}/package-lock.json`;
    const same =
        existsSync(lock) &&
        readFileSync(lock, "utf8") === readFileSync(`${here}/package-lock.json`, "utf8");
    if (same && existsSync(`${folder}/node_modules/${PACKAGE}`)) return;
    mkdirSync(folder, { recursive: true });
    for (const file of ["package.json", "package-lock.json"])
        copyFileSync(`${here}/${file}`, `${folder}/${file}`);
    const quiet = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"];
    execFileSync("npm", quiet, { cwd: folder, stdio: ["ignore", "ignore", "inherit"] });
}

export class Runtime {
    /** `here`: folder of the lock file; `folder`: where npm installs. null where that fails. */
    static async open(here, folder) {
        try {
            install(here, folder);
        } catch {
            return null;
        }
        const ort = createRequire(`${folder}/package.json`)(PACKAGE);
        ort.env.wasm.numThreads = 1;
        ort.env.logLevel = "error";
        return new Runtime(ort);
    }

    constructor(ort) {
        this.ort = ort;
    }

    /** Rows of probabilities, from a batch of all samples; the last one alone must agree. */
    async run(file, { count, pixels }) {
        const session = await this.ort.InferenceSession.create(readFileSync(file));
        const one = pixels.length / count;
        const all = await this.ask(session, pixels, count);
        const [last] = await this.ask(session, pixels.subarray(pixels.length - one), 1);
        if (last.some((p, k) => Math.abs(p - all[count - 1][k]) > 1e-6))
            throw new Error("a sample alone gives other probabilities than in a batch");
        await session.release();
        return all;
    }

    async ask(session, pixels, count) {
        const input = new this.ort.Tensor("float32", Float32Array.from(pixels), [count, ...SHAPE]);
        const { logits, probabilities } = await session.run({ input });
        const classes = probabilities.dims[1];
        if (logits.dims[0] !== count || probabilities.dims[0] !== count)
            throw new Error(`${count} samples gave ${probabilities.dims}`);
        return Array.from({ length: count }, (_, i) =>
            Array.from(probabilities.data.subarray(i * classes, (i + 1) * classes)),
        );
    }
}
