// Several jobs compared: their curves, what differs, and the pictures of it. Uses the jobs of
// checks_table.mjs; each check leaves the page on the comparison.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { chart, longJob, open, pixels, shot, until, view } from "./support.mjs";

const run = (world, id) => world.page.locator(`tr[data-run="${id}"]`);
const drawn = (world, id) => run(world, id).getByRole("checkbox");
const points = async (world, title = "Validation loss") =>
    Number(await chart(world, title).getAttribute("data-points"));
const address = (ids, more = "") => `#/compare?jobs=${ids.join(",")}${more}`;
const curves = (world) =>
    until("the curves", async () => (await points(world).catch(() => 0)) > 0);
const region = (world, name) => world.page.locator(`section[aria-label="${name}"]`);

async function fromList(world) {
    await open(world, "#/jobs?label=sweep");
    await until("six rows", async () => (await world.page.locator("tr[data-job]").count()) === 6);
    await world.page.getByLabel("Mark all jobs shown").check();
    await world.page.locator(".marked-bar").getByRole("link", { name: "Compare" }).click();
    await world.page.getByRole("heading", { name: "Compare 6 jobs" }).waitFor();
    await until("every evaluation of six jobs", async () => (await points(world)) === 6 * 6);
    for (const title of ["Validation accuracy", "Train loss", "Learning rate"])
        await chart(world, title).waitFor();
    await shot(world, "compare");
}

// What a run looks like depends on itself alone.
async function hiding(world) {
    const look = async (id) => ({
        tone: await run(world, id).locator(".swatch").getAttribute("class"),
        line: await run(world, id).locator("line").getAttribute("stroke-dasharray"),
    });
    const [first, second] = world.tries;
    const value = () =>
        chart(world, "Validation loss").locator(".readout span[title='try 1'] .value").innerText();
    const before = [await look(second), await value(), await pixels(world, "Learning rate")];
    await drawn(world, first).uncheck();
    await until("five curves", async () => (await points(world)) === 5 * 6);
    assert.deepEqual(await look(second), before[0]);
    assert.equal(await value(), before[1]);
    assert.match(world.page.url(), new RegExp(`off=${first}`));
    const other = world.tries.slice(1);
    await open(world, address(other));
    await world.page.getByRole("heading", { name: "Compare 5 jobs" }).waitFor();
    assert.equal((await look(second)).tone, before[0].tone);
    await world.page.goBack();
    await drawn(world, first).check();
    await until("six curves again", async () => (await points(world)) === 6 * 6);
    await until("the same picture", async () => (await pixels(world, "Learning rate")) === before[2]);
}

async function ways(world) {
    await world.page.getByLabel("The x axis of the curves").selectOption("epoch");
    const loss = chart(world, "Train loss");
    await loss.getByLabel("logarithmic y").check();
    await loss.getByLabel("logarithmic x").check();
    await world.page.getByLabel("smoothing").fill("3");
    await until("all of it in the address", () =>
        /x=epoch/.test(world.page.url()) &&
        /logy=train_loss/.test(world.page.url()) &&
        /smooth=20/.test(world.page.url()),
    );
    await world.page.reload();
    await curves(world);
    assert.equal(await loss.getAttribute("data-scale"), "log");
    assert.equal(await loss.getAttribute("data-scale-x"), "log");
    assert.equal(await chart(world, "Validation loss").getAttribute("data-scale"), "linear");
    await loss.locator(".plot").focus();
    await world.page.keyboard.press("End");
    await loss.locator(".readout").getByText(/^epoch /).waitFor();
    await loss.locator(".plot").evaluate((plot) => plot.blur());
    await shot(world, "compare-log");
}

// The crosshair reads what was logged, and the keyboard chooses a curve and opens its run.
async function reading(world) {
    await open(world, address(world.tries));
    await curves(world);
    const loss = chart(world, "Validation loss");
    await loss.locator(".plot").focus();
    await world.page.keyboard.press("Home");
    await loss.locator(".readout").getByText("step 20", { exact: true }).waitFor();
    const { series } = await world.daemon.get(
        `/v1/jobs/${world.tries[1]}/metrics?names=val_loss&from=20&to=20&max_points=0`,
    );
    const shown = await loss.locator(".readout span[title='try 1'] .value").innerText();
    assert.ok(Math.abs(Number(shown) - series.val_loss.value[0]) < 5e-4);
    await until("the second run", async () => {
        await world.page.keyboard.press("ArrowDown");
        return (await loss.locator(".readout .near").getAttribute("title")) === "try 1";
    });
    await world.page.keyboard.press("Enter");
    await world.page.getByRole("heading", { name: "try 1" }).waitFor();
    await world.page.goBack();
    await curves(world);
    await loss.getByText("Values as a table").click();
    await loss.locator("tbody tr").first().waitFor();
    const cells = await loss.locator("tbody tr").first().locator("th, td").allInnerTexts();
    assert.equal(cells[0], "20");
    assert.equal(cells[2], shown);
}

