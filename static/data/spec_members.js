// The members of a job's definition, nested ones by dots: optimizer.lr, model.0.out_channels. A list
// of plain values is one value. Knows no markup.

const made = new WeakMap(); // spec → its members; a spec never changes, a job gets another one

const plain = (value) => typeof value !== "object" || value === null;

function walk(value, path, out) {
    if (plain(value) || (Array.isArray(value) && value.every(plain)))
        out.set(path, plain(value) ? value : `[${value.join(", ")}]`);
    else
        for (const [name, part] of Object.entries(value))
            walk(part, path === "" ? name : `${path}.${name}`, out);
}

/** Path → number, text, true, false or null. */
export function membersOf(job) {
    if (!job.spec)
        return new Map();
    if (!made.has(job.spec)) {
        const out = new Map();
        walk(job.spec, "", out);
        made.set(job.spec, out);
    }
    return made.get(job.spec);
}

/** Every path that occurs in one of the jobs, in the order of the definitions. */
export function pathsOf(jobs) {
    const paths = new Set();
    for (const job of jobs)
        for (const path of membersOf(job).keys())
            paths.add(path);
    return [...paths];
}

/** The paths whose values are not the same in all jobs. */
export function differing(jobs, paths = pathsOf(jobs)) {
    return paths.filter((path) => {
        const first = jobs.length > 0 ? membersOf(jobs[0]).get(path) : undefined;
        return jobs.some((job) => membersOf(job).get(path) !== first);
    });
}
