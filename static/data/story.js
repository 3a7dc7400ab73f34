// What happened to one job, in order: its states, what a hand changed, its checkpoints, warnings
// and evaluations. Read once, then told by the stream. Knows no markup.

const same = (a, b) => a.event === b.event && a.at === b.at && a.step === b.step;

export class Story {
    constructor() {
        this.events = []; // {event, step, at, …}, oldest first
        this.known = false;
    }

    /** All that is stored, beside what the stream has told meanwhile. */
    take(stored) {
        const last = stored[stored.length - 1];
        const later = this.events.filter(
            (event) =>
                (!last || event.at >= last.at) && !stored.some((known) => same(known, event)),
        );
        this.events = [...stored, ...later];
        this.known = true;
    }

    hear(event, data) {
        this.events.push({ event, ...data });
    }
}

/** What belongs on the curves: [{step, at, kind, text}], oldest first. */
export function marksOf(events) {
    const marks = [];
    const lives = { count: 0, rest: "" };
    for (const event of events) {
        const mark = MARKS[event.event]?.(event, lives);
        if (mark)
            marks.push({ step: event.step, at: Date.parse(event.at), ...mark });
    }
    return marks;
}

const value = (x) => (typeof x === "object" ? JSON.stringify(x) : String(x ?? "none"));
const change = ([name, { from, to }]) => `${name} ${value(from)} → ${value(to)}`;
const NAMING = new Set(["name", "labels", "priority"]);

/** What an `edit` changed, as texts; of the course only, unless all is asked for. */
export function changesOf({ changes = {}, rate }, all = false) {
    const texts = Object.entries(changes)
        .filter(([name]) => all || !NAMING.has(name))
        .map(change);
    if (texts.length > 0 && rate && !changes.lr && rate.from !== rate.to)
        texts.push(`rate ${value(rate.from)} → ${value(rate.to)}`);
    return texts;
}

// A life of the job begins with `running`; what it did before says whether that is worth a mark.
function lifeMark({ state, reason }, lives) {
    if (state === "paused") {
        lives.rest = "paused";
        return { kind: "paused", text: "paused" };
    }
    if (state === "queued" && lives.count > 0)
        lives.rest = reason || lives.rest || "queued again";
    if (state !== "running")
        return null;
    const { rest } = lives;
    lives.rest = "";
    if (lives.count++ === 0 || rest === "")
        return null;
    if (rest === "paused")
        return { kind: "resumed", text: "resumed" };
    return { kind: "restarted", text: `went on in a daemon started anew (${rest})` };
}

function warningMark({ rollback, detail }) {
    if (!rollback)
        return { kind: "warning", text: detail };
    const { from, to, lr_factor: factor } = rollback;
    const text = `diverged at step ${from}, went back to step ${to}`;
    return { kind: "back", text: factor ? `${text}, on with ${factor[1]} × the rate` : text };
}

const MARKS = {
    state: lifeMark,
    warning: warningMark,
    edit: (event) => {
        const text = changesOf(event).join(", ");
        return text === "" ? null : { kind: "edit", text };
    },
    checkpoint: ({ best }) => ({
        kind: "checkpoint",
        text: best ? "checkpoint, the best until then" : "checkpoint",
    }),
    end: ({ state, reason }) => ({ kind: "end", text: reason ? `${state}: ${reason}` : state }),
};
