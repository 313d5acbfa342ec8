// The one library of the page: lit-html draws templates and changes only what is new, so that a field keeps its text and
// the focus stays where it is. What it puts into a template is text and never markup.
export { html, svg, render, nothing } from "/lit-html/lit-html.js";
export { repeat } from "/lit-html/directives/repeat.js";
