// Samples that the network does worst on, as pictures with what it made of them.
import { html } from "../html.js";
import { getEvaluation } from "../data/api.js";
import { Asked } from "../parts/asked.js";
import { count, percent } from "../parts/format.js";
import { Image } from "../parts/image.js";
import { address, setOption } from "../route.js";
import { nameOfClass } from "./learned.js";

const SHOWN = 24;
const MOST = 200; // of a cell
const NAME = 36; // letters of a class below a picture
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

/** The worst samples of one cell of the matrix. Properties: those of Worst, cell, item (the
 * checkpoint). */
export function OfCell({ job, answer, cell, item, options }) {
    const { classes, split, confusion } = answer;
    const name = (index) => nameOfClass(classes, index);
    const all = confusion?.[cell.true][cell.predicted];
    const ask = () => getEvaluation(job.id, { checkpoint: item.step, split, worst: MOST, ...cell });
    return html`<section aria-labelledby="cell-title">
        <div class="bar">
            <h2 id="cell-title">
                ${name(cell.true)}${" "}
                ${cell.true === cell.predicted ? "recognized" : `taken for ${name(cell.predicted)}`}
            </h2>
            <button type="button" onClick=${() => setOption("cell", "")}>Close</button>
        </div>
        <${Asked} what="${item.sha256} ${split} ${options.cell}" wait="Reading the samples …"
            ask=${ask}>
            ${(said) => html`
                <p class="soft" role="status">${amount(said.worst.length, all)}</p>
                <${Samples} job=${job} answer=${answer} samples=${said.worst} options=${options} />`}
        <//>
    </section>`;
}

function amount(shown, all = shown) {
    const samples = all === 1 ? "sample" : "samples";
    if (all === 0)
        return "No sample.";
    return shown === all
        ? `${count(all)} ${samples}, the worst first.`
        : `The worst ${count(shown)} of ${count(all)} ${samples}.`;
}

function Samples({ job, answer, samples, options }) {
    return html`<ul class="samples">
        ${samples.map(
            (sample) => html`<${Sample} key=${sample.index} job=${job} sample=${sample}
                classes=${answer.classes} options=${options} />`,
        )}
    </ul>`;
}

const short = (name) => (name.length > NAME ? `${name.slice(0, NAME - 1)}…` : name);

// The picture's address says of which split of the data set it is.
const splitOf = (path) => new URLSearchParams(path.split("?")[1]).get("split");

function Sample({ job, sample, classes, options }) {
    const name = (index) => (index === null ? "undecided" : short(nameOfClass(classes, index)));
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