async function clicked(world) {
    await open(world, address(world.tries.slice(1, 2)));
    await until("one curve", async () => (await points(world)) === 6);
    const over = chart(world, "Learning rate").locator(".u-over");
    await over.scrollIntoViewIfNeeded();
    const { width, height } = await over.boundingBox();
    for (let y = 2; y < height && /compare/.test(world.page.url()); y += 12)
        await over.click({ position: { x: width / 2, y } }).catch(() => {});
    await world.page.getByRole("heading", { name: "try 1" }).waitFor();
    await open(world, address(world.tries));
    await curves(world);
}

async function zoomed(world) {
    const over = chart(world, "Train loss").locator(".u-over");
    // Again when the page has moved under the mouse: a picture above it may have come late.
    await until("a part in the address", async () => {
        await over.scrollIntoViewIfNeeded();
        const { x, y, width } = await over.boundingBox();
        await world.page.mouse.move(x + width / 4, y + 40);
        await world.page.mouse.down();
        await world.page.mouse.move(x + width / 2, y + 60, { steps: 4 });
        await world.page.mouse.up();
        await sleep(300);
        return /from=[\d.]+&to=[\d.]+/.test(world.page.url());
    });
    assert.match(world.page.url(), /compare/);
    await world.page.getByRole("button", { name: "Whole runs" }).click();
    await until("all again", () => !/from=/.test(world.page.url()));
}

async function differences(world) {
    const table = region(world, "Differences");
    const values = async (path) =>
        table.locator("tr", { has: world.page.locator(`code:text-is("${path}")`) })
            .locator("td")
            .allInnerTexts();
    const jobs = await Promise.all(world.tries.map((id) => world.daemon.get(`/v1/jobs/${id}`)));
    assert.deepEqual(
        (await values("batch_size")).map(Number),
        jobs.map(({ spec }) => spec.batch_size),
    );
    assert.equal((await values("max_steps")).length, 0);
    await table.getByLabel("also what is the same").check();
    await until("what is the same", async () => (await values("max_steps"))[0] === "120");
    await table.getByLabel("also what is the same").uncheck();
}

async function parallel(world) {
    const part = region(world, "Parallel coordinates");
    await part.getByText("6 of 6 jobs are kept").waitFor();
    const from = part.getByRole("slider", { name: "optimizer.type: keep from" });
    await from.focus();
    for (let i = 0; i < 11; i++)
        await world.page.keyboard.press("ArrowUp");
    await part.getByText("3 of 6 jobs are kept").waitFor();
    assert.match(decodeURIComponent(world.page.url()), /brush=spec\.optimizer\.type:0\.550:1\.000/);
    assert.equal(await part.locator(".run.out").count(), 3);
    await part.getByText("Values as a table").click();
    await until("three rows", async () => (await part.locator("tbody tr").count()) === 3);
    assert.deepEqual(
        new Set(await part.locator("tbody tr td:nth-child(3)").allInnerTexts()),
        new Set(["sgd"]),
    );
    const to = part.getByRole("slider", { name: "optimizer.lr: keep up to" });
    const { x, y, width, height } = await to.boundingBox();
    await world.page.mouse.move(x + width / 2, y + height / 2);
    await world.page.mouse.down();
    await world.page.mouse.move(x + width / 2, y + 150, { steps: 5 });
    await world.page.mouse.up();
    await until("fewer jobs", async () => /^[012] of 6/.test(await part.getByRole("status").innerText()));
    await shot(world, "parallel");
    await part.getByRole("button", { name: "Keep all" }).click();
    await part.getByText("6 of 6 jobs are kept").waitFor();
}

