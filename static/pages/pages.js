// The pages of the dashboard: one row each. The first whose path fits the address is shown; the
// last fits all. A page is loaded when it is first shown, so that a first visit is light.
import { nameOf } from "../parts/job_text.js";
import { percent } from "../parts/format.js";
import { ended } from "../data/model.js";

const RETRY_MS = 2000; // of a page that could not be loaded

function jobTitle(model, { id }) {
    const job = model.jobs.get(id);
    if (!job)
        return "";
    const standing = ended(job) ? job.state : percent(job.progress?.fraction ?? 0, 0);
    return `${standing} · ${nameOf(job)}`;
}

/** `path`: parts of the address, those with a ':' are given to the view by that name, and the last
 * may be missing when it ends with '?'. `nav`: its word among the links at the top. `load()`:
 * gives its component, whose properties are model, options, now and the named parts. `title(model, named)`: of
 * the window. `key(options, named)`: another value is another page, made anew. */
export const PAGES = [
    {
        path: ["new"],
        nav: "New job",
        load: async () => (await import("./new.js")).NewJob,
    },
    {
        path: ["jobs", ":id", ":tab?"],
        load: async () => (await import("./job.js")).Job,
        title: jobTitle,
    },
    {
        path: ["compare"],
        load: async () => (await import("./compare.js")).Compare,
        title: () => "Compare jobs",
        key: ({ jobs }) => jobs,
    },
    {
        path: ["data", ":name"],
        load: async () => (await import("./data_set.js")).DataSet,
        title: (_, { name }) => name,
        key: (_, { name }) => name,
    },
    { path: ["data"], nav: "Data", load: async () => (await import("./data.js")).DataSets },
    { path: ["system"], nav: "System", load: async () => (await import("./system.js")).System },
    { path: ["jobs"], nav: "Jobs", first: true, load: async () => (await import("./jobs.js")).Jobs },
];

const views = new Map(); // page → its component, or null while it is loaded

/** The component of a page, or null: then `changed` is called once there is one. */
export function viewOf(page, changed) {
    if (!views.has(page)) {
        views.set(page, null);
        page.load().then(
            (view) => {
                views.set(page, view);
                changed();
            },
            () => setTimeout(() => views.delete(page) && changed(), RETRY_MS),
        );
    }
    return views.get(page);
}

function fits(path, parts) {
    const named = {};
    for (const [i, name] of path.entries()) {
        const part = parts[i];
        if (part === undefined && !name.endsWith("?"))
            return null;
        if (name.startsWith(":"))
            named[name.slice(1).replace("?", "")] = part ?? "";
        else if (part !== name) return null;
    }
    return parts.length <= path.length ? named : null;
}

/** {page, named, options} of what an address asks for. */
export function findPage({ parts, options }) {
    for (const page of PAGES) {
        const named = fits(page.path, parts);
        if (named)
            return { page, named, options };
    }
    return { page: PAGES[PAGES.length - 1], named: {}, options };
}
