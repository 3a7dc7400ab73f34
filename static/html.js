// What every view needs: markup as tagged templates (htm) over Preact. Text put into a template is
// always text, never markup.
import { Component, h, render } from "./vendor/preact-11.2.0/preact.js";
import htm from "./vendor/htm-3.1.1/htm.js";

export const html = htm.bind(h);
export { Component, render };
