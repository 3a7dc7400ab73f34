// Much at once: many tabs on one event stream, and long runs beside each other. Each check leaves
// the page on the list.
import assert from "node:assert/strict";
import { chart, frames, longJob, open, shot, until } from "./support.mjs";

const RUNS = 10;
const STEPS = 100000;
const TRAINED_MS = 400000;

// The smallest network there is: what is long here is its history.
const tinyJob = (i) => ({
    name: `long ${i}`,
    dataset: { synthetic: { shape: [1, 2, 2], classes: 2, samples: 64 } },
    model: [{ type: "flatten" }, { type: "linear", out_features: 2 }],
    optimizer: { type: "sgd", lr: 0.001 * (i + 1) },
    max_steps: STEPS,
    batch_size: 1,
    seed: i + 1,
    evaluate_every: { steps: STEPS / 4 },
});

async function streams({ daemon }) {
    const text = await (await fetch(`${daemon.address}/metrics`)).text();
    return Number(/^traind_streams (\d+)$/m.exec(text)[1]);
}

async function tabs(world) {
    const live = (page) => page.locator(".live").getByText("live", { exact: true }).waitFor();
    await until("one stream", async () => (await streams(world)) === 1);
    const pages = [];
    for (let i = 0; i < 3; i++) {
        pages.push(await world.browser.page(world.daemon.address));
        await live(pages[i]);
    }
    assert.equal(await streams(world), 1);
    const { id } = await world.daemon.submit({ ...longJob("seen in every tab"), max_steps: 40 });
    for (const page of pages)
        await page.locator(`tr[data-job="${id}"] .state.succeeded`).waitFor();
    for (const page of pages)
        await page.close();
    await world.page.bringToFront();
    await live(world.page);
    await until("one stream again", async () => (await streams(world)) === 1);
}

async function longRuns(world) {
    world.runs = [];
    for (let i = 0; i < RUNS; i++)
        world.runs.push((await world.daemon.submit(tinyJob(i))).id);
    const job = (id) => world.daemon.get(`/v1/jobs/${id}`);
    for (const id of world.runs)
        await until("its end", async () => (await job(id)).state === "succeeded", TRAINED_MS);
    await open(world, `#/compare?jobs=${world.runs.join(",")}`);
    const loss = chart(world, "Train loss");
    await until("ten curves", async () =>
        (await loss.locator(".readout [title^='long ']").count()) === RUNS,
    );
    const drawn = Number(await loss.getAttribute("data-points"));
    assert.ok(drawn > RUNS * 500 && drawn < RUNS * 10000, `${drawn} points are drawn`);
}

// With the mouse on the chart, and while another job goes on.
async function fluid(world) {
    const { id } = await world.daemon.submit(longJob("goes on meanwhile"));
    await open(world, `#/compare?jobs=${[...world.runs, id].join(",")}&on=${id}`);
    const over = chart(world, "Train loss").locator(".u-over");
    await over.scrollIntoViewIfNeeded();
    const { x, y, width, height } = await over.boundingBox();
    let moving = true;
    const mouse = (async () => {
        for (let i = 0; moving; i++)
            await world.page.mouse.move(x + ((i * 7) % width), y + height / 2);
    })();
    const times = await frames(world);
    moving = false;
    await mouse;
    await shot(world, "long-runs");
    await fetch(`${world.daemon.address}/v1/jobs/${id}/cancel`, { method: "POST" });
    assert.ok(times.half < 300, `half of the frames take more than ${times.half} ms`);
    assert.ok(times.most < 1500, `some frames take ${times.most} ms`);
    await open(world, "#/jobs");
}

export const large = [
    ["all tabs of a browser have one event stream, and each sees what it brings", tabs],
    [`${RUNS} runs of 100,000 steps are compared`, longRuns, TRAINED_MS + 60000],
    ["their curves follow the mouse while a job goes on", fluid],
];
