// What a network has learned: results, filters, activations, histograms, trying it; names that are
// markup. Each check leaves the page usable for the next.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { CLASSES, barPicture, hostileArchive } from "./hostile.mjs";
import { NETWORK, open, requests, shot, tab, until, view } from "./support.mjs";

const trained = (name, more = {}) => ({
    name,
    dataset: { name: "fashion-mnist" },
    model: NETWORK,
    optimizer: { type: "sgd", lr: 0.002 },
    epochs: 3,
    batch_size: 64,
    seed: 3,
    checkpoint: { every: { epochs: 1 }, keep_last: 3 },
    ...more,
});

async function ended(world, job) {
    const { id } = await world.daemon.submit(job);
    await until("the job's end", async () => {
        const { state, reason } = await world.daemon.get(`/v1/jobs/${id}`);
        assert.notEqual(state, "failed", JSON.stringify(reason));
        return state === "succeeded";
    });
    return id;
}

const cells = (world) => world.page.locator('table[role="grid"] tbody td');
const evaluation = (world, id, query = "") => world.daemon.get(`/v1/jobs/${id}/evaluation${query}`);
const loaded = (images) =>
    images.evaluateAll((all) => all.filter((image) => image.naturalWidth > 0).length);

async function results(world) {
    world.learned = await ended(world, trained("what it has learned"));
    await open(world, `#/jobs/${world.learned}`);
    await tab(world, "Results");
    await cells(world).first().waitFor();
    const said = await evaluation(world, world.learned);
    const shown = (await cells(world).allInnerTexts()).map((text) => Number(text.replace(",", "")));
    assert.deepEqual(shown, said.confusion.flat());
    const rows = await world.page.locator("table.class-figures tbody tr").allInnerTexts();
    const percent = (share) => (share === null ? "–" : `${(100 * share).toFixed(1)} %`);
    assert.deepEqual(
        rows.map((row) => row.trim().split(/\s*\t\s*/)),
        said.classes.map((row) => [
            String(row.class),
            String(row.support),
            ...[row.precision, row.recall, row.f1].map(percent),
        ]),
    );
    const images = world.page.locator(".samples img");
    await until("pictures of the worst", async () => (await loaded(images)) > 3);
    const first = await world.page.locator(".samples li").first().innerText();
    const { true: is, predicted, probability } = said.worst[0];
    assert.match(first, new RegExp(`^${is}\\s+${(100 * probability.true).toFixed(1)} %`));
    assert.match(first, new RegExp(`✗ ${predicted}\\s+${(100 * probability.predicted).toFixed(1)}`));
    await world.page.getByLabel("as shares of the true class").check();
    const [, support] = [0, said.classes[0].support];
    const share = (100 * said.confusion[0][0]) / support;
    if (share > 0)
        assert.equal(await cells(world).first().innerText(), share.toFixed(1));
    await world.page.getByLabel("as shares of the true class").uncheck();
}

async function choices(world) {
    const { items } = await world.daemon.get(`/v1/jobs/${world.learned}/checkpoints`);
    const fact = (title) =>
        world.page.locator(".tab .facts div", { hasText: title }).locator("dd").first();
    await world.page.getByLabel("Checkpoint").selectOption(String(items[0].step));
    await world.page.getByLabel("Samples").selectOption("train");
    const said = await evaluation(
        world,
        world.learned,
        `?checkpoint=${items[0].step}&split=train`,
    );
    assert.equal(said.split, "train");
    const accuracy = `${(100 * said.accuracy).toFixed(2)} %`;
    await until("its accuracy", async () => (await fact("Accuracy").innerText()) === accuracy);
    assert.match(world.page.url(), new RegExp(`checkpoint=${items[0].step}&split=train`));
    await world.page.reload();
    await until("it after a reload", async () =>
        (await fact("Accuracy").innerText().catch(() => "")) === accuracy,
    );
    await open(world, `#/jobs/${world.learned}/results`);
    await cells(world).first().waitFor();
}

