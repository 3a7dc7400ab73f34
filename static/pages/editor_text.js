// The text of a job with numbered lines, marks under what is wrong, and a list of what may be typed
// at the cursor. Knows nothing of the daemon.
import { Component, html } from "../html.js";
import { complete } from "../data/completion.js";
import { lineAt } from "../data/json_tree.js";

const HELP = "Control and space offers what may stand at the cursor.";
const SHOWN = 8; // rows of the list, as in the style sheet

/** Properties: draft, schema (or null), names(path), focus: {from, to, turn} to go to. */
export class TextEditor extends Component {
    constructor() {
        super();
        this.state = { open: false, index: 0, offer: null };
        this.keep = (area) => (this.area = area);
        this.keepMarks = (marks) => (this.marks = marks);
    }

    componentDidUpdate(before) {
        const { focus } = this.props;
        if (focus && focus !== before.focus)
            this.goTo(focus);
        if (this.state.open)
            document.getElementById(`offer-${this.state.index}`)?.scrollIntoView({ block: "nearest" });
    }

    componentDidMount() {
        if (this.props.focus)
            this.goTo(this.props.focus);
    }

    goTo({ from, to }) {
        this.area.focus();
        this.area.setSelectionRange(from, to);
        const { line } = lineAt(this.props.draft.text, from);
        const height = this.area.clientHeight / this.area.rows;
        const top = this.area.getBoundingClientRect().top + (line - 1) * height;
        if (top < 60 || top > innerHeight - 60)
            scrollBy(0, top - innerHeight / 3);
        this.area.closest(".text").scrollTop = (line - 1) * height - innerHeight / 3;
    }

    // ---- the list ----

    look(open) {
        const { schema, draft, names } = this.props;
        if (!schema)
            return;
        const offer = complete(schema, draft.text, this.area.selectionStart, names);
        const index = offer.choices.findIndex(({ text }) => text === offer.typed);
        const some = offer.choices.length > 0 && (open || index < 0);
        this.setState({ offer, open: some, index: Math.max(0, index) });
    }

    close() {
        if (this.state.open)
            this.setState({ open: false });
    }

    type({ target, inputType, data }) {
        this.props.draft.setText(target.value);
        const word = inputType === "insertText" && /["\w]/.test(data ?? "");
        const less = inputType === "deleteContentBackward" && this.state.open;
        if (word || less)
            this.look(false);
        else this.close();
    }

    keys = {
        ArrowDown: () => this.move(1),
        ArrowUp: () => this.move(-1),
        PageDown: () => this.move(SHOWN),
        PageUp: () => this.move(-SHOWN),
        Enter: () => this.accept(this.state.index),
        Tab: () => this.accept(this.state.index),
        Escape: () => this.close(),
    };

    // A quote brings the one that ends the text; there, it is stepped over.
    quote(event) {
        const { selectionStart: at, selectionEnd: end, value } = this.area;
        const pair = /^[\s,\]}]*$/.test(value[at] ?? "") && !/["\w\\]/.test(value[at - 1] ?? "");
        if (at !== end || !(pair || value[at] === '"') || value[at - 1] === "\\")
            return;
        event.preventDefault();
        if (pair)
            document.execCommand("insertText", false, '""');
        this.area.setSelectionRange(at + 1, at + 1);
        if (pair)
            this.look(false);
        else this.close();
    }

    press(event) {
        if (event.key === '"')
            return this.quote(event);
        const asked = event.key === " " && event.ctrlKey;
        const act = asked ? () => this.look(true) : this.state.open && this.keys[event.key];
        if (!act || event.isComposing)
            return;
        event.preventDefault();
        act();
    }

    move(by) {
        const count = this.state.offer.choices.length;
        const index = Math.min(count - 1, Math.max(0, this.state.index + by));
        const around = Math.abs(by) === 1 ? (this.state.index + by + count) % count : index;
        this.setState({ index: around });
    }

    // As if it were typed: the browser's own way back keeps working.
    accept(index) {
        const { from, to, choices } = this.state.offer;
        const { insert } = choices[index];
        this.area.focus();
        this.area.setSelectionRange(from, to);
        if (!document.execCommand("insertText", false, insert))
            this.props.draft.splice(from, to, insert);
        const empty = /""|\[\]|\{\}/.exec(insert);
        if (empty)
            this.area.setSelectionRange(from + empty.index + 1, from + empty.index + 1);
        this.close();
    }

    scroll() {
        this.marks.style.transform = `translateX(${-this.area.scrollLeft}px)`;
    }

    // ---- the page ----

    list() {
        const { offer, index } = this.state;
        const { line, column } = lineAt(this.props.draft.text, offer.from);
        const place = {
            top: `calc(11px + ${line * 1.5}em)`,
            left: `max(0px, min(13px + ${column - 1}ch - ${this.area.scrollLeft}px, 100% - 344px))`,
        };
        return html`<ul class="offers" role="listbox" id="offers" aria-label="What may stand here"
            style=${place}>
            ${offer.choices.map(
                ({ text, about, needed }, i) => html`<li key=${text} id="offer-${i}" role="option"
                    aria-selected=${String(i === index)}
                    onMouseDown=${(event) => event.preventDefault()}
                    onClick=${() => this.accept(i)}>
                    <b>${text}</b>${needed && html` <i>required</i>`}
                    ${about && html`<span>${about}</span>`}
                </li>`,
            )}
        </ul>`;
    }

    render({ draft }, { open, index, offer }) {
        const lines = draft.text.split("\n").length;
        const problems = draft.problems();
        const wrong = new Set(problems.map(({ line }) => line));
        return html`<div class="code">
            <pre class="lines" aria-hidden="true">${Array.from({ length: lines }, (_, i) =>
                wrong.has(i + 1) ? html`<b key=${i}>${i + 1}${"\n"}</b>` : `${i + 1}\n`,
            )}</pre>
            <div class="writing">
                <pre class="marks" aria-hidden="true"><span ref=${this.keepMarks}>${marked(
                    draft.text,
                    problems,
                )}</span></pre>
                <textarea id="spec" ref=${this.keep} aria-label="The job as JSON" spellcheck="false"
                    autocomplete="off" autocapitalize="off" wrap="off" rows=${lines + 1}
                    aria-autocomplete="list" aria-controls=${open ? "offers" : null}
                    aria-activedescendant=${open ? `offer-${index}` : null}
                    aria-invalid=${problems.length > 0 ? "true" : null}
                    aria-describedby="spec-help" value=${draft.text}
                    onInput=${(event) => this.type(event)} onKeyDown=${(event) => this.press(event)}
                    onScroll=${() => this.scroll()} onBlur=${() => this.close()}
                    onClick=${() => this.close()}></textarea>
                ${open && this.list()}
            </div>
            <span class="hidden" role="status">
                ${open ? `${offer.choices.length} may stand here, arrow keys choose` : ""}
            </span>
            <p class="soft help" id="spec-help">${HELP}</p>
        </div>`;
    }
}

// The text once more, unseen, with what is wrong underlined.
function marked(text, problems) {
    const parts = [];
    let done = 0;
    for (const { from, to } of problems) {
        const [start, end] = [Math.max(done, from), Math.max(done, Math.min(to, text.length))];
        if (end === start && start < text.length)
            continue;
        parts.push(text.slice(done, start), html`<u>${text.slice(start, end) || " "}</u>`);
        done = end;
    }
    return [...parts, text.slice(done)];
}
