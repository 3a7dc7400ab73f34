// Files sent to the daemon, with how far they are. Knows nothing of markup.
import { Problem } from "./api.js";
import { authorized } from "./token.js";

const answerOf = (request) => {
    try {
        return JSON.parse(request.responseText);
    } catch {
        return {};
    }
};

/** {done: a promise of the answer or a Problem, stop()}. `progress(sent, size)` is called as it
 * goes; once all is sent, the daemon checks what came, which takes its time. */
export function upload(path, file, progress) {
    const request = new XMLHttpRequest();
    const done = new Promise((resolve, reject) => {
        request.upload.onprogress = ({ loaded, total }) => progress(loaded, total);
        request.onload = () =>
            request.status < 300
                ? resolve(answerOf(request))
                : reject(new Problem(request.status, answerOf(request)));
        request.onerror = () =>
            reject(new Problem(0, { detail: "The daemon closed the connection, or is not there." }));
        request.onabort = () => reject(new Problem(0, { detail: "Stopped: nothing was stored." }));
    });
    request.open("PUT", path);
    const headers = authorized({ "Content-Type": "application/octet-stream", Accept: "application/json" });
    for (const [name, value] of Object.entries(headers))
        request.setRequestHeader(name, value);
    request.send(file);
    return { done, stop: () => request.abort() };
}

/** A name that the daemon takes, of a file's: letters, digits, '.', '_' and '-'. */
export const nameOfFile = (file, endings) =>
    endings
        .reduce((name, ending) => (name.toLowerCase().endsWith(ending) ? name.slice(0, -ending.length) : name), file.name)
        .normalize("NFKD")
        .replace(/[^A-Za-z0-9._-]+/g, "-")
        .replace(/^[.-]+|-+$/g, "")
        .slice(0, 64);
