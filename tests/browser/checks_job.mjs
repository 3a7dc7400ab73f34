// The page of one job: its curves live, zoomed, smoothed, marked and read; its network, checkpoints
// and events. Each check leaves the page usable for the next.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { NETWORK, chart, lastStep, longJob, near, open, pixels } from "./support.mjs";
import { allCheckpoints, points, requests, row, shot, tab, until } from "./support.mjs";

async function curveMoves(world) {
    await row(world, world.long).getByRole("link").click();
    await until("the curve's first points", async () => (await points(world).catch(() => 0)) > 0);
    const [step, picture] = [await lastStep(world), await pixels(world)];
    await until("later steps", async () => (await lastStep(world)) > step + 500);
    await until("another picture", async () => (await pixels(world)) !== picture);
    await until("an evaluation", async () =>
        /%/.test(await chart(world, "Accuracy").locator(".legend").innerText()),
    );
    await shot(world, "running");
}

async function fewRequests(world) {
    const before = await lastStep(world);
    const asked = await requests(world, () => sleep(5000));
    assert.ok((await lastStep(world)) > before, "the curve stands still");
    // Two requests are one reading: the smoothed curves, and all.
    const read = asked.filter(([, path]) => path.includes("/metrics"));
    assert.ok(read.length <= 2 * 3, `${read.length} readings in five seconds`);
    assert.ok(asked.length <= 45, `${asked.length} requests in five seconds`);
    // Far more steps than a screen has pixels: what is held is thinned.
    await until("a thinned curve", async () => (await points(world)) < (await lastStep(world)) / 2);
}

async function hiddenPage(world) {
    const hide = (hidden) =>
        world.page.evaluate((value) => {
            Object.defineProperty(document, "hidden", { value, configurable: true });
            document.dispatchEvent(new Event("visibilitychange"));
        }, hidden);
    await hide(true);
    await sleep(2000); // what was under way arrives
    const before = await lastStep(world);
    await sleep(1000);
    assert.equal(await lastStep(world), before, "the hidden page went on");
    const asked = await requests(world, async () => {
        await hide(false);
        await until("new points", async () => (await lastStep(world)) > before);
    });
    assert.ok(asked.some(([, path]) => path.includes("/metrics")), "what came was not read");
}

async function logScale(world) {
    const figure = chart(world, "Loss");
    const axis = () =>
        figure.locator("canvas").evaluate((canvas) => {
            const bytes = canvas.getContext("2d").getImageData(0, 0, 50, canvas.height).data;
            return Array.from(bytes).join();
        });
    const linear = await axis();
    await figure.getByLabel("logarithmic y").check();
    await figure.getByLabel("logarithmic x").check();
    await until("another axis", async () => (await axis()) !== linear);
    assert.match(world.page.url(), /[?&]logy=loss&logx=loss/);
    await world.page.reload();
    await until("the curve after a reload", async () => (await points(world).catch(() => 0)) > 0);
    for (const scale of ["data-scale", "data-scale-x"])
        assert.equal(await figure.getAttribute(scale), "log");
    assert.equal(await chart(world, "Accuracy").getAttribute("data-scale"), "linear");
    await shot(world, "log");
    await figure.getByLabel("logarithmic y").uncheck();
    await figure.getByLabel("logarithmic x").uncheck();
    assert.equal(await figure.getAttribute("data-scale"), "linear");
}

async function axes(world) {
    const figure = chart(world, "Loss");
    const seen = new Set();
    for (const [kind, about] of [
        ["epoch", "epochs"],
        ["relative", "the time since the start"],
        ["wall", "the time of day"],
        ["step", "steps"],
    ]) {
        await world.page.getByLabel("The x axis of the curves").selectOption(kind);
        const plot = figure.getByRole("application");
        assert.match(await plot.getAttribute("aria-label"), new RegExp(`^Loss over ${about}\\.`));
        await sleep(300);
        seen.add(await pixels(world));
        if (kind !== "step")
            assert.match(world.page.url(), new RegExp(`[?&]x=${kind}`));
    }
    assert.equal(seen.size, 4);
}

async function smoothing(world) {
    const slider = world.page.getByLabel("smoothing");
    await slider.focus();
    await slider.press("Home");
    const legend = chart(world, "Loss").locator(".legend");
    await until("no mean", async () => !/smoothed/.test(await legend.innerText()));
    await slider.press("ArrowRight");
    assert.match(world.page.url(), /[?&]smooth=5\b/);
    // The rows that have come since by the stream went into the mean here, as they would there.
    await until("a mean", async () => /smoothed \d/.test(await legend.innerText()));
    await sleep(1500);
    const text = await legend.innerText();
    const [, step] = /^step ([\d,]+)/.exec(text);
    const [, shown] = /smoothed (\S+)/.exec(text);
    const at = step.replaceAll(",", "");
    const path = `/v1/jobs/${world.long}/metrics?names=train_loss&from=${at}&to=${at}&smooth=5`;
    await until("the stored row", async () => (await world.daemon.get(path)).series.train_loss.step[0]);
    near(shown, (await world.daemon.get(path)).series.train_loss.smoothed[0]);
}

