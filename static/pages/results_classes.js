// Precision, recall and F1 of each class, in an order that is chosen by the heads of the columns
// and stands in the address.
import { html } from "../html.js";
import { count, percent } from "../parts/format.js";
import { setOption } from "../route.js";
import { nameOfClass } from "./learned.js";

/** The columns: one row each. `about`: what it says. `bar`: a fraction, which is drawn too. */
const COLUMNS = [
    { key: "class", title: "Class", of: (row) => row.class },
    { key: "support", title: "Samples", about: "of this class", of: (row) => row.support },
    {
        key: "precision",
        title: "Precision",
        about: "of what is taken for it, the share that is",
        of: (row) => row.precision,
        bar: true,
    },
    {
        key: "recall",
        title: "Recall",
        about: "of its samples, the share that is found",
        of: (row) => row.recall,
        bar: true,
    },
    {
        key: "f1",
        title: "F1",
        about: "harmonic mean of precision and recall",
        of: (row) => row.f1,
        bar: true,
    },
];

/** "-f1" → {column, down}; the classes as they are numbered when it names none. */
function readOrder(text = "") {
    const column = COLUMNS.find(({ key }) => key === text.replace("-", "")) ?? COLUMNS[0];
    return { column, down: text.startsWith("-") };
}

function sorted(classes, { column, down }) {
    const value = (row) => column.of(row) ?? -1; // what is not known is least
    return [...classes].sort((a, b) => (down ? value(b) - value(a) : value(a) - value(b)));
}

/** Properties: classes (of an evaluation), options. */
export function Classes({ classes, options }) {
    const order = readOrder(options.order);
    return html`
        <h2 id="classes-title">Class by class</h2>
        <div class="scroll class-scroll" tabindex="0" role="region" aria-label="Figures of each class">
            <table class="numbers class-figures">
                <thead>
                    <tr>${COLUMNS.map((column) => html`<${Head} column=${column} order=${order} />`)}</tr>
                </thead>
                <tbody>
                    ${sorted(classes, order).map(
                        (row) => html`<tr key=${row.class}>
                            <th scope="row" class="name">${nameOfClass(classes, row.class)}</th>
                            <td>${count(row.support)}</td>
                            ${COLUMNS.filter(({ bar }) => bar).map(
                                ({ key, of }) => html`<td key=${key} style=${barOf(of(row))}>
                                    ${percent(of(row), 1)}
                                </td>`,
                            )}
                        </tr>`,
                    )}
                </tbody>
            </table>
        </div>`;
}

function Head({ column, order }) {
    const { key, title, about } = column;
    const here = order.column === column;
    const name = here && !order.down ? `-${key}` : key; // the weakest classes first
    const direction = order.down ? "descending" : "ascending";
    return html`<th scope="col" aria-sort=${here ? direction : null}>
        <button type="button" class="sort" title=${about}
            onClick=${() => setOption("order", name === "class" ? "" : name)}>
            ${title}<i aria-hidden="true">${here ? (order.down ? " ▾" : " ▴") : ""}</i>
        </button>
    </th>`;
}

const barOf = (share) => ({ "--share": `${100 * (share ?? 0)}%` });
