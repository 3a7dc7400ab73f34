// What the page shows, in the address: #/jobs?state=running, #/jobs/ID/network?log=1,
// #/compare?jobs=ID,ID. All view state lives there, so that reload, back and a sent link show the
// same. Knows no page by name.

/** {parts, options}: what stands between the slashes, and the options behind the ?. */
export function readAddress(hash) {
    const [path, query] = hash.replace(/^#/, "").split("?");
    return {
        parts: path
            .split("/")
            .filter((part) => part !== "")
            .map(decode),
        options: Object.fromEntries(new URLSearchParams(query ?? "")),
    };
}

function decode(text) {
    try {
        return decodeURIComponent(text);
    } catch {
        return text;
    }
}

/** The address of a page: address(["jobs", id], {log: "1"}). Options that are "" are left out. */
export function address(parts, options = {}) {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(options))
        if (value !== "")
            query.set(name, value);
    const text = query.toString();
    return `#/${parts.map(encodeURIComponent).join("/")}${text === "" ? "" : `?${text}`}`;
}

export const jobAddress = (id, options) => address(["jobs", id], options);

/** The address of this page with some options changed; "" takes one away. */
export function withOptions(changes) {
    const { parts, options } = readAddress(location.hash);
    return address(parts.length > 0 ? parts : ["jobs"], { ...options, ...changes });
}

/** Changes options of the address in place, without a step in the browser's history. */
export function setOptions(changes) {
    history.replaceState(null, "", withOptions(changes));
    dispatchEvent(new HashChangeEvent("hashchange"));
}

/** The same for one. */
export const setOption = (name, value) => setOptions({ [name]: value });

/** Goes there: a step in the browser's history. */
export function go(hash) {
    location.hash = hash;
}
