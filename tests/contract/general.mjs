// What holds for every operation of the document, whichever it is: asked with nonsense behind the
// ?, for what does not exist, without a body, with one too large or of another type, by HEAD and by
// a method that it does not take.
import { ask, askRaw } from "./ask.mjs";

const nobody = { id: "aaaaaaaaaaaa", which: "7", name: "there-is-none", file: "0.png" };

/** An address of the operation where nothing is. */
const fill = (path, values = nobody) =>
    path.replace(/\{(\w+)\}/g, (_, name) => {
        if (!(name in values))
            throw new Error(`what is {${name}} in ${path}?`);
        return values[name];
    });

const same = (what, got, wanted) => {
    if (got !== wanted)
        throw new Error(`${what}: ${got} and not ${wanted}`);
};

const isStream = (operation) => "text/event-stream" in (operation.responses[200]?.content ?? {});
const bodyTypes = (operation) => Object.keys(operation.requestBody?.content ?? {});

function problem(what, answer, status) {
    same(`${what}, status`, answer.status, status);
    same(`${what}, type`, answer.type, "application/problem+json");
    same(`${what}, status in the body`, answer.json.status, status);
    if (!(answer.json.detail?.length > 10))
        throw new Error(`${what}: no detail: ${answer.text}`);
}

async function nonsense({ daemon, document }) {
    for (const { method, path } of document.operations) {
        const target = `${fill(path)}?nonsense=1`;
        const answer = await ask(daemon.address, method, target);
        problem(`${method} ${target}`, document.check(method, target, answer), 400);
    }
}

async function nothingThere({ daemon, document, bodies }) {
    for (const { method, path, operation } of document.operations) {
        if (!operation.responses[404])
            continue;
        const [type] = bodyTypes(operation);
        const body = type ? (bodies[operation.operationId] ?? {}) : undefined;
        const headers = type ? { "Content-Type": type } : {};
        const answer = await ask(daemon.address, method, fill(path), { headers, body });
        if (method !== "PUT")
            problem(`${method} ${path}`, document.check(method, fill(path), answer), 404);
    }
}

async function withoutBody({ daemon, document }) {
    for (const { method, path, operation } of document.operations) {
        if (!operation.responses[411])
            continue;
        const answer = await askRaw(daemon.address, [`${method} ${fill(path)} HTTP/1.1`]);
        problem(`${method} ${path}`, document.check(method, fill(path), answer), 411);
    }
}

async function tooLarge({ daemon, document }) {
    for (const { method, path, operation } of document.operations) {
        if (!operation.responses[413])
            continue;
        const answer = await askRaw(daemon.address, [
            `${method} ${fill(path)} HTTP/1.1`,
            `Content-Type: ${bodyTypes(operation)[0]}`,
            "Content-Length: 999999999999999",
        ]);
        problem(`${method} ${path}`, document.check(method, fill(path), answer), 413);
    }
}

async function otherType({ daemon, document, places }) {
    for (const { method, path, operation } of document.operations) {
        if (!operation.responses[415])
            continue;
        const headers = { "Content-Type": "application/x-www-form-urlencoded" };
        const target = fill(path, places);
        const answer = await ask(daemon.address, method, target, { headers, body: "a=1" });
        problem(`${method} ${path}`, document.check(method, target, answer), 415);
        if (bodyTypes(operation).includes("application/json") && !/json/.test(answer.json.detail))
            throw new Error(`${method} ${path} does not say which type it wants: ${answer.text}`);
    }
}

async function otherMethod({ daemon, document }) {
    for (const [path, item] of Object.entries(document.json.paths)) {
        const there = Object.keys(item).map((method) => method.toUpperCase());
        const other = ["PUT", "DELETE", "PATCH", "POST", "GET"].find((one) => !there.includes(one));
        const answer = await ask(daemon.address, other, fill(path));
        problem(`${other} ${path}`, answer, 405);
        const allowed = (answer.headers.allow ?? "").split(", ");
        for (const method of [...there, ...(there.includes("GET") ? ["HEAD"] : [])])
            if (!allowed.includes(method))
                throw new Error(`${path}: Allow: ${allowed} lacks ${method}`);
        const options = await ask(daemon.address, "OPTIONS", fill(path));
        same(`OPTIONS ${path}`, options.status, 204);
        same(`OPTIONS ${path}, Allow`, options.headers.allow, answer.headers.allow);
    }
}

async function head({ daemon, document, places }) {
    for (const { method, path, operation } of document.operations) {
        if (method !== "GET" || isStream(operation))
            continue;
        const target = fill(path, places);
        const got = await ask(daemon.address, "GET", target);
        const seen = await ask(daemon.address, "HEAD", target);
        same(`HEAD ${target}, status`, seen.status, got.status);
        same(`HEAD ${target}, bytes`, seen.body.length, 0);
        same(`HEAD ${target}, type`, seen.headers["content-type"], got.headers["content-type"]);
    }
}

/** With a token in the data directory. */
async function strangers({ daemon, document }) {
    const reader = daemon.token("add", "reader", "--scope", "read").trim();
    try {
        for (const { method, path, operation } of document.operations) {
            const [need] = operation.security.map((one) => one.bearer[0]);
            if (!need)
                continue;
            let answer = await ask(daemon.address, method, fill(path));
            problem(`${method} ${path}`, document.check(method, fill(path), answer), 401);
            if (need === "read")
                continue;
            const headers = { Authorization: `Bearer ${reader}` };
            answer = await ask(daemon.address, method, fill(path), { headers });
            problem(`${method} ${path}`, document.check(method, fill(path), answer), 403);
        }
    } finally {
        daemon.token("remove", "reader");
    }
}

export const generalChecks = [
    ["what is behind the ? and no parameter is refused everywhere (400)", nonsense],
    ["what is not there is told so everywhere (404)", nothingThere],
    ["an address that wants a body says so (411)", withoutBody],
    ["a body that is too large is refused before it comes (413)", tooLarge],
    ["a body of another type is refused, naming the right one (415)", otherType],
    ["every address lists its methods to who asks by another one (405, OPTIONS)", otherMethod],
    ["HEAD is GET without the body, everywhere", head],
    ["a stranger is asked for a token, and a reader changes nothing (401, 403)", strangers],
];
