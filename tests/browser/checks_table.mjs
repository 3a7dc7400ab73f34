// The list of jobs as a table: its columns, order and filters, marked jobs, and many of them. Each
// check leaves the page on the list.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { frames, longJob, open, requests, row, shot, until, view } from "./support.mjs";

const NETWORK = [{ type: "flatten" }, { type: "linear", out_features: 10 }];
const HOSTILE = "<img src=x onerror=alert(1)>, a:b\\c";

const shortJob = (name, more) => ({
    name,
    dataset: { name: "fashion-mnist" },
    model: NETWORK,
    optimizer: { type: "sgd", lr: 0.01 },
    max_steps: 120,
    batch_size: 32,
    seed: 1,
    evaluate_every: { steps: 20 },
    ...more,
});

const button = (world, name) => world.page.getByRole("button", { name, exact: true });
const job = (world, id) => world.daemon.get(`/v1/jobs/${id}`);
const order = (world) =>
    world.page.locator("tr[data-job]").evaluateAll((rows) => rows.map((row) => row.dataset.job));
const cell = async (world, id, title) =>
    (await row(world, id).locator(`[data-title="${title}"]`).innerText()).trim();
const titles = async (world) =>
    (await world.page.locator("table.jobs thead th").allInnerTexts())
        .map((text) => text.replace(/[▲▼]/g, "").trim())
        .filter((text) => text !== "");
const ended = (world, ids) =>
    until("the jobs have ended", async () => {
        const jobs = await Promise.all(ids.map((id) => job(world, id)));
        return jobs.every(({ state }) => state === "succeeded");
    });
const box = (world, id) => row(world, id).getByRole("checkbox");

/** Six runs that differ in their rate, batch and labels; the others in world.tries use them. */
async function figures(world) {
    const rates = [0.3, 0.0001, 0.01, 0.001, 0.1, 0.03];
    const tries = rates.map((lr, i) =>
        shortJob(i === 0 ? HOSTILE : `try ${i}`, {
            optimizer: i % 2 ? { type: "adam", lr } : { type: "sgd", lr, momentum: 0.9 },
            batch_size: 16 << (i % 3),
            labels: { sweep: "rates", [i % 2 ? "odd" : "a:b,c"]: i % 2 ? "" : "x\\y" },
        }),
    );
    world.tries = [];
    for (const spec of tries)
        world.tries.push((await world.daemon.submit(spec)).id);
    await ended(world, world.tries);
    const columns = ["min.train_loss", "max.train_loss", "best.val_loss", "spec.model.1.type"];
    await open(world, `#/jobs?columns=${columns.join(",")}`);
    const shown = ["Smallest train loss", "Largest train loss", "Best val. loss", "model.1.type"];
    for (const id of world.tries) {
        await until("the row's last figures", async () => {
            const { min, max, best } = await job(world, id);
            const texts = await Promise.all(shown.map((title) => cell(world, id, title)));
            const values = [min.train_loss, max.train_loss, best.val_loss].map(({ value }) => value);
            return (
                texts[3] === "linear" &&
                values.every((value, i) => Math.abs(value - Number(texts[i])) < 5e-5 + 1e-3 * value)
            );
        });
    }
    assert.equal(await world.page.locator("table img").count(), 0);
    assert.equal(await row(world, world.tries[0]).getByRole("link").innerText(), HOSTILE);
}

