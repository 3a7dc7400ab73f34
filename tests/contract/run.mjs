// The OpenAPI document against a real daemon: the document itself, then every operation in it, each
// status that can be provoked, and each answer against its schema. Each check is a sentence; the
// exit code is the verdict.
//
// usage: node tests/contract/run.mjs
// TRAIND: path of the program (build/traind); T: only if one of the sentences contains this
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { Daemon } from "../browser/daemon.mjs";
import { installed } from "../npm.mjs";
import { ask } from "./ask.mjs";
import { Document } from "./document.mjs";
import { generalChecks } from "./general.mjs";
import { nameChecks } from "./names.mjs";
import { Skip } from "./skip.mjs";
import { bodies, storyChecks } from "./story.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const root = resolve(here, "../..");
const CHECK_MS = 60000;

/** Statuses that no client can provoke on a daemon that is well: [operation or "*", status]. */
const UNPROVOKED = [
    ["*", "503"],
    ["*", "507"],
    ["*", "default"],
    ["getCheckpoint", "409"], // a job of a version that is no more
    ["getCheckpoint", "422"], // more weights than ONNX has room for
    ["exportPytorch", "409"],
    ["exportPytorch", "422"], // a layer that PyTorch has not
];

async function lint({ require, document }) {
    const { Validator } = require("@seriousme/openapi-schema-validator");
    const found = await new Validator().validate(document.json);
    if (!found.valid)
        throw new Error(JSON.stringify(found.errors, null, 1));
    const ids = document.operations.map(({ operation }) => operation.operationId);
    if (new Set(ids).size !== ids.length)
        throw new Error(`an operationId is there twice: ${ids.sort()}`);
    for (const [name, schema] of Object.entries(document.json.components.schemas)) {
        if (!document.ajv.validateSchema(schema))
            throw new Error(`${name} is no JSON Schema`);
        document.schemaErrors(name, null); // all its references lead somewhere
    }
    const used = new Set(document.text.match(/#\/components\/[\w/]+/g));
    const never = Object.keys(document.json.components.schemas).filter(
        (name) => !used.has(`#/components/schemas/${name}`) && !name.startsWith("Event"),
    );
    if (never.length > 0)
        throw new Error(`nothing refers to ${never}`);
}

async function everythingSeen({ document }) {
    const missing = document.operations.flatMap(({ method, path, operation }) =>
        Object.keys(operation.responses)
            .filter(
                (status) =>
                    !UNPROVOKED.some(
                        ([id, one]) =>
                            one === status && (id === "*" || id === operation.operationId),
                    ),
            )
            .map((status) => `${method} ${path} ${status}`)
            .filter((one) => !document.seen.has(one)),
    );
    const types = document.operations.flatMap(({ method, path, operation }) =>
        Object.entries(operation.responses).flatMap(([status, response]) =>
            Object.keys(response.content ?? {})
                .map((type) => `${method} ${path} ${status} ${type}`)
                .filter((one) => !document.seen.has(one)),
        ),
    );
    if (missing.length + types.length > 0)
        throw new Error(`never provoked:\n${[...missing, ...types].join("\n")}`);
}

const checks = [
    ["the document is OpenAPI 3.1, and all its references lead somewhere", lint],
    ...storyChecks,
    ...generalChecks,
    ...nameChecks,
    ["every status and media type of the document was seen", everythingSeen],
];

function inTime(promise) {
    let timer;
    const late = new Promise((_, reject) => {
        const fail = () => reject(new Error(`not done after ${CHECK_MS / 1000} s`));
        timer = setTimeout(fail, CHECK_MS);
    });
    return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

async function runChecks(world) {
    const count = { passed: 0, failed: 0, skipped: 0 };
    for (const [sentence, check] of checks) {
        try {
            await inTime(check(world));
            count.passed++;
            console.log(`ok    contract: ${sentence}`);
        } catch (error) {
            if (error instanceof Skip) {
                count.skipped++;
                console.log(`skip  contract: ${sentence}: ${error.message}`);
                continue;
            }
            count.failed++;
            const why = String(error.stack).replaceAll("\n", "\n      | ");
            console.log(`FAIL  contract: ${sentence}\n      | ${why}`);
        }
    }
    return count;
}

async function runAll() {
    const place = mkdtempSync(join(tmpdir(), "traind-contract-"));
    const daemon = new Daemon(resolve(process.env.TRAIND ?? join(root, "build/traind")), place);
    let count = { passed: 0, failed: 1, skipped: 0 };
    try {
        const require = installed(here, join(root, "build/npm-contract"));
        await daemon.start();
        const { text } = await ask(daemon.address, "GET", "/openapi.json");
        const document = new Document(text, require);
        count = await runChecks({ daemon, document, require, bodies });
    } catch (error) {
        console.log(`FAIL  contract: ${error.stack}`);
    } finally {
        await daemon.stop("SIGKILL");
        rmSync(place, { recursive: true, force: true });
    }
    return count;
}

const wanted = checks.some(([sentence]) => sentence.includes(process.env.T ?? ""));
const count = wanted ? await runAll() : { passed: 0, failed: 0, skipped: 0 };
console.log(`${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`);
process.exitCode = count.failed === 0 ? 0 : 1;
