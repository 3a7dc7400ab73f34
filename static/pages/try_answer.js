// What a network says of one picture: the classes with their probabilities as bars, the most
// probable first.
import { html } from "../html.js";
import { count, percent } from "../parts/format.js";

const SHORT = 6; // letters of a name that a small column is wide enough for

const nameOf = ({ class: number, name }) => name ?? String(number);

/** Properties: answer ({class, name, probability, top: [the same]}), classes (how many there
 * are). */
export function Probabilities({ answer, classes }) {
    if (answer.class === null)
        return html`<p class="warning">The network's scores are no numbers.</p>`;
    const short = answer.top.every((row) => nameOf(row).length <= SHORT);
    return html`
        <p class="said-class"><b>${nameOf(answer)}</b> ${percent(answer.probability, 1)}</p>
        <table class=${short ? "probabilities short" : "probabilities"}>
            <caption class="hidden">Probabilities of the classes</caption>
            <thead class="hidden">
                <tr><th scope="col">Class</th><th scope="col">Probability</th></tr>
            </thead>
            <tbody>
                ${answer.top.map(
                    (row) => html`<tr key=${row.class}>
                        <th scope="row" title=${nameOf(row)}>${nameOf(row)}</th>
                        <td style=${{ "--share": `${100 * row.probability}%` }}>
                            <span>${percent(row.probability, 1)}</span>
                        </td>
                    </tr>`,
                )}
            </tbody>
        </table>
        ${
            classes > answer.top.length &&
            html`<p class="soft">The first ${answer.top.length} of ${count(classes)} classes.</p>`
        }`;
}
