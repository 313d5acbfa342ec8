// Small drawings, all in the colour of the text beside them.
import { html } from "./lit.js";

const stroke = (d) => html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><path class="stroke" d=${d}></path></svg>`;
const solid = (d) => html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><path d=${d}></path></svg>`;

export const handset = () =>
  solid("M6.600 3.200 9 3a1.500 1.500 0 0 1 1.500 1l1 3a1.500 1.500 0 0 1-.4 1.600L9.500 10.100a12 12 0 0 0 4.400 4.400l1.500-1.600a1.500 1.500 0 0 1 1.600-.4l3 1a1.500 1.500 0 0 1 1 1.500l-.2 2.400A2.600 2.600 0 0 1 18.200 20C10.300 20 4 13.700 4 5.800a2.600 2.600 0 0 1 2.600-2.600z");
export const hungUp = () =>
  solid("M3 14.500c-.6-1-.5-2.300.4-3.100C5.800 9.300 8.800 8.200 12 8.200s6.200 1.100 8.600 3.200c.9.8 1 2.100.4 3.100l-1 1.600c-.4.6-1.200.9-1.900.6l-2.700-1c-.6-.3-1-.9-1-1.500v-1.800a11 11 0 0 0-4.800 0v1.800c0 .6-.4 1.200-1 1.500l-2.700 1c-.7.300-1.500 0-1.900-.6z");
export const speaker = () => stroke("M4 9.500v5h3.500L12 18.500v-13L7.500 9.500zM15.500 9a4 4 0 0 1 0 6M18 6.500a7.500 7.500 0 0 1 0 11");
export const muted = () => stroke("M4 9.500v5h3.500L12 18.500v-13L7.500 9.500zM16 9.500l5 5M21 9.500l-5 5");
export const microphone = () => stroke("M12 3.500a2.500 2.500 0 0 0-2.500 2.500v5a2.500 2.500 0 0 0 5 0V6A2.500 2.500 0 0 0 12 3.500zM6.500 11a5.500 5.500 0 0 0 11 0M12 16.500v4");
export const eye = () => stroke("M2.500 12S6 5.500 12 5.500 21.500 12 21.500 12 18 18.500 12 18.500 2.500 12 2.500 12zM12 9.500a2.500 2.500 0 1 0 0 5 2.500 2.500 0 0 0 0-5z");
export const sendUp = () => stroke("M12 19V6M6.500 11.500 12 6l5.500 5.500");
export const note = () => stroke("M9 18V6l10-2v11.500M9 18a2.500 2.500 0 1 1-5 0 2.500 2.500 0 0 1 5 0zM19 15.500a2.500 2.500 0 1 1-5 0 2.500 2.500 0 0 1 5 0z");
export const bubble = () => stroke("M4 6.500A2.500 2.500 0 0 1 6.500 4h11A2.500 2.500 0 0 1 20 6.500v7a2.500 2.500 0 0 1-2.500 2.500H11l-5 4v-4.100A2.500 2.500 0 0 1 4 13.500z");