async function matrixByKeys(world) {
    const said = await evaluation(world, world.learned, "?worst=200");
    await cells(world).first().focus();
    await world.page.keyboard.press("ArrowDown");
    await world.page.keyboard.press("ArrowRight");
    await world.page.keyboard.press("ArrowRight");
    const label = await world.page.evaluate(() => document.activeElement.getAttribute("aria-label"));
    assert.match(label, new RegExp(`^1 taken for 2: ${said.confusion[1][2]} `));
    await world.page.keyboard.press("Enter");
    await world.page.getByRole("heading", { name: "1 taken for 2" }).waitFor();
    assert.match(world.page.url(), /cell=1%2C2/);
    const { true: is, predicted } = said.worst.find((one) => one.true !== one.predicted);
    await cells(world).nth(10 * is + predicted).click();
    const section = world.page.locator("section", { has: world.page.locator("#cell-title") });
    await section.getByRole("heading", { name: `${is} taken for ${predicted}` }).waitFor();
    const all = said.confusion[is][predicted];
    const of = section.locator(".samples li");
    await until("its samples", async () => (await of.count()) >= Math.min(8, all));
    assert.match(await of.first().innerText(), new RegExp(`^${is} [^]*✗ ${predicted} `));
    await shot(world, "results");
    await section.getByRole("button", { name: "Close" }).click();
    await section.waitFor({ state: "detached" });
}

async function sorting(world) {
    const head = (name) => world.page.locator("table.class-figures th", { hasText: name });
    const values = async () =>
        (await world.page.locator("table.class-figures tbody td:nth-child(4)").allInnerTexts()).map(
            (text) => Number.parseFloat(text),
        );
    await head("Recall").getByRole("button").click();
    assert.equal(await head("Recall").getAttribute("aria-sort"), "ascending");
    const up = await values();
    assert.deepEqual(up, [...up].sort((a, b) => a - b));
    await head("Recall").getByRole("button").click();
    assert.equal(await head("Recall").getAttribute("aria-sort"), "descending");
    assert.match(world.page.url(), /order=-recall/);
    assert.deepEqual(await values(), [...up].sort((a, b) => b - a));
    await head("Class").getByRole("button").click();
}

async function manyClasses(world) {
    const synthetic = { shape: [1, 8, 8], classes: 30, samples: 600 };
    const id = await ended(
        world,
        trained("thirty classes", {
            dataset: { synthetic },
            model: [{ type: "flatten" }, { type: "linear", out_features: 30 }],
        }),
    );
    await open(world, `#/jobs/${id}/results`);
    const canvas = world.page.locator(".matrix-picture canvas");
    await canvas.focus();
    const said = await evaluation(world, id);
    await world.page.keyboard.press("ArrowRight");
    const text = world.page.locator(".matrix-picture figcaption");
    assert.ok((await world.page.locator(".class-scroll").boundingBox()).height <= 640);
    assert.match(await text.innerText(), new RegExp(`^0 taken for 1: ${said.confusion[0][1]} `));
    await world.page.keyboard.press("Enter");
    await world.page.getByRole("heading", { name: "0 taken for 1" }).waitFor();
    await open(world, `#/jobs/${id}/inside`);
    await world.page.getByText("This network has no convolution.").waitFor();
}

async function inside(world) {
    await open(world, `#/jobs/${world.learned}/inside`);
    const filters = world.page.locator(".filter-tiles canvas");
    await filters.first().waitFor();
    assert.equal(await filters.count(), 8);
    const layers = world.page.locator(".layer-maps li");
    await until("every layer", async () => (await layers.count()) === NETWORK.length);
    await layers.last().scrollIntoViewIfNeeded();
    await until("its pictures", async () => (await loaded(layers.locator("img"))) === NETWORK.length);
    const said = await world.daemon.get(
        `/v1/jobs/${world.learned}/checkpoints/best/activations?split=test&sample=7`,
    );
    await world.page.locator(".sample-strip button").nth(7).click();
    assert.match(world.page.url(), /sample=test%2F7/);
    const third = `${Number(said.layers[0].max.toPrecision(3))}`;
    await until("the sample's numbers", async () =>
        (await layers.first().innerText()).includes(`… ${third}`),
    );
    assert.equal(await world.page.locator(".sample-strip [aria-pressed=true]").count(), 1);
    const tensors = world.page.locator(".histograms li");
    assert.deepEqual(
        (await tensors.locator("code").allInnerTexts()).slice(0, 2),
        ["0.weight", "0.bias"],
    );
    await shot(world, "inside");
}

