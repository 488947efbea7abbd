/** Making elements. What comes from a recording gets in as text alone. */

import { safe } from "./format.js";

/**
 * @typedef {Node | string | number | null | undefined | false} Child
 * @typedef {Record<string, string | number | boolean | null | undefined | ((event: any) => void)>} Attributes
 */

/**
 * An element. Attributes that are functions are listeners ("onclick"); texts are made fit to be seen.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Attributes} [attributes]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function el(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
        if (typeof value === "function") {
            element.addEventListener(name.slice(2), value);
        } else if (value === true) {
            element.setAttribute(name, "");
        } else if (value !== false && value !== null && value !== undefined) {
            element.setAttribute(name, safe(value, 1000));
        }
    }
    add(element, ...children);
    return element;
}

/**
 * @param {Element | DocumentFragment} parent
 * @param {...Child} children
 */
export function add(parent, ...children) {
    for (const child of children) {
        if (child instanceof Node) {
            parent.append(child);
        } else if (child !== null && child !== undefined && child !== false) {
            parent.append(safe(child, 700));
        }
    }
}

/**
 * @param {Element} parent
 * @param {...Child} children
 */
export function fill(parent, ...children) {
    parent.replaceChildren();
    add(parent, ...children);
}

/**
 * The element that the page has by this id.
 * @param {string} id
 * @returns {HTMLElement}
 */
export function byId(id) {
    const element = document.getElementById(id);
    if (!element) {
        throw new Error(`the page has no #${id}`);
    }
    return element;
}

/**
 * A button that looks like one, and does one thing.
 * @param {string} label
 * @param {() => void} action
 * @param {Attributes} [attributes]
 */
export function button(label, action, attributes = {}) {
    return el("button", { type: "button", ...attributes, onclick: action }, label);
}

/**
 * Hands a file to the browser.
 * @param {string} name
 * @param {Blob} blob
 */
export function saveFile(name, blob) {
    const link = el("a", { download: name });
    link.href = URL.createObjectURL(blob);
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

/**
 * Says to who listens what has changed.
 * @param {string} text
 */
export function announce(text) {
    byId("announcer").textContent = safe(text, 1000);
}
