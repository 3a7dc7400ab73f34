// The pages beside the jobs: a new job written as text and as a form, data sets and weights, and
// what the daemon says of itself. Each check leaves the page usable for the next.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { longJob, open, requests, shot, until, view } from "./support.mjs";

const spec = (world) => world.page.locator("#spec");
/** The text as a job; it is empty while a preset is on its way. */
const parsed = async (world) => JSON.parse((await spec(world).inputValue()) || '{ "model": [] }');
const said = (world) => world.page.locator(".ruling p").innerText();
const layer = (world, pointer) => world.page.locator(`[data-layer="${pointer}"]`);
const shape = (world, pointer) => layer(world, pointer).locator(".shape").first().innerText();
const trainable = (world) =>
    until("the daemon's yes", async () => /^This can be trained/.test(await said(world)));

/** Puts the cursor behind a word of the text. */
const cursor = (world, word) =>
    spec(world).evaluate((area, word) => {
        const at = area.value.indexOf(word) + word.length;
        area.focus();
        area.setSelectionRange(at, at);
    }, word);

async function begin(world, query = "") {
    await open(world, "#/jobs");
    await world.page.evaluate(() => sessionStorage.clear());
    await open(world, `#/new?view=both${query}`);
    await until("the preset", async () => (await spec(world).inputValue()).length > 100);
    await layer(world, "/model/0").waitFor();
}

async function completes(world) {
    await begin(world);
    await trainable(world);
    await cursor(world, '"kernel_size": 5, "padding": 2');
    await world.page.keyboard.type(', "bi');
    const list = world.page.getByRole("listbox");
    await list.waitFor();
    assert.match(await list.innerText(), /^bias\n/);
    await shot(world, "completion");
    await world.page.keyboard.press("Enter");
    await list.waitFor({ state: "detached" });
    assert.equal((await parsed(world)).model[0].bias, true);
    await cursor(world, '"type": "adam');
    await world.page.keyboard.press("Control+Space");
    await list.waitFor();
    const names = await list.locator("b").allInnerTexts();
    assert.deepEqual(names.slice(0, 3), ["sgd", "adagrad", "rmsprop"]);
    assert.equal(await list.locator('[aria-selected="true"] b').innerText(), "adam");
    const active = await spec(world).getAttribute("aria-activedescendant");
    assert.equal(await world.page.locator(`#${active} b`).innerText(), "adam");
    await world.page.keyboard.press("ArrowDown");
    await world.page.keyboard.press("Enter");
    assert.equal((await parsed(world)).optimizer.type, "adamw");
    await cursor(world, '"name": "fashion-');
    await world.page.keyboard.press("Control+Space");
    assert.equal((await list.locator("b").allInnerTexts())[0], "fashion-mnist");
    await world.page.keyboard.press("Escape");
    await list.waitFor({ state: "detached" });
}

async function mends(world) {
    await begin(world);
    world.browser.expected = /status of 422/;
    const { epochs, ...job } = await parsed(world);
    job.model[0].type = "conv2";
    await spec(world).fill(JSON.stringify({ ...job, epoch: epochs }, null, 2));
    const problems = world.page.locator(".problems li");
    await until("two things wrong", async () => (await problems.count()) === 2);
    assert.match(await problems.first().innerText(), /line \d+.*\/model\/0\/type/s);
    assert.match(await layer(world, "/model/0").innerText(), /which is no layer/);
    await shot(world, "wrong");
    await problems.first().getByRole("button", { name: /^line/ }).click();
    const marked = await spec(world).evaluate((area) =>
        area.value.slice(area.selectionStart, area.selectionEnd),
    );
    assert.equal(marked, '"conv2"');
    await problems.first().getByRole("button", { name: "Change to conv2d" }).click();
    await until("one thing wrong", async () => (await problems.count()) === 1);
    await problems.first().getByRole("button", { name: "Change to epochs" }).click();
    await trainable(world);
    assert.equal((await parsed(world)).epochs, epochs);
    const asked = await requests(world, async () => {
        await spec(world).fill('{"model": [');
        await problems.first().waitFor();
        assert.match(await problems.first().innerText(), /line 1/);
        await sleep(700);
    });
    assert.ok(!asked.some(([method]) => method === "POST"), "what is no JSON was sent");
    world.browser.expected = null;
}

