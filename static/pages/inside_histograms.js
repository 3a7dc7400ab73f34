// How the weights of each tensor are spread, as small multiples. The first stored checkpoint is the
// faint outline behind each, so that it is seen what training has changed.
import { html } from "../html.js";
import { getHistograms } from "../data/api.js";
import { Asked } from "../parts/asked.js";
import { count, percent, rough, shape } from "../parts/format.js";

const WIDTH = 260;
const HEIGHT = 84;

/** Properties: job, item (the checkpoint), items (all). */
export function Histograms({ job, item, items }) {
    const [first] = items;
    const ask = async () => {
        const [now, before] = await Promise.all(
            [item, first].map(({ step }) => getHistograms(job.id, step)),
        );
        return { now, before };
    };
    return html`<section aria-labelledby="histograms-title">
        <h2 id="histograms-title">How the weights are spread</h2>
        <${Asked} what="${item.sha256} ${first.sha256}" ask=${ask} wait="Reading the weights …">
            ${(answer) => html`<${All} ...${answer} />`}
        <//>
    </section>`;
}

function All({ now, before }) {
    const steps = [now, before].map(({ model }) => model.checkpoint);
    return html`
        <p class="soft filter-key">
            <span><i class="tone-key more"></i> step ${count(steps[0])}</span>
            ${steps[0] !== steps[1] && html`<span><i class="tone-key outline"></i> step ${count(steps[1])}</span>`}
        </p>
        <ul class="histograms">
            ${now.tensors.map(
                (tensor, index) => html`<li key=${tensor.name}>
                    <${Histogram} tensor=${tensor} before=${before.tensors[index]} />
                </li>`,
            )}
        </ul>
        <details>
            <summary>Weights as a table</summary>
            <${Numbers} tensors=${now.tensors} />
        </details>`;
}

const known = ({ min, max }) => Number.isFinite(min) && Number.isFinite(max);

/** The outline of a histogram as an SVG path; areas are equal for equal counts, whatever the bins. */
function outline({ min, max, bins }, place) {
    const width = (max - min) / bins.length;
    const points = bins.flatMap((samples, i) => {
        const top = place.y(samples, width);
        return [`${place.x(min + i * width)},${top}`, `${place.x(min + (i + 1) * width)},${top}`];
    });
    const bottom = HEIGHT;
    return `M${place.x(min)},${bottom}L${points.join("L")}L${place.x(max)},${bottom}`;
}

function placeOf(shown) {
    const low = Math.min(...shown.map(({ min }) => min));
    const high = Math.max(...shown.map(({ max }) => max));
    const span = high - low || 1;
    const least = span / WIDTH; // all weights equal: a line, not a needle of no width
    const density = (samples, width) => samples / Math.max(width, least);
    const highest = Math.max(
        ...shown.map(({ min, max, bins }) => density(Math.max(...bins), (max - min) / bins.length)),
    );
    return {
        low,
        high,
        x: (value) => (((value - low) / span) * WIDTH).toFixed(1),
        y: (samples, width) => (HEIGHT - (density(samples, width) / highest) * (HEIGHT - 2)).toFixed(1),
    };
}

function Histogram({ tensor, before }) {
    const { name, min, max, mean, std } = tensor;
    const shown = [tensor, before].filter((one) => one && known(one));
    const title = html`<p><code>${name}</code> <span class="soft">${shape(tensor.shape)}</span></p>`;
    if (!known(tensor))
        return html`${title}<p class="soft">No finite number.</p>`;
    const place = placeOf(shown);
    const text = `${name}: ${count(tensor.count)} weights from ${rough(min)} to ${rough(max)},
        mean ${rough(mean)}, standard deviation ${rough(std)}`;
    return html`${title}
        <svg viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label=${text}>
            <path class="now" d=${outline(tensor, place)} />
            ${before && known(before) && html`<path class="before" d=${outline(before, place)} />`}
            ${
                place.low < 0 &&
                place.high > 0 &&
                html`<path class="zero" d="M${place.x(0)},0V${HEIGHT}" />`
            }
        </svg>
        <p class="soft ends"><span>${rough(place.low)}</span><span>${rough(place.high)}</span></p>`;
}

const COLUMNS = [
    { title: "Shape", of: (tensor) => shape(tensor.shape) },
    { title: "Smallest", of: ({ min }) => rough(min) },
    { title: "Largest", of: ({ max }) => rough(max) },
    { title: "Mean", of: ({ mean }) => rough(mean) },
    { title: "Std. deviation", of: ({ std }) => rough(std) },
    { title: "Zeros", of: ({ zeros, count: all }) => percent(zeros / all, 1) },
    { title: "Not finite", of: ({ nonfinite }) => count(nonfinite) },
];

function Numbers({ tensors }) {
    return html`<div class="scroll" tabindex="0" role="region" aria-label="Weights as a table">
        <table class="numbers">
            <thead>
                <tr>
                    <th scope="col">Tensor</th>
                    ${COLUMNS.map(({ title }) => html`<th scope="col" key=${title}>${title}</th>`)}
                </tr>
            </thead>
            <tbody>
                ${tensors.map(
                    (tensor) => html`<tr key=${tensor.name}>
                        <th scope="row">${tensor.name}</th>
                        ${COLUMNS.map(({ title, of }) => html`<td key=${title}>${of(tensor)}</td>`)}
                    </tr>`,
                )}
            </tbody>
        </table>
    </div>`;
}
