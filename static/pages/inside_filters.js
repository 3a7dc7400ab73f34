// The filters of the first convolution as tiles: what it looks for. Filters of three channels are
// colours; else each channel is drawn for itself, negative weights in one colour, positive in another.
import { Component, html } from "../html.js";
import { getFilters } from "../data/api.js";
import { colour } from "../charts/lines.js";
import { Asked } from "../parts/asked.js";
import { count, rough, shape } from "../parts/format.js";

const SHOWN = 64; // filters
const CHANNELS = 16; // of a filter that are shown
const SIDE = 64; // of a tile on the page, about

/** Properties: job, item (the checkpoint). */
export function Filters({ job, item }) {
    return html`<section aria-labelledby="filters-title">
        <h2 id="filters-title">Filters of the first convolution</h2>
        ${
            convolves(job.spec.model)
                ? html`<${Asked} what=${item.sha256} wait="Reading the filters …"
                ask=${() => getFilters(job.id, item.step)}>
                ${(answer) => html`<${Tiles} answer=${answer} />`}
            <//>`
                : html`<p class="soft">This network has no convolution.</p>`
        }
    </section>`;
}

const convolves = (layers) =>
    layers.some(
        ({ type, body = [], shortcut = [], branches = [] }) =>
            type === "conv2d" || [body, shortcut, ...branches].some(convolves),
    );

function Tiles({ answer }) {
    const { filters, name } = answer;
    const limit = Math.max(Math.abs(answer.min), Math.abs(answer.max)) || 1;
    const colours = answer.shape[1] === 3;
    return html`
        <p class="soft filter-key">
            <span><code>${name}</code> ${shape(answer.shape)}</span>
            ${
                colours
                    ? html`<span>red, green and blue weights; grey is 0</span>`
                    : html`<span><i class="tone-key less"></i> −${rough(limit)}</span>
                    <span><i class="tone-key"></i> 0</span>
                    <span><i class="tone-key more"></i> ${rough(limit)}</span>`
            }
        </p>
        <ul class="filter-tiles">
            ${filters.slice(0, SHOWN).map(
                (filter, index) => html`<li key=${index}>
                    <${Tile} filter=${filter} limit=${limit} colours=${colours}
                        alt="Filter ${index}: ${words(filter)}" />
                </li>`,
            )}
        </ul>
        ${filters.length > SHOWN && html`<p class="soft">
            The first ${SHOWN} of ${count(filters.length)}.
        </p>`}
        ${!colours && answer.shape[1] > CHANNELS && html`<p class="soft">
            Of each filter the first ${CHANNELS} of ${count(answer.shape[1])} channels.
        </p>`}
        <details>
            <summary>Filters as a table</summary>
            <${Numbers} filters=${filters} />
        </details>`;
}

function figures(filter) {
    const all = filter.flat(2).filter((value) => value !== null);
    const norm = Math.sqrt(all.reduce((sum, value) => sum + value * value, 0));
    const mean = all.reduce((sum, value) => sum + value, 0) / all.length;
    return { min: Math.min(...all), max: Math.max(...all), mean, norm };
}

function words(filter) {
    const { min, max } = figures(filter);
    return `weights from ${rough(min)} to ${rough(max)}`;
}

function Numbers({ filters }) {
    const columns = ["min", "max", "mean", "norm"];
    return html`<div class="scroll low" tabindex="0" role="region" aria-label="Filters as a table">
        <table class="numbers">
            <thead>
                <tr>
                    <th scope="col">Filter</th>
                    ${["Smallest", "Largest", "Mean", "Norm"].map(
                        (title) => html`<th scope="col" key=${title}>${title}</th>`,
                    )}
                </tr>
            </thead>
            <tbody>
                ${filters.map((filter, index) => {
                    const values = figures(filter);
                    return html`<tr key=${index}>
                        <th scope="row">${index}</th>
                        ${columns.map((key) => html`<td key=${key}>${rough(values[key])}</td>`)}
                    </tr>`;
                })}
            </tbody>
        </table>
    </div>`;
}

const channels = (tone) => [1, 3, 5].map((at) => Number.parseInt(tone.slice(at, at + 2), 16));

/** One filter as a picture, a pixel for each weight. */
class Tile extends Component {
    constructor() {
        super();
        this.keep = (canvas) => (this.canvas = canvas);
        this.redraw = () => this.draw();
    }

    componentDidMount() {
        addEventListener("themechange", this.redraw);
        this.draw();
    }

    componentDidUpdate({ filter }) {
        if (filter !== this.props.filter)
            this.draw();
    }

    componentWillUnmount() {
        removeEventListener("themechange", this.redraw);
    }

    size() {
        const { filter, colours } = this.props;
        const maps = colours ? 1 : Math.min(filter.length, CHANNELS);
        return { maps, height: filter[0].length, width: filter[0][0].length };
    }

    draw() {
        const { filter, limit, colours } = this.props;
        const { maps, height, width } = this.size();
        const context = this.canvas.getContext("2d");
        const [none, less, more] = ["--page", "--val", "--train"].map((n) => channels(colour(n)));
        const toned = (value) => {
            const tone = value < 0 ? less : more;
            return none.map((from, i) => from + (Math.abs(value) / limit) * (tone[i] - from));
        };
        for (let map = 0; map < maps; map++) {
            const image = context.createImageData(width, height);
            for (let y = 0; y < height; y++)
                for (let x = 0; x < width; x++) {
                    const rgb = colours
                        ? filter.map((channel) => 127.5 + (127.5 * channel[y][x]) / limit)
                        : toned(filter[map][y][x]);
                    image.data.set([...rgb, 255], 4 * (y * width + x));
                }
            context.putImageData(image, map * (width + 1), 0);
        }
    }

    render({ alt }) {
        const { maps, height, width } = this.size();
        const across = maps * (width + 1) - 1;
        const scale = Math.max(1, Math.floor(SIDE / Math.max(width, height) / (maps > 1 ? 2 : 1)));
        return html`<canvas ref=${this.keep} width=${across} height=${height} role="img"
            aria-label=${alt} title=${alt} style=${{ width: `${across * scale}px` }}></canvas>`;
    }
}
