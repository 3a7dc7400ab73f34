// Success and failure of each operation in turn, on a daemon with jobs small enough to train in a
// blink. Each check leaves what the next ones need in `world`.
import { setTimeout as sleep } from "node:timers/promises";
import { archive } from "./archive.mjs";
import { ask } from "./ask.mjs";

const job = (more = {}) => ({
    name: "contract",
    labels: { suite: "contract" },
    dataset: { synthetic: { shape: [1, 8, 8], classes: 3, samples: 96 } },
    model: [
        { type: "residual", body: [{ type: "conv2d", out_channels: 1, kernel_size: 3, padding: 1 }] },
        "relu",
        "flatten",
        { type: "linear", out_features: 3 },
    ],
    optimizer: { type: "sgd", lr: 0.05, momentum: 0.9 },
    epochs: 2,
    batch_size: 16,
    seed: 1,
    ...more,
});

/** Asks, and holds the answer against the document. `wanted`: the status. */
async function call(world, method, path, wanted, options) {
    const answer = await ask(world.daemon.address, method, path, options);
    world.document.check(method, path, answer);
    if (answer.status !== wanted)
        throw new Error(`${method} ${path}: ${answer.status} and not ${wanted}: ${answer.text}`);
    return answer;
}

async function submit(world, more) {
    const answer = await call(world, "POST", "/v1/jobs", 201, { body: job(more) });
    if (answer.headers.location !== answer.json.links.self)
        throw new Error(`Location is ${answer.headers.location}`);
    return answer.json.id;
}

async function until(world, id, states) {
    for (;;) {
        const { json } = await call(world, "GET", `/v1/jobs/${id}`, 200);
        if (states.includes(json.state))
            return json;
        if (["succeeded", "failed", "cancelled"].includes(json.state))
            throw new Error(`the job is ${json.state}: ${json.reason}`);
        await sleep(20);
    }
}

/** A job that goes on until somebody ends it. */
const long = { max_steps: 100000000, epochs: undefined, checkpoint: { every: { steps: 100000 } } };

async function submitting(world) {
    await call(world, "POST", "/v1/jobs?dry_run=true", 200, { body: job() });
    await call(world, "POST", "/v1/jobs", 400, { body: '{"name": "x",}' });
    await call(world, "POST", "/v1/jobs", 422, { body: { model: ["rleu"] } });
    world.id = await submit(world);
    const headers = { "Idempotency-Key": "contract-1" };
    const first = await call(world, "POST", "/v1/jobs", 201, { body: job(), headers });
    const again = await ask(world.daemon.address, "POST", "/v1/jobs", { body: job(), headers });
    world.document.check("POST", "/v1/jobs", again);
    if (again.json.id !== first.json.id)
        throw new Error("the same key made two jobs");
    await call(world, "POST", "/v1/jobs", 422, { body: job({ name: "other" }), headers });
    await until(world, world.id, ["succeeded"]);
    world.places = { id: world.id, which: "last", name: "fashion-mnist", file: "0.png" };
}

async function looking(world) {
    const own = `/v1/jobs/${world.id}`;
    await call(world, "GET", "/v1/jobs", 200);
    await call(world, "GET", "/v1/jobs?state=succeeded&limit=1", 200);
    const { headers } = await call(world, "GET", own, 200);
    await call(world, "GET", own, 304, { headers: { "If-None-Match": headers.etag } });
    await call(world, "GET", `${own}/metrics`, 200);
    await call(world, "GET", `${own}/metrics?names=val_loss&from=1&to=5&max_points=0`, 200);
    await call(world, "GET", `${own}/metrics`, 200, { headers: { Accept: "text/csv" } });
    await call(world, "GET", `${own}/metrics`, 200, { headers: { Accept: "application/jsonl" } });
    await call(world, "GET", `${own}/schedule`, 200);
    await call(world, "GET", "/v1/schema", 200);
    await call(world, "GET", "/openapi.json", 200);
}

async function datasets(world) {
    const own = "/v1/datasets/dots";
    const put = (bytes, headers) => ({ body: bytes, headers: { "Content-Type": type, ...headers } });
    const type = "application/octet-stream";
    await call(world, "PUT", own, 201, put(archive(1)));
    await call(world, "PUT", own, 200, put(archive(1)));
    await call(world, "PUT", own, 409, put(archive(2)));
    await call(world, "PUT", own, 412, put(archive(2), { "If-None-Match": "*" }));
    await call(world, "PUT", "/v1/datasets/nothing", 422, put(Buffer.from("no archive")));
    await call(world, "GET", "/v1/datasets", 200);
    await call(world, "GET", own, 200);
    await call(world, "GET", `${own}/samples?limit=2`, 200);
    const { headers } = await call(world, "GET", `${own}/samples/0.png`, 200);
    const same = { headers: { "If-None-Match": headers.etag } };
    await call(world, "GET", `${own}/samples/0.png`, 304, same);
    const id = await submit(world, { ...long, dataset: { name: "dots" } });
    await call(world, "DELETE", own, 412, { headers: { "If-Match": '"another"' } });
    await call(world, "DELETE", own, 409);
    await call(world, "POST", `/v1/jobs/${id}/cancel`, 200);
    await until(world, id, ["cancelled"]);
    await call(world, "DELETE", own, 204);
}

