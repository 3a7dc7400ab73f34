// What the page shows, in the address: #/jobs, #/jobs/ID?log=1&smooth=100, #/new?preset=FILE. All
// view state lives there, so that reload, back and a sent link show the same.

export function readRoute(hash) {
    const [path, query] = hash.replace(/^#/, "").split("?");
    const parts = path.split("/").filter((part) => part !== "");
    const options = Object.fromEntries(new URLSearchParams(query ?? ""));
    if (parts[0] === "new")
        return { page: "new", id: "", options };
    if (parts[0] === "jobs" && parts.length > 1)
        return { page: "job", id: decode(parts[1]), options };
    return { page: "jobs", id: "", options };
}

function decode(text) {
    try {
        return decodeURIComponent(text);
    } catch {
        return text;
    }
}

export function jobAddress(id) {
    return `#/jobs/${encodeURIComponent(id)}`;
}

/** Changes one option of the address in place, without a step in the browser's history. "" takes it
 * away. */
export function setOption(name, value) {
    const [path, query] = location.hash.split("?");
    const options = new URLSearchParams(query ?? "");
    if (value === "")
        options.delete(name);
    else options.set(name, value);
    const text = options.toString();
    history.replaceState(null, "", `${path || "#/jobs"}${text === "" ? "" : `?${text}`}`);
    dispatchEvent(new HashChangeEvent("hashchange"));
}
