// What a person must see on the dashboard, in the order of a first visit. The checks share one page
// and one daemon; each leaves them usable for the next. Those of the page of one job are in
// checks_job.mjs, checks_steer.mjs and checks_learned.mjs.
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { access } from "./checks_access.mjs";
import { comparing } from "./checks_compare.mjs";
import { diverging, watched, watching } from "./checks_job.mjs";
import { editing } from "./checks_editor.mjs";
import { large } from "./checks_large.mjs";
import { learned } from "./checks_learned.mjs";
import { strange } from "./checks_strange.mjs";
import { steering } from "./checks_steer.mjs";
import { table } from "./checks_table.mjs";
import { NETWORK, longJob, open, row, shot, until, view } from "./support.mjs";

const STATIC = fileURLToPath(new URL("../../static", import.meta.url));
const PRESETS = join(STATIC, "presets");
const BUDGET = 100 * 1024; // bytes of a first visit, compressed

async function emptyPage(world) {
    world.page = await world.browser.page(world.daemon.address);
    const begin = world.page.locator(".begin");
    await begin.waitFor();
    assert.match(
        await begin.innerText(),
        new RegExp(`curl --json @- ${world.daemon.address}/v1/jobs`),
    );
    await shot(world, "empty");
}

async function presetButton(world) {
    await world.page.getByRole("button", { name: "LeNet-5" }).click();
    await world.page.getByRole("heading", { name: "lenet5 on fashion-mnist" }).waitFor();
    await world.page.locator(".state.succeeded").waitFor({ timeout: 50000 });
    await until(
        "five evaluations in the curve",
        async () =>
            (await world.daemon.get(`/v1/jobs?limit=1`)).items[0].latest.val_accuracy !== undefined,
    );
    await shot(world, "succeeded");
    await open(world, "#/jobs");
}

async function appears(world) {
    const job = await world.daemon.submit(longJob("a long run"));
    world.long = job.id;
    await row(world, job.id).waitFor();
    await until(
        "the running sign",
        async () => (await row(world, job.id).getAttribute("data-state")) === "running",
    );
    await row(world, job.id).locator(".state.moving").waitFor();
    const loss = () => row(world, job.id).locator('[data-title="Train loss"]').innerText();
    await until("a train loss", async () => /^\d/.test(await loss()));
    const before = await loss();
    await until("another train loss", async () => (await loss()) !== before);
    await until("images per second", async () =>
        /^\d/.test(await row(world, job.id).locator('[data-title="Images/s"]').innerText()),
    );
}

async function markup(world) {
    const name = "<img src=x onerror=alert(1)>";
    const { id } = await world.daemon.submit({ ...longJob(name), max_steps: 50 });
    await open(world, "#/jobs");
    await row(world, id).waitFor();
    assert.equal(await row(world, id).getByRole("link").innerText(), name);
    await open(world, `#/jobs/${id}`);
    await until(
        "the name as the title",
        async () => (await world.page.locator("h1").innerText()) === name,
    );
    assert.equal(await world.page.locator("img").count(), 0);
}

async function newJob(world) {
    await open(world, "#/new?view=text");
    const text = world.page.locator("#spec");
    await until("the preset", async () => (await text.inputValue()).includes("lenet5"));
    await text.fill(
        JSON.stringify({
            ...longJob("wrong"),
            model: [{ type: "conv2", out_channels: 8 }],
            epoch: 3,
        }),
    );
    world.browser.expected = /status of 422/;
    const problems = world.page.locator(".problems");
    await until("the reasons", async () => /\/model\/0\/type/.test(await problems.innerText()));
    assert.match(await problems.innerText(), /conv2d[^]*\/epoch[^]*epochs/);
    await shot(world, "refused");
    await text.fill(JSON.stringify({ ...longJob("by hand"), max_steps: 100 }));
    await world.page.getByText("This can be trained").waitFor();
    world.browser.expected = null;
    await world.page.getByRole("button", { name: "Submit" }).click();
    await world.page.getByRole("heading", { name: "by hand" }).waitFor();
    await world.page.locator(".bar .state.succeeded").waitFor();
}

async function nested(world) {
    await open(world, "#/new?view=text");
    const text = world.page.locator("#spec");
    await until("the preset", async () => (await text.inputValue()).includes("lenet5"));
    const [first, ...others] = NETWORK;
    const conv = { type: "conv2d", out_channels: 8, kernel_size: 3, padding: 1 };
    const block = { type: "residual", body: [conv, { type: "concat", branches: [["relu"]] }] };
    await text.fill(JSON.stringify({ ...longJob("blocks"), model: [first, block, ...others] }));
    await world.page.getByText("1.body.1.branches.0.0").waitFor();
    const rows = world.page.locator(".outcome table.plan tbody tr");
    const cells = (await rows.allInnerTexts()).map((row) => row.trim().split(/\s*\t\s*/));
    assert.deepEqual(
        cells.slice(1, 5).map(([path, type]) => `${path}: ${type}`),
        [
            "1.body.0: conv2d",
            "1.body.1.branches.0.0: relu",
            "1.body.1: concat",
            "1: residual of 1.body.1, 0",
        ],
    );
    const indent = async (row) => {
        const style = await rows.nth(row).locator("th").evaluate((cell) => getComputedStyle(cell));
        return parseFloat(style.paddingLeft);
    };
    assert.equal(await indent(4), 0);
    assert.ok((await indent(2)) > (await indent(1)) && (await indent(1)) > 0);
    await shot(world, "nested");
}

