// The daemon's HTTP interface as functions that give objects or throw a Problem. Knows nothing of
// pages.
import { authorized } from "./token.js";

/** What the daemon answered instead of what was asked (RFC 9457), or that it did not answer. */
export class Problem extends Error {
    constructor(status, body) {
        super(body.detail || body.title || `the daemon answered ${status}`);
        this.status = status;
        this.errors = Array.isArray(body.errors) ? body.errors : [];
    }
}

async function call(method, path, body) {
    const options = { method, headers: authorized({ Accept: "application/json" }) };
    if (method !== "GET")
        options.headers["Content-Type"] = "application/json";
    if (body !== undefined)
        options.body = JSON.stringify(body);
    let response;
    try {
        response = await fetch(path, options);
    } catch {
        throw new Problem(0, { detail: "The daemon does not answer." });
    }
    const value = await response.json().catch(() => ({}));
    if (!response.ok)
        throw new Problem(response.status, value);
    return value;
}

const job = (id) => `/v1/jobs/${encodeURIComponent(id)}`;

export const listJobs = (limit, cursor) =>
    call("GET", `/v1/jobs?limit=${limit}${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`);
export const getJob = (id) => call("GET", job(id));
export const submitJob = (spec) => call("POST", "/v1/jobs", spec);
export const planJob = (spec) => call("POST", "/v1/jobs?dry_run=true", spec);
export const cancelJob = (id) => call("POST", `${job(id)}/cancel`);
export const listCheckpoints = (id) => call("GET", `${job(id)}/checkpoints`);
export const getPreset = (file) => call("GET", `/presets/${file}`);

/** The stored rows of the named series from step `from` on: all, or the extremes of buckets when
 * there are more than `points`. */
export const getMetrics = (id, names, from, points) =>
    call("GET", `${job(id)}/metrics?names=${names.join(",")}&from=${from}&max_points=${points}`);

export const checkpointPath = (id, step) => `${job(id)}/checkpoints/${step}`;
export const metricsPath = (id) => `${job(id)}/metrics`;
