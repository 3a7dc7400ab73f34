// What a person must see on the dashboard, in the order of a first visit. The checks share one page
// and one daemon; each leaves them usable for the next.
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const STATIC = fileURLToPath(new URL("../../static", import.meta.url));
const PRESETS = join(STATIC, "presets");
const BUDGET = 100 * 1024; // bytes of a first visit, compressed

const NETWORK = [
    { type: "conv2d", out_channels: 8, kernel_size: 3, stride: 2 },
    { type: "relu" },
    { type: "flatten" },
    { type: "linear", out_features: 10 },
];

/** A job that goes on for longer than the checks take. */
const longJob = (name) => ({
    name,
    dataset: { name: "fashion-mnist" },
    model: NETWORK,
    optimizer: { type: "sgd", lr: 0.01, momentum: 0.9 },
    max_steps: 2000000,
    batch_size: 32,
    seed: 1,
    evaluate_every: { steps: 400 },
    checkpoint: { every: { steps: 2000 } },
});

const shot = (world, name) =>
    world.page.screenshot({ path: join(world.shots, `${name}.png`), fullPage: true });
const row = (world, id) => world.page.locator(`tr[data-job="${id}"]`);
const chart = (world, title) =>
    world.page.locator("figure.chart", { has: world.page.locator(`h3:text-is("${title}")`) });
const points = async (world) => Number(await chart(world, "Loss").getAttribute("data-points"));
const pixels = (world) =>
    chart(world, "Loss")
        .locator("canvas")
        .evaluate((canvas) => canvas.toDataURL());

/** Whether a shown number is the stored one, to the digits that are shown. */
function near(shown, stored) {
    const error = Math.abs(Number(shown) - stored);
    assert.ok(error <= Math.max(5e-5, 5e-4 * stored), `${shown} is shown for ${stored}`);
}

async function until(what, condition, milliseconds = 20000) {
    for (const deadline = Date.now() + milliseconds; Date.now() < deadline; await sleep(100))
        if (await condition())
            return;
    assert.fail(`in ${milliseconds / 1000} s it did not happen: ${what}`);
}

const open = (world, hash) => world.page.evaluate((value) => (location.hash = value), hash);
const view = (world, width, scheme) =>
    Promise.all([
        world.page.setViewportSize({ width, height: 900 }),
        world.page.emulateMedia({ colorScheme: scheme }),
    ]);

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

async function curveMoves(world) {
    await row(world, world.long).getByRole("link").click();
    await until("the curve's first points", async () => (await points(world).catch(() => 0)) > 0);
    const [count, picture] = [await points(world), await pixels(world)];
    // More than evaluations alone would bring.
    await until("more points", async () => (await points(world)) > count + 500);
    await until("another picture", async () => (await pixels(world)) !== picture);
    await until("an evaluation", async () =>
        /%/.test(await chart(world, "Accuracy").locator(".legend").innerText()),
    );
    await shot(world, "running");
}

async function fewRequests(world) {
    const asked = [];
    const listen = (request) => asked.push(request.url());
    world.page.on("request", listen);
    const before = await points(world);
    await sleep(4000);
    world.page.off("request", listen);
    assert.ok((await points(world)) > before, "the curve stands still");
    assert.deepEqual(
        asked.filter((url) => url.includes("/metrics")),
        [],
        "a history was read again",
    );
    assert.ok(asked.length <= 40, `${asked.length} requests in four seconds`);
}

async function hiddenPage(world) {
    const hide = (hidden) =>
        world.page.evaluate((value) => {
            Object.defineProperty(document, "hidden", { value, configurable: true });
            document.dispatchEvent(new Event("visibilitychange"));
        }, hidden);
    await hide(true);
    await sleep(500); // what was under way arrives
    const before = await points(world);
    await sleep(1000);
    assert.equal(await points(world), before, "the hidden page went on");
    await hide(false);
    await until("new points", async () => (await points(world)) > before);
    await sleep(500);
    // Smoothing is offered only while no step is missing.
    assert.ok(await world.page.getByLabel("smoothing").isEnabled(), "the curve has a hole");
}

async function logScale(world) {
    const figure = chart(world, "Loss");
    const axis = () =>
        figure.locator("canvas").evaluate((canvas) => {
            const bytes = canvas.getContext("2d").getImageData(0, 0, 50, canvas.height).data;
            return Array.from(bytes).join();
        });
    const linear = await axis();
    await figure.getByLabel("log scale").check();
    await until("the other scale", async () => (await figure.getAttribute("data-scale")) === "log");
    await until("another axis", async () => (await axis()) !== linear);
    assert.match(world.page.url(), /[?&]log=1/);
    await world.page.reload();
    await until("the curve after a reload", async () => (await points(world).catch(() => 0)) > 0);
    assert.equal(await figure.getAttribute("data-scale"), "log");
    await shot(world, "log");
    await figure.getByLabel("log scale").uncheck();
    await until(
        "the linear scale again",
        async () => (await figure.getAttribute("data-scale")) === "linear",
    );
}

