// Trying a network: a picture is dropped, chosen or drawn, and the network of a checkpoint says what
// it takes it for. The picture goes to the daemon of this page and nowhere else.
import { Component, html } from "../html.js";
import { predict } from "../data/api.js";
import { Refusal } from "../parts/refusal.js";
import { count, shape } from "../parts/format.js";
import { CheckpointChoice, OfCheckpoint } from "./learned.js";
import { Drawing } from "./try_drawing.js";
import { Probabilities } from "./try_answer.js";

const TOP = 10; // classes that are shown
const FEW = 84; // pixels across: fewer are shown as squares
const TYPES = ["image/png", "image/jpeg"];

export function TryIt({ job, opened, options }) {
    const view = (item) => html`
        <div class="bar learned-bar">
            <${CheckpointChoice} items=${opened.checkpoints} options=${options} />
            <span>step ${count(item.step)}</span>
        </div>
        <${Trial} job=${job} item=${item} />`;
    return html`<${OfCheckpoint} job=${job} opened=${opened} options=${options} view=${view} />`;
}

/** Properties: job, item (the checkpoint). */
class Trial extends Component {
    constructor() {
        super();
        this.state = { file: null, source: "", answer: null, problem: null, over: false };
    }

    componentDidUpdate({ item }) {
        if (item.sha256 !== this.props.item.sha256 && this.state.file)
            this.ask(this.state.file);
    }

    componentWillUnmount() {
        this.asked = null;
        URL.revokeObjectURL(this.state.source);
    }

    /** A picture from a file; `drawn` shows itself. */
    take(file, drawn = false) {
        URL.revokeObjectURL(this.state.source);
        const good = TYPES.includes(file.type);
        const problem = good ? null : new Error(`${file.name} is neither a PNG nor a JPEG picture.`);
        const source = good && !drawn ? URL.createObjectURL(file) : "";
        this.setState({ file: good ? file : null, drawn, source, problem, answer: null, over: false });
        if (good)
            this.ask(file);
    }

    async ask(file) {
        const { job, item } = this.props;
        this.asked = file;
        try {
            const { predictions } = await predict(job.id, item.step, file, TOP);
            if (this.asked === file)
                this.setState({ answer: predictions[0], problem: null });
        } catch (problem) {
            if (this.asked === file)
                this.setState({ answer: null, problem });
        }
    }

    drop(event) {
        event.preventDefault();
        const [file] = event.dataTransfer.files;
        if (file)
            this.take(file);
        else this.setState({ over: false });
    }

    over(event, over) {
        event.preventDefault();
        this.setState({ over });
    }

    clear() {
        this.asked = null;
        URL.revokeObjectURL(this.state.source);
        this.setState({ file: null, source: "", answer: null, problem: null });
    }

    render({ job }, { answer, problem, file }) {
        const [channels, height, width] = job.plan.data.shape;
        return html`<div class="trial">
            <section aria-labelledby="given-title">
                <h2 id="given-title">A picture</h2>
                ${this.place(job)}
                ${
                    channels === 1 &&
                    html`<${Drawing} height=${height} width=${width}
                        drawn=${(blob) => this.take(blob, true)} cleared=${() => this.clear()} />`
                }
            </section>
            <section aria-labelledby="answer-title" aria-live="polite">
                <h2 id="answer-title">What the network says</h2>
                ${problem && html`<${Refusal} problem=${problem} />`}
                ${answer && html`<${Probabilities} answer=${answer} classes=${job.plan.data.classes} />`}
                ${
                    !answer &&
                    !problem &&
                    html`<p class="soft">${file ? "Asking …" : "Nothing yet: it wants a picture."}</p>`
                }
            </section>
        </div>`;
    }

    place(job) {
        const { source, file, over } = this.state;
        return html`<div class=${over ? "drop over" : "drop"} onDrop=${(event) => this.drop(event)}
            onDragOver=${(event) => this.over(event, true)}
            onDragLeave=${(event) => this.over(event, false)}>
            ${source !== "" && html`<img src=${source} alt="The picture ${file.name}"
                onLoad=${({ target }) => target.classList.toggle("few", target.naturalWidth < FEW)} />`}
            <p>
                <label class="button">${source === "" ? "Choose a picture" : "Choose another"}
                    <input type="file" class="hidden" accept=${TYPES.join()}
                        onChange=${({ target }) => target.files[0] && this.take(target.files[0])} />
                </label>
                ${" "}or drop one here
            </p>
            <p class="soft">
                ${source === "" ? "PNG or JPEG" : file.name}; it is brought to
                ${" "}${shape(job.plan.data.shape)}, the size that the network was trained with.
            </p>
        </div>`;
    }
}