async function builds(world) {
    await begin(world);
    world.browser.expected = /status of 422/;
    await trainable(world);
    assert.equal(await shape(world, "/model/0"), "6 × 28 × 28");
    const channels = layer(world, "/model/0").getByLabel("out channels");
    await channels.fill("12");
    await until("another shape", async () => (await shape(world, "/model/0")) === "12 × 28 × 28");
    assert.equal((await parsed(world)).model[0].out_channels, 12);
    await world.page.getByLabel("Add a layer to the network").selectOption("residual");
    await layer(world, "/model/12").getByLabel("Add a layer to body").selectOption("linear");
    await until("a body", async () => (await parsed(world)).model[12].body?.length > 0);
    await trainable(world);
    await layer(world, "/model/12").getByRole("button", { name: "Remove residual 12" }).click();
    await until("no residual", async () => (await parsed(world)).model.length === 12);
    // By keyboard: the last layer is moved up, its focus with it.
    await layer(world, "/model/11").locator("select.type").focus();
    await world.page.keyboard.press("Alt+ArrowUp");
    await until("it moved", async () => (await parsed(world)).model[10].type === "linear");
    assert.equal(
        await world.page.evaluate(
            () => document.activeElement.closest("[data-layer]").dataset.layer,
        ),
        "/model/10",
    );
    // A network that is not whole still shows what comes out of each layer.
    await layer(world, "/model/10").getByRole("button", { name: "Remove linear 10" }).click();
    await until("it cannot be trained", async () => /cannot/.test(await said(world)));
    assert.equal(await shape(world, "/model/10"), "84");
    await world.page.getByRole("button", { name: "Undo" }).click();
    await trainable(world);
    await layer(world, "/model/1").getByRole("button", { name: "Duplicate relu 1" }).click();
    await until("two of them", async () => (await parsed(world)).model[2].type === "relu");
    await world.page.dragAndDrop(
        '[data-layer="/model/2"] .grip',
        '[data-layer="/model/0"] > .gap',
    );
    await until("it was dropped", async () => (await parsed(world)).model[0].type === "relu");
    await shot(world, "builder");
    world.browser.expected = null;
}

async function keeps(world) {
    await begin(world);
    const text = JSON.stringify({ ...(await parsed(world)), epochs: 7, labels: { a: "b" } });
    await spec(world).fill(text);
    await world.page.reload();
    await until("the draft", async () => (await spec(world).inputValue()) === text);
    await world.page.getByRole("button", { name: "Form", exact: true }).click();
    await world.page.getByLabel("batch size").fill("32");
    await world.page.getByRole("button", { name: "JSON", exact: true }).click();
    assert.deepEqual(await parsed(world), { ...JSON.parse(text), batch_size: 32 });
    await world.page.getByRole("link", { name: "Softmax regression" }).click();
    await until("another preset", async () => (await parsed(world)).model.length === 2);
    await world.page.goBack();
    await until("the draft again", async () => (await parsed(world)).epochs === 7);
    await world.page.getByRole("button", { name: "Start over" }).click();
    await until("the preset again", async () => (await parsed(world)).epochs === 5);
}

async function schedules(world) {
    await begin(world);
    const curve = world.page.locator(".form .schedule");
    await curve.waitFor();
    const label = () => curve.locator("svg").getAttribute("aria-label");
    await until("a cosine", async () => /from 0\.001/.test(await label()));
    await world.page.locator("#field-lr_schedule").selectOption("one_cycle");
    await until("another curve", async () => /most 0\.1/.test(await label()));
    await curve.locator("summary").click();
    assert.equal(await curve.locator("tbody tr").count(), 11);
    await trainable(world);
}

