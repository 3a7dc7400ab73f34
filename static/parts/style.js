// The styles of a page that is loaded when it is first shown.

const asked = new Map(); // path → a promise

/** Resolves once they are there. A page without them can still be read, so a failure is no reason
 * to wait. */
export function style(path) {
    if (!asked.has(path))
        asked.set(
            path,
            new Promise((resolve) => {
                const link = document.createElement("link");
                link.rel = "stylesheet";
                link.href = path;
                link.onload = link.onerror = resolve;
                document.head.append(link);
            }),
        );
    return asked.get(path);
}