async function columns(world) {
    await open(world, "#/jobs");
    await button(world, "Columns").click();
    const chooser = world.page.locator(".chooser");
    await chooser.getByLabel("Find a column").fill("batch");
    await chooser.getByRole("checkbox", { name: "batch_size" }).check();
    await until("the column", async () => (await titles(world)).at(-1) === "batch_size");
    assert.equal(await cell(world, world.tries[1], "batch_size"), "32");
    await chooser.getByRole("button", { name: "Move to the left: batch_size" }).click();
    await until("another order", async () => (await titles(world)).at(-2) === "batch_size");
    await chooser.getByRole("button", { name: "Take away Created" }).click();
    await chooser.getByLabel("Find a column").fill("");
    await shot(world, "columns");
    assert.match(world.page.url(), /columns=[^&]*spec\.batch_size/);
    const next = await world.browser.page(`${world.daemon.address}/#/jobs`);
    await next.locator("table.jobs").getByRole("button", { name: "batch_size" }).waitFor();
    assert.equal(await next.locator("table.jobs").getByText("Created").count(), 0);
    await next.close();
    await button(world, "The usual ones").click();
    await until("the usual ones", async () => (await titles(world)).at(-1) === "Created");
    await button(world, "Done").click();
    const kept = await world.page.evaluate(() => localStorage.getItem("traind-columns"));
    assert.equal(kept, null);
}

async function differs(world) {
    const columns = "spec.optimizer.lr,spec.batch_size,spec.loss.type,best.val_loss";
    await open(world, `#/jobs?label=sweep:rates&columns=${columns}`);
    await until("six rows", async () => (await order(world)).length === 6);
    assert.ok((await titles(world)).includes("loss.type"));
    await world.page.getByLabel("only what differs").check();
    await until("fewer columns", async () => !(await titles(world)).includes("loss.type"));
    for (const title of ["optimizer.lr", "batch_size", "Best val. loss"])
        assert.ok((await titles(world)).includes(title), title);
    assert.match(world.page.url(), /differ=1/);
    await world.page.getByLabel("only what differs").uncheck();
}

const sortBy = (world, title) =>
    world.page.locator("thead").getByRole("button", { name: title, exact: true }).click();

// The daemon's own order where it has one, over pages that are not here too.
async function sorting(world) {
    const theirs = async (sort) => {
        const { items } = await world.daemon.get(`/v1/jobs?label=sweep&sort=${sort}`);
        return items.map(({ id }) => id);
    };
    const asked = await requests(world, async () => {
        await sortBy(world, "Best val. loss");
        const wanted = await theirs("best.val_loss");
        await until("the best first", async () => `${await order(world)}` === `${wanted}`);
    });
    assert.ok(asked.some(([, path]) => /sort=best\.val_loss/.test(path)));
    assert.equal(
        await world.page.locator("th[aria-sort]").getAttribute("aria-sort"),
        "ascending",
    );
    await sortBy(world, "Best val. loss");
    const worst = await theirs("-best.val_loss");
    await until("the worst first", async () => `${await order(world)}` === `${worst}`);
    await world.page.goBack();
    await until("the best first again", async () => `${await order(world)}` !== `${worst}`);
    await sortBy(world, "optimizer.lr");
    const rates = [1, 3, 2, 5, 4, 0].map((i) => world.tries[i]);
    await until("by the rate", async () => `${await order(world)}` === `${rates}`);
    await world.page.reload();
    await until("the same after a reload", async () => `${await order(world)}` === `${rates}`);
}