async function clones(world) {
    const name = '<img src=x onerror="alert(1)">';
    const job = await world.daemon.submit({ ...longJob(name), max_steps: 20 });
    await begin(world, `&from=${job.id}`);
    assert.equal((await parsed(world)).name, name);
    await trainable(world);
    await world.page.getByText("As a curl command").click();
    assert.match(await world.page.locator(".copyable pre").innerText(), /--json @- '.*\/v1\/jobs'/);
    await world.page.getByRole("button", { name: "Submit" }).click();
    await world.page.getByRole("heading", { name }).waitFor();
    assert.equal(await world.page.locator("main img").count(), 0);
}

function archive(world, name, classes, count) {
    const folder = join(world.daemon.place, name);
    mkdirSync(folder, { recursive: true });
    const idx = (sizes, bytes) => {
        const head = Buffer.alloc(4 + 4 * sizes.length);
        head.writeUInt8(8, 2);
        head.writeUInt8(sizes.length, 3);
        sizes.forEach((size, i) => head.writeUInt32BE(size, 4 + 4 * i));
        return Buffer.concat([head, bytes]);
    };
    const labels = Buffer.from(Array.from({ length: count }, (_, i) => i % classes));
    const images = Buffer.from(Array.from({ length: count * 64 }, (_, i) => (i * 7) % 256));
    writeFileSync(join(folder, "train-images-idx3-ubyte"), idx([count, 8, 8], images));
    writeFileSync(join(folder, "train-labels-idx1-ubyte"), idx([count], labels));
    execFileSync("tar", ["-cf", `${folder}.tar`, "-C", folder, "."]);
    return `${folder}.tar`;
}

async function uploads(world) {
    await open(world, "#/data");
    await world.page.locator('[data-set="fashion-mnist"] img').first().waitFor();
    await world.page.locator("#upload-set").setInputFiles(archive(world, "eight by eight", 4, 70));
    assert.equal(await world.page.locator("#upload-set-name").inputValue(), "eight-by-eight");
    await world.page.getByRole("button", { name: "Upload" }).click();
    const card = world.page.locator('[data-set="eight-by-eight"]');
    await card.locator("img").first().waitFor();
    assert.match(await card.innerText(), /1 × 8 × 8[^]*70/);
    await shot(world, "data");
    await card.getByRole("link", { name: "eight-by-eight" }).click();
    await world.page.getByText("1 to 60 of 70").waitFor();
    assert.deepEqual(
        await world.page.locator(".class-counts tbody td:nth-child(2)").allInnerTexts(),
        ["18", "18", "17", "17"],
    );
    await world.page.getByRole("link", { name: "Next" }).click();
    await world.page.getByText("61 to 70 of 70").waitFor();
    await world.page.locator(".class-counts").getByRole("link", { name: "class 2" }).click();
    await world.page.getByText("1 to 17 of 17").waitFor();
    await world.page.goBack();
    await world.page.getByText("61 to 70 of 70").waitFor();
    // The preset's network is for ten classes: the editor says so.
    world.browser.expected = /status of 422/;
    await world.page.getByRole("link", { name: "Train on it" }).click();
    const chosen = world.page.locator("#field-dataset-name");
    await until("its name", async () => (await chosen.inputValue()) === "eight-by-eight");
    await until("what is wrong", async () => /cannot/.test(await said(world)));
    world.browser.expected = null;
}

async function refusesFiles(world) {
    await open(world, "#/data");
    world.browser.expected = /status of (422|409)/;
    const path = join(world.daemon.place, "<b>not a set<b>.tar");
    writeFileSync(path, "this is no archive");
    await world.page.locator("#upload-set").setInputFiles(path);
    await world.page.getByRole("button", { name: "Upload" }).click();
    const alert = world.page.locator(".drop [role=alert]");
    await alert.waitFor();
    assert.match(await alert.innerText(), /no data set that can be used/);
    assert.equal(await world.page.locator(".drop b").count(), 0);
    await world.page.getByRole("button", { name: "Forget it" }).click();
    world.browser.expected = null;
}

