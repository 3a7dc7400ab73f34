// What leaves the house, on the outside: networks are trained by a real daemon, downloaded as ONNX
// and as a PyTorch script, and used by runtimes that know nothing of us. Each must give the
// probabilities that the daemon gives.
//
// usage: node tests/export/run.mjs
// TRAIND: path of the program (build/traind); T: only networks whose name contains this
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Daemon } from "../browser/daemon.mjs";
import { writeDatasets } from "./dataset.mjs";
import { networks } from "./networks.mjs";
import { Runtime } from "./runtime.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const root = resolve(here, "../..");
const TRAINED_MS = 60000;
const TOLERANCE = 1e-5;

const count = { passed: 0, failed: 0, skipped: 0 };
function tell(how, sentence, why = "") {
    const words = { passed: "ok   ", failed: "FAIL ", skipped: "skip " };
    const lines = why === "" ? [] : why.trimEnd().split("\n");
    count[how]++;
    console.log([`${words[how]} export: ${sentence}`, ...lines].join("\n      | "));
}

/** Trains it to its end; its id. */
async function train(daemon, { model, job }) {
    const spec = {
        optimizer: { type: "adam", lr: 0.003 },
        seed: 4,
        batch_size: 8,
        max_steps: 12,
        model,
        ...job,
        dataset: { name: "small", ...job?.dataset },
    };
    const { id } = await daemon.submit(spec);
    for (const deadline = Date.now() + TRAINED_MS; Date.now() < deadline; await sleep(100)) {
        const { state, reason } = await daemon.get(`/v1/jobs/${id}`);
        if (state === "succeeded") return id;
        if (state === "failed") throw new Error(`the job failed: ${reason}`);
    }
    throw new Error("the job is not done in time");
}

async function download(daemon, path, file) {
    const response = await fetch(daemon.address + path);
    const bytes = Buffer.from(await response.arrayBuffer());
    if (response.status !== 200) throw new Error(`${path}: ${response.status} ${bytes}`);
    writeFileSync(file, bytes);
}

/** What the daemon itself says of the samples. */
async function predict(daemon, id, npy) {
    const response = await fetch(`${daemon.address}/v1/jobs/${id}/predict?checkpoint=last`, {
        method: "POST",
        headers: { "Content-Type": "application/x-npy" },
        body: npy,
    });
    const answer = await response.json();
    if (response.status !== 200)
        throw new Error(`predict: ${response.status} ${JSON.stringify(answer)}`);
    return answer.predictions.map((prediction) => prediction.probabilities);
}

/** The largest difference of two tables. */
function difference(one, other) {
    if (one.length !== other.length || one.length === 0) return Infinity;
    const rows = one.map((row, i) =>
        row.length === other[i].length
            ? Math.max(...row.map((p, k) => Math.abs(p - other[i][k])))
            : Infinity,
    );
    return rows.some(Number.isNaN) ? Infinity : Math.max(...rows);
}

/** How much the samples' probabilities differ: where all are alike, a comparison proves nothing. */
function spread(rows) {
    return Math.max(
        ...rows[0].map((_, k) => {
            const column = rows.map((row) => row[k]);
            return Math.max(...column) - Math.min(...column);
        }),
    );
}

function compare(sentence, got, wanted, tolerance = TOLERANCE) {
    const most = difference(got, wanted);
    const close = most <= tolerance;
    tell(close ? "passed" : "failed", sentence, close ? "" : `differs by ${most}`);
}

/** What Debian's Python makes of the files; null where it cannot be asked. */
function askPython(place, names) {
    const python = "/usr/bin/python3";
    try {
        execFileSync(python, ["-c", "import onnx, torch"], { stdio: "ignore" });
    } catch {
        return null;
    }
    const text = execFileSync(
        python,
        ["-B", "-W", "ignore", join(here, "check.py"), place, ...names],
        {
            encoding: "utf8",
            maxBuffer: 1 << 28,
            stdio: ["ignore", "pipe", "inherit"],
        },
    );
    return JSON.parse(text);
}