async function slider(world) {
    const { items } = await world.daemon.get(`/v1/jobs/${world.learned}/checkpoints`);
    const now = world.page.locator(".histograms path.now").first();
    const outline = () => now.getAttribute("d");
    const before = await outline();
    await world.page.locator(".slider input").focus();
    await world.page.keyboard.press("Home");
    await until("another outline", async () => (await outline()) !== before);
    assert.match(world.page.url(), new RegExp(`checkpoint=${items[0].step}`));
    await world.page.getByText("Weights as a table").click();
    const table = world.page.getByRole("region", { name: "Weights as a table" });
    assert.equal(await table.locator("tbody tr").count(), 4);
}

async function tries(world) {
    await open(world, `#/jobs/${world.learned}/try`);
    const name = "<img src=x onerror=alert(3)>.png";
    const buffer = barPicture(1, 5, 40);
    const input = world.page.locator('input[type="file"]');
    await input.setInputFiles({ name, mimeType: "image/png", buffer });
    const verdict = world.page.locator(".said-class");
    await verdict.waitFor();
    const response = await fetch(
        `${world.daemon.address}/v1/jobs/${world.learned}/predict?resize=true`,
        { method: "POST", headers: { "Content-Type": "image/png" }, body: buffer },
    );
    const [said] = (await response.json()).predictions;
    const percent = (100 * said.probability).toFixed(1);
    assert.equal(await verdict.innerText(), `${said.class} ${percent} %`);
    await world.page.getByText(`${name};`).waitFor();
    await input.setInputFiles({ name: "a.txt", mimeType: "text/plain", buffer: Buffer.from("a") });
    await world.page.getByText("neither a PNG nor a JPEG").waitFor();
    world.browser.expected = /status of 4/;
    await input.setInputFiles({ name: "b.png", mimeType: "image/png", buffer: Buffer.from("b") });
    await until("the daemon's refusal", async () =>
        (await world.page.locator(".trial .warning").innerText()).match(/png/i),
    );
    world.browser.expected = null;
}

async function draws(world) {
    await open(world, `#/jobs/${world.learned}/try`);
    const verdict = world.page.locator(".said-class");
    const sheet = world.page.locator(".sheet canvas");
    await sheet.scrollIntoViewIfNeeded();
    const { x, y } = await sheet.boundingBox();
    const asked = await requests(world, async () => {
        await world.page.mouse.move(x + 60, y + 140);
        await world.page.mouse.down();
        await world.page.mouse.move(x + 220, y + 140, { steps: 5 });
        await world.page.mouse.up();
        await verdict.waitFor();
    });
    assert.equal(asked.filter(([method]) => method === "POST").length, 1);
    world.browser.expected = /willReadFrequently/; // of this check's own looking
    const small = () =>
        world.page.locator("canvas.as-seen").evaluate((canvas) => {
            const { data } = canvas.getContext("2d").getImageData(0, 0, 28, 28);
            return [canvas.width, data[4 * (14 * 28 + 14)], data[4 * (2 * 28 + 14)]];
        });
    const [across, line, ground] = await small();
    assert.ok(across === 28 && line > 200 && ground === 0, `${across}, ${line}, ${ground}`);
    await shot(world, "try");
    await world.page.getByRole("button", { name: "Clear" }).click();
    await verdict.waitFor({ state: "detached" });
    await sheet.focus();
    for (const key of [" ", "ArrowUp", "ArrowUp", "ArrowUp"])
        await world.page.keyboard.press(key);
    await verdict.waitFor();
    assert.ok((await small())[1] > 100, "the keys draw nothing");
    world.browser.expected = null;
}

