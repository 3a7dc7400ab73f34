// A place for a file, dropped there or chosen, with its name on the server and how far it is.
import { Component, html } from "../html.js";
import { nameOfFile, upload } from "../data/upload.js";
import { bytes, percent } from "./format.js";
import { Refusal } from "./refusal.js";

/** Properties: id, title, note, endings (of files), path(name), done(answer). */
export class Drop extends Component {
    constructor() {
        super();
        this.state = { file: null, name: "", sent: 0, going: false, over: false, problem: null, said: "" };
    }

    componentWillUnmount() {
        this.going?.stop();
    }

    take(file) {
        if (!file || this.state.going)
            return;
        const name = nameOfFile(file, this.props.endings);
        this.setState({ file, name, problem: null, said: "", sent: 0 });
    }

    async send(event) {
        event.preventDefault();
        const { file, name } = this.state;
        this.setState({ going: true, problem: null, sent: 0 });
        this.going = upload(this.props.path(name), file, (sent) => this.setState({ sent }));
        try {
            const answer = await this.going.done;
            this.setState({ file: null, said: `${answer.name} is there.` });
            this.props.done(answer);
        } catch (problem) {
            this.setState({ problem });
        }
        this.setState({ going: false });
    }

    drop(event) {
        event.preventDefault();
        this.setState({ over: false });
        this.take(event.dataTransfer.files[0]);
    }

    over(event, over) {
        event.preventDefault();
        this.setState({ over });
    }

    render({ id, title, note, endings }, { file, over, problem, said }) {
        return html`<div class="drop ${over ? "over" : ""}" onDragOver=${(event) => this.over(event, true)}
            onDragLeave=${(event) => this.over(event, false)} onDrop=${(event) => this.drop(event)}>
            <p>
                <label class="button" for=${id}>${title}</label>
                <input class="hidden" id=${id} type="file" accept=${endings.join(",")}
                    onChange=${({ target }) => {
                        this.take(target.files[0]);
                        target.value = "";
                    }} />
                <span class="soft">or drop it here. ${note}</span>
            </p>
            ${file && this.form()}
            <p class="said" role="status">${said}</p>
            ${problem && html`<${Refusal} problem=${problem} />`}
        </div>`;
    }

    form() {
        const { id } = this.props;
        const { file, name, going, sent } = this.state;
        const share = file.size > 0 ? sent / file.size : 0;
        return html`<form class="bar" onSubmit=${(event) => this.send(event)}>
            <span>${file.name} <span class="soft">${bytes(file.size)}</span></span>
            <label for="${id}-name">as</label>
            <input id="${id}-name" value=${name} required maxlength="64" disabled=${going}
                onInput=${({ target }) => this.setState({ name: target.value })} />
            ${
                going
                    ? html`<span class="progress">
                        <progress max="1" value=${share} aria-label="Upload of ${file.name}"></progress>
                        ${share < 1 ? `${percent(share, 0)} sent` : "The daemon checks it …"}
                    </span>
                    <button type="button" onClick=${() => this.going.stop()}>Stop</button>`
                    : html`<button type="submit" class="main" disabled=${name === ""}>Upload</button>
                    <button type="button" onClick=${() => this.setState({ file: null, problem: null })}>
                        Forget it
                    </button>`
            }
        </form>`;
    }
}
