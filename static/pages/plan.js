// A network as a table: what each layer makes of a picture and what it costs.
import { html } from "../html.js";
import { bytes, count, shape } from "../parts/format.js";

const orNothing = (value) => (value ? count(value) : "");

/** What a layer reads, where that is not simply the one above it. */
function sources(layer, above) {
    const usual = layer.inputs.length === 1 && layer.inputs[0] === (above?.path ?? "data");
    return usual ? "" : ` of ${layer.inputs.join(", ")}`;
}

export function Plan({ plan }) {
    return html`
        <div class="scroll">
            <table class="numbers plan">
                <thead>
                    <tr>
                        <th scope="col">Layer</th>
                        <th scope="col" class="word">Type</th>
                        <th scope="col">Output</th>
                        <th scope="col">Parameters</th>
                        <th scope="col">Multiply-adds</th>
                        <th scope="col">Receptive field</th>
                        <th scope="col" title="of its output, for a batch; in all: of the training">Memory</th>
                    </tr>
                </thead>
                <tbody>
                    ${plan.layers.map(
                        (layer, index) => html`<tr key=${layer.path}>
                            <th scope="row" style=${{ paddingLeft: `${layer.depth * 18}px` }}>
                                ${layer.path}
                            </th>
                            <td class="word">
                                ${layer.type}
                                <span class="soft">${sources(layer, plan.layers[index - 1])}</span>
                            </td>
                            <td>${shape(layer.output)}</td>
                            <td>${orNothing(layer.parameters)}</td>
                            <td>${orNothing(layer.multiply_adds)}</td>
                            <td>${layer.receptive_field ? shape(layer.receptive_field) : ""}</td>
                            <td>${layer.bytes ? bytes(layer.bytes) : ""}</td>
                        </tr>`,
                    )}
                </tbody>
                <tfoot>
                    <tr>
                        <th scope="row" colspan="3">All, for one picture</th>
                        <td>${count(plan.totals.parameters)}</td>
                        <td>${count(plan.totals.multiply_adds)}</td>
                        <td></td>
                        <td>${bytes(plan.totals.bytes)}</td>
                    </tr>
                </tfoot>
            </table>
        </div>
        ${plan.warnings.map(
            ({ pointer, detail }) => html`<p class="note" key=${pointer + detail}>
                <code>${pointer}</code> ${detail}
            </p>`,
        )}`;
}
