// The curves of several jobs as one file: a line for each value, with the job that it is of.
import { metricsPath, Problem } from "./api.js";
import { saveBlob } from "./save.js";
import { authorized } from "./token.js";

/** A field of CSV. A spreadsheet would take a text that begins with one of =+-@ for a formula. */
function field(text) {
    const plain = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
    return /[",\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
}

async function curves(id) {
    const headers = authorized({ Accept: "text/csv" });
    const response = await fetch(metricsPath(id), { headers }).catch(() => {
        throw new Problem(0, { detail: "The daemon does not answer." });
    });
    if (!response.ok)
        throw new Problem(response.status, await response.json().catch(() => ({})));
    return response.text();
}

/** Every logged value of the jobs; `told(n)` before the n-th is read. Throws a Problem. */
export async function saveCurves(jobs, told) {
    const parts = [];
    for (const [i, job] of jobs.entries()) {
        told(i);
        const [head, ...lines] = (await curves(job.id)).trimEnd().split("\n");
        const who = `${field(job.id)},${field(job.name ?? "")},`;
        if (i === 0)
            parts.push(`job,name,${head}\n`);
        parts.push(...lines.map((line) => `${who}${line}\n`));
    }
    saveBlob(new Blob(parts, { type: "text/csv" }), `compare-${jobs.length}-jobs.csv`);
}
