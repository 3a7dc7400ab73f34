// The results of a job: what the network of a checkpoint makes of every sample of a split. The
// daemon works it out when it is first asked.
import { html } from "../html.js";
import { getEvaluation } from "../data/api.js";
import { Asked } from "../parts/asked.js";
import { count, number, percent } from "../parts/format.js";
import { CheckpointChoice, OfCheckpoint, SplitChoice, nameOfClass, splitsOf } from "./learned.js";
import { setOption } from "../route.js";
import { Classes } from "./results_classes.js";
import { Confusion } from "./results_matrix.js";
import { OfCell, Worst } from "./results_samples.js";

const WORST = 200; // the most that the daemon keeps

export function Results({ job, opened, options }) {
    const splits = splitsOf(job);
    const { key: split } = splits.find(({ key }) => key === options.split) ?? splits[0];
    const view = (item) => html`
        <div class="bar learned-bar">
            <${CheckpointChoice} items=${opened.checkpoints} options=${options} />
            <${SplitChoice} splits=${splits} chosen=${split} />
        </div>
        <${Asked} what="${job.id} ${item.sha256} ${split}"
            ask=${() => getEvaluation(job.id, { checkpoint: item.step, split, worst: WORST })}
            wait="The daemon looks at every sample …">
            ${(answer) => html`<${Evaluation} job=${job} item=${item} answer=${answer}
                options=${options} />`}
        <//>`;
    return html`<${OfCheckpoint} job=${job} opened=${opened} options=${options} view=${view} />`;
}

function Evaluation({ job, item, answer, options }) {
    const cell = readCell(options.cell, answer.classes.length);
    return html`
        <${Summary} answer=${answer} />
        <div class="halves">
            <section aria-labelledby="confusion-title">
                <${Confusion} answer=${answer} cell=${cell} options=${options} />
                <${Pairs} answer=${answer} />
            </section>
            <section aria-labelledby="classes-title">
                <${Classes} classes=${answer.classes} options=${options} />
            </section>
        </div>
        ${
            cell &&
            html`<${OfCell} job=${job} item=${item} answer=${answer} cell=${cell}
                options=${options} />`
        }
        <${Worst} job=${job} answer=${answer} options=${options} />`;
}

/** "3,5" → {true: 3, predicted: 5}, or null. */
function readCell(text, classes) {
    const [, row, column] = /^(\d+),(\d+)$/.exec(text ?? "") ?? [];
    const cell = { true: Number(row), predicted: Number(column) };
    return cell.true < classes && cell.predicted < classes ? cell : null;
}

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

function Summary({ answer }) {
    const seen = answer.classes.filter(({ support }) => support > 0);
    const facts = [
        { title: "Accuracy", value: percent(answer.accuracy), note: rightOf(answer) },
        { title: "Loss", value: number(answer.loss) },
        {
            title: "Macro F1",
            value: percent(mean(seen.map(({ f1 }) => f1 ?? 0))),
            note: `mean over ${count(seen.length)} classes`,
        },
        { title: "Checkpoint", value: `step ${count(answer.model.checkpoint)}` },
    ];
    return html`<dl class="facts">
        ${facts.map(
            ({ title, value, note }) => html`<div key=${title}>
                <dt>${title}</dt>
                <dd>${value}</dd>
                ${note && html`<dd class="soft">${note}</dd>`}
            </div>`,
        )}
    </dl>
    ${
        answer.undecided > 0 &&
        html`<p class="warning">
        Of ${count(answer.undecided)} samples the network's scores are no numbers: they count as
        wrong, and no cell below has them.
    </p>`
    }`;
}

const rightOf = ({ accuracy, samples }) =>
    `${count(Math.round(accuracy * samples))} of ${count(samples)} samples`;

function Pairs({ answer }) {
    const { classes, most_confused: pairs } = answer;
    if (pairs.length === 0)
        return html`<p class="soft">No class is taken for another.</p>`;
    const cell = (pair) => `${pair.true},${pair.predicted}`;
    return html`<details class="pairs">
        <summary>Most confused</summary>
        <ol>
            ${pairs.map(
                (pair) => html`<li key=${cell(pair)}>
                    <button type="button" class="plain" onClick=${() => setOption("cell", cell(pair))}>
                        ${nameOfClass(classes, pair.true)} taken for
                        ${" "}${nameOfClass(classes, pair.predicted)}
                    </button>
                    ${" "}<span class="soft">${count(pair.count)}, ${shareOf(pair, classes)} of its class</span>
                </li>`,
            )}
        </ol>
    </details>`;
}

const shareOf = (pair, classes) => percent(pair.count / classes[pair.true].support, 1);