async function fetchAll(daemon, place, name, samples) {
    const id = await train(daemon, networks[name]);
    const checkpoint = `/v1/jobs/${id}/checkpoints/last`;
    const real = networks[name].job?.dataset?.name === "real";
    const file = join(place, id);
    await download(daemon, checkpoint, `${file}.safetensors`);
    await download(daemon, `${checkpoint}?format=onnx`, `${file}.onnx`);
    await download(daemon, `/v1/jobs/${id}/export/pytorch`, `${file}.py`);
    await download(daemon, `/v1/jobs/${id}/metrics?names=lr&max_points=0`, `${file}.rates.json`);
    const pixels = real ? samples.real : samples.small;
    writeFileSync(`${file}.npy`, pixels.npy);
    return { name, id, file, pixels, wanted: await predict(daemon, id, pixels.npy) };
}

/** Every kind of layer that a user may write is in some network. */
async function checkKinds(daemon) {
    const kinds = layerKinds(await daemon.get("/v1/schema"));
    const text = JSON.stringify(networks);
    const missing = kinds.filter((kind) => !text.includes(`"type":"${kind}"`));
    const good = kinds.length > 10 && missing.length === 0;
    tell(
        good ? "passed" : "failed",
        "every kind of layer is among the networks",
        missing.join(", "),
    );
}

async function checkNetwork(runtime, fetched, python) {
    const { name, id, file, pixels, wanted } = fetched;
    const said = python?.[id];
    if (!(spread(wanted) > 0.01))
        throw new Error(`the samples are all the same to it: ${spread(wanted)}`);
    if (runtime)
        compare(
            `${name}: ONNX gives the daemon's probabilities`,
            await runtime.run(`${file}.onnx`, pixels),
            wanted,
            networks[name].tolerance,
        );
    else tell("skipped", `${name}: ONNX`, "npm could not install onnxruntime-web");
    if (!said) {
        tell("skipped", `${name}: python`, "python3-onnx or python3-torch is missing");
        return;
    }
    tell(said.onnx ? "failed" : "passed", `${name}: onnx.checker is content`, said.onnx ?? "");
    if (said.error) tell("failed", `${name}: the script runs`, said.error);
    else
        compare(
            `${name}: the script gives the daemon's probabilities`,
            said.probabilities,
            wanted,
            networks[name].tolerance,
        );
    tell(
        said.course ? "failed" : "passed",
        `${name}: the script's rates are the job's`,
        said.course ?? "",
    );
}

async function runAll(names) {
    const place = mkdtempSync(join(tmpdir(), "traind-export-"));
    const daemon = new Daemon(resolve(process.env.TRAIND ?? join(root, "build/traind")), place);
    const samples = writeDatasets(`${place}/datasets`);
    const fetched = [];
    try {
        await daemon.start();
        await checkKinds(daemon);
        for (const name of names)
            await fetchAll(daemon, place, name, samples).then(
                (one) => fetched.push(one),
                (error) => {
                    const lacking = networks[name].needs && error.message.includes("/precision");
                    const sentence = `${name}: is trained and downloaded`;
                    tell(lacking ? "skipped" : "failed", sentence, error.message);
                },
            );
        const runtime = await Runtime.open(here, join(root, "build/npm-export"));
        const python = askPython(
            place,
            fetched.map((one) => one.id),
        );
        for (const one of fetched)
            await checkNetwork(runtime, one, python).catch((error) =>
                tell("failed", one.name, error.stack),
            );
    } catch (error) {
        tell("failed", "the daemon and its files", error.stack);
    } finally {
        await daemon.stop("SIGKILL");
        if (!process.env.KEEP) rmSync(place, { recursive: true, force: true });
    }
}

/** The kinds of layers that the schema knows. */
function layerKinds(schema) {
    const text = JSON.stringify(schema.$defs.layer);
    return [...text.matchAll(/"type":\{"const":"(\w+)"/g)].map((found) => found[1]);
}

const word = process.env.T ?? "";
const names = Object.keys(networks).filter((name) => `export: ${name}`.includes(word));
if (names.length > 0) await runAll(names);
console.log(`${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`);
process.exitCode = count.failed === 0 ? 0 : 1;