async function tableTwin(world) {
    const figure = chart(world, "Loss");
    await figure.getByText("Values as a table").click();
    const stored = await world.daemon.get(
        `/v1/jobs/${world.long}/metrics?names=train_loss,val_loss&from=1&to=400&max_points=0`,
    );
    const cells = async (step) =>
        figure
            .locator("tbody tr", { has: world.page.locator(`th:text-is("${step}")`) })
            .locator("td")
            .allInnerTexts();
    near((await cells("1"))[1], stored.series.train_loss.value[0]);
    near((await cells("400"))[2], stored.series.val_loss.value[0]);
    await figure.getByText("Values as a table").click();
}

async function crosshair(world) {
    const figure = chart(world, "Loss");
    await figure.locator(".plot").focus();
    await world.page.keyboard.press("Home");
    await until("step 1 under the crosshair", async () =>
        /^step 1\s*·/.test(await figure.locator(".legend").innerText()),
    );
    await world.page.keyboard.press("ArrowRight");
    // The next row that is drawn: step 2, or a later one where the daemon has thinned the curve.
    let step = 1;
    await until("the next step", async () => {
        const legend = await figure.locator(".legend").innerText();
        step = Number(/^step ([\d,]+)/.exec(legend)?.[1].replaceAll(",", "") ?? 1);
        return step > 1;
    });
    const { series } = await world.daemon.get(
        `/v1/jobs/${world.long}/metrics?names=train_loss&from=${step}&to=${step}&max_points=0`,
    );
    const shown = await figure.locator(".key.train b").innerText();
    near(shown, series.train_loss.value[0]);
    await world.page.mouse.move(0, 0);
}

async function restart(world) {
    await world.page.evaluate(() => (window.sameDocument = true));
    world.browser.expected = /net::ERR_/;
    await world.daemon.stop("SIGKILL");
    await world.page.getByText("Connection lost").waitFor();
    const before = await points(world);
    await world.daemon.start();
    await until(
        "a live stream",
        async () => (await world.page.locator(".live").innerText()) === "live",
        30000,
    );
    await until("new points", async () => (await points(world)) > before + 500, 40000);
    world.browser.expected = null;
    assert.equal(
        await world.page.evaluate(() => window.sameDocument),
        true,
        "the page was loaded anew",
    );
    const job = await world.daemon.get(`/v1/jobs/${world.long}`);
    assert.equal(job.restarts, 1);
}

async function checkpoints(world) {
    const links = world.page.locator('a[href*="/checkpoints/"]');
    const { items } = await world.daemon.get(`/v1/jobs/${world.long}/checkpoints`);
    const stored = items.map(({ links: { self } }) => self).reverse();
    const shown = () => links.evaluateAll((all) => all.map((link) => link.getAttribute("href")));
    await until("the stored checkpoints", async () => String(await shown()) === String(stored));
    const response = await fetch(world.daemon.address + stored[0]);
    assert.equal(response.status, 200);
    const bytes = Buffer.from(await response.arrayBuffer());
    const header = JSON.parse(bytes.subarray(8, 8 + Number(bytes.readBigUInt64LE(0))));
    assert.deepEqual(header["0.weight"].shape, [8, 1, 3, 3]);
}

async function network(world) {
    const table = world.page.locator("section", {
        has: world.page.getByRole("heading", { name: "Network" }),
    });
    await table.locator("tbody tr").first().waitFor();
    assert.equal(await table.locator("tbody tr").count(), NETWORK.length);
    assert.match(
        await table.locator("tbody tr").first().innerText(),
        /conv2d\s+8 × 13 × 13\s+80\s+12,168/,
    );
}

async function cancel(world) {
    await world.page.getByRole("button", { name: "Cancel" }).click();
    await world.page.locator(".bar .state.cancelled").waitFor();
    assert.equal((await world.daemon.get(`/v1/jobs/${world.long}`)).state, "cancelled");
    assert.equal(await world.page.getByRole("button", { name: /Cancel/ }).count(), 0);
    await shot(world, "cancelled");
}

