// The one event stream of the page: opens it, and opens it again when it breaks. A stream begins
// with what happens now; who hears of a new one reads what came before. Knows nothing of what
// events mean.

const RETRY_MS = 1500;

/** `hear.event(name, data)` for each event, `hear.live(yes)` when the connection comes or goes. */
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
        const source = new EventSource(this.path);
        this.source = source;
        source.onopen = () => this.hear.live(true);
        source.onerror = () => this.lost();
        for (const name of this.names)
            source.addEventListener(name, (event) => this.take(name, event));
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

    take(name, event) {
        let data;
        try {
            data = JSON.parse(event.data);
        } catch {
            return;
        }
        this.hear.event(name, data);
    }
}
