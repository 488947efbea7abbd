/** Draws the rows of the timeline: from pictures of tiles, the old ones stretched until the new are there. */

import { draw } from "./columns.js";
import { ticksOf, xOf } from "./scale.js";
import { TILE_COLUMNS } from "./tiles.js";

/** Pictures are made for so long in a frame; the others come in the next. */
const PICTURES_MS = 7;
const LEVELS_UP = 14;
const LEVELS_DOWN = 2;

/** Where a row's bar is in it, and its marks of long waits above it. */
export const BARS = {
    header: { top: 0, height: 0, tick: 0 },
    kind: { top: 2, height: 25, tick: 6 },
    thread: { top: 2, height: 25, tick: 6 },
    request: { top: 2, height: 17, tick: 0 },
    cpu: { top: 3, height: 13, tick: 0 },
    thing: { top: 3, height: 19, tick: 0 },
};

/**
 * @typedef {import("./rows.js").Row} Row
 *
 * @typedef {object} Frame all that a picture is made of
 * @property {CanvasRenderingContext2D} context
 * @property {import("./scale.js").Scale} scale
 * @property {number} shift_ns how much later its moments are than those of the axis
 * @property {number} level
 * @property {number} ratio
 * @property {number} height
 * @property {number} scroll
 * @property {Row[]} rows those that are visible
 * @property {import("./tiles.js").Tiles} tiles
 * @property {import("./colours.js").Theme} theme
 * @property {boolean} hasPatterns
 * @property {number} style changes with all that pictures depend on
 * @property {Map<string, number>} most of each thing, how many waited for it at once
 * @property {number} until when no more pictures are made
 * @property {boolean} isWhole whether all that is wanted was there
 */

/** @type {OffscreenCanvas | null} */
let easel = null;

/**
 * @param {Frame} frame
 */
export function drawRows(frame) {
    const { context, scale, theme, rows, scroll, height } = frame;
    frame.until = performance.now() + PICTURES_MS;
    context.fillStyle = theme.paper;
    context.fillRect(0, 0, scale.width, height);
    for (const row of rows) {
        if (row.sort === "header") {
            context.fillStyle = theme.band;
            context.fillRect(0, row.y - scroll, scale.width, row.height);
        } else {
            context.fillStyle = theme.line;
            context.fillRect(0, row.y - scroll + row.height - 1, scale.width, 1);
        }
    }
    context.fillStyle = theme.grid;
    const axis = { ...scale, from: scale.from - frame.shift_ns, to: scale.to - frame.shift_ns };
    for (const moment of ticksOf(axis).moments) {
        context.fillRect(Math.round(xOf(axis, moment)), 0, 1, height);
    }
    context.imageSmoothingEnabled = false;
    for (const row of rows) {
        if (row.sort !== "header" && row.sort !== "request") {
            drawBar(frame, row);
        }
    }
}

/**
 * @param {Frame} frame
 * @param {Row} row
 */
function drawBar(frame, row) {
    const { scale, level } = frame;
    const tile_ns = TILE_COLUMNS * 2 ** level;
    for (let index = Math.max(0, Math.floor(scale.from / tile_ns)); index * tile_ns < scale.to; index++) {
        if (!drawTile(frame, row, level, index)) {
            frame.isWhole = false;
            drawOld(frame, row, index);
        }
    }
}

/**
 * What is there of other levels, stretched.
 * @param {Frame} frame
 * @param {Row} row
 * @param {number} index
 */
function drawOld(frame, row, index) {
    const { context, scale, level, scroll } = frame;
    const tile_ns = TILE_COLUMNS * 2 ** level;
    const left = xOf(scale, index * tile_ns);
    context.save();
    context.beginPath();
    context.rect(
        Math.round(left),
        row.y - scroll,
        Math.round(left + tile_ns / scale.px_ns) - Math.round(left),
        row.height,
    );
    context.clip();
    let found = false;
    for (let up = 1; up <= LEVELS_UP && !found && level + up <= 62; up++) {
        found = drawTile(frame, row, level + up, Math.floor(index / 2 ** up));
    }
    for (let down = 1; down <= LEVELS_DOWN && !found && level - down >= 0; down++) {
        for (let i = 0; i < 2 ** down; i++) {
            found = drawTile(frame, row, level - down, index * 2 ** down + i) || found;
        }
    }
    context.restore();
}

/**
 * @param {Frame} frame
 * @param {Row} row
 * @param {number} level
 * @param {number} index
 * @returns {boolean} whether it is there
 */
function drawTile(frame, row, level, index) {
    const picture = pictureOf(frame, row, level, index);
    if (!picture) {
        return false;
    }
    const { context, scale, ratio, scroll } = frame;
    const tile_ns = TILE_COLUMNS * 2 ** level;
    const bar = BARS[row.sort];
    // On whole device pixels, so that neither seams nor mixtures appear.
    const left = Math.round(xOf(scale, index * tile_ns) * ratio) / ratio;
    const right = Math.round(xOf(scale, (index + 1) * tile_ns) * ratio) / ratio;
    const top = Math.round((row.y - scroll + bar.top) * ratio) / ratio;
    context.drawImage(picture, left, top, right - left, picture.height / ratio);
    return true;
}

/**
 * @param {Frame} frame
 * @param {Row} row
 * @param {number} level
 * @param {number} index
 * @returns {ImageBitmap | null}
 */
function pictureOf(frame, row, level, index) {
    const tile = frame.tiles.get(row.lane, level, index);
    if (!tile) {
        return null;
    }
    const column_ns = 2 ** level;
    const style = frame.style + fullOf(frame, row, tile.columns.most / column_ns);
    if (tile.picture && (tile.style === style || performance.now() > frame.until)) {
        return tile.picture;
    }
    if (performance.now() > frame.until) {
        frame.isWhole = false;
        return null;
    }
    tile.picture?.close();
    tile.picture = paint(frame, row, tile.columns, column_ns);
    tile.style = style;
    return tile.picture;
}

/**
 * How many a column's whole height stands for: of things, the most that were seen to wait at once.
 * @param {Frame} frame
 * @param {Row} row
 * @param {number} most
 */
function fullOf(frame, row, most) {
    if (row.sort !== "thing") {
        return 0;
    }
    const known = Math.max(1, frame.most.get(row.lane) ?? 1, Math.ceil(most - 1e-6));
    frame.most.set(row.lane, known);
    return known / 1e6;
}

/**
 * @param {Frame} frame
 * @param {Row} row
 * @param {import("./columns.js").Columns} columns
 * @param {number} column_ns
 */
function paint(frame, row, columns, column_ns) {
    const { ratio, theme } = frame;
    const bar = BARS[row.sort];
    const full = row.sort === "thing" ? (frame.most.get(row.lane) ?? 1) : row.full;
    const image = draw(columns, column_ns, {
        height: Math.max(1, Math.round(bar.height * ratio)),
        tick_height: Math.round(bar.tick * ratio),
        full_ns: full * column_ns,
        pixels: theme.pixels,
        mark: theme.isDark ? 0xff1c1714 : 0xffffffff,
        hasPatterns: frame.hasPatterns,
        ...(row.state === undefined ? {} : { only: row.state }),
    });
    if (!easel) {
        easel = new OffscreenCanvas(image.width, image.height);
    }
    easel.width = image.width;
    easel.height = image.height;
    easel.getContext("2d")?.putImageData(image, 0, 0);
    return easel.transferToImageBitmap();
}