async function figures(world) {
    const table = world.page.locator("table.figures");
    const { best } = await world.daemon.get(`/v1/jobs/${world.long}`);
    assert.equal(await table.locator("tbody tr").count(), 3);
    await world.page.getByLabel("train accuracy", { exact: true }).check();
    assert.match(world.page.url(), /figures=[^&]*train_accuracy/);
    const cells = await table.locator("tr", { hasText: "train accuracy" }).locator("td").allInnerTexts();
    const value = (text) => Number(/^[\d.]+/.exec(text)[0]) / 100;
    assert.ok(value(cells[1]) >= best.train_accuracy.value - 1e-4, "the best");
    assert.ok(value(cells[2]) <= value(cells[0]) && value(cells[0]) <= value(cells[3]));
}

async function files(world) {
    const figure = chart(world, "Loss");
    const save = async (link) => {
        const [file] = await Promise.all([world.page.waitForEvent("download"), link.click()]);
        return [file.suggestedFilename(), readFileSync(await file.path())];
    };
    const [picture, png] = await save(figure.getByRole("button", { name: "PNG" }));
    assert.equal(picture, "a-long-run-loss.png");
    assert.equal(png.subarray(1, 4).toString(), "PNG");
    const [name, csv] = await save(figure.getByRole("link", { name: "CSV" }));
    assert.equal(name, "a-long-run-loss.csv");
    const rows = csv.toString().split("\n");
    assert.equal(rows[0], "series,step,value");
    const steps = rows.filter((line) => line.startsWith("train_loss,"));
    assert.equal(steps[steps.length - 1].split(",")[1], String(steps.length), "a step is missing");
    assert.ok(!rows.some((line) => line.startsWith("lr,")));
    const all = world.page.locator("p", { hasText: "All values" });
    const [, json] = await save(all.getByRole("link", { name: "JSON" }));
    assert.equal(Object.keys(JSON.parse(json).series).length, 6);
}

async function events(world) {
    await tab(world, "Events");
    const log = world.page.locator("table.events");
    await log.locator('tr[data-event="evaluation"]').first().waitFor();
    assert.match(await log.innerText(), /evaluation: validation loss [\d.]+, validation accuracy/);
    assert.match(await log.locator('tr[data-event="checkpoint"]').last().innerText(), /20,000\s/);
    await world.page.getByLabel("Evaluations").uncheck();
    assert.equal(await log.locator('tr[data-event="evaluation"]').count(), 0);
    assert.match(world.page.url(), /hide=evaluation/);
    await shot(world, "events");
    await tab(world, "Curves");
}

async function marks(world) {
    await chart(world, "Loss").locator(".plot").focus();
    const text = () => chart(world, "Loss").locator(".mark-text").first().innerText();
    await until("the first checkpoint", async () => {
        await world.page.keyboard.press("m");
        return /step 20,000: checkpoint/.test(await text());
    });
    await world.page.getByText(/^Marks on the curves/).click();
    const list = world.page.locator(".marks tbody tr");
    await list.filter({ hasText: "went on in a daemon started anew" }).first().waitFor();
    await list.first().getByRole("button").click();
    await until("the part around it", async () => /[?&]from=/.test(world.page.url()));
    await world.page.goBack();
    await world.page.getByText(/^Marks on the curves/).click();
}