async function weights(world) {
    const own = "/v1/weights/dots";
    const type = "application/octet-stream";
    const put = (body, headers) => ({ body, headers: { "Content-Type": type, ...headers } });
    const other = await call(world, "GET", `/v1/jobs/${world.id}/checkpoints/6`, 200);
    await call(world, "PUT", own, 201, put(world.weights));
    await call(world, "PUT", own, 200, put(world.weights));
    await call(world, "PUT", own, 409, put(other.body));
    await call(world, "PUT", own, 412, put(other.body, { "If-None-Match": "*" }));
    await call(world, "PUT", "/v1/weights/nothing", 422, put(Buffer.from("no weights")));
    await call(world, "GET", "/v1/weights?limit=1", 200);
    const { headers } = await call(world, "GET", own, 200);
    await call(world, "GET", own, 200, { headers: { Accept: "application/json" } });
    await call(world, "GET", own, 304, { headers: { "If-None-Match": headers.etag } });
    await call(world, "GET", own, 206, { headers: { Range: "bytes=-8" } });
    await call(world, "GET", own, 416, { headers: { Range: "bytes=999999999-" } });
    await submit(world, { init_from: { weights: "dots" } });
    await call(world, "DELETE", own, 412, { headers: { "If-Match": '"another"' } });
    await call(world, "DELETE", own, 204);
    await call(world, "PUT", own, 201, put(world.weights)); // for the checks behind
}

async function deleting(world) {
    const id = await submit(world, long);
    const own = `/v1/jobs/${id}`;
    const stale = { headers: { "If-Match": '"0."' } };
    await call(world, "DELETE", own, 409);
    for (const order of ["pause", "resume", "cancel"])
        await call(world, "POST", `${own}/${order}`, 412, stale);
    await call(world, "POST", `/v1/jobs/${world.id}/fork`, 412, { ...stale, body: {} });
    await call(world, "POST", `${own}/cancel`, 200);
    await until(world, id, ["cancelled"]);
    await call(world, "DELETE", own, 412, stale);
    await call(world, "DELETE", own, 204);
    await call(world, "GET", own, 404);
    await call(world, "GET", `/v1/jobs/${world.id}?wait=1`, 200);
}

async function evaluating(world) {
    const own = `/v1/jobs/${world.id}/evaluation`;
    const { headers } = await call(world, "GET", `${own}?worst=3`, 200);
    await call(world, "GET", own, 200);
    await call(world, "GET", `${own}?worst=3`, 304, { headers: { "If-None-Match": headers.etag } });
    const id = await submit(world, { dataset: { ...job().dataset, validation: "none" } });
    await until(world, id, ["succeeded"]);
    await call(world, "GET", `/v1/jobs/${id}/evaluation?split=validation`, 409);
}

async function predicting(world) {
    const own = `/v1/jobs/${world.id}/predict`;
    const sample = Array.from({ length: 8 }, (_, y) => Array(8).fill(y * 20));
    await call(world, "POST", own, 200, { body: { instances: [sample, sample] } });
    await call(world, "POST", `${own}?top=2&checkpoint=last`, 200, { body: { instances: [sample] } });
    await call(world, "POST", own, 422, { body: { instances: [[1, 2, 3]] } });
}

/** The data of each event of a stream that ends. */
async function streaming(world) {
    const path = `/v1/jobs/${world.id}/events`;
    const { text } = await call(world, "GET", path, 200);
    const names = new Set();
    for (const block of text.split("\n\n").filter((one) => one.includes("data: "))) {
        const name = /^event: (.*)$/m.exec(block)[1];
        const data = JSON.parse(/^data: (.*)$/m.exec(block)[1]);
        for (const [component, value] of [["EventName", name], ["Event", data]]) {
            const errors = world.document.schemaErrors(component, value);
            if (errors.length > 0)
                throw new Error(`${block} is no ${component}: ${JSON.stringify(errors)}`);
        }
        names.add(name);
    }
    for (const name of ["state", "metrics", "evaluation", "checkpoint", "end"])
        if (!names.has(name))
            throw new Error(`there was no event ${name}`);
    await call(world, "GET", `${path}?since=999999`, 204);
}

/** A stream of all jobs never ends: its head is enough. */
async function streamingAll(world) {
    const abort = new AbortController();
    const response = await fetch(`${world.daemon.address}/v1/events`, { signal: abort.signal });
    const type = response.headers.get("content-type").split(";")[0];
    abort.abort();
    world.document.check("GET", "/v1/events", { status: response.status, type, text: "" });
}

