// Makes the README's picture of the dashboard: a LeNet-5 on Fashion-MNIST whose rate a hand lowers
// while it runs.
//
// usage: node tests/browser/picture.mjs PICTURE.png
// TRAIND: path of the program (build/traind)
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Browser } from "./browser.mjs";
import { Daemon } from "./daemon.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const root = resolve(here, "../..");
const STEPS_AN_EPOCH = 938;

async function patch(daemon, id, change) {
    const response = await fetch(`${daemon.address}/v1/jobs/${id}`, {
        method: "PATCH",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(change),
    });
    if (!response.ok)
        throw new Error(`PATCH: ${response.status} ${await response.text()}`);
}

async function reach(daemon, id, step) {
    for (;;) {
        const job = await daemon.get(`/v1/jobs/${id}`);
        if (job.progress.step >= step || job.state === "succeeded")
            return;
        await sleep(20);
    }
}

async function train(daemon) {
    const spec = JSON.parse(readFileSync(join(root, "static/presets/lenet5-fashion-mnist.json"), "utf8"));
    const { id } = await daemon.submit({
        ...spec,
        name: "LeNet-5, rate lowered by hand",
        optimizer: { type: "sgd", lr: 0.05, momentum: 0.9 },
        lr_schedule: undefined,
        epochs: 10,
        evaluate_every: { steps: STEPS_AN_EPOCH / 2 },
    });
    await reach(daemon, id, 4 * STEPS_AN_EPOCH);
    await patch(daemon, id, { lr: 0.01 });
    await reach(daemon, id, 7 * STEPS_AN_EPOCH);
    await patch(daemon, id, { lr: 0.002 });
    await reach(daemon, id, 9 * STEPS_AN_EPOCH);
    return id;
}

const place = mkdtempSync(join(tmpdir(), "traind-picture-"));
const daemon = new Daemon(resolve(process.env.TRAIND ?? join(root, "build/traind")), place);
const browser = new Browser(here, join(root, "build/npm-browser"), join(place, "profile"));
daemon.datasets = "/usr/share/datasets";
try {
    await daemon.start();
    await browser.start();
    const id = await train(daemon);
    const page = await browser.page(`${daemon.address}/#/jobs/${id}?smooth=50&logy=loss`);
    await page.setViewportSize({ width: 1360, height: 1010 });
    await page.locator("figure.chart canvas").first().waitFor();
    await sleep(2500);
    await page.screenshot({ path: process.argv[2] });
} finally {
    await browser.stop().catch(() => {});
    await daemon.stop("SIGKILL");
    rmSync(place, { recursive: true, force: true });
}
