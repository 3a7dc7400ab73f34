// No name that a request brings is ever a path: every place for a name in every operation is tried
// with names that lead elsewhere, while the daemon's calls to the file system are written down.
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { spawnSync } from "node:child_process";
import { Daemon } from "../browser/daemon.mjs";
import { archive } from "./archive.mjs";
import { ask } from "./ask.mjs";
import { Skip } from "./skip.mjs";

/** Whatever path has this in it was made of a request. */
const MARK = "Zq7canary";

/** As they stand in an address. */
const NAMES = [
    `..%2f${MARK}`,
    `..%2f..%2f..%2f..%2ftmp%2f${MARK}`,
    `%2e%2e%2f${MARK}`,
    `%2e%2e/${MARK}`,
    `../${MARK}`,
    `../../../../tmp/${MARK}`,
    `..%252f${MARK}`,
    `%252e%252e%252f${MARK}`,
    `..%5c${MARK}`,
    `..\\${MARK}`,
    `..;/${MARK}`,
    `%c0%ae%c0%ae%c0%af${MARK}`,
    `..%c0%af${MARK}`,
    `..%ef%bc%8f${MARK}`,
    `%2ftmp%2f${MARK}`,
    `/${MARK}`,
    `/tmp/${MARK}`,
    `.${MARK}`,
    `./${MARK}`,
    `${MARK}/..`,
    `${MARK}%2f..`,
    `${MARK}%00`,
    `${MARK}%00.png`,
    `${MARK}%0a`,
    `${MARK}%0d%0aX-Made:%20up`,
    `~${MARK}`,
    `$${MARK}`,
    `%60${MARK}%60`,
    `file:%2f%2f%2ftmp%2f${MARK}`,
    `http:%2f%2flocalhost%2f${MARK}`,
    `${MARK}:stream`,
    `%3c${MARK}%3e`,
    `'${MARK}`,
    `${MARK}${"a".repeat(300)}`,
];

const plainly = (name) => {
    try {
        return decodeURIComponent(name);
    } catch {
        return name;
    }
};

/** Places for a name in the body of a job. */
const JOBS = [
    (name) => ({ dataset: { name } }),
    (name) => ({ dataset: { name: "fashion-mnist" }, init_from: { weights: name } }),
    (name) => ({ dataset: { name: "fashion-mnist" }, init_from: { job: name } }),
    (name) => ({ dataset: { name: "fashion-mnist", path: name } }),
    (name) => ({ dataset: name }),
];

const QUERIES = ["checkpoint", "cursor", "since", "names", "format", "state", "split", "sort"];

/** A program that is traind, and writes the paths that it gives to the system into `log`. */
function watched(program, place, log) {
    const path = join(place, "watched");
    const strace = `strace -D -f -qq -s 4096 -e trace=%file -o '${log}'`;
    writeFileSync(path, `#!/bin/sh\nexec ${strace} '${program}' "$@"\n`);
    chmodSync(path, 0o755);
    return path;
}

function canWatch() {
    const { status } = spawnSync("strace", ["-D", "-qq", "-o", "/dev/null", "true"]);
    return status === 0;
}

async function refuse(daemon, method, path, options) {
    const answer = await ask(daemon.address, method, path, options);
    if (answer.status < 400 || answer.status >= 500)
        throw new Error(`${method} ${path}: ${answer.status} ${answer.text.slice(0, 200)}`);
    if (answer.headers["x-made"])
        throw new Error(`${method} ${path}: a header was made up`);
}

const bodyOf = (operation) => {
    const [type] = Object.keys(operation.requestBody?.content ?? {});
    if (type === undefined)
        return {};
    return { headers: { "Content-Type": type }, body: type.includes("json") ? {} : archive(1) };
};

/** Every {name} of every address. */
async function inAddresses(daemon, document) {
    for (const { method, path, operation } of document.operations)
        if (path.includes("{"))
            for (const name of NAMES)
                await refuse(daemon, method, path.replace(/\{\w+\}/g, name), bodyOf(operation));
    for (const name of NAMES)
        await refuse(daemon, "GET", `/${name}`);
}

/** Behind the ?, in headers, in the body: a job is made for this, which may be refused or not. */
async function inRequests(daemon) {
    const { id } = (await ask(daemon.address, "GET", "/v1/jobs?limit=1")).json.items[0];
    const places = ["metrics", "checkpoints", "checkpoints/last", "evaluation", "activations"];
    for (const name of NAMES) {
        const value = encodeURIComponent(plainly(name));
        for (const place of places)
            for (const query of QUERIES)
                await ask(daemon.address, "GET", `/v1/jobs/${id}/${place}?${query}=${value}`);
        const headers = { "Idempotency-Key": encodeURIComponent(name), "If-Match": `"${value}"` };
        for (const job of JOBS)
            await refuse(daemon, "POST", "/v1/jobs", {
                headers: { ...headers, Authorization: `Bearer ${value}` },
                body: { model: [{ type: "flatten" }], optimizer: "sgd", epochs: 1, ...job(plainly(name)) },
            });
    }
}

/** Files of an archive that want to lie elsewhere. */
async function inArchives(daemon) {
    for (const folder of [`../${MARK}/`, `/tmp/${MARK}/`, `a/../../${MARK}/`, `..\\${MARK}\\`])
        await refuse(daemon, "PUT", "/v1/datasets/elsewhere", {
            headers: { "Content-Type": "application/x-tar" },
            body: archive(1, 30, folder),
        });
}

async function names({ daemon: { program }, document }) {
    if (!canWatch())
        throw new Skip("strace cannot watch here: is it installed, and is tracing allowed?");
    const place = mkdtempSync(join(tmpdir(), "traind-names-"));
    const log = join(place, "calls");
    mkdirSync(join(place, "own"));
    const daemon = new Daemon(watched(program, place, log), join(place, "own"));
    try {
        await daemon.start();
        const network = [{ type: "flatten" }, { type: "linear", out_features: 10 }];
        await daemon.submit({
            dataset: { name: "fashion-mnist" },
            model: network,
            optimizer: "sgd",
            max_steps: 2,
        });
        await inAddresses(daemon, document);
        await inRequests(daemon);
        await inArchives(daemon);
        await daemon.stop();
        const lines = readFileSync(log, "utf8").split("\n");
        if (!lines.some((line) => line.includes("traind.db")))
            throw new Error("nothing was written down of the daemon's calls");
        const made = lines.filter((line) => line.includes(MARK));
        if (made.length > 0)
            throw new Error(`paths from requests:\n${made.slice(0, 20).join("\n")}`);
    } finally {
        await daemon.stop("SIGKILL");
        rmSync(place, { recursive: true, force: true });
    }
}

export const nameChecks = [["no name in a request reaches the file system as a path", names]];
