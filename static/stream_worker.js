// A worker that all pages of a browser share: one event stream for all of them, however many are
// open, since a browser gives one host few connections over all its tabs. Pages with different
// tokens have different streams.
import { Hub } from "./data/hub.js";

const PATH = "/v1/events";
const SILENT_MS = 90000; // a page that is gone says nothing; one that lives says so more often
const SWEEP_MS = 30000;

const hubs = new Map(); // token → its stream
const pages = new Set();

class Page {
    constructor(port) {
        this.port = port;
        this.hub = null;
        this.heard = Date.now();
        port.onmessage = ({ data }) => this.take(data);
        pages.add(this);
    }

    take({ say, token }) {
        this.heard = Date.now();
        if (say === "open")
            this.join(token);
        if (say === "close")
            this.leave();
    }

    join(token) {
        this.leave();
        if (!hubs.has(token))
            hubs.set(token, new Hub(PATH, token));
        this.hub = hubs.get(token);
        this.hub.add(this);
    }

    leave() {
        this.hub?.remove(this);
        if (this.hub?.listeners.size === 0)
            hubs.delete(this.hub.token);
        this.hub = null;
    }

    event(name, text) {
        this.port.postMessage({ say: "event", name, text });
    }

    live(yes) {
        this.port.postMessage({ say: "live", yes });
    }

    refused() {
        this.port.postMessage({ say: "refused" });
        this.leave(); // it comes again with another token
    }
}

self.onconnect = ({ ports }) => new Page(ports[0]);

setInterval(() => {
    for (const page of pages) {
        if (Date.now() - page.heard < SILENT_MS)
            continue;
        page.leave();
        pages.delete(page);
    }
}, SWEEP_MS);
