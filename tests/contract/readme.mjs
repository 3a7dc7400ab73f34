// The lines of the README that begin with "$": each is run in one shell, in order, against a real
// daemon, and its answer must have the shape of the one that is printed there: the same members of
// the same types, the same words. With --write the answers are put there anew.
//
// usage: node tests/contract/readme.mjs [--write]
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { Daemon } from "../browser/daemon.mjs";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const file = join(root, "README.md");
const LINE_MS = 60000;
const BEGIN = "<!-- run by tests/contract/readme.mjs from here … -->";
const END = "<!-- … to here -->";

/** The section's lines as [{command, answer: [line]}] between pieces of text. */
function parse(section) {
    const parts = [];
    let current = null;
    for (const line of section.split("\n")) {
        if (line.startsWith("    $ ")) {
            current = { command: line.slice(6), answer: [] };
            parts.push(current);
        } else if (current && current.answer.length === 0 && current.command.endsWith("\\")) {
            current.command += `\n${line.slice(4)}`;
        } else if (current && line.startsWith("    ")) {
            current.answer.push(line.slice(4));
        } else {
            current = null;
            parts.push(line);
        }
    }
    return parts;
}

/** One bash that stays: variables of a line are there in the next. */
class Shell {
    constructor(folder, listen) {
        this.listen = listen;
        this.text = "";
        this.process = spawn("bash", ["--norc"], { cwd: folder });
        for (const stream of [this.process.stdout, this.process.stderr])
            stream.on("data", (bytes) => {
                this.text += bytes;
                this.heard?.();
            });
    }

    async run(command) {
        const mark = `-- ${Math.random()} --`;
        this.text = "";
        const line = command.replaceAll("localhost:8080", this.listen);
        this.process.stdin.write(`${line}\necho; echo '${mark}'\n`);
        const deadline = Date.now() + LINE_MS;
        while (!this.text.includes(mark)) {
            if (Date.now() > deadline)
                throw new Error(`no end: ${command}\n${this.text}`);
            await new Promise((done) => {
                this.heard = done;
                setTimeout(done, 500);
            });
        }
        return this.text.slice(0, this.text.indexOf(mark)).replace(/\n+$/, "").split("\n");
    }

    stop() {
        this.process.kill("SIGKILL");
    }
}

/** What two answers must have in common. */
function shape(value) {
    if (Array.isArray(value))
        return value.length > 0 ? [shape(value[0])] : [];
    if (typeof value === "boolean")
        return value;
    if (value === null || typeof value !== "object")
        return value === null ? "null" : typeof value;
    return Object.fromEntries(
        Object.keys(value)
            .sort()
            .map((key) => [key, shape(value[key])]),
    );
}

function shapeOfLine(line) {
    try {
        return JSON.stringify(shape(JSON.parse(line.replace(/^data: /, ""))));
    } catch {
        return line.replace(/\b[0-9a-f]{64}\b/g, "sha256").replace(/[0-9.]+(e-?[0-9]+)?/g, "0");
    }
}

async function runAll(parts, write) {
    const place = mkdtempSync(join(tmpdir(), "traind-readme-"));
    const folder = join(place, "here");
    mkdirSync(folder);
    const daemon = new Daemon(resolve(process.env.TRAIND ?? join(root, "build/traind")), place);
    let shell = null;
    const count = { passed: 0, failed: 0 };
    try {
        await daemon.start();
        shell = new Shell(folder, daemon.listen);
        for (const part of parts.filter((one) => one.command !== undefined)) {
            const got = (await shell.run(part.command)).filter((line) => line !== "");
            const same = got.map(shapeOfLine).join("\n") === part.answer.map(shapeOfLine).join("\n");
            count[same ? "passed" : "failed"]++;
            console.log(`${same ? "ok   " : "FAIL "} readme: ${part.command.split("\n")[0]}`);
            if (!same)
                console.log(`      | got\n${got.join("\n")}\n      | and not\n${part.answer.join("\n")}`);
            if (write)
                part.answer = got;
        }
    } catch (error) {
        count.failed++;
        console.log(`FAIL  readme: ${error.stack}`);
    } finally {
        shell?.stop();
        await daemon.stop("SIGKILL");
        rmSync(place, { recursive: true, force: true });
    }
    return count;
}

const indent = (text) => text.split("\n").map((line) => `    ${line}`);
const print = (part) =>
    typeof part === "string"
        ? [part]
        : [...indent(`$ ${part.command}`), ...part.answer.map((line) => `    ${line}`)];

const text = readFileSync(file, "utf8");
const from = text.indexOf(BEGIN) + BEGIN.length;
const to = text.indexOf(END);
if (from < BEGIN.length || to < from)
    throw new Error("the README has no such section");
const write = process.argv.includes("--write");
const wanted = "readme".includes(process.env.T ?? "");
const parts = parse(text.slice(from, to));
const count = wanted ? await runAll(parts, write) : { passed: 0, failed: 0 };
if (write)
    writeFileSync(file, text.slice(0, from) + parts.flatMap(print).join("\n") + text.slice(to));
console.log(`${count.passed} passed, ${count.failed} failed`);
process.exitCode = count.failed === 0 ? 0 : 1;
