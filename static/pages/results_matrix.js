// The confusion matrix: a row for each class as it is, a column for each as it was predicted. Of few
// classes it is a table of numbers, of many a picture that arrow keys and the pointer read.
import { Component, html } from "../html.js";
import { count, percent } from "../parts/format.js";
import { setOption } from "../route.js";
import { nameOfClass } from "./learned.js";
import { MatrixPicture } from "./results_matrix_picture.js";

const TABLE_CLASSES = 20; // more do not fit on a page as numbers
const SHORT = 4; // letters of a name that a column is wide enough for

/** Properties: answer (an evaluation), cell ({true, predicted} or null), options. */
export function Confusion({ answer, cell, options }) {
    const { classes, confusion } = answer;
    const rates = options.cells === "rates";
    const View = classes.length > TABLE_CLASSES ? MatrixPicture : MatrixTable;
    const title = html`<h2 id="confusion-title">Confusion matrix</h2>`;
    if (!confusion)
        return html`${title}<p class="soft">
            ${count(classes.length)} classes are too many for a matrix.
        </p>`;
    return html`
        <div class="bar matrix-bar">
            ${title}
            <label><input type="checkbox" checked=${rates}
                onChange=${({ target }) => setOption("cells", target.checked ? "rates" : "")} />
                ${" "}as shares of the true class</label>
        </div>
        <${View} classes=${classes} confusion=${confusion} cell=${cell} rates=${rates} />`;
}

const pick = (row, column) => setOption("cell", `${row},${column}`);

/** What a cell says, in words. */
export function cellText(classes, confusion, row, column) {
    const samples = confusion[row][column];
    const share = classes[row].support > 0 ? samples / classes[row].support : null;
    const name = (index) => nameOfClass(classes, index);
    const what = row === column ? "recognized" : `taken for ${name(column)}`;
    return `${name(row)} ${what}: ${count(samples)} (${percent(share, 1)} of its class)`;
}

/** How strong a cell's colour is, 0 … 1: rare mistakes must be seen beside what is right. */
export const strengthOf = (samples, support) => (support > 0 ? Math.sqrt(samples / support) : 0);

const STEPS = {
    ArrowUp: [-1, 0],
    ArrowDown: [1, 0],
    ArrowLeft: [0, -1],
    ArrowRight: [0, 1],
};

/** The cell that a key leads to from [row, column], or null where it leads nowhere. */
export function cellAfter(key, [row, column], classes) {
    const step = STEPS[key];
    const within = (place) => Math.min(classes - 1, Math.max(0, place));
    return step ? [within(row + step[0]), within(column + step[1])] : null;
}

class MatrixTable extends Component {
    constructor({ cell }) {
        super();
        this.state = { at: cell ? [cell.true, cell.predicted] : [0, 0] };
        this.keep = (place) => (this.place = place);
    }

    press(event) {
        const { at } = this.state;
        if (event.key === "Enter" || event.key === " ")
            pick(...at);
        const next = cellAfter(event.key, at, this.props.classes.length);
        if (next)
            this.setState({ at: next }, () => this.place.querySelector("[tabindex='0']").focus());
        if (next || event.key === "Enter" || event.key === " ")
            event.preventDefault();
    }

    render({ classes, confusion, cell, rates }, { at }) {
        const name = (index) => nameOfClass(classes, index);
        const long = classes.some((_, index) => name(index).length > SHORT);
        return html`<div class=${long ? "scroll matrix long" : "scroll matrix"}>
            <table role="grid" aria-label="Confusion matrix" ref=${this.keep}
                onKeyDown=${(event) => this.press(event)}>
                <thead>
                    <tr>
                        <th scope="col" class="corner">is ↓ taken for →</th>
                        ${classes.map(
                            (_, column) => html`<th scope="col" key=${column} title=${name(column)}>
                                <span>${name(column)}</span>
                            </th>`,
                        )}
                    </tr>
                </thead>
                <tbody>
                    ${confusion.map(
                        (cells, row) => html`<tr key=${row}>
                            <th scope="row" title=${name(row)}>${name(row)}</th>
                            ${cells.map((samples, column) => {
                                const here = at[0] === row && at[1] === column;
                                const picked = cell?.true === row && cell?.predicted === column;
                                const share = samples / (classes[row].support || 1);
                                return html`<td key=${column} tabindex=${here ? 0 : -1}
                                    class=${row === column ? "right" : "wrong"}
                                    aria-selected=${String(picked)}
                                    aria-label=${cellText(classes, confusion, row, column)}
                                    title=${cellText(classes, confusion, row, column)}
                                    style=${{ "--strength": `${50 * strengthOf(samples, classes[row].support)}%` }}
                                    onFocus=${() => !here && this.setState({ at: [row, column] })}
                                    onClick=${() => pick(row, column)}>
                                    ${samples === 0 ? "" : rates ? percentOf(share) : count(samples)}
                                </td>`;
                            })}
                        </tr>`,
                    )}
                </tbody>
            </table>
        </div>`;
    }
}

const percentOf = (share) => (share < 0.001 ? "<0.1" : (100 * share).toFixed(1));