async function filters(world) {
    await open(world, "#/jobs");
    await row(world, world.tries[2]).getByRole("button", { name: "a:b,c: x\\y" }).click();
    const same = [4, 2, 0].map((i) => world.tries[i]);
    await until("the jobs with this label", async () => `${await order(world)}` === `${same}`);
    await world.page.getByLabel("Name", { exact: true }).fill("TRY");
    await until("two of them", async () => (await order(world)).length === 2);
    assert.match(world.page.url(), /name=TRY/);
    await world.page.getByLabel("State", { exact: true }).selectOption("failed");
    await world.page.getByText("No job is like this.").waitFor();
    await shot(world, "none-fits");
    world.browser.expected = /status of 400/;
    await world.page.getByLabel("Label", { exact: true }).fill(":");
    await world.page.getByRole("alert").getByText("must be key:value").waitFor();
    world.browser.expected = null;
    await world.page.locator(".filters").getByRole("link", { name: "All jobs" }).click();
    await until("all jobs", async () => (await order(world)).length >= 6);
    assert.match(world.page.url(), /#\/jobs$/);
}

// One that enters or leaves a filtered list does so by itself.
async function filteredLive(world) {
    await open(world, "#/jobs?state=running&name=comes");
    await world.page.getByText("No job is like this.").waitFor();
    const { id } = await world.daemon.submit(longJob("comes and goes"));
    await row(world, id).waitFor();
    await fetch(`${world.daemon.address}/v1/jobs/${id}/cancel`, { method: "POST" });
    await row(world, id).waitFor({ state: "detached" });
    await open(world, "#/jobs");
}

async function marking(world) {
    const names = ["one", "two", "three", "four"];
    const ids = [];
    for (const name of names)
        ids.push((await world.daemon.submit(longJob(`marked ${name}`))).id);
    await open(world, "#/jobs?name=marked");
    await until("four rows", async () => (await order(world)).length === 4);
    const [first, , , last] = await order(world);
    await box(world, first).click();
    await box(world, last).click({ modifiers: ["Shift"] });
    const bar = world.page.locator(".marked-bar");
    await bar.getByText("4 jobs marked").waitFor();
    const states = async () => (await Promise.all(ids.map((id) => job(world, id)))).map((j) => j.state);
    const all = (state) =>
        until(`all ${state}`, async () => (await states()).every((now) => now === state));
    await bar.getByRole("button", { name: "Pause" }).click();
    await bar.getByText("4 jobs told to pause.").waitFor();
    await all("paused");
    await bar.getByRole("button", { name: /^Label/ }).click();
    await bar.getByLabel("Label", { exact: true }).fill("kind");
    await bar.getByLabel("Its value").fill("<b>marked</b>");
    await bar.getByRole("button", { name: "Set" }).click();
    await bar.getByText("4 jobs labelled.").waitFor();
    assert.equal((await job(world, ids[2])).labels.kind, "<b>marked</b>");
    await shot(world, "marked");
    await bar.getByRole("button", { name: "Resume" }).click();
    await bar.getByText("4 jobs resumed.").waitFor();
    await bar.getByRole("button", { name: "Cancel" }).click();
    await world.page.getByRole("dialog").getByRole("button", { name: "Cancel 4 jobs" }).click();
    await all("cancelled");
    await bar.getByRole("button", { name: "Delete" }).click();
    const dialog = world.page.getByRole("dialog");
    assert.match(await dialog.innerText(), /cannot be taken back/);
    await shot(world, "delete-marked");
    await dialog.getByRole("button", { name: "Keep it" }).click();
    assert.equal((await order(world)).length, 4);
    await bar.getByRole("button", { name: "Delete" }).click();
    await world.page.getByRole("dialog").getByRole("button", { name: "Delete 4 jobs" }).click();
    await world.page.getByText("No job is like this.").waitFor();
    assert.equal((await fetch(`${world.daemon.address}/v1/jobs/${ids[0]}`)).status, 404);
    assert.equal(await bar.count(), 0);
}

// An answer that was on its way when another hand deleted the job.
async function stale(world) {
    await open(world, "#/jobs");
    const { id } = await world.daemon.submit(shortJob("deleted meanwhile"));
    await row(world, id).locator(".state.succeeded").waitFor();
    const held = [];
    await world.page.route(`**/v1/jobs/${id}`, async (route) => {
        const response = await route.fetch();
        await new Promise((resolve) => held.push(resolve));
        await route.fulfill({ response });
    });
    const path = `${world.daemon.address}/v1/jobs/${id}`;
    const body = JSON.stringify({ name: "renamed" });
    const headers = { "Content-Type": "application/json" };
    assert.equal((await fetch(path, { method: "PATCH", headers, body })).status, 200);
    await until("an answer that is held", async () => held.length > 0);
    assert.equal((await fetch(path, { method: "DELETE" })).status, 204);
    await row(world, id).waitFor({ state: "detached" });
    const answered = world.page.waitForResponse(path);
    held.forEach((resolve) => resolve());
    await answered;
    await sleep(300);
    assert.equal(await row(world, id).count(), 0);
    await world.page.unroute(`**/v1/jobs/${id}`);
}

const MANY = 200;

// Most of them wait behind jobs that go on, so that no worker has to train them.
async function many(world) {
    for (let i = 0; i < 2; i++)
        await world.daemon.submit({ ...longJob(`many ${i}`), priority: 9 });
    for (let i = 2; i < MANY; i += 18)
        await Promise.all(
            Array.from({ length: Math.min(18, MANY - i) }, (_, k) =>
                world.daemon.submit(shortJob(`many ${i + k}`, { labels: { many: String(i + k) } })),
            ),
        );
    await world.page.reload();
    await open(world, "#/jobs?name=many");
    await until("a first page", async () => (await order(world)).length === 50);
    for (const count of [100, 150, 200]) {
        await world.page.getByRole("button", { name: /^Show (older|more) jobs/ }).click();
        await until(`${count} rows`, async () => (await order(world)).length === count);
    }
    assert.equal(new Set(await order(world)).size, MANY);
    const times = await frames(world);
    assert.ok(times.half < 300, `half of the frames take more than ${times.half} ms`);
    assert.ok(times.most < 1500, `some frames take ${times.most} ms`);
}

const DONE_MS = 50000;

async function all(world, action, done) {
    const bar = world.page.locator(".marked-bar");
    await bar.getByRole("button", { name: new RegExp(`^${action}`) }).click();
    const dialog = world.page.getByRole("dialog");
    await dialog.getByRole("button", { name: new RegExp(`^${action} \\d+ jobs`) }).click();
    await until(`${action} is done`, done, DONE_MS);
}

async function cancelMany(world) {
    await world.page.getByLabel("Mark all jobs shown").check();
    const moving = ".state.cancelling, .state.running, .state.queued";
    await all(world, "Cancel", async () => (await world.page.locator(moving).count()) === 0);
    const { items } = await world.daemon.get(
        "/v1/jobs?state=queued,running,cancelling&name=many&limit=1",
    );
    assert.deepEqual(items, []);
}

async function deleteMany(world) {
    await all(world, "Delete", () => world.page.getByText("No job is like this.").isVisible());
    assert.deepEqual((await world.daemon.get("/v1/jobs?name=many&limit=1")).items, []);
    await open(world, "#/jobs");
}

async function looks(world) {
    await open(world, "#/jobs?label=sweep&sort=-best.val_accuracy");
    for (const id of world.tries.slice(0, 3))
        await box(world, id).check();
    for (const [width, scheme] of [
        [1360, "light"],
        [1360, "dark"],
        [390, "light"],
        [390, "dark"],
    ]) {
        await view(world, width, scheme);
        await shot(world, `table-${width}-${scheme}`);
        const wide = await world.page.evaluate(
            () => document.documentElement.scrollWidth - innerWidth,
        );
        assert.ok(wide <= 0, `${wide} pixels too wide at ${width}`);
    }
    await world.page.getByRole("button", { name: "rising" }).or(button(world, "falling ▼")).click();
    await until("the other way", async () => /sort=best.val_accuracy/.test(world.page.url()));
    await view(world, 1360, "light");
    await button(world, "Mark none").click();
    await open(world, "#/jobs");
}

export const table = [
    ["the list shows smallest, largest and best values and any member of a definition", figures],
    ["columns are chosen, put in order, and kept for the next visit", columns],
    ["only what differs: columns that say the same in every row are hidden", differs],
    ["the table is sorted by the daemon where it can, else here, and back goes back", sorting],
    ["jobs are filtered by state, name and label, and what is wrong with a filter is said", filters],
    ["a job enters a filtered list when it fits, and leaves it when it does not", filteredLive],
    ["several jobs are marked, labelled, paused, resumed, cancelled and deleted", marking],
    ["a job that another hand deletes leaves the list, and no late answer brings it back", stale],
    ["a list of 200 jobs comes in pages and stays fluid", many],
    ["200 jobs are cancelled at once", cancelMany],
    ["200 jobs are deleted at once", deleteMany],
    ["the table fits a phone and a desk, in light and dark", looks],
];
