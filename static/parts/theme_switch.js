// The switch between light, dark, and what the system says. theme.js, which is there before any
// module, does what is chosen here.
import { Component, html } from "../html.js";

const KEY = "traind-theme"; // theme.js reads it

const THEMES = [
    { key: "", title: "Auto" },
    { key: "light", title: "Light" },
    { key: "dark", title: "Dark" },
];

function kept() {
    try {
        return localStorage.getItem(KEY) ?? "";
    } catch {
        return "";
    }
}

function keep(theme) {
    try {
        if (theme === "")
            localStorage.removeItem(KEY);
        else localStorage.setItem(KEY, theme);
    } catch {
        return; // a browser that keeps nothing: the system's choice stays
    }
    dispatchEvent(new Event("themechosen"));
}

export class ThemeSwitch extends Component {
    constructor() {
        super();
        this.state = { theme: kept() };
    }

    choose(theme) {
        keep(theme);
        this.setState({ theme: kept() });
    }

    render(_, { theme }) {
        return html`<select class="theme" aria-label="Colours" value=${theme}
            onChange=${({ target }) => this.choose(target.value)}>
            ${THEMES.map(
                ({ key, title }) => html`<option key=${key} value=${key}
                    selected=${key === theme}>${title}</option>`,
            )}
        </select>`;
    }
}