async function files(world) {
    const own = `/v1/jobs/${world.id}/checkpoints`;
    const { json } = await call(world, "GET", own, 200);
    const which = `${own}/${json.items.at(-1).step}`;
    const whole = await call(world, "GET", `${own}/last`, 200);
    await call(world, "GET", which, 200);
    const same = { headers: { "If-None-Match": whole.headers.etag } };
    await call(world, "GET", `${own}/last`, 304, same);
    const range = { headers: { Range: "bytes=0-9", "If-Range": whole.headers.etag } };
    await call(world, "GET", which, 206, range);
    await call(world, "GET", which, 416, { headers: { Range: "bytes=999999999-" } });
    world.weights = whole.body;
    await call(world, "GET", `${which}?state=full`, 200);
    await call(world, "GET", `${which}?format=onnx`, 200);
    await call(world, "GET", `${own}/99`, 404);
    for (const part of ["filters", "histograms", "activations?sample=1"]) {
        const { headers } = await call(world, "GET", `${which}/${part}`, 200);
        const same = { headers: { "If-None-Match": headers.etag } };
        await call(world, "GET", `${which}/${part}`, 304, same);
    }
    await call(world, "GET", `${which}/filters?format=png`, 200);
    await call(world, "GET", `${which}/activations?sample=1&layer=1`, 200);
    await call(world, "GET", `${which}/activations?sample=1&layer=1&format=png`, 200);
    const model = await call(world, "GET", `${own}/last?format=onnx`, 200);
    const part = { headers: { Range: "bytes=8-", "If-Range": model.headers.etag } };
    await call(world, "GET", `${own}/last?format=onnx`, 206, part);
    await call(world, "GET", `${own}/last?format=caffe`, 400);
    const behind = { headers: { Range: "bytes=99999999-" } };
    await call(world, "GET", `${own}/last?format=onnx`, 416, behind);
    const script = `/v1/jobs/${world.id}/export/pytorch`;
    const { headers } = await call(world, "GET", script, 200);
    await call(world, "GET", script, 304, { headers: { "If-None-Match": headers.etag } });
}

async function control(world) {
    const id = await submit(world, long);
    const own = `/v1/jobs/${id}`;
    await until(world, id, ["running"]);
    await call(world, "PATCH", own, 200, { body: { lr: 0.01, labels: { a: "b" } } });
    await call(world, "PATCH", own, 200, {
        body: { name: "another" },
        headers: { "Content-Type": "application/merge-patch+json" },
    });
    await call(world, "PATCH", own, 422, { body: { lr: -1 } });
    await call(world, "PATCH", own, 412, { body: { lr: 1 }, headers: { "If-Match": '"0."' } });
    await call(world, "POST", `${own}/resume`, 409);
    await call(world, "POST", `${own}/pause`, 200);
    await until(world, id, ["paused"]);
    await call(world, "POST", `${own}/resume`, 200);
    await until(world, id, ["running"]);
    await call(world, "POST", `${own}/cancel?when=now`, 200);
    await until(world, id, ["cancelled"]);
    await call(world, "POST", `${own}/cancel`, 409);
    await call(world, "POST", `${own}/pause`, 409);
    await call(world, "PATCH", own, 409, { body: { lr: 0.5 } });
}

async function forking(world) {
    const own = `/v1/jobs/${world.id}/fork`;
    const spec = { epochs: 1, optimizer: { lr: 0.02 } };
    await call(world, "POST", `${own}?dry_run=true`, 200, { body: { spec } });
    await call(world, "POST", own, 422, { body: { spec: { epochs: 0 } } });
    const { json } = await call(world, "POST", own, 201, { body: { checkpoint: "last", spec } });
    await until(world, json.id, ["succeeded"]);
}

async function server(world) {
    for (const path of ["/livez", "/livez?verbose", "/readyz", "/readyz?verbose"]) {
        await call(world, "GET", path, 200);
        await call(world, "GET", path, 200, { headers: { Accept: "text/plain" } });
    }
    await call(world, "GET", "/metrics", 200);
    const Accept = "application/openmetrics-text; version=1.0.0";
    await call(world, "GET", "/metrics", 200, { headers: { Accept } });
    await call(world, "GET", "/", 200);
}

export const storyChecks = [
    ["a job is submitted, refused and checked as the document says", submitting],
    ["what can be looked at is as the document says", looking],
    ["each event of a stream is as the document says", streaming],
    ["the stream of all jobs begins", streamingAll],
    ["checkpoints come whole, in part and not again", files],
    ["a job that runs is edited, paused, resumed and cancelled", control],
    ["a job is forked", forking],
    ["a data set comes, is looked at, is needed, and goes", datasets],
    ["a network predicts", predicting],
    ["a network is looked at sample by sample", evaluating],
    ["weights come, are looked at, are begun with, and go", weights],
    ["a job is deleted once it has ended, and only as it was seen", deleting],
    ["the server tells of itself", server],
];

/** Bodies that are right in form, by operation. */
export const bodies = { forkJob: { checkpoint: "last" }, editJob: { name: "x" } };
