// A real daemon of its own for the tests: fresh data directory, generated data set, free port; can
// be killed and started again on the same port.
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { setPriority } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";

const START_MS = 20000;
const BEHIND = 10; // "nice": a user's browser has a processor of its own, this one shares ours
const BUSY_TRIES = 40;

/** IDX: two zero bytes, type (8: bytes), rank, big-endian sizes, the bytes. */
function writeIdx(path, sizes, bytes) {
    const head = Buffer.alloc(4 + 4 * sizes.length);
    head.writeUInt8(8, 2);
    head.writeUInt8(sizes.length, 3);
    sizes.forEach((size, i) => head.writeUInt32BE(size, 4 + 4 * i));
    writeFileSync(path, Buffer.concat([head, bytes]));
}

/** Pictures of 28 × 28 in ten classes: a bright bar at the class's height on noise. The generator
 * is a fixed LCG. */
function writeSplit(folder, prefix, count) {
    const side = 28;
    const images = Buffer.alloc(count * side * side);
    const labels = Buffer.alloc(count);
    let seed = 12345 + count;
    const draw = (below) => {
        seed = (seed * 1103515245 + 12345) % 2147483648;
        return Math.floor((seed / 2147483648) * below);
    };
    for (let i = 0; i < count; i++) {
        labels[i] = draw(10);
        for (let y = 0; y < side; y++)
            for (let x = 0; x < side; x++)
                images[(i * side + y) * side + x] = draw(140) + (y >> 1 === labels[i] + 2 ? 70 : 0);
    }
    writeIdx(`${folder}/${prefix}-images-idx3-ubyte`, [count, side, side], images);
    writeIdx(`${folder}/${prefix}-labels-idx1-ubyte`, [count], labels);
}

export class Daemon {
    /** `program`: path of traind; `place`: an empty folder of the tests. */
    constructor(program, place) {
        this.program = program;
        this.place = place;
        this.listen = "127.0.0.1:0";
        this.output = "";
        this.datasets = `${place}/datasets`;
        const data = `${place}/datasets/fashion-mnist`;
        mkdirSync(data, { recursive: true });
        writeSplit(data, "train", 2000);
        writeSplit(data, "t10k", 500);
    }

    /** Resolves once it answers. Afterwards `listen` and `address` hold the real port. */
    async start() {
        const file = `${this.place}/address`;
        rmSync(file, { force: true });
        this.process = spawn(this.program, [
            "serve",
            "--listen",
            this.listen,
            "--data-dir",
            `${this.place}/data`,
            "--datasets",
            this.datasets,
            "--port-file",
            file,
            "--workers",
            "2",
            "--threads",
            "1",
        ]);
        setPriority(this.process.pid, BEHIND);
        for (const stream of [this.process.stdout, this.process.stderr])
            stream.on("data", (bytes) => (this.output += bytes));
        this.ended = new Promise((resolve) =>
            this.process.on("exit", (code, signal) => resolve(code ?? signal)),
        );
        let end = null;
        this.ended.then((how) => (end = how));
        for (const deadline = Date.now() + START_MS; Date.now() < deadline; await sleep(50)) {
            if (end !== null)
                throw new Error(`the daemon ended at its start (${end}):\n${this.output}`);
            this.listen = read(file) || this.listen;
            if (read(file) && (await answers(`http://${this.listen}/readyz`)))
                return;
        }
        throw new Error(`the daemon did not answer in time:\n${this.output}`);
    }

    /** What `traind token …` prints, run on the data directory. */
    token(...words) {
        return execFileSync(this.program, ["token", ...words, "--data-dir", `${this.place}/data`], {
            encoding: "utf8",
            stdio: ["ignore", "pipe", "ignore"],
        });
    }

    get address() {
        return `http://${this.listen}`;
    }

    lives() {
        return answers(`${this.address}/livez`);
    }

    async stop(signal = "SIGTERM") {
        this.process?.kill(signal);
        return this.ended;
    }

    /** The answer to a dry run. */
    plan(job) {
        return this.post("/v1/jobs?dry_run=true", job, 200);
    }

    submit(job) {
        return this.post("/v1/jobs", job, 201);
    }

    async post(path, job, status) {
        const response = await fetch(this.address + path, {
            method: "POST",
            headers: { "Content-Type": "application/json" },
            body: JSON.stringify(job),
        });
        const answer = await response.json();
        if (response.status !== status)
            throw new Error(`${path}: ${response.status} ${JSON.stringify(answer)}`);
        return answer;
    }

    /** Asks again while the daemon says that it has too much to do. */
    async get(path) {
        for (let tries = 0; ; tries++, await sleep(500)) {
            const response = await fetch(this.address + path);
            if (response.ok)
                return response.json();
            if (response.status !== 503 || tries === BUSY_TRIES)
                throw new Error(`${path}: ${response.status}`);
        }
    }
}

function read(path) {
    try {
        return readFileSync(path, "utf8").trim();
    } catch {
        return "";
    }
}

const answers = (url) =>
    fetch(url).then(
        (response) => response.ok,
        () => false,
    );
