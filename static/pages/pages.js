// The pages of the dashboard: one row each. The first whose path fits the address is shown; the
// last fits all.
import { nameOf } from "../parts/job_text.js";
import { percent } from "../parts/format.js";
import { ended } from "../data/model.js";
import { Job } from "./job.js";
import { Jobs } from "./jobs.js";
import { NewJob } from "./new.js";

function jobTitle(model, { id }) {
    const job = model.jobs.get(id);
    if (!job)
        return "";
    const standing = ended(job) ? job.state : percent(job.progress?.fraction ?? 0, 0);
    return `${standing} · ${nameOf(job)}`;
}

/** `path`: parts of the address, those with a ':' are given to the view by that name, and the last
 * may be missing when it ends with '?'. `nav`: its word among the links at the top. `view`: a
 * component; its properties are model, options, now and the named parts. `title(model, named)`: of
 * the window. `key(options)`: another value is another page, made anew. */
export const PAGES = [
    { path: ["new"], nav: "New job", view: NewJob, key: ({ preset, from }) => `${preset} ${from}` },
    { path: ["jobs", ":id", ":tab?"], view: Job, title: jobTitle },
    { path: ["jobs"], nav: "Jobs", first: true, view: Jobs },
];

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
