// The page's end of the event stream: in the worker that all tabs share, or, where a browser has no
// such workers, of this page alone. A hidden page lets go: after a night it would be told more than
// it can use. Knows nothing of what events mean.
import { Hub } from "./hub.js";
import { token } from "./token.js";

const PATH = "/v1/events";
const ALIVE_MS = 20000;

/** The stream behind a port of the shared worker. */
class Shared {
    constructor(hear) {
        this.worker = new SharedWorker("/stream_worker.js", { type: "module", name: "traind" });
        this.port = this.worker.port;
        this.opened = false;
        this.port.onmessage = ({ data }) => {
            // What was on its way when the page let go is old by now.
            if (this.opened)
                hear[data.say](data.say === "live" ? data.yes : data.name, data.text);
        };
        setInterval(() => this.opened && this.port.postMessage({ say: "alive" }), ALIVE_MS);
        addEventListener("pagehide", () => this.close());
    }

    open() {
        this.opened = true;
        this.port.postMessage({ say: "open", token: token() });
    }

    close() {
        this.opened = false;
        this.port.postMessage({ say: "close" });
    }
}

/** The same without a worker. */
class Alone {
    constructor(hear) {
        this.hear = hear;
        this.hub = null;
    }

    open() {
        this.close();
        this.hub = new Hub(PATH, token());
        this.hub.add(this.hear);
    }

    close() {
        this.hub?.remove(this.hear);
        this.hub = null;
    }
}

/** `hear.event(name, data)` for each event of one of `names`, `hear.live(yes)` when the connection
 * comes or goes, `hear.refused()` when the daemon wants another token: then it waits for open(). */
export class Stream {
    constructor(names, hear) {
        this.names = names;
        this.hear = hear;
        const listener = {
            event: (name, text) => this.take(name, text),
            live: (yes) => hear.live(yes),
            refused: () => hear.refused(),
        };
        this.source = globalThis.SharedWorker ? new Shared(listener) : new Alone(listener);
        document.addEventListener("visibilitychange", () => this.look());
        addEventListener("pageshow", ({ persisted }) => persisted && this.look());
    }

    open() {
        this.source.open();
    }

    look() {
        if (!document.hidden) {
            this.open();
            return;
        }
        this.source.close();
        this.hear.live(false);
    }

    take(name, text) {
        let data;
        if (!this.names.includes(name))
            return;
        try {
            data = JSON.parse(text);
        } catch {
            return;
        }
        this.hear.event(name, data);
    }
}
