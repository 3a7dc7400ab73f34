// One event stream for many listeners: opens it for the first, again when it breaks, and lets it go
// with the last. Knows nothing of what events mean, nor whether it lives in a page or a worker.
import { Events } from "./events.js";

const RETRY_MS = 1500;

/** Listeners have `event(name, text)`, `live(yes)` when the connection comes or goes, and
 * `refused()` when the daemon wants another token: then the stream waits for retry(). A stream
 * begins with what happens now: who hears that it lives reads what came before. */
export class Hub {
    constructor(path, token) {
        this.path = path;
        this.token = token;
        this.listeners = new Set();
        this.source = null;
        this.timer = 0;
        this.live = false;
        this.refused = false;
    }

    add(listener) {
        this.listeners.add(listener);
        if (this.live)
            listener.live(true);
        else if (this.refused) listener.refused();
        else if (!this.source && !this.timer) this.open();
    }

    remove(listener) {
        this.listeners.delete(listener);
        if (this.listeners.size === 0)
            this.close();
    }

    open() {
        this.close();
        this.source = new Events(this.path, this.token, {
            open: () => this.turn(true),
            event: (name, text) => this.tell((listener) => listener.event(name, text)),
            end: (status) => this.end(status),
        });
    }

    close() {
        clearTimeout(this.timer);
        this.timer = 0;
        this.source?.close();
        this.source = null;
        this.live = false;
        this.refused = false;
    }

    end(status) {
        this.source = null;
        if (status === 401) {
            this.refused = true;
            this.tell((listener) => listener.refused());
            return;
        }
        this.turn(false);
        this.timer = setTimeout(() => this.open(), RETRY_MS);
    }

    turn(live) {
        this.live = live;
        this.tell((listener) => listener.live(live));
    }

    tell(say) {
        for (const listener of [...this.listeners])
            say(listener);
    }
}
