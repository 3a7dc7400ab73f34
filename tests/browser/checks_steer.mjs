// The page of one job: what a hand does with it. Each check leaves the job that the others watch
// running, until the last one cancels it.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { allCheckpoints, chart, longJob, open, requests, shot, tab, until } from "./support.mjs";

const SHELL = { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] };

const button = (world, name) => world.page.getByRole("button", { name, exact: true });
const job = (world, id = world.long) => world.daemon.get(`/v1/jobs/${id}`);
async function post(world, id, what) {
    const url = `${world.daemon.address}/v1/jobs/${id}/${what}`;
    const answer = await fetch(url, { method: "POST" });
    assert.ok(answer.ok, `${what}: ${answer.status} ${await answer.text()}`);
}
const state = (world, name) => world.page.locator(`.standing .state.${name}`).waitFor();

async function rate(world) {
    await world.page.getByText("Change the rate while it runs").click();
    const field = world.page.locator("#steer-lr");
    assert.equal(await field.inputValue(), "0.01");
    assert.ok(await button(world, "Change").isDisabled());
    await field.fill("-1");
    world.browser.expected = /status of 422/;
    await button(world, "Change").click();
    const error = world.page.locator("#steer-lr-error");
    await error.waitFor();
    assert.match(await error.innerText(), /from 0/);
    assert.equal(await field.getAttribute("aria-invalid"), "true");
    assert.match(await field.getAttribute("aria-describedby"), /steer-lr-error/);
    world.browser.expected = null;
    await shot(world, "steering-refused");
    await field.fill("0.002");
    const asked = await requests(world, () => button(world, "Change").click());
    assert.deepEqual(
        asked.filter(([method]) => method === "PATCH"),
        [["PATCH", `/v1/jobs/${world.long}`, '{"lr":0.002}']],
    );
    const legend = chart(world, "Learning rate").locator(".legend");
    await until("the new rate", async () => /rate 0.002\b/.test(await legend.innerText()));
    assert.equal(await field.inputValue(), "0.002");
    assert.equal((await job(world)).spec.optimizer.lr, 0.002);
    await world.page.getByText(/^Marks on the curves/).click();
    await world.page.locator(".marks").getByText("lr 0.01 → 0.002").waitFor();
    await world.page.getByText(/^Marks on the curves/).click();
    await world.page.getByText("Change the rate while it runs").click();
    await tab(world, "Events");
    await world.page.locator("table.events").getByText("lr 0.01 → 0.002").waitFor();
    await tab(world, "Curves");
}

async function naming(world) {
    await button(world, "Edit name, labels, priority").click();
    await world.page.getByLabel("Priority").fill("very high");
    world.browser.expected = /status of 422/;
    await button(world, "Save").click();
    await until("the daemon's reason", async () =>
        /integer/.test(await world.page.locator("#job-priority-error").innerText()),
    );
    world.browser.expected = null;
    await world.page.getByLabel("Priority").fill("7");
    await world.page.getByLabel("Labels").fill("team: <b>vision</b>\ntry: 3");
    await world.page.getByLabel("Name", { exact: true }).fill("a longer run");
    await button(world, "Save").click();
    await world.page.getByRole("heading", { name: "a longer run" }).waitFor();
    const { name, labels, priority } = await job(world);
    assert.deepEqual(
        { name, labels, priority },
        { name: "a longer run", labels: { team: "<b>vision</b>", try: "3" }, priority: 7 },
    );
    await world.page.getByText("team: <b>vision</b>").waitFor();
    await button(world, "Edit name, labels, priority").click();
    await world.page.getByLabel("Labels").fill("");
    await world.page.getByLabel("Name", { exact: true }).fill("a long run");
    await button(world, "Save").click();
    await world.page.getByRole("heading", { name: "a long run" }).waitFor();
    assert.deepEqual((await job(world)).labels, {});
}

async function pause(world) {
    await button(world, "Pause").click();
    await state(world, "paused");
    assert.match(await world.page.locator(".pace").innerText(), / left once it goes on/);
    const left = async () =>
        /[\d ]+(s|min|h)[^·]*left/.exec(await world.page.locator(".pace").innerText())[0];
    await until("the remaining time stands while the clock goes on", async () => {
        const before = await left();
        await sleep(2500);
        return (await left()) === before;
    });
    await shot(world, "paused");
    await button(world, "Resume").click();
    await state(world, "running");
    await world.page.getByText(/^Marks on the curves/).click();
    for (const text of ["paused", "resumed"])
        await world.page.locator(".marks td").getByText(text, { exact: true }).first().waitFor();
    await world.page.getByText(/^Marks on the curves/).click();
}

async function asCurl(world) {
    const run = async (title) => {
        await button(world, "Copy as curl").click();
        const choices = world.page.locator(".menu .choices");
        await choices.getByRole("button", { name: title, exact: true }).click();
        await world.page.locator(".command b").getByText(title, { exact: true }).waitFor();
        const command = await world.page.locator(".command pre").innerText();
        return JSON.parse(execFileSync("sh", ["-c", command], SHELL));
    };
    assert.ok(["pausing", "paused"].includes((await run("Pause")).state));
    await state(world, "paused");
    assert.ok(["queued", "running"].includes((await run("Resume")).state));
    await state(world, "running");
    const changed = await run("Change the rate");
    assert.equal(changed.id, world.long, JSON.stringify(changed));
    await button(world, "Close").click();
}

