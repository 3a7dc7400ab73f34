// The daemon's HTTP interface as functions that give objects or throw a Problem. Knows nothing of
// pages.
import { authorized } from "./token.js";

/** What the daemon answered instead of what was asked (RFC 9457), or that it did not answer. */
export class Problem extends Error {
    constructor(status, body) {
        super(body.detail || body.title || `the daemon answered ${status}`);
        this.status = status;
        this.body = body;
        this.errors = Array.isArray(body.errors) ? body.errors : [];
    }
}

const TYPES = { PATCH: "application/merge-patch+json" };

/** The daemon's answer, or a Problem. */
async function request(method, path, headers, body) {
    const options = { method, headers: authorized(headers), body };
    const response = await fetch(path, options).catch(() => {
        throw new Problem(0, { detail: "The daemon does not answer." });
    });
    if (!response.ok)
        throw new Problem(response.status, await response.json().catch(() => ({})));
    return response;
}

async function call(method, path, body) {
    const headers = { Accept: "application/json" };
    if (method !== "GET")
        headers["Content-Type"] = TYPES[method] ?? "application/json";
    const text = body === undefined ? undefined : JSON.stringify(body);
    const response = await request(method, path, headers, text);
    return response.json().catch(() => ({}));
}

const job = (id) => `/v1/jobs/${encodeURIComponent(id)}`;

/** One page of the jobs; `query`: state, label, name, sort. */
export function listJobs(limit, cursor, query = {}) {
    const asked = new URLSearchParams({ limit });
    for (const [name, value] of Object.entries({ ...query, cursor }))
        if (value)
            asked.set(name, value);
    return call("GET", `/v1/jobs?${asked}`);
}
export const getJob = (id) => call("GET", job(id));
export const submitJob = (spec) => call("POST", "/v1/jobs", spec);
export const planJob = (spec) => call("POST", "/v1/jobs?dry_run=true", spec);
export const pauseJob = (id) => call("POST", `${job(id)}/pause`);
export const resumeJob = (id) => call("POST", `${job(id)}/resume`);
/** `when`: "now", "epoch" or "checkpoint". */
export const cancelJob = (id, when = "now") => call("POST", `${job(id)}/cancel?when=${when}`);
export const changeJob = (id, patch) => call("PATCH", job(id), patch);
export const deleteJob = (id) => call("DELETE", job(id));
/** {checkpoint, state, spec, name, labels, priority}; tryFork only says what would come of it. */
export const forkJob = (id, fork) => call("POST", `${job(id)}/fork`, fork);
export const tryFork = (id, fork) => call("POST", `${job(id)}/fork?dry_run=true`, fork);
export const listQueued = () => call("GET", "/v1/jobs?state=queued&limit=200");
export const listCheckpoints = (id) => call("GET", `${job(id)}/checkpoints`);
export const getSchema = () => call("GET", "/v1/schema");
export const listDatasets = () => call("GET", "/v1/datasets");
export const datasetPath = (name) => `/v1/datasets/${encodeURIComponent(name)}`;
export const weightsPath = (name) => `/v1/weights/${encodeURIComponent(name)}`;
export const getDataset = (name) => call("GET", datasetPath(name));
export const deleteDataset = (name) => call("DELETE", datasetPath(name));
export const deleteWeights = (name) => call("DELETE", weightsPath(name));
/** A page of a data set's samples: {split, offset, limit, class}; "" and undefined are left out. */
export function listSamples(name, options) {
    const said = Object.entries(options).filter(([, value]) => value !== undefined && value !== "");
    return call("GET", `${datasetPath(name)}/samples?${new URLSearchParams(said)}`);
}
/** What the daemon says of its health: also when it is not ready. */
export async function getReady() {
    const answer = await call("GET", "/readyz?verbose").catch((problem) => problem);
    if (answer instanceof Problem && !answer.body?.checks)
        throw answer;
    return answer.body ?? answer;
}
export async function getMetricsText() {
    return (await request("GET", "/metrics", { Accept: "text/plain" })).text();
}
export const listWeights = () => call("GET", "/v1/weights?limit=200");
export const getPreset = (file) => call("GET", `/presets/${file}`);

/** The stored rows from one step to another (0: to the last), with their times: all, or the
 * extremes of buckets when there are more than `points`. With a mean over `window` rows for series
 * of a row a step. */
export async function getMetrics(id, { from, to, points, window }) {
    const query = new URLSearchParams({ from, max_points: points, times: true });
    if (to > 0)
        query.set("to", to);
    const ask = (more) => call("GET", `${job(id)}/metrics?${query}${more}`);
    if (window < 2)
        return ask("");
    const [all, smoothed] = await Promise.all([
        ask(""),
        ask(`&names=${STEP_SERIES}&smooth=${window}`),
    ]);
    return { series: { ...all.series, ...smoothed.series } };
}
const STEP_SERIES = "train_loss,grad_norm";

/** What happened to the job, but for its metrics: the stored events, as lines of JSON. */
export async function getStory(id) {
    const headers = { Accept: "application/jsonl" };
    const response = await request("GET", `${job(id)}/events?${STORY}`, headers);
    const lines = (await response.text()).split("\n").filter((line) => line !== "");
    return lines.map((line) => JSON.parse(line));
}
const STORY = "names=state,edit,checkpoint,warning,evaluation,end&follow=false";

// ---- what a network has learned: answers of a checkpoint, which is named by its step ----

const query = (options) => new URLSearchParams(options);
const inside = (id, step, what, options = {}) =>
    call("GET", `${job(id)}/checkpoints/${step}/${what}?${query(options)}`);

/** {checkpoint, split, worst, true, predicted}: the last two for samples of one cell. */
export const getEvaluation = (id, options) =>
    call("GET", `${job(id)}/evaluation?${query(options)}`);
export const getFilters = (id, step) => inside(id, step, "filters");
export const getHistograms = (id, step) => inside(id, step, "histograms");
/** {split, sample}: what each layer makes of a sample. */
export const getActivations = (id, step, options) => inside(id, step, "activations", options);

/** What the network says of a picture, a PNG or JPEG file: the `top` classes. */
export async function predict(id, step, file, top) {
    const headers = { Accept: "application/json", "Content-Type": file.type };
    const path = `${job(id)}/predict?${query({ checkpoint: step, resize: true, top })}`;
    return (await request("POST", path, headers, file)).json();
}

/** A file, a picture for one. */
export const getBlob = async (path) => (await request("GET", path, { Accept: "*/*" })).blob();

export const jobPath = job;
export const checkpointPath = (id, which, options = "") =>
    `${job(id)}/checkpoints/${which}${options && `?${options}`}`;
/** Every row of the named series; of all, when none is named. */
export const metricsPath = (id, names = []) =>
    `${job(id)}/metrics?max_points=0${names.length > 0 ? `&names=${names.join(",")}` : ""}`;
