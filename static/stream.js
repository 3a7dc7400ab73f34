// The one event stream of the page: opens it, and opens it again when it breaks. A stream begins
// with what happens now; who hears of a new one reads what came before. Knows nothing of what
// events mean.
import { Events } from "./events.js";

const RETRY_MS = 1500;

/** `hear.event(name, data)` for each event, `hear.live(yes)` when the connection comes or goes,
 * `hear.refused()` when the daemon wants another token: then it waits for open(). */
export class Stream {
    constructor(path, names, hear) {
        this.path = path;
        this.names = names;
        this.hear = hear;
        this.source = null;
        this.timer = 0;
        // A browser gives one host few connections over all its tabs: a hidden page lets go of its
        // own.
        document.addEventListener("visibilitychange", () =>
            document.hidden ? this.lost() : this.open(),
        );
    }

    open() {
        this.close();
        this.source = new Events(this.path, {
            open: () => this.hear.live(true),
            event: (name, text) => this.take(name, text),
            end: (status) => (status === 401 ? this.refuse() : this.lost()),
        });
    }

    close() {
        clearTimeout(this.timer);
        this.source?.close();
        this.source = null;
    }

    // The browser would ask for all that happened meanwhile: after a night, more than the page can
    // use.
    lost() {
        this.close();
        this.hear.live(false);
        if (!document.hidden)
            this.timer = setTimeout(() => this.open(), RETRY_MS);
    }

    refuse() {
        this.close();
        this.hear.refused();
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
