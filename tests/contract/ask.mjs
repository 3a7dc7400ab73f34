// One request at a time, with every header and byte in the test's hands.
import http from "node:http";
import net from "node:net";

/** Resolves to {status, headers, body (Buffer), text, json}. `headers` are sent as they are. */
export function ask(address, method, path, { headers = {}, body } = {}) {
    const { hostname, port } = new URL(address);
    const sent = typeof body === "object" && !Buffer.isBuffer(body) ? JSON.stringify(body) : body;
    const all = { ...headers };
    if (sent !== undefined) {
        all["Content-Length"] = Buffer.byteLength(sent);
        all["Content-Type"] ??= "application/json";
    }
    return new Promise((resolve, reject) => {
        const request = http.request({ hostname, port, method, path, headers: all, agent: false });
        request.on("error", reject);
        request.on("response", (response) => {
            const pieces = [];
            response.on("data", (piece) => pieces.push(piece));
            response.on("error", reject);
            response.on("end", () => resolve(answer(response, Buffer.concat(pieces))));
        });
        request.end(sent);
    });
}

function answer(response, body) {
    const type = (response.headers["content-type"] ?? "").split(";")[0];
    const text = body.toString("utf8");
    const json = /[/+]json$/.test(type) && text !== "" ? JSON.parse(text) : undefined;
    return { status: response.statusCode, headers: response.headers, type, body, text, json };
}

/** The status and the body's JSON of a request that is written byte by byte: for what no client
 * would send. */
export function askRaw(address, lines) {
    const { hostname, port } = new URL(address);
    return new Promise((resolve, reject) => {
        const socket = net.connect(port, hostname);
        let text = "";
        socket.on("error", reject);
        socket.on("data", (bytes) => (text += bytes));
        socket.on("close", () => {
            const [head, body] = text.split("\r\n\r\n");
            resolve({
                status: Number(head.split(" ")[1]),
                type: /content-type: ([^;\r]*)/i.exec(head)?.[1],
                text: body,
                json: JSON.parse(body),
                headers: {},
            });
        });
        socket.write([...lines, `Host: ${hostname}:${port}`, "Connection: close", "", ""].join("\r\n"));
    });
}