async function scatter(world) {
    const part = region(world, "Scatter");
    assert.equal(await part.locator(".dot").count(), 6);
    await part.getByLabel("Across").selectOption("spec.batch_size");
    await part.getByLabel("Up").selectOption("best.val_loss");
    const place = (k) =>
        part.locator(`.dot[data-run="${world.tries[k]}"]`).getAttribute("transform");
    const x = async (k) => Number(/translate\((\d+)/.exec(await place(k))[1]);
    await until("by the batch", async () => (await x(0)) < (await x(1)) && (await x(1)) < (await x(2)));
    assert.match(world.page.url(), /sx=spec\.batch_size/);
    await part.getByText("Values as a table").click();
    const { best } = await world.daemon.get(`/v1/jobs/${world.tries[0]}`);
    const cells = part.locator("tbody tr", { hasText: "<img" }).locator("td");
    await until("its loss", async () => {
        const error = Math.abs(Number((await cells.allInnerTexts())[2]) - best.val_loss.value);
        return error < 5e-4 * (1 + best.val_loss.value);
    });
    assert.equal(await world.page.locator("main img").count(), 0);
}

async function asCsv(world) {
    const download = world.page.waitForEvent("download");
    await world.page.getByRole("button", { name: "All values of 6 as CSV" }).click();
    const text = readFileSync(await (await download).path(), "utf8").trimEnd().split("\n");
    assert.match(text[0], /^job,name,series,step,value/);
    const losses = text.filter((line) => line.includes(",train_loss,"));
    assert.equal(losses.length, 6 * 120);
    assert.ok(losses.some((line) => line.startsWith(`${world.tries[0]},"<img src=x`)));
}

async function moving(world) {
    const { id } = await world.daemon.submit(longJob("compared while it runs"));
    await open(world, address([world.tries[1], id, "nosuchjob111"]));
    world.browser.expected = /status of 404/;
    await run(world, "nosuchjob111").getByText("no such job").waitFor();
    world.browser.expected = null;
    const last = async () => points(world, "Train loss").catch(() => 0);
    await until("first points", async () => (await last()) > 120);
    const before = await last();
    await until("other points", async () => (await last()) !== before);
    await fetch(`${world.daemon.address}/v1/jobs/${id}/cancel`, { method: "POST" });
    await run(world, id).locator(".state.cancelled").waitFor();
}

async function tooMany(world) {
    const { items } = await world.daemon.get("/v1/jobs?limit=14&state=succeeded");
    const ids = items.map(({ id }) => id);
    if (ids.length <= 10)
        for (let i = ids.length; i < 12; i++)
            ids.push((await world.daemon.submit({ ...longJob(`run ${i}`), max_steps: 40 })).id);
    await open(world, address(ids));
    await world.page.getByText(`The curves of 10 of ${ids.length} are drawn`).waitFor();
    assert.ok(!(await drawn(world, ids[10]).isChecked()));
    await drawn(world, ids[10]).check();
    await world.page.getByText(`The curves of 11 of ${ids.length} are drawn`).waitFor();
}

async function compareLooks(world) {
    await open(world, address(world.tries, "&smooth=10"));
    await curves(world);
    for (const [width, scheme] of [
        [1360, "light"],
        [1360, "dark"],
        [390, "light"],
        [390, "dark"],
    ]) {
        await view(world, width, scheme);
        await until("the chart's own width", async () => {
            const box = await chart(world, "Train loss").locator("canvas").boundingBox();
            return box !== null && box.width < width;
        });
        await shot(world, `compare-${width}-${scheme}`);
        const wide = await world.page.evaluate(
            () => document.documentElement.scrollWidth - innerWidth,
        );
        assert.ok(wide <= 0, `${wide} pixels too wide at ${width}`);
    }
    await view(world, 1360, "light");
    await open(world, "#/jobs");
}

export const comparing = [
    ["marked jobs are compared: a curve of each on common axes", fromList],
    ["hiding a run changes nothing of the others, and it looks the same elsewhere", hiding],
    ["axes, scales and smoothing of a comparison outlive a reload", ways],
    ["the keyboard reads logged values and opens a run; a table has the same values", reading],
    ["a click on a curve goes to its run", clicked],
    ["a part of a comparison is drawn larger, and the whole again", zoomed],
    ["only what differs between the jobs is in the table of differences, or all", differences],
    ["parallel coordinates are brushed by keys and by the mouse", parallel],
    ["a member is set against a result, as dots and as a table", scatter],
    ["every value of all compared jobs is one CSV file", asCsv],
    ["a comparison follows a job that runs, and says which job there is not", moving],
    ["more than ten curves are drawn only when they are asked for", tooMany],
    ["a comparison fits a phone and a desk, in light and dark", compareLooks],
];