async function tableTwin(world) {
    const figure = chart(world, "Loss");
    await figure.getByText("Values as a table").click();
    const stored = await world.daemon.get(
        `/v1/jobs/${world.long}/metrics?names=train_loss,val_loss&from=1&to=400&max_points=0`,
    );
    const cells = async (step) => {
        const line = figure.locator("tbody tr", {
            has: world.page.locator(`th:text-is("${step}")`),
        });
        await line.waitFor();
        return line.locator("td").allInnerTexts();
    };
    near((await cells("1"))[2], stored.series.train_loss.value[0]);
    near((await cells("400"))[3], stored.series.val_loss.value[0]);
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

async function network(world) {
    await tab(world, "Network");
    const lines = world.page.locator("section[aria-label=Network] tbody tr");
    await lines.first().waitFor();
    assert.equal(await lines.count(), NETWORK.length);
    assert.match(await lines.first().innerText(), /conv2d\s+8 × 13 × 13\s+80\s+12,168\s+3 × 3/);
    assert.match(world.page.url(), /\/network/);
    await tab(world, "Curves");
}

async function restart(world) {
    await world.page.evaluate(() => (window.sameDocument = true));
    const before = await lastStep(world);
    world.browser.expected = /net::ERR_/;
    await world.daemon.stop("SIGKILL");
    await world.page.getByText("Connection lost").waitFor();
    assert.ok((await lastStep(world)) >= before, "the curve is gone with the daemon");
    await world.daemon.start();
    await until(
        "a live stream",
        async () => (await world.page.locator(".live").innerText()) === "live",
        30000,
    );
    await until("new points", async () => (await lastStep(world)) > before + 500, 40000);
    world.browser.expected = null;
    assert.equal(
        await world.page.evaluate(() => window.sameDocument),
        true,
        "the page was loaded anew",
    );
    const job = await world.daemon.get(`/v1/jobs/${world.long}`);
    assert.equal(job.restarts, 1);
}

async function zoom(world) {
    const figure = chart(world, "Loss");
    const plot = figure.locator(".u-over");
    const box = await plot.boundingBox();
    const last = await lastStep(world);
    const asked = await requests(world, async () => {
        await world.page.mouse.move(box.x + box.width / 4, box.y + 50);
        await world.page.mouse.down();
        await world.page.mouse.move(box.x + box.width / 2, box.y + 80, { steps: 5 });
        await world.page.mouse.up();
        await until("a part in the address", async () => /[?&]from=\d+&to=\d+/.test(world.page.url()));
        await sleep(1000);
    });
    const [, from, to] = /from=(\d+)&to=(\d+)/.exec(world.page.url()).map(Number);
    assert.ok(Math.abs(from - last / 4) < last / 50 && Math.abs(to - last / 2) < last / 50);
    const finer = asked.filter(([, path]) => path.includes(`from=${from}`) && path.includes(`to=${to}`));
    assert.ok(finer.length > 0, "no finer points were asked for");
    await shot(world, "zoomed");
    // So near that every step is there, one by one.
    await world.page.getByLabel("First step").fill(String(from));
    await world.page.getByLabel("Last step").fill(String(from + 40));
    await world.page.getByRole("button", { name: "Show", exact: true }).click();
    await figure.locator(".plot").focus();
    await until("neighbours", async () => {
        await world.page.keyboard.press("End");
        await world.page.keyboard.press("ArrowLeft");
        const here = await lastStep(world);
        await world.page.keyboard.press("ArrowLeft");
        return here > from && (await lastStep(world)) === here - 1;
    });
    await world.page.keyboard.press("-");
    await until("a larger part", async () => !world.page.url().includes(`to=${from + 40}`));
    await world.page.goBack();
    await until("the part before", async () => world.page.url().includes(`to=${from + 40}`));
    await plot.dblclick();
    await until("the whole run", async () => !world.page.url().includes("from="));
    await world.page.mouse.move(0, 0);
}

async function checkpoints(world) {
    await tab(world, "Checkpoints");
    const stored = await allCheckpoints(world);
    const response = await fetch(world.daemon.address + stored[0]);
    assert.equal(response.status, 200);
    const bytes = Buffer.from(await response.arrayBuffer());
    const header = JSON.parse(bytes.subarray(8, 8 + Number(bytes.readBigUInt64LE(0))));
    assert.deepEqual(header["0.weight"].shape, [8, 1, 3, 3]);
    const states = world.page.locator('table a[href$="?state=full"]');
    assert.equal(await states.count(), stored.length);
    await tab(world, "Curves");
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

export const watching = [
    ["the curve of a running job really moves", curveMoves],
    ["live values come by the stream, and what is held of a long run is thinned", fewRequests],
    ["a hidden page lets its stream go and misses nothing when it is shown again", hiddenPage],
    ["logarithmic axes are set for each chart and stay in the address", logScale],
    ["the x axis shows steps, epochs, the time of day or the time since the start", axes],
    ["the mean of the curve is that of all rows, those that come live too", smoothing],
    ["the table beside the chart holds the stored values", tableTwin],
    ["arrow keys read the logged values one by one", crosshair],
    ["last, best, smallest and largest values are shown of the metrics that are chosen", figures],
    ["the network's table shows shapes, parameters, multiply-adds and what a layer sees", network],
    ["a daemon killed and started again is found without a reload, and the curve goes on", restart],
    ["what happened to the job can be read, and kinds of it hidden", events],
    ["marks on the curves are read by keys and in a table that leads to them", marks],
];

export const watched = [
    ["a part of the run is opened by mouse, keys or numbers, with finer points; back works", zoom],
    ["a chart is saved as a picture and as CSV, all curves as JSON, every row of them", files],
    ["a checkpoint can be downloaded and holds the named tensors", checkpoints],
];

export const diverging = [
    ["a diverged job says so and shows where its values stopped being numbers", diverged],
];
