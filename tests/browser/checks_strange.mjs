// What a visit seldom meets: addresses that ask for nonsense, a run of one step, very long names, two
// hands at one job, networks that have nothing in common, a daemon that is away when a page is opened.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { NETWORK, longJob, open, row, shot, until } from "./support.mjs";

const ended = (world, id) =>
    until("the job has ended", async () =>
        ["succeeded", "failed"].includes((await world.daemon.get(`/v1/jobs/${id}`)).state),
    );

async function trained(world, spec) {
    const { id } = await world.daemon.submit(spec);
    await ended(world, id);
    return id;
}

const patch = (world, id, change) =>
    fetch(`${world.daemon.address}/v1/jobs/${id}`, {
        method: "PATCH",
        headers: { "Content-Type": "application/merge-patch+json" },
        body: JSON.stringify(change),
    });

async function addresses(world) {
    const before = world.browser.complaints.length;
    const job = `#/jobs/${world.long}`;
    for (const name of ["constructor", "__proto__", "toString", "%3Cb%3E", "-1"])
        for (const hash of [
            `${job}?x=${name}&smooth=${name}&logy=${name}&from=${name}&to=${name}&figures=${name}`,
            `#/compare?jobs=${world.long}&x=${name}&axes=${name}&across=${name}&up=${name}`,
        ]) {
            await open(world, "#/jobs");
            await open(world, hash);
            const curves = world.page.locator("figure.chart canvas").first();
            await curves.waitFor({ timeout: 10000 });
        }
    await open(world, `#/jobs?sort=${"__proto__"}&columns=constructor,__proto__`);
    await row(world, world.long).waitFor();
    assert.deepEqual(world.browser.complaints.slice(before), []);
}

/** A page that throws while it is drawn. */
async function guarded(world) {
    const page = await world.browser.page(`${world.daemon.address}/#/jobs`);
    await page.route("**/pages/system.js", (route) =>
        route.fulfill({
            contentType: "text/javascript",
            body: "export const System = () => { throw new Error('thrown by a check'); };",
        }),
    );
    world.browser.expected = /thrown by a check/;
    await page.evaluate(() => (location.hash = "#/system?a=b"));
    const alert = page.getByRole("alert");
    await alert.getByText("This page cannot be shown like this").waitFor();
    assert.equal(await alert.getByRole("link").first().getAttribute("href"), "#/system");
    await alert.getByRole("link", { name: "all jobs" }).click();
    await page.locator("table.jobs").waitFor();
    world.browser.expected = null;
    await page.close();
}

/** How many pixels of a chart have the colour of a curve, and so are not grid. */
const coloured = (world, title) =>
    world.page
        .locator("figure.chart", { has: world.page.locator(`h3:text-is("${title}")`) })
        .locator("canvas")
        .evaluate((canvas) => {
            const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
            let found = 0;
            for (let i = 0; i < data.length; i += 4)
                found += data[i + 3] > 100 && data[i + 2] - data[i] > 60;
            return found;
        });

async function oneStep(world) {
    const id = await trained(world, { ...longJob("one step"), max_steps: 1 });
    await open(world, `#/jobs/${id}`);
    await until("a dot for the only train loss", async () => (await coloured(world, "Loss")) > 4);
    await shot(world, "one-step");
    const steps = await world.page.evaluate(async () => (await import("/charts/axis.js")).xAxis("step"));
    assert.ok(steps.incrs.every(Number.isInteger), "there are labels between steps");
}

/** Where the signs of three marks are drawn that stand on two steps. */
async function stacked(world) {
    const places = await world.page.evaluate(async () => {
        const { drawMarks } = await import("/charts/marks.js");
        const drawn = [];
        const ctx = new Proxy(
            { fillText: (sign, x, y) => drawn.push([sign, x, y]) },
            { get: (own, name) => own[name] ?? (() => {}), set: () => true },
        );
        const plot = { ctx, bbox: { left: 0, top: 0, width: 900, height: 90 }, valToPos: (x) => x };
        const marks = [
            { step: 100, kind: "checkpoint" },
            { step: 500, kind: "end" },
            { step: 500, kind: "nonfinite" },
        ];
        drawMarks(plot, marks, ({ step }) => step);
        return drawn;
    });
    const [[, , first], [, , end], [sign, , lower]] = places;
    assert.equal(first, end);
    assert.equal(sign, "×");
    assert.ok(lower - end >= 9, `${lower} is in the place of ${end}`);
}

async function longNames(world) {
    const labels = Object.fromEntries(
        Array.from({ length: 20 }, (_, i) => [`${"label".repeat(10)}${i}`, "v".repeat(60)]),
    );
    const id = await trained(world, { ...longJob("W".repeat(200)), max_steps: 2, labels });
    await open(world, "#/jobs");
    await row(world, id).getByText("and 14 more").waitFor();
    const { height } = await row(world, id).boundingBox();
    assert.ok(height < 260, `the row is ${height} pixels high`);
}

async function twoHands(world) {
    const id = await trained(world, { ...longJob("before"), max_steps: 2, labels: { "a:b": "c" } });
    await open(world, `#/jobs/${id}`);
    await world.page.getByRole("button", { name: "Edit name" }).click();
    await patch(world, id, { labels: { other: "hand" }, priority: 5 });
    await world.page.getByLabel("Name", { exact: true }).fill("after");
    await world.page.getByRole("button", { name: "Save" }).click();
    await world.page.getByRole("heading", { name: "after" }).waitFor();
    const { name, labels, priority } = await world.daemon.get(`/v1/jobs/${id}`);
    assert.deepEqual({ name, labels, priority }, {
        name: "after",
        labels: { "a:b": "c", other: "hand" },
        priority: 5,
    });
}

