// What the checks share: jobs to send, ways to find things on the page, and waiting.
import assert from "node:assert/strict";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

export const NETWORK = [
    { type: "conv2d", out_channels: 8, kernel_size: 3, stride: 2 },
    { type: "relu" },
    { type: "flatten" },
    { type: "linear", out_features: 10 },
];

/** A job that goes on for longer than the checks take. */
export const longJob = (name) => ({
    name,
    dataset: { name: "fashion-mnist" },
    model: NETWORK,
    optimizer: { type: "sgd", lr: 0.01, momentum: 0.9 },
    max_steps: 20000000,
    batch_size: 32,
    seed: 1,
    evaluate_every: { steps: 400 },
    checkpoint: { every: { steps: 20000 } },
});

export const shot = (world, name) =>
    world.page.screenshot({ path: join(world.shots, `${name}.png`), fullPage: true });
export const row = (world, id) => world.page.locator(`tr[data-job="${id}"]`);
export const chart = (world, title) =>
    world.page.locator("figure.chart", { has: world.page.locator(`h3:text-is("${title}")`) });
/** The last step that a chart says it shows. */
export const lastStep = async (world, title = "Loss") => {
    const legend = await chart(world, title).locator(".legend .at").innerText();
    return Number(/^step ([\d,]+)/.exec(legend)[1].replaceAll(",", ""));
};
export const points = async (world) =>
    Number(await chart(world, "Loss").getAttribute("data-points"));
export const pixels = (world, title = "Loss") =>
    chart(world, title)
        .locator("canvas")
        .evaluate((canvas) => canvas.toDataURL());

/** Whether a shown number is the stored one, to the digits that are shown. */
export function near(shown, stored) {
    const error = Math.abs(Number(shown) - stored);
    assert.ok(error <= Math.max(5e-5, 5e-4 * stored), `${shown} is shown for ${stored}`);
}

export async function until(what, condition, milliseconds = 30000) {
    for (const deadline = Date.now() + milliseconds; Date.now() < deadline; await sleep(100))
        if (await condition())
            return;
    assert.fail(`in ${milliseconds / 1000} s it did not happen: ${what}`);
}

export const open = (world, hash) =>
    world.page.evaluate((value) => (location.hash = value), hash);
/** Paths of all stored checkpoints of the long job, newest first, once its tab shows them. */
export async function allCheckpoints(world) {
    const links = world.page.locator('table a[href*="/checkpoints/"]:text-is("safetensors")');
    const shown = () => links.evaluateAll((all) => all.map((link) => link.getAttribute("href")));
    let stored = [];
    await until("the stored checkpoints", async () => {
        const { items } = await world.daemon.get(`/v1/jobs/${world.long}/checkpoints`);
        stored = items.map(({ links: { self } }) => self).reverse();
        return stored.length > 0 && String(await shown()) === String(stored);
    });
    return stored;
}

/** Milliseconds from frame to frame: {half, most}, which half and 95 % of them stay below. What is
 * wanted of them is far from what a calm machine does: the tests share theirs. */
export async function frames(world) {
    const times = await world.page.evaluate(async () => {
        const all = [];
        let last = performance.now();
        while (all.length < 120) {
            const now = await new Promise(requestAnimationFrame);
            all.push(now - last);
            last = now;
        }
        return all.sort((a, b) => a - b);
    });
    return { half: times[60], most: times[114] };
}

/** Goes to a tab of the page of a job. */
export const tab = (world, title) =>
    world.page.locator("nav.tabs").getByRole("link", { name: title }).click();
export const view = (world, width, scheme) =>
    Promise.all([
        world.page.setViewportSize({ width, height: 900 }),
        world.page.emulateMedia({ colorScheme: scheme }),
    ]);
/** Requests of the page while `work` goes on, as [method, path and query, body]. */
export async function requests(world, work) {
    const asked = [];
    const listen = (request) => {
        const { pathname, search } = new URL(request.url());
        asked.push([request.method(), pathname + search, request.postData()]);
    };
    world.page.on("request", listen);
    await work();
    world.page.off("request", listen);
    return asked;
}
