// The dashboard in a real browser on a real daemon. Each check is a sentence; the exit code is the
// verdict.
//
// usage: node tests/browser/run.mjs
// TRAIND: path of the program (build/traind); T: stop after the last sentence that contains this
// (each check needs those before it). A check may have a time limit of its own.
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { Browser } from "./browser.mjs";
import { checks } from "./checks.mjs";
import { Daemon } from "./daemon.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const root = resolve(here, "../..");
const shots = join(root, "build/screenshots");
const CHECK_MS = 120000;

function inTime(promise, milliseconds = CHECK_MS) {
    let timer;
    const late = new Promise((_, reject) => {
        timer = setTimeout(
            () => reject(new Error(`not done after ${milliseconds / 1000} s`)),
            milliseconds,
        );
    });
    return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** What can be seen of a failure from outside. */
async function describe({ daemon, page }) {
    const seen = await page?.locator("main").innerText({ timeout: 1000 }).catch(() => "");
    const { items } = await daemon.get("/v1/jobs?limit=20").catch(() => ({ items: [] }));
    return [
        `the page: ${page?.url()}`,
        ...(seen ?? "").split("\n").slice(0, 12),
        "the jobs:",
        ...items.map((job) => [job.id, job.state, job.priority, job.reason, job.name].join(" ")),
    ];
}

/** What a failed check has left must not fail the next one: `hash` is where that one begins. */
async function tidy({ daemon, page, browser, ...world }, hash) {
    browser.expected = null;
    if (!(await daemon.lives()))
        await daemon.start();
    if (world.long)
        await fetch(`${daemon.address}/v1/jobs/${world.long}/resume`, { method: "POST" });
    const { items } = await daemon.get("/v1/jobs?state=queued,running&limit=200");
    for (const { id } of items.filter(({ id }) => id !== world.long))
        await fetch(`${daemon.address}/v1/jobs/${id}/cancel`, { method: "POST" });
    await page?.unrouteAll({ behavior: "ignoreErrors" });
    await page?.goto(`${daemon.address}/${hash}`);
    await page?.reload();
}

async function runChecks(wanted, world) {
    const count = { passed: 0, failed: 0 };
    const late = []; // promises that nobody awaits any more
    process.on("unhandledRejection", (error) => late.push(error));
    for (const [sentence, check, milliseconds] of wanted) {
        const { hash } = new URL(world.page?.url() ?? "about:blank");
        try {
            await inTime(check(world), milliseconds);
            if (late.length > 0)
                throw late[0];
            count.passed++;
            console.log(`ok    browser: ${sentence}`);
        } catch (error) {
            count.failed++;
            const why = [String(error.stack), ...(await describe(world))].join("\n");
            console.log(`FAIL  browser: ${sentence}\n      | ${why.replaceAll("\n", "\n      | ")}`);
            const path = join(shots, `failed-${count.failed}.png`);
            await world.page?.screenshot({ path }).catch(() => {});
            await tidy(world, hash).catch(() => {});
        }
        late.length = 0;
    }
    return count;
}

async function runAll(wanted) {
    const place = mkdtempSync(join(tmpdir(), "traind-browser-"));
    mkdirSync(shots, { recursive: true });
    const daemon = new Daemon(resolve(process.env.TRAIND ?? join(root, "build/traind")), place);
    const browser = new Browser(here, join(root, "build/npm-browser"), join(place, "profile"));
    let count = { passed: 0, failed: 1 };
    try {
        await daemon.start();
        await browser.start();
        count = await runChecks(wanted, { daemon, browser, shots, page: null });
    } catch (error) {
        console.log(`FAIL  browser: ${error.stack}`);
    } finally {
        await browser.stop().catch(() => {});
        await daemon.stop("SIGKILL");
        rmSync(place, { recursive: true, force: true });
    }
    return count;
}

const word = process.env.T ?? "";
const last = checks.findLastIndex(([sentence]) => sentence.includes(word));
const count = last < 0 ? { passed: 0, failed: 0 } : await runAll(checks.slice(0, last + 1));
console.log(`${count.passed} passed, ${count.failed} failed`);
process.exitCode = count.failed === 0 ? 0 : 1;
