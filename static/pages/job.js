// The page of one job: where it stands, what can be done with it, and its tabs.
import { html } from "../html.js";
import { Charts } from "../charts/charts.js";
import { marksOf } from "../data/story.js";
import { ended } from "../data/model.js";
import { nameOf } from "../parts/job_text.js";
import { Late } from "../parts/late.js";
import { address, setOption, withOptions } from "../route.js";
import { Actions } from "./job_actions.js";
import { Facts, Figures, Standing } from "./job_facts.js";
import { Name } from "./job_name.js";
import { viewOf } from "./pages.js";

const steering = async () => (await import("./job_steering.js")).Steering;

/** The tabs: one row each. `key` stands in the address; those without a title are reached from
 * elsewhere. A view's properties are model, job, opened, options and now; `load` instead of it gives
 * it when it is first shown. */
export const TABS = [
    { key: "", title: "Curves", view: Curves },
    { key: "results", title: "Results", load: async () => (await import("./results.js")).Results },
    { key: "inside", title: "Inside", load: async () => (await import("./inside.js")).Inside },
    { key: "try", title: "Try it", load: async () => (await import("./try.js")).TryIt },
    { key: "network", title: "Network", load: async () => (await import("./job_tabs.js")).Network },
    {
        key: "checkpoints",
        title: "Checkpoints",
        load: async () => (await import("./job_tabs.js")).Stored,
    },
    { key: "events", title: "Events", load: async () => (await import("./job_events.js")).Events },
    {
        key: "definition",
        title: "Definition",
        load: async () => (await import("./job_definition.js")).Definition,
    },
    { key: "fork", load: async () => (await import("./job_fork.js")).Fork },
];

export function Job({ model, tab, options, now }) {
    const { opened } = model;
    const job = model.jobs.get(opened.id);
    if (opened.missing)
        return html`<p>${opened.missing} <a href="#/jobs">All jobs</a></p>`;
    if (!job)
        return html`<p class="soft">${opened.unread || "Reading the job …"}</p>`;
    const here = TABS.find(({ key }) => key === tab) ?? TABS[0];
    const view = here.view ?? viewOf(here, () => model.changed()) ?? Loading;
    return html`
        <div class="bar head">
            <${Name} key=${job.id} model=${model} job=${job} />
            <${Actions} model=${model} job=${job} opened=${opened} />
        </div>
        <${Standing} job=${job} ahead=${opened.ahead} now=${now} />
        <${Tabs} job=${job} here=${here} />
        <div class="tab">
            <${view} key=${job.id} model=${model} job=${job} opened=${opened}
                options=${options} now=${now} />
        </div>`;
}

const Loading = () => html`<p class="soft">Loading …</p>`;

// What is chosen about the curves is kept while one looks at another tab.
function Tabs({ job, here }) {
    const query = withOptions({}).split("?")[1];
    const link = (key) => {
        const path = address(key === "" ? ["jobs", job.id] : ["jobs", job.id, key]);
        return query ? `${path}?${query}` : path;
    };
    return html`<nav class="tabs" aria-label="About ${nameOf(job)}">
        ${TABS.filter(({ title }) => title).map(
            ({ key, title }) => html`<a key=${key} href=${link(key)}
                aria-current=${here.key === key ? "page" : null}>${title}</a>`,
        )}
    </nav>`;
}

// What it takes to change a run is loaded when it is asked for.
function Steer({ model, job, open }) {
    const turn = ({ target }) => target.open !== open && setOption("steer", target.open ? "1" : "");
    return html`<details class="steering" open=${open} onToggle=${turn}>
        <summary>Change the rate while it runs</summary>
        ${open && html`<${Late} load=${steering} model=${model} job=${job} />`}
    </details>`;
}

function Curves({ model, job, opened, options, now }) {
    const { history, story } = opened;
    return html`
        <${Facts} job=${job} now=${now} />
        ${!ended(job) && html`<${Steer} model=${model} job=${job} open=${options.steer === "1"} />`}
        <${Charts} job=${job} history=${history} marks=${marksOf(story.events)}
            options=${options} />
        <${Figures} job=${job} history=${history} options=${options} />`;
}
