// Wiring: the model, the address, and one draw of the page for all changes of a moment.
import { html, render } from "./html.js";
import { percent } from "./format.js";
import { Job } from "./job.js";
import { nameOf } from "./job_text.js";
import { Jobs } from "./jobs.js";
import { Login } from "./login.js";
import { Model, ended } from "./model.js";
import { NewJob } from "./new.js";
import { readRoute } from "./route.js";
import { save, setToken, takeToken, token } from "./token.js";

const DRAW_MS = 150; // at most one draw in this time, however many events come
const CLOCK_MS = 1000; // ages and times grow by themselves

takeToken();
const root = document.getElementById("app");
const model = new Model(soon);
let route = readRoute(location.hash);
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
    render(html`<${App} model=${model} route=${route} now=${drawn} />`, root);
    document.title = title();
}

function title() {
    const job = route.page === "job" ? model.jobs.get(route.id) : null;
    if (!job)
        return "traind";
    const standing = ended(job) ? job.state : percent(job.progress?.fraction ?? 0, 0);
    return `${standing} · ${nameOf(job)} · traind`;
}

function App({ model, route, now }) {
    const here = (page) => (route.page === page ? "page" : null);
    return html`
        <header>
            <a class="mark" href="#/jobs">traind</a>
            <nav aria-label="Pages">
                <a href="#/jobs" aria-current=${here("jobs")}>Jobs</a>
                <a href="#/new" aria-current=${here("new")}>New job</a>
            </nav>
            <${Live} live=${model.live} />
        </header>
        ${
            model.notice &&
            html`<p class="warning notice" role="alert">
            ${model.notice}
            <button type="button" onClick=${() => model.dismiss()}>Dismiss</button>
        </p>`
        }
        <main>${page(model, route, now)}</main>`;
}

function Live({ live }) {
    const text = live === false ? "Connection lost, trying again …" : live ? "live" : "";
    return html`<span class=${live === false ? "live lost" : "live"} role="status">${text}</span>`;
}

function enter(text) {
    setToken(text);
    model.unlock();
}

function page(model, { page, id, options }, now) {
    if (model.locked)
        return html`<${Login} refused=${token() !== ""} enter=${enter} />`;
    if (page === "job")
        return html`<${Job} key=${id} model=${model} options=${options} now=${now} />`;
    if (page === "new") {
        const key = `${options.preset} ${options.from}`;
        return html`<${NewJob} key=${key} model=${model} options=${options} />`;
    }
    return html`<${Jobs} model=${model} now=${now} />`;
}

function follow() {
    const before = route;
    route = readRoute(location.hash);
    model.open(route.page === "job" ? route.id : "");
    draw();
    if (route.page !== before.page || route.id !== before.id)
        scrollTo(0, 0);
}

function saveWithToken(event) {
    const link = event.target.closest?.("a[href^='/v1/']");
    if (!link || token() === "")
        return;
    event.preventDefault();
    save(link.getAttribute("href"));
}

addEventListener("hashchange", follow);
addEventListener("click", saveWithToken);
setInterval(soon, CLOCK_MS);
model.start();
follow();
