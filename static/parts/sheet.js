// Style sheets of pages that are loaded when they are first shown, so that a first visit is light.

/** Resolves once it is there, or cannot be had: a page without it can still be read. */
export const sheet = (path) =>
    new Promise((done) => {
        const link = document.createElement("link");
        Object.assign(link, { rel: "stylesheet", href: path, onload: done, onerror: done });
        document.head.append(link);
    });
