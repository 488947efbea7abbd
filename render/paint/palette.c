#include "paint/palette.h"

#define RGB(hex)                                                                        \
    {                                                                                   \
        ((hex) >> 16 & 0xff) / 255.0, ((hex) >> 8 & 0xff) / 255.0, ((hex)&0xff) / 255.0 \
    }

/* Shades of running, in both. */
#define RUN_TINTS                                                                 \
    {                                                                             \
        RGB(0x8ccdb8), RGB(0x2ba37f), RGB(0x1b7a5f), RGB(0x4f9d3f), RGB(0x2b8fa3) \
    }

/*
 * No two classes look alike to any eye, even when a pixel thin: those that hues cannot tell apart
 * differ in lightness. Work is green, waiting for others warm (sync), blue (net) or purple
 * (syscall); what is no trouble by itself, sleep, steps back.
 *
 * CPUs are after Tol's muted scheme, which every eye can tell apart; in turn dark and light, so
 * that those with numbers next to each other differ most. On dark paper, its darkest are lighter.
 */
static const struct ct_palette
    palettes[] =
        {
            {
                .name = "light",
                .classes =
                    {
                        [CT_CLASS_RUNNING] = {RGB(0x2ba37f), RGB(0xffffff)},
                        [CT_CLASS_RUNNABLE] = {RGB(0xf0e05a), RGB(0x3a3500)},
                        [CT_CLASS_NET] = {RGB(0x2f7fc1), RGB(0xffffff)},
                        [CT_CLASS_SYNC] = {RGB(0xdd6b2c), RGB(0xffffff)},
                        [CT_CLASS_SYSCALL] = {RGB(0x6a1b7a), RGB(0xffffff)},
                        [CT_CLASS_SLEEP] = {RGB(0xd3d9e2), RGB(0x4a5361)},
                        [CT_CLASS_OTHER] = {RGB(0xd88fc4), RGB(0x36102c)},
                        [CT_CLASS_UNKNOWN] = {RGB(0x5b626d), RGB(0xffffff)},
                    },
                .runs = RUN_TINTS,
                .cpus =
                    {
                        {RGB(0x9aa1ab), RGB(0xffffff)},
                        {RGB(0x332288), RGB(0xffffff)},
                        {RGB(0x88ccee), RGB(0x10202c)},
                        {RGB(0xcc6677), RGB(0xffffff)},
                        {RGB(0x117733), RGB(0xffffff)},
                        {RGB(0xddcc77), RGB(0x2c2600)},
                        {RGB(0xaa4499), RGB(0xffffff)},
                        {RGB(0x44aa99), RGB(0x06201c)},
                        {RGB(0x882255), RGB(0xffffff)},
                        {RGB(0x999933), RGB(0x1c1c00)},
                    },
                .shades =
                    {
                        [CT_SHADE_PAPER] = RGB(0xffffff),
                        [CT_SHADE_PROCESS_BAND] = RGB(0xf1f3f6),
                        [CT_SHADE_ROW_LINE] = RGB(0xf0f2f5),
                        [CT_SHADE_GRID] = RGB(0xdfe3e8),
                        [CT_SHADE_ARROW] = RGB(0x14181f),
                        [CT_SHADE_ARROW_HALO] = RGB(0xffffff),
                        [CT_SHADE_PATH] = RGB(0xc2004e),
                        [CT_SHADE_MARK] = RGB(0x1d232b),
                        [CT_SHADE_TEXT] = RGB(0x1d232b),
                        [CT_SHADE_MUTED_TEXT] = RGB(0x667080),
                        [CT_SHADE_WARNING] = RGB(0xb3261e),
                    },
            },
            {
                .name = "dark",
                .classes =
                    {
                        [CT_CLASS_RUNNING] = {RGB(0x2ba37f), RGB(0x06231a)},
                        [CT_CLASS_RUNNABLE] = {RGB(0xe3d24a), RGB(0x3a3500)},
                        [CT_CLASS_NET] = {RGB(0x4f8ff0), RGB(0x04121f)},
                        [CT_CLASS_SYNC] = {RGB(0xe67a3d), RGB(0x2b1000)},
                        [CT_CLASS_SYSCALL] = {RGB(0x963b9e), RGB(0xffffff)},
                        [CT_CLASS_SLEEP] = {RGB(0x4a5361), RGB(0xe6eaf0)},
                        [CT_CLASS_OTHER] = {RGB(0xd88fc4), RGB(0x36102c)},
                        [CT_CLASS_UNKNOWN] = {RGB(0x7a828e), RGB(0x0c0e11)},
                    },
                .runs = RUN_TINTS,
                .cpus =
                    {
                        {RGB(0x6b7380), RGB(0xffffff)},
                        {RGB(0x6f66d8), RGB(0xffffff)},
                        {RGB(0x88ccee), RGB(0x10202c)},
                        {RGB(0xcc6677), RGB(0xffffff)},
                        {RGB(0x2f9a55), RGB(0xffffff)},
                        {RGB(0xddcc77), RGB(0x2c2600)},
                        {RGB(0xb95aa9), RGB(0xffffff)},
                        {RGB(0x44aa99), RGB(0x06201c)},
                        {RGB(0xa8447a), RGB(0xffffff)},
                        {RGB(0x999933), RGB(0x1c1c00)},
                    },
                .shades =
                    {
                        [CT_SHADE_PAPER] = RGB(0x14171c),
                        [CT_SHADE_PROCESS_BAND] = RGB(0x1d2229),
                        [CT_SHADE_ROW_LINE] = RGB(0x20262e),
                        [CT_SHADE_GRID] = RGB(0x2b323c),
                        [CT_SHADE_ARROW] = RGB(0xf4f6f9),
                        [CT_SHADE_ARROW_HALO] = RGB(0x14171c),
                        [CT_SHADE_PATH] = RGB(0xff6fa3),
                        [CT_SHADE_MARK] = RGB(0xffffff),
                        [CT_SHADE_TEXT] = RGB(0xe8ebf0),
                        [CT_SHADE_MUTED_TEXT] = RGB(0x9aa4b2),
                        [CT_SHADE_WARNING] = RGB(0xff9c90),
                    },
            },
};

const struct ct_palette *ct_palette_find(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(palettes); i++)
        if (g_str_equal(palettes[i].name, name))
            return &palettes[i];
    return NULL;
}

char **ct_palette_names(void)
{
    char **names = g_new0(char *, G_N_ELEMENTS(palettes) + 1);

    for (size_t i = 0; i < G_N_ELEMENTS(palettes); i++)
        names[i] = g_strdup(palettes[i].name);
    return names;
}

void ct_palette_use(cairo_t *cairo, struct ct_colour colour, double opacity)
{
    cairo_set_source_rgba(cairo, colour.red, colour.green, colour.blue, opacity);
}
