// Server-sent events by fetch: EventSource can send no token. Knows nothing of what events mean;
// works in pages and in workers.

const SILENT_MS = 60000; // the daemon gives signs of life far more often

/** Takes whole lines out of a text that comes in pieces. */
class Lines {
    constructor() {
        this.rest = "";
    }

    *take(piece) {
        const lines = (this.rest + piece).split("\n");
        this.rest = lines.pop();
        for (const line of lines)
            yield line.replace(/\r$/, "");
    }
}

/** `hear.open()` when the daemon answers, `hear.event(name, text)`, and once `hear.end(status)`: 0
 * when the connection broke or there was none. `token` "": none is sent. */
export class Events {
    constructor(path, token, hear) {
        this.hear = hear;
        this.aborter = new AbortController();
        this.read(path, token).then(
            (status) => this.end(status),
            () => this.end(0),
        );
    }

    close() {
        this.hear = null;
        this.aborter.abort();
    }

    end(status) {
        this.hear?.end(status);
        this.hear = null;
    }

    async read(path, token) {
        const headers = { Accept: "text/event-stream" };
        if (token !== "")
            headers.Authorization = `Bearer ${token}`;
        const response = await fetch(path, { headers, signal: this.aborter.signal });
        if (!response.ok)
            return response.status;
        this.hear?.open();
        const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
        const lines = new Lines();
        let event = { name: "message", data: [] };
        for (;;) {
            // A connection that is gone may never say so.
            const timer = setTimeout(() => this.aborter.abort(), SILENT_MS);
            const { value, done } = await reader.read();
            clearTimeout(timer);
            if (done)
                return 0;
            for (const line of lines.take(value)) {
                if (line !== "") {
                    this.field(line, event);
                    continue;
                }
                if (event.data.length > 0)
                    this.hear?.event(event.name, event.data.join("\n"));
                event = { name: "message", data: [] };
            }
        }
    }

    field(line, event) {
        const [, name, value] = /^([^:]*):? ?(.*)$/.exec(line);
        if (name === "event")
            event.name = value;
        else if (name === "data") event.data.push(value);
    }
}
