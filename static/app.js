// Wiring: the model, the address, and one draw of the page for all changes of a moment.
import { html, render } from "./html.js";
import { Model } from "./data/model.js";
import { save } from "./data/save.js";
import { setToken, takeToken, token } from "./data/token.js";
import { PAGES, findPage, viewOf } from "./pages/pages.js";
import { Guard } from "./parts/guard.js";
import { Late } from "./parts/late.js";
import { ThemeSwitch } from "./parts/theme_switch.js";
import { address, readAddress } from "./route.js";

const loadLogin = async () => (await import("./parts/login.js")).Login;
const DRAW_MS = 150; // at most one draw in this time, however many events come
const CLOCK_MS = 1000; // ages and times grow by themselves

takeToken();
const root = document.getElementById("app");
const model = new Model(soon);
let place = findPage(readAddress(location.hash));
let waiting = 0;
let drawn = 0;

function soon() {
    const delay = Math.max(0, drawn + DRAW_MS - Date.now());
    if (waiting === 0)
        waiting = setTimeout(() => requestAnimationFrame(draw), delay);
}

function draw() {
    waiting = 0;
    drawn = Date.now();
    render(html`<${App} model=${model} place=${place} now=${drawn} />`, root);
    const title = place.page.title?.(model, place.named);
    document.title = title ? `${title} · traind` : "traind";
}

function App({ model, place, now }) {
    const pages = PAGES.filter(({ nav }) => nav).sort((a) => (a.first ? -1 : 1));
    const here = (page) => (place.page === page ? "page" : null);
    return html`
        <a class="skip" href="#main" onClick=${skip}>To the content</a>
        <header>
            <a class="mark" href="#/jobs">traind</a>
            <nav aria-label="Pages">
                ${pages.map(
                    (page) => html`<a key=${page.nav} href=${address(page.path)}
                        aria-current=${here(page)}>${page.nav}</a>`,
                )}
            </nav>
            <${Live} live=${model.locked ? null : model.live} />
            <${ThemeSwitch} />
        </header>
        ${
            model.notice &&
            html`<p class="warning notice" role="alert">
            ${model.notice}
            <button type="button" onClick=${() => model.dismiss()}>Dismiss</button>
        </p>`
        }
        <main id="main" tabindex="-1">
            <${Guard} at=${location.hash}>
                <${Page} model=${model} place=${place} now=${now} />
            <//>
        </main>`;
}

// The address is the page's own: a link to a place on it would take it away.
function skip(event) {
    event.preventDefault();
    document.getElementById("main").focus();
}

function Live({ live }) {
    const text = live === false ? "Connection lost, trying again …" : live ? "live" : "";
    return html`<span class=${live === false ? "live lost" : "live"} role="status">${text}</span>`;
}

function enter(text) {
    setToken(text);
    model.unlock();
}

const identity = ({ page, named, options }) =>
    [page.path.join("/"), named.id ?? "", page.key?.(options, named) ?? ""].join(" ");

function Page({ model, place, now }) {
    if (model.locked)
        return html`<${Late} load=${loadLogin} refused=${token() !== ""} enter=${enter} />`;
    const { page, named, options } = place;
    const view = viewOf(page, soon);
    if (!view)
        return html`<p class="soft">Loading the page …</p>`;
    return html`<${view} key=${identity(place)} model=${model} options=${options} now=${now}
        ...${named} />`;
}

function follow() {
    const before = place;
    place = findPage(readAddress(location.hash));
    model.open(place.page.path[0] === "jobs" ? (place.named.id ?? "") : "");
    draw();
    if (identity(place) !== identity(before))
        scrollTo(0, 0);
}

// A link that says data-fetch may be refused, or wants a form that only a header can ask for: what
// the daemon says to it is for the user's eyes. With a token all links to it are of that kind.
async function saveFile(event) {
    const link = event.target.closest?.("a[href^='/v1/']");
    if (!link || (token() === "" && link.dataset.fetch === undefined))
        return;
    event.preventDefault();
    const { accept, name } = link.dataset;
    await save(link.getAttribute("href"), { accept, name }).catch((problem) =>
        model.note(problem.message),
    );
}

addEventListener("hashchange", follow);
addEventListener("click", saveFile);
setInterval(soon, CLOCK_MS);
model.start();
follow();
