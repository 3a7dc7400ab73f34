// What the daemon had against a request, place by place.
import { html } from "../html.js";

/** Properties: problem (an error with `message` and perhaps `errors`), known (pointers whose fields
 * show it themselves). */
export function Refusal({ problem, known = [] }) {
    const others = (problem.errors ?? []).filter(({ pointer }) => !known.includes(pointer));
    return html`<div class="warning" role="alert">
        <p>${problem.message}</p>
        ${
            others.length > 0 &&
            html`<ul>
            ${others.map(
                ({ pointer, detail, suggestion }) => html`<li key=${pointer + detail}>
                    <code>${pointer || "/"}</code> ${detail}
                    ${suggestion && html`; did you mean <code>${suggestion}</code>?`}
                </li>`,
            )}
        </ul>`
        }
    </div>`;
}