async function hostile(world) {
    const response = await fetch(`${world.daemon.address}/v1/datasets/hostile`, {
        method: "PUT",
        body: hostileArchive(world.daemon.place),
    });
    assert.equal(response.status, 201, await response.text());
    const model = [{ ...NETWORK[0], stride: 1 }, ...NETWORK.slice(1, 3)];
    world.hostile = await ended(
        world,
        trained("hostile classes", {
            dataset: { name: "hostile", validation: 0.25 },
            model: [...model, { type: "linear", out_features: CLASSES.length }],
            batch_size: 16,
        }),
    );
    await open(world, `#/jobs/${world.hostile}/results`);
    await cells(world).first().waitFor();
    const names = await world.page.locator("table.class-figures tbody th").allInnerTexts();
    assert.deepEqual(names, CLASSES);
    await until("pictures", async () => (await loaded(world.page.locator(".samples img"))) > 0);
    await shot(world, "hostile-results");
    await open(world, `#/jobs/${world.hostile}/inside`);
    await until("pictures", async () => (await loaded(world.page.locator(".sample-strip img"))) > 0);
    await open(world, `#/jobs/${world.hostile}/try`);
    const file = { name: CLASSES[0], mimeType: "image/png", buffer: barPicture(0, 1) };
    await world.page.locator('input[type="file"]').setInputFiles(file);
    await world.page.locator(".said-class").waitFor();
    const verdicts = await world.page.locator(".probabilities th[scope=row]").allInnerTexts();
    assert.deepEqual(verdicts.sort(), CLASSES);
    // Neither an element nor a dialog has come of any name.
    assert.equal(await world.page.locator('img[src="x"], main svg[onload], main b b').count(), 0);
}

async function withToken(world) {
    const token = world.daemon.token("add", "looker", "--scope", "read").trim();
    world.browser.expected = /403/; // a plan is asked for as if it were submitted
    const page = await world.browser.page(`${world.daemon.address}/#token=${token}`);
    await page.locator("table.jobs").waitFor();
    await page.evaluate((id) => (location.hash = `#/jobs/${id}/inside`), world.learned);
    const images = page.locator(".sample-strip img");
    await until("pictures by token", async () => (await loaded(images)) >= 8);
    assert.match(await images.first().getAttribute("src"), /^blob:/);
    await page.close();
    world.daemon.token("remove", "looker");
    world.browser.expected = null;
}

async function empty(world) {
    const { id } = await world.daemon.submit(
        trained("nothing stored yet", { epochs: 2000, evaluate_every: { epochs: 1000 },
            checkpoint: { every: { epochs: 1000 } } }),
    );
    for (const part of ["results", "inside", "try"]) {
        await open(world, `#/jobs/${id}/${part}`);
        await world.page.getByText("The first checkpoint is not stored yet.").waitFor();
    }
    await fetch(`${world.daemon.address}/v1/jobs/${id}/cancel`, { method: "POST" });
}

async function looks(world) {
    for (const [width, scheme] of [[1360, "dark"], [390, "light"]])
        for (const part of ["results", "inside", "try"])
            for (const id of [world.learned, world.hostile]) {
                await view(world, width, scheme);
                await open(world, `#/jobs/${id}/${part}`);
                await sleep(400);
                const wide = await world.page.evaluate(
                    () => document.documentElement.scrollWidth - innerWidth,
                );
                assert.ok(wide <= 0, `${part} is ${wide} pixels too wide at ${width}`);
                const name = id === world.hostile ? "hostile-" : "";
                await shot(world, `${name}${part}-${width}-${scheme}`);
            }
    await view(world, 1360, "light");
}

export const learned = [
    ["the confusion matrix, the figures of each class and the worst samples are the daemon's", results],
    ["checkpoint and split of the results are chosen, and stand in the address", choices],
    ["arrow keys walk through the matrix, Enter and a click show the samples of a cell", matrixByKeys],
    ["the figures of the classes are sorted by any column, either way", sorting],
    ["of many classes the matrix is a picture that keys read", manyClasses],
    ["filters, what the layers make of a chosen sample, and the spread of weights are shown", inside],
    ["a slider goes through the checkpoints", slider],
    ["a picture is given to the network, and what is no picture is refused", tries],
    ["a drawing is given to the network, by mouse or by keys", draws],
    ["class names and file names that are markup are text everywhere", hostile],
    ["with a token pictures are fetched, not linked", withToken],
    ["while nothing is stored the pages say so", empty],
    ["what was learned fits a phone and a desk, in light and dark", looks],
];
