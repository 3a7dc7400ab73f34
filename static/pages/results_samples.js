// Samples that the network does worst on, as pictures with what it made of them.
import { html } from "../html.js";
import { count, percent } from "../parts/format.js";
import { Image } from "../parts/image.js";
import { address, setOption } from "../route.js";
import { nameOfClass } from "./learned.js";

const SHOWN = 24;
const SIDE = 112; // of a picture, in pixels

/** Properties: job, answer (an evaluation), options. */
export function Worst({ job, answer, options }) {
    const all = options.worst === "all";
    const shown = all ? answer.worst : answer.worst.slice(0, SHOWN);
    return html`<section aria-labelledby="worst-title">
        <h2 id="worst-title">Worst classified</h2>
        <p class="soft">The samples whose true class has the least probability, the worst first.</p>
        <${Samples} job=${job} answer=${answer} samples=${shown} options=${options} />
        ${
            !all &&
            answer.worst.length > shown.length &&
            html`<p><button type="button" onClick=${() => setOption("worst", "all")}>
                Show the worst ${count(answer.worst.length)}
            </button></p>`
        }
    </section>`;
}

/** The samples of one cell of the matrix, as far as they are among the worst. */
export function OfCell({ job, answer, cell, options }) {
    const { classes, worst, confusion } = answer;
    const of = (sample) => sample.true === cell.true && sample.predicted === cell.predicted;
    const samples = worst.filter(of);
    const name = (index) => nameOfClass(classes, index);
    const all = confusion ? confusion[cell.true][cell.predicted] : samples.length;
    return html`<section aria-labelledby="cell-title">
        <div class="bar">
            <h2 id="cell-title">
                ${name(cell.true)}${" "}
                ${cell.true === cell.predicted ? "recognized" : `taken for ${name(cell.predicted)}`}
            </h2>
            <button type="button" onClick=${() => setOption("cell", "")}>Close</button>
        </div>
        <p class="soft" role="status">${amount(samples.length, all, worst.length)}</p>
        <${Samples} job=${job} answer=${answer} samples=${samples} options=${options} />
    </section>`;
}

function amount(shown, all, kept) {
    if (all === 0)
        return "No sample.";
    if (shown === all)
        return `${count(all)} ${all === 1 ? "sample" : "samples"}, the worst first.`;
    const which = shown === 0 ? "None" : count(shown);
    return `${which} of its ${count(all)} samples ${shown === 1 ? "is" : "are"} among the worst
        ${count(kept)} that the daemon keeps.`;
}

function Samples({ job, answer, samples, options }) {
    return html`<ul class="samples">
        ${samples.map(
            (sample) => html`<${Sample} key=${sample.index} job=${job} sample=${sample}
                classes=${answer.classes} options=${options} />`,
        )}
    </ul>`;
}

// The picture's address says of which split of the data set it is.
const splitOf = (path) => new URLSearchParams(path.split("?")[1]).get("split");

function Sample({ job, sample, classes, options }) {
    const name = (index) => (index === null ? "undecided" : nameOfClass(classes, index));
    const path = sample.links.image;
    const right = sample.true === sample.predicted;
    const inside = path && {
        checkpoint: options.checkpoint ?? "",
        sample: `${splitOf(path)}/${sample.index}`,
    };
    return html`<li class=${right ? "right" : "wrong"}>
        ${
            path &&
            html`<a href=${address(["jobs", job.id, "inside"], inside)}
                title="What the layers make of it">
                <${Image} path="${path}&size=${SIDE}" side=${SIDE} square
                    alt="Sample ${count(sample.index)}: what the layers make of it" />
            </a>`
        }
        <span class="is">${name(sample.true)}
            <span class="soft"> ${percent(sample.probability.true, 1)}</span></span>
        ${
            right
                ? html`<span class="soft">recognized</span>`
                : html`<span class="taken"><i>✗</i> ${name(sample.predicted)}
            <span class="soft"> ${percent(sample.probability.predicted, 1)}</span></span>`
        }
        ${!path && html`<span class="soft">sample ${count(sample.index)}</span>`}
    </li>`;
}
