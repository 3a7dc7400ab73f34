// What a network says of one picture: the classes with their probabilities as bars, the most
// probable first.
import { html } from "../html.js";
import { count, percent } from "../parts/format.js";

const SHOWN = 10;

/** Properties: answer ({class, name, probability, probabilities}), names (of classes; may be
 * empty). */
export function Probabilities({ answer, names = [] }) {
    const { probabilities } = answer;
    if (answer.class === null)
        return html`<p class="warning">The network's scores are no numbers.</p>`;
    const name = (index) => (index === answer.class && answer.name) || names[index] || String(index);
    const order = probabilities
        .map((probability, index) => ({ probability, index }))
        .sort((a, b) => b.probability - a.probability || a.index - b.index);
    return html`
        <p class="verdict"><b>${name(answer.class)}</b> ${percent(answer.probability, 1)}</p>
        <table class="probabilities">
            <caption class="hidden">Probabilities of the classes</caption>
            <thead class="hidden">
                <tr><th scope="col">Class</th><th scope="col">Probability</th></tr>
            </thead>
            <tbody>
                ${order.slice(0, SHOWN).map(
                    ({ probability, index }) => html`<tr key=${index}>
                        <th scope="row">${name(index)}</th>
                        <td style=${{ "--share": `${100 * probability}%` }}>
                            <span>${percent(probability, 1)}</span>
                        </td>
                    </tr>`,
                )}
            </tbody>
        </table>
        ${
            probabilities.length > SHOWN &&
            html`<p class="soft">The first ${SHOWN} of ${count(probabilities.length)} classes.</p>`
        }`;
}
