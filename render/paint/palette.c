#include "paint/palette.h"

#define RGB(hex)                                                                        \
    {                                                                                   \
        ((hex) >> 16 & 0xff) / 255.0, ((hex) >> 8 & 0xff) / 255.0, ((hex)&0xff) / 255.0 \
    }

/*
 * No two classes look alike to any eye, even when a pixel thin: those that hues cannot tell apart
 * differ in lightness. Work is green, waiting for others warm (sync), blue (net) or dark (syscall);
 * what is no trouble by itself, sleep, steps back.
 */
static const struct class_colours {
    struct ct_colour fill;
    struct ct_colour text;
} class_colours[CT_CLASS_COUNT] = {
    [CT_CLASS_RUNNING] = {RGB(0x2ba37f), RGB(0xffffff)},
    [CT_CLASS_RUNNABLE] = {RGB(0xf0e05a), RGB(0x3a3500)},
    [CT_CLASS_NET] = {RGB(0x2f7fc1), RGB(0xffffff)},
    [CT_CLASS_SYNC] = {RGB(0xdd6b2c), RGB(0xffffff)},
    [CT_CLASS_SYSCALL] = {RGB(0x6a1b7a), RGB(0xffffff)},
    [CT_CLASS_SLEEP] = {RGB(0xd3d9e2), RGB(0x4a5361)},
    [CT_CLASS_OTHER] = {RGB(0xd88fc4), RGB(0x36102c)},
    [CT_CLASS_UNKNOWN] = {RGB(0x5b626d), RGB(0xffffff)},
};

static const struct ct_colour shades[CT_SHADE_COUNT] = {
    [CT_SHADE_PAPER] = RGB(0xffffff),      [CT_SHADE_PROCESS_BAND] = RGB(0xf1f3f6),
    [CT_SHADE_ROW_LINE] = RGB(0xf0f2f5),   [CT_SHADE_GRID] = RGB(0xdfe3e8),
    [CT_SHADE_ARROW] = RGB(0x14181f),      [CT_SHADE_ARROW_HALO] = RGB(0xffffff),
    [CT_SHADE_PATH] = RGB(0xc2004e),       [CT_SHADE_TEXT] = RGB(0x1d232b),
    [CT_SHADE_MUTED_TEXT] = RGB(0x667080), [CT_SHADE_WARNING] = RGB(0xb3261e),
};

struct ct_colour ct_palette_class(enum ct_class class)
{
    return class_colours[class].fill;
}

struct ct_colour ct_palette_on_class(enum ct_class class)
{
    return class_colours[class].text;
}

/* Shades of running. */
static const struct ct_colour run_tints[1 + CT_SCENE_RUN_TINTS] = {
    RGB(0x8ccdb8), RGB(0x2ba37f), RGB(0x1b7a5f), RGB(0x4f9d3f), RGB(0x2b8fa3),
};

struct ct_colour ct_palette_run(guint tint)
{
    return run_tints[MIN(tint, CT_SCENE_RUN_TINTS)];
}

/* After Tol's muted scheme, which every eye can tell apart; in turn dark and light, so that CPUs
 * with numbers next to each other differ most. */
static const struct cpu_colours {
    struct ct_colour fill;
    struct ct_colour text;
} cpu_colours[1 + CT_SCENE_CPU_TINTS] = {
    {RGB(0x9aa1ab), RGB(0xffffff)}, {RGB(0x332288), RGB(0xffffff)}, {RGB(0x88ccee), RGB(0x10202c)},
    {RGB(0xcc6677), RGB(0xffffff)}, {RGB(0x117733), RGB(0xffffff)}, {RGB(0xddcc77), RGB(0x2c2600)},
    {RGB(0xaa4499), RGB(0xffffff)}, {RGB(0x44aa99), RGB(0x06201c)}, {RGB(0x882255), RGB(0xffffff)},
    {RGB(0x999933), RGB(0x1c1c00)},
};

struct ct_colour ct_palette_cpu(guint tint)
{
    return cpu_colours[MIN(tint, CT_SCENE_CPU_TINTS)].fill;
}

struct ct_colour ct_palette_on_cpu(guint tint)
{
    return cpu_colours[MIN(tint, CT_SCENE_CPU_TINTS)].text;
}

struct ct_colour ct_palette_shade(enum ct_shade shade)
{
    return shades[shade];
}

void ct_palette_use(cairo_t *cairo, struct ct_colour colour, double opacity)
{
    cairo_set_source_rgba(cairo, colour.red, colour.green, colour.blue, opacity);
}