async function presets(world) {
    for (const file of readdirSync(PRESETS)) {
        const response = await fetch(`${world.daemon.address}/presets/${file}`);
        assert.equal(await response.clone().text(), readFileSync(join(PRESETS, file), "utf8"));
        const { plan } = await world.daemon.plan(await response.json());
        assert.deepEqual(plan.warnings, [], file);
    }
}

async function narrow(world) {
    const { items } = await world.daemon.get("/v1/jobs");
    for (const [hash, name] of [
        ["#/jobs", "list"],
        [`#/jobs/${world.long}`, "job"],
        ["#/new", "new"],
    ]) {
        await open(world, hash);
        for (const [width, scheme] of [
            [1360, "light"],
            [1360, "dark"],
            [390, "light"],
            [390, "dark"],
        ]) {
            await view(world, width, scheme);
            await sleep(700);
            await shot(world, `${name}-${width}-${scheme}`);
            const wide = await world.page.evaluate(
                () => document.documentElement.scrollWidth - innerWidth,
            );
            assert.ok(wide <= 0, `${hash} is ${wide} pixels too wide at ${width}`);
        }
    }
    await view(world, 1360, "light");
    assert.ok(items.length > 3);
}

async function weight(world) {
    const { id } = await world.daemon.submit(longJob("is visited while it runs"));
    const page = await world.browser.page(world.daemon.address);
    await page.locator("table.jobs").waitFor();
    await page.evaluate((id) => (location.hash = `#/jobs/${id}`), id);
    await page.locator("figure.chart canvas").first().waitFor();
    await fetch(`${world.daemon.address}/v1/jobs/${id}/cancel`, { method: "POST" });
    const files = await page.evaluate(() =>
        [
            ...performance.getEntriesByType("navigation"),
            ...performance.getEntriesByType("resource"),
        ].map((entry) => [new URL(entry.name).pathname, entry.encodedBodySize]),
    );
    await page.close();
    const own = files.filter(([path]) => !path.startsWith("/v1/"));
    const sum = own.reduce((total, [, size]) => total + size, 0);
    assert.ok(own.length > 10 && sum > 10000, `only ${own.length} files were seen`);
    assert.ok(sum < BUDGET, `${sum} bytes, and ${BUDGET} are wanted`);
}

async function versions(world) {
    const { packages } = JSON.parse(readFileSync(join(STATIC, "package-lock.json"), "utf8"));
    const wanted = Object.entries(packages).filter(([path]) => path !== "");
    const used = await world.page.evaluate(() =>
        performance.getEntriesByType("resource").map(({ name }) => new URL(name).pathname),
    );
    for (const [path, { version }] of wanted) {
        const folder = `/vendor/${path.replace("node_modules/", "")}-${version}/`;
        assert.ok(used.some((name) => name.startsWith(folder)), `nothing came from ${folder}`);
        const licence = await fetch(`${world.daemon.address}${folder}LICENSE.txt`);
        assert.equal(licence.status, 200);
    }
}

async function locked(world) {
    const token = world.daemon.token("add", "browser", "--scope", "read").trim();
    world.browser.expected = /401|403/;
    const page = await world.browser.page(world.daemon.address);
    const field = page.getByLabel("Token");
    await field.fill("trnd_0000");
    await page.getByRole("button", { name: "Enter" }).click();
    await page.getByText("does not know this token").waitFor();
    await field.fill(token);
    await field.press("Enter");
    await page.locator("table.jobs").waitFor();
    await until("a live stream", async () => (await page.locator(".live").innerText()) === "live");
    await page.evaluate((id) => (location.hash = `#/jobs/${id}`), world.long);
    const download = page.waitForEvent("download");
    await page.locator("nav.tabs").getByRole("link", { name: "Checkpoints" }).click();
    await page.locator('table a[href*="/checkpoints/"]').first().click();
    assert.match((await download).suggestedFilename(), /\.safetensors$/);
    assert.equal(await page.evaluate(() => localStorage.length), 0);
    await page.close();

    const linked = await world.browser.page(`${world.daemon.address}/#token=${token}`);
    await linked.locator("table.jobs").waitFor();
    assert.equal(await linked.evaluate(() => location.hash), "#/jobs");
    await linked.close();
    world.daemon.token("remove", "browser");
    world.browser.expected = null;
}

async function quiet(world) {
    assert.deepEqual(world.browser.complaints, []);
}

export const checks = [
    ["the page says how to begin while there is no job", emptyPage],
    ["a click on a preset submits that job, and it trains to its end", presetButton],
    ["a job sent by another client appears in the list, runs visibly and moves", appears],
    ...watching,
    ...steering,
    ...watched,
    ["a name that looks like markup is shown as text", markup],
    ...diverging,
    ["a job that cannot be trained is refused with every reason, a good one is sent", newJob],
    ["layers inside layers are indented in the network's table, and say what they read", nested],
    ...table,
    ...comparing,
    ["every preset is served and can be trained without a remark", presets],
    ...learned,
    ...editing,
    ...access,
    ...strange,
    ...large,
    ["libraries are served at addresses that name the version of the lock file", versions],
    ["pages fit a phone and a desk, in light and dark", narrow],
    ["a first visit to the jobs and one of them weighs less than 100 KB", weight],
    ["a daemon that wants a token asks for it, and with one all goes on, downloads too", locked],
    ["there was no error in the console and no violation of the content security policy", quiet],
];