async function zoom(world) {
    const plot = chart(world, "Loss").locator(".u-over");
    const box = await plot.boundingBox();
    const all = await pixels(world);
    await world.page.mouse.move(box.x + 50, box.y + 50);
    await world.page.mouse.down();
    await world.page.mouse.move(box.x + 250, box.y + 80, { steps: 5 });
    await world.page.mouse.up();
    await until("a part of the run", async () => (await pixels(world)) !== all);
    await plot.dblclick();
    await until("the whole run", async () => (await pixels(world)) === all);
    await world.page.mouse.move(0, 0);
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

async function diverged(world) {
    const job = {
        ...longJob("a rate far too high"),
        model: NETWORK.filter(({ type }) => type !== "relu"),
        optimizer: { type: "sgd", lr: 1e6 },
        max_steps: 400,
    };
    const { id } = await world.daemon.submit(job);
    await open(world, `#/jobs/${id}`);
    await world.page.locator(".bar .state.failed").waitFor();
    assert.match(await world.page.locator("p.warning").first().innerText(), /diverged/i);
    await until("a value that is no number", async () =>
        /nan|inf/.test(await chart(world, "Loss").locator(".legend").innerText()),
    );
    await shot(world, "diverged");
}

async function newJob(world) {
    await open(world, "#/new");
    const text = world.page.locator("textarea");
    await until("the preset", async () => (await text.inputValue()).includes("lenet5"));
    await text.fill(
        JSON.stringify({
            ...longJob("wrong"),
            model: [{ type: "conv2", out_channels: 8 }],
            epoch: 3,
        }),
    );
    world.browser.expected = /status of 422/;
    await world.page.getByRole("button", { name: "Check only" }).click();
    const alert = world.page.getByRole("alert");
    await alert.waitFor();
    assert.match(await alert.innerText(), /\/model\/0\/type[^]*conv2d/);
    assert.match(await alert.innerText(), /\/epoch[^]*epochs/);
    world.browser.expected = null;
    await shot(world, "refused");
    await text.fill(JSON.stringify({ ...longJob("by hand"), max_steps: 100 }));
    await world.page.getByRole("button", { name: "Submit" }).click();
    await world.page.getByRole("heading", { name: "by hand" }).waitFor();
    await world.page.locator(".bar .state.succeeded").waitFor();
}

async function nested(world) {
    await open(world, "#/new");
    const text = world.page.locator("textarea");
    await until("the preset", async () => (await text.inputValue()).includes("lenet5"));
    const [first, ...others] = NETWORK;
    const conv = { type: "conv2d", out_channels: 8, kernel_size: 3, padding: 1 };
    const block = { type: "residual", body: [conv, { type: "concat", branches: [["relu"]] }] };
    await text.fill(JSON.stringify({ ...longJob("blocks"), model: [first, block, ...others] }));
    await world.page.getByRole("button", { name: "Check only" }).click();
    await world.page.getByText("This can be trained.").waitFor();
    const rows = world.page.locator("table.numbers tbody tr");
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
    const page = await world.browser.page(world.daemon.address);
    await page.locator("table.jobs").waitFor();
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
    assert.ok(sum <= BUDGET, `${sum} bytes: ${JSON.stringify(own)}`);
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
    await page.locator('a[href*="/checkpoints/"]').first().click();
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
    ["the curve of a running job really moves", curveMoves],
    ["live values come by the stream, no history is read twice", fewRequests],
    ["a hidden page lets its stream go and misses nothing when it is shown again", hiddenPage],
    ["the log scale changes the axis and stays in the address", logScale],
    ["the table beside the chart holds the stored values", tableTwin],
    ["arrow keys read the logged values one by one", crosshair],
    ["the network's table shows shapes, parameters and multiply-adds", network],
    ["a daemon killed and started again is found without a reload, and the curve goes on", restart],
    ["the cancel button ends the job as cancelled", cancel],
    ["the mouse opens a part of the run, a double click shows all of it again", zoom],
    ["a checkpoint can be downloaded and holds the named tensors", checkpoints],
    ["a name that looks like markup is shown as text", markup],
    ["a diverged job says so and shows where its values stopped being numbers", diverged],
    ["a job that cannot be trained is refused with every reason, a good one is sent", newJob],
    ["layers inside layers are indented in the network's table, and say what they read", nested],
    ["every preset is served and can be trained without a remark", presets],
    ["libraries are served at addresses that name the version of the lock file", versions],
    ["pages fit a phone and a desk, in light and dark", narrow],
    ["a first visit weighs less than 100 KB", weight],
    ["a daemon that wants a token asks for it, and with one all goes on, downloads too", locked],
    ["there was no error in the console and no violation of the content security policy", quiet],
];
