// Files that the daemon or this page makes, saved by the browser.
import { Problem } from "./api.js";
import { authorized } from "./token.js";

export function saveBlob(blob, name) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

/** Fetches what a plain link cannot ask for (a token, a form of it, an answer that may be a
 * refusal) and saves it, by the name that the daemon gives or by `name`. Throws a Problem. */
export async function save(path, { accept = "*/*", name = "" } = {}) {
    const response = await fetch(path, { headers: authorized({ Accept: accept }) }).catch(() => {
        throw new Problem(0, { detail: "The daemon does not answer." });
    });
    if (!response.ok)
        throw new Problem(response.status, await response.json().catch(() => ({})));
    const given = /filename="([^"]+)"/.exec(response.headers.get("Content-Disposition") ?? "");
    saveBlob(await response.blob(), given?.[1] ?? (name || `${path.split("/").pop()}.json`));
}
