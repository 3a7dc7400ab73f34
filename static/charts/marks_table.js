// The marks on the curves in words, each with a way to the part of the curves around it.
import { html } from "../html.js";
import { count, timeOfDay } from "../parts/format.js";
import { MARK_KINDS } from "./marks.js";

const SHOWN = 200;
const AROUND = 0.05; // of the run, to each side of a mark

/** Properties: marks, run {last, perEpoch}, zoom(from, to). */
export function Marks({ marks, run, zoom }) {
    if (marks.length === 0)
        return null;
    const half = Math.max(10, Math.round(run.last * AROUND));
    return html`<details class="marks">
        <summary>Marks on the curves (${count(marks.length)})</summary>
        <div class="scroll">
            <table class="numbers">
                <thead>
                    <tr>
                        <th scope="col">Step</th>
                        <th scope="col">Time</th>
                        <th scope="col" class="word">Mark</th>
                        <th scope="col" class="word">What happened</th>
                        <th scope="col"><span class="hidden">Curves</span></th>
                    </tr>
                </thead>
                <tbody>
                    ${marks.slice(-SHOWN).map(
                        ({ step, at, kind, text }, i) => html`<tr key=${i}>
                            <th scope="row">${count(step)}</th>
                            <td>${timeOfDay(at)}</td>
                            <td class="word">
                                <i aria-hidden="true">${MARK_KINDS[kind].sign}</i>${" "}
                                ${MARK_KINDS[kind].title}
                            </td>
                            <td class="word">${text}</td>
                            <td>
                                <button type="button" class="plain"
                                    aria-label="Show the curves around step ${step}"
                                    onClick=${() => zoom(step - half, step + half)}>
                                    show
                                </button>
                            </td>
                        </tr>`,
                    )}
                </tbody>
            </table>
        </div>
    </details>`;
}