async function unlike(world) {
    const seed = 4503599627370497;
    const linear = [{ type: "flatten" }, { type: "linear", out_features: 10 }];
    const ids = [
        await trained(world, { ...longJob("like"), model: NETWORK, max_steps: 2 }),
        await trained(world, { ...longJob("unlike"), model: linear, max_steps: 2, seed }),
    ];
    await open(world, `#/compare?jobs=${ids.join(",")}`);
    const table = world.page.locator("table.differences");
    await table.getByText(String(seed), { exact: true }).waitFor();
    const paths = (await table.locator("tbody th").allInnerTexts()).map((text) => text.trim());
    assert.deepEqual(
        paths.filter((path) => path.startsWith("model.")),
        NETWORK.map((_, i) => `model.${i}`),
    );
    const [first] = await table.locator("tr", { hasText: "model.0" }).locator("td").allInnerTexts();
    assert.match(first, /^conv2d, out channels 8, kernel size 3, stride 2/);
    await world.page.getByLabel("also what is the same").check();
    await table.getByText("model.0.padding", { exact: true }).waitFor();
}

/** The stored best is that of a moment ago. */
async function bests(world) {
    const path = `**/v1/jobs/${world.long}`;
    await open(world, "#/jobs");
    await world.page.route(path, async (route) => {
        const response = await route.fetch();
        const job = await response.json();
        job.best.train_loss = { step: 1, value: 99 };
        await route.fulfill({ response, json: job });
    });
    await open(world, `#/jobs/${world.long}`);
    const cells = world.page.locator("table.figures tr", { hasText: "train loss" }).locator("td");
    await cells.first().waitFor();
    const [, best, least] = (await cells.allInnerTexts()).map(parseFloat);
    await world.page.unroute(path);
    assert.equal(best, least);
}

/** A page opened while there is no daemon, and a notice that the daemon stops. */
async function away(world) {
    await open(world, "#/jobs");
    await row(world, world.long).waitFor();
    world.browser.expected = /./;
    await world.page.route("**/metrics?*", (route) =>
        route
            .fulfill({ status: 503, json: { detail: "the server is stopping" } })
            .catch(() => {}), // when it is taken away at that moment
    );
    await open(world, `#/jobs/${world.long}`);
    await world.page.getByRole("alert").getByText("the server is stopping").waitFor();
    await world.page.unroute("**/metrics?*");
    const { items } = await world.daemon.get("/v1/jobs?state=succeeded&limit=100&sort=created_at");
    const other = await world.browser.page(`${world.daemon.address}/#/data`);
    await other.locator(".sets h2").first().waitFor();
    await world.daemon.stop("SIGKILL");
    await world.page.getByText("Connection lost").waitFor();
    await open(world, `#/jobs/${items[0].id}`);
    await other.evaluate(() => (location.hash = "#/data/fashion-mnist"));
    await sleep(1500);
    await world.daemon.start();
    await world.page.locator("figure.chart canvas").first().waitFor();
    await other.getByRole("heading", { name: "fashion-mnist" }).waitFor();
    await until("no notice", async () => (await world.page.getByRole("alert").count()) === 0);
    await other.close();
    world.browser.expected = null;
}

/** From one waiting job to another before the first one's place is read. */
async function waiting(world) {
    const ids = [];
    for (const name of ["takes one", "takes all", "waits", "waits too"])
        ids.push((await world.daemon.submit({ ...longJob(name), priority: 3 })).id);
    await open(world, `#/jobs/${ids[2]}`);
    await world.page.getByRole("heading", { name: "waits", exact: true }).waitFor();
    await open(world, `#/jobs/${ids[3]}`);
    await world.page.getByText("1 job before it in the queue").waitFor();
    for (const id of ids.reverse())
        await fetch(`${world.daemon.address}/v1/jobs/${id}/cancel`, { method: "POST" });
    for (const id of ids)
        await until("it is cancelled", async () =>
            (await world.daemon.get(`/v1/jobs/${id}`)).state === "cancelled",
        );
}

/** Another hand deletes the job between the answer that knows it and the one with its curves. */
async function between(world) {
    world.browser.expected = /status of 404/;
    let asked = 0;
    await world.page.route("**/metrics?*", (route) => {
        asked++;
        return route.fulfill({ status: 404, json: { detail: "there is no such job" } });
    });
    await open(world, "#/jobs");
    await row(world, world.long).waitFor();
    await open(world, `#/jobs/${world.long}`);
    await until("its curves are asked for", () => asked > 0);
    await world.page.locator(".standing").waitFor();
    await sleep(500);
    assert.equal(await world.page.getByRole("alert").count(), 0);
    await world.page.unrouteAll({ behavior: "wait" });
    world.browser.expected = null;
}

export const strange = [
    ["no address, however strange, breaks a page", addresses],
    ["an error in one page leaves the others alone", guarded],
    ["a run of one step is seen", oneStep],
    ["marks of one step stand below each other", stacked],
    ["a very long name and many labels leave the list readable", longNames],
    ["two hands that edit one job lose nothing of each other", twoHands],
    ["networks of other kinds are compared layer by layer, seeds to the last digit", unlike],
    ["the best value is never worse than one that is shown", bests],
    ["from one waiting job to the next, the place in the queue is the next one's", waiting],
    ["of a job that was deleted meanwhile, its own page says so and no notice beside it", between],
    ["what is opened while the daemon is away is there once it is back", away],
];