// The job pauses meanwhile: else the checkpoint would soon be one too old to be kept.
async function fork(world) {
    await button(world, "Pause").click();
    await state(world, "paused");
    await tab(world, "Checkpoints");
    const [, step] = /(\d+)$/.exec((await allCheckpoints(world)).pop());
    await world.page.getByRole("link", { name: `Fork from step ${step}`, exact: true }).click();
    assert.match(world.page.url(), new RegExp(`/fork\\?checkpoint=${step}$`));
    const patch = world.page.getByLabel("What is to be other than in this job");
    await patch.fill('{"optimizer": {"lr": -1}, "max_steps": 30}');
    world.browser.expected = /status of 422/;
    await button(world, "Check only").click();
    await world.page.getByRole("alert").getByText("/spec/optimizer/lr").waitFor();
    world.browser.expected = null;
    await patch.fill('{"optimizer": {"lr": 0.5}, "max_steps": 30}');
    await shot(world, "fork");
    await button(world, "Fork").click();
    await world.page.getByRole("heading", { name: "fork of a long run" }).waitFor();
    await state(world, "succeeded");
    const id = /#\/jobs\/(\w+)/.exec(world.page.url())[1];
    const { spec, forked_from: from } = await job(world, id);
    assert.equal(spec.optimizer.lr, 0.5);
    assert.deepEqual([from.job, from.checkpoint], [world.long, Number(step)]);
    const facts = world.page.locator(".facts");
    assert.match(await facts.innerText(), new RegExp(`forked from\\s+${world.long}`));
    world.forked = id;
    await post(world, world.long, "resume");
    await until("the long job goes on", async () => (await job(world)).state === "running");
}

async function clone(world) {
    await world.page.getByRole("link", { name: "Clone" }).click();
    await until("the job's text", async () =>
        /fork of a long run/.test(await world.page.locator("textarea").first().inputValue()),
    );
    await open(world, `#/jobs/${world.forked}`);
}

// What this daemon has is saved; what it has not is said.
async function perhaps(world) {
    await button(world, "Download").click();
    const { status } = await fetch(
        `${world.daemon.address}/v1/jobs/${world.forked}/export/pytorch`,
    );
    const link = world.page.getByRole("link", { name: "Network as a PyTorch script" });
    if (status === 200) {
        const [file] = await Promise.all([world.page.waitForEvent("download"), link.click()]);
        assert.match(file.suggestedFilename(), /\.py$/);
        return;
    }
    world.browser.expected = /status of 501/;
    await link.click();
    await world.page.getByRole("alert").getByText("not in this version").waitFor();
    await button(world, "Dismiss").click();
    world.browser.expected = null;
}

async function remove(world) {
    const ask = async () => {
        await button(world, "Delete").click();
        await world.page.getByRole("dialog").waitFor();
    };
    await ask();
    await world.page.keyboard.press("Escape");
    await ask();
    world.browser.expected = /status of 501/;
    await button(world, "Delete for good").click();
    const cannot = world.page.getByText("cannot delete jobs yet");
    const gone = () => fetch(`${world.daemon.address}/v1/jobs/${world.forked}`);
    await until("an answer", async () => (await cannot.isVisible()) || (await gone()).status === 404);
    if (await cannot.isVisible())
        await button(world, "Keep it").click();
    else await until("the list of jobs", async () => /#\/jobs$/.test(world.page.url()));
    world.browser.expected = null;
}

async function queue(world) {
    const sent = [];
    for (const name of ["beside it", "third", "fourth"])
        sent.push((await world.daemon.submit(longJob(name))).id);
    await open(world, `#/jobs/${sent[2]}`);
    await world.page.getByText("1 job before it in the queue").waitFor();
    await world.page.getByText("no step yet").waitFor();
    await post(world, sent[1], "cancel");
    await world.page.getByText("next in the queue").waitFor();
    for (const id of [sent[2], sent[0]])
        await post(world, id, "cancel");
    await state(world, "cancelled");
    await open(world, `#/jobs/${world.long}`);
}

async function cancel(world) {
    await state(world, "running");
    await button(world, "Cancel").click();
    await shot(world, "cancel-menu");
    await button(world, "at the next checkpoint").click();
    await state(world, "cancelled");
    const { state: end, progress } = await job(world);
    assert.equal(end, "cancelled");
    assert.equal(progress.step % 20000, 0, "it did not go on to a checkpoint");
    assert.equal(await world.page.getByRole("button", { name: /^(Cancel|Pause)/ }).count(), 0);
    await shot(world, "cancelled");
}

export const steering = [
    ["the rate is changed while the job runs; what is wrong is said at the field", rate],
    ["name, labels and priority are changed where they stand", naming],
    ["a job is paused, its remaining time stands still, and it goes on", pause],
    ["what is copied as curl does what the button does", asCurl],
    ["a job is forked from one of its checkpoints with another rate", fork],
    ["a job is cloned into the editor", clone],
    ["a file is saved, or the page says that this daemon has no such thing", perhaps],
    ["an ended job is deleted after a question, or the page says that it cannot be", remove],
    ["a queued job says how many are before it", queue],
    ["a job goes on to its next checkpoint when it is to be cancelled there", cancel],
];
