// The values that a picture of jobs shows, as a table.
import { Component, html } from "../html.js";
import { nameOf } from "../parts/job_text.js";
import { Swatch } from "../parts/run_look.js";
import { jobAddress } from "../route.js";
import { valueOf, valueText } from "./compare_values.js";
import { columnOf } from "./jobs_columns.js";

/** Properties: title, jobs, looks, keys (of the columns). */
export class ValuesTable extends Component {
    constructor() {
        super();
        this.state = { open: false };
    }

    render({ title, jobs, looks, keys }, { open }) {
        return html`<details onToggle=${({ target }) => this.setState({ open: target.open })}>
            <summary>Values as a table</summary>
            ${
                open &&
                html`<div class="scroll" tabindex="0" role="region" aria-label="${title}: values">
                <table class="numbers">
                    <caption class="hidden">${title}</caption>
                    <thead>
                        <tr>
                            <th scope="col">Run</th>
                            <th scope="col" class="word">Job</th>
                            ${keys.map(
                                (key) => html`<th scope="col" key=${key}>${columnOf(key).title}</th>`,
                            )}
                        </tr>
                    </thead>
                    <tbody>
                        ${jobs.map(
                            (job) => html`<tr key=${job.id}>
                                <td><${Swatch} look=${looks.get(job.id)} /></td>
                                <th scope="row" class="word">
                                    <a href=${jobAddress(job.id)}>${nameOf(job)}</a>
                                </th>
                                ${keys.map(
                                    (key) => html`<td key=${key}>
                                        ${valueText(key, valueOf(key, job))}
                                    </td>`,
                                )}
                            </tr>`,
                        )}
                    </tbody>
                </table>
            </div>`
            }
        </details>`;
    }
}