async function deletes(world) {
    await open(world, "#/data");
    await world.page.getByRole("button", { name: "Delete eight-by-eight" }).click();
    const dialog = world.page.locator("dialog");
    await dialog.getByRole("button", { name: "Keep it" }).click();
    await world.page.getByRole("button", { name: "Delete eight-by-eight" }).click();
    await dialog.getByRole("button", { name: "Delete", exact: true }).click();
    await world.page.locator('[data-set="eight-by-eight"]').waitFor({ state: "detached" });
    const { items } = await world.daemon.get("/v1/datasets");
    assert.ok(!items.some(({ name }) => name === "eight-by-eight"));
}

async function weights(world) {
    const job = await world.daemon.submit({ ...longJob("for its weights"), max_steps: 20 });
    await until("its end", async () => (await world.daemon.get(`/v1/jobs/${job.id}`)).state === "succeeded");
    const file = await fetch(`${world.daemon.address}/v1/jobs/${job.id}/checkpoints/last`);
    const path = join(world.daemon.place, "trained.safetensors");
    writeFileSync(path, Buffer.from(await file.arrayBuffer()));
    await open(world, "#/data");
    await world.page.locator("#upload-weights").setInputFiles(path);
    await world.page.getByRole("button", { name: "Upload" }).click();
    const row = world.page.locator('tr[data-weights="trained"]');
    await row.waitFor();
    assert.match(await row.innerText(), /\t4\t/);
    await row.getByRole("button", { name: "Delete trained" }).click();
    await world.page.locator("dialog").getByRole("button", { name: "Delete", exact: true }).click();
    await row.waitFor({ state: "detached" });
}

async function system(world) {
    const { id } = await world.daemon.submit(longJob("for the gauges"));
    await open(world, "#/system");
    await world.page.getByText("All is well").waitFor();
    const gauge = (series) => world.page.locator(`[data-series="${series}"]`);
    await until("images a second", async () =>
        /^[1-9]/.test(await gauge("samples").locator("b").innerText()),
    );
    assert.match(await gauge("busy").locator("b").innerText(), /^[12]$/);
    assert.match(await gauge("busy").innerText(), /of 2/);
    await until("a curve", async () =>
        /L/.test(await gauge("memory").locator(".line").getAttribute("d")),
    );
    await world.page.getByText("Charts as a table").click();
    assert.ok((await world.page.locator("details tbody tr").count()) > 1);
    assert.match(await world.page.locator("main").innerText(), /Kernels[^]*Free disk/);
    await shot(world, "system");
    await world.daemon.post(`/v1/jobs/${id}/cancel`, undefined, 200);
}

async function fits(world) {
    for (const [hash, name] of [
        ["#/new?view=both", "editor"],
        ["#/data", "data"],
        ["#/data/fashion-mnist", "data-set"],
        ["#/system", "system"],
    ]) {
        await open(world, hash);
        for (const [width, scheme] of [
            [1360, "light"],
            [1360, "dark"],
            [390, "light"],
            [390, "dark"],
        ]) {
            await view(world, width, scheme);
            await sleep(900);
            await shot(world, `${name}-${width}-${scheme}`);
            const wide = await world.page.evaluate(
                () => document.documentElement.scrollWidth - innerWidth,
            );
            assert.ok(wide <= 0, `${hash} is ${wide} pixels too wide at ${width}`);
        }
    }
    await view(world, 1360, "light");
    await open(world, "#/jobs");
}

export const editing = [
    ["the text offers the schema's keys and values at the cursor, by keyboard", completes],
    ["what is wrong is marked at its place as one types, and put right with a click", mends],
    ["a network is built layer by layer, by mouse and keyboard, and its shapes follow", builds],
    ["text and form are two views of one job, and a reload loses nothing", keeps],
    ["the schedule's curve is shown before anything is trained", schedules],
    ["a job is cloned into the editor and sent again, whatever its name", clones],
    ["a data set is uploaded, and seen page by page and class by class", uploads],
    ["a file that is no data set is refused with the reason", refusesFiles],
    ["a data set is deleted once one has said so twice", deletes],
    ["weights are uploaded, listed and deleted", weights],
    ["the daemon says how it is, and what it takes, as it changes", system],
    ["the editor, the data and the system fit a phone and a desk, in light and dark", fits],
];
