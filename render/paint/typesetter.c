#include "paint/typesetter.h"

#include <fontconfig/fontconfig.h>
#include <math.h>
#include <pango/pangocairo.h>

struct style {
    double size_px;
    PangoWeight weight;
    enum ct_shade shade;
    gboolean has_telling_end; /* what does not fit is left out in the middle */
};

/* Few sizes: a vector file holds each letter once for each size. */
static const struct style styles[CT_STYLE_COUNT] = {
    [CT_STYLE_TITLE] = {17, PANGO_WEIGHT_BOLD, CT_SHADE_TEXT},
    [CT_STYLE_SUBTITLE] = {12, PANGO_WEIGHT_NORMAL, CT_SHADE_MUTED_TEXT},
    [CT_STYLE_LEGEND] = {12, PANGO_WEIGHT_NORMAL, CT_SHADE_TEXT},
    [CT_STYLE_LEGEND_TOTAL] = {12, PANGO_WEIGHT_NORMAL, CT_SHADE_MUTED_TEXT},
    [CT_STYLE_TICK] = {11, PANGO_WEIGHT_NORMAL, CT_SHADE_MUTED_TEXT},
    [CT_STYLE_PROCESS] = {12, PANGO_WEIGHT_BOLD, CT_SHADE_TEXT},
    [CT_STYLE_PROCESS_DETAIL] = {11, PANGO_WEIGHT_NORMAL, CT_SHADE_MUTED_TEXT},
    [CT_STYLE_THREAD] = {12, PANGO_WEIGHT_NORMAL, CT_SHADE_TEXT, TRUE},
    [CT_STYLE_THREAD_SMALL] = {9, PANGO_WEIGHT_NORMAL, CT_SHADE_TEXT, TRUE},
    [CT_STYLE_TID] = {11, PANGO_WEIGHT_NORMAL, CT_SHADE_MUTED_TEXT},
    [CT_STYLE_TID_SMALL] = {9, PANGO_WEIGHT_NORMAL, CT_SHADE_MUTED_TEXT},
    [CT_STYLE_BOX] = {11, PANGO_WEIGHT_NORMAL, CT_SHADE_TEXT},
    [CT_STYLE_CPU] = {9, PANGO_WEIGHT_NORMAL, CT_SHADE_MUTED_TEXT},
    [CT_STYLE_FINDING] = {12, PANGO_WEIGHT_NORMAL, CT_SHADE_TEXT},
    [CT_STYLE_BADGE] = {9, PANGO_WEIGHT_NORMAL, CT_SHADE_PAPER},
    [CT_STYLE_NOTE] = {12, PANGO_WEIGHT_NORMAL, CT_SHADE_MUTED_TEXT},
    [CT_STYLE_WARNING] = {12, PANGO_WEIGHT_BOLD, CT_SHADE_WARNING},
};

struct ct_typesetter {
    PangoLayout *layouts[CT_STYLE_COUNT];  /* owned */
    GHashTable *widths_px[CT_STYLE_COUNT]; /* owned; string -> double * */
};

static PangoLayout *make_layout(PangoContext *context, const struct style *style)
{
    PangoFontDescription *font = pango_font_description_from_string("sans");
    pango_font_description_set_absolute_size(font, style->size_px * PANGO_SCALE);
    pango_font_description_set_weight(font, style->weight);
    PangoLayout *layout = pango_layout_new(context);
    pango_layout_set_font_description(layout, font);
    pango_layout_set_single_paragraph_mode(layout, TRUE);
    /* A name in a right-to-left script still stands at its column's left edge. */
    pango_layout_set_auto_dir(layout, FALSE);
    pango_font_description_free(font);
    return layout;
}

void ct_typesetter_find_fonts(void)
{
    FcInit();
}

void ct_typesetter_forget_fonts(void)
{
    FcFini();
}

struct ct_typesetter *ct_typesetter_new(void)
{
    /* Our own, rather than the thread's default: it goes when we go. */
    PangoFontMap *font_map = pango_cairo_font_map_new();
    PangoContext *context = pango_font_map_create_context(font_map);
    g_object_unref(font_map);
    /* The same widths for every surface, and at every scale. */
    cairo_font_options_t *options = cairo_font_options_create();
    cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
    cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
    cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
    pango_cairo_context_set_font_options(context, options);
    cairo_font_options_destroy(options);
    pango_cairo_context_set_resolution(context, 96);
    pango_context_set_round_glyph_positions(context, FALSE);

    struct ct_typesetter *typesetter = g_new0(struct ct_typesetter, 1);
    for (int style = 0; style < CT_STYLE_COUNT; style++) {
        typesetter->layouts[style] = make_layout(context, &styles[style]);
        typesetter->widths_px[style] =
            g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    }
    g_object_unref(context);
    return typesetter;
}

void ct_typesetter_free(struct ct_typesetter *typesetter)
{
    if (!typesetter)
        return;
    for (int style = 0; style < CT_STYLE_COUNT; style++) {
        g_object_unref(typesetter->layouts[style]);
        g_hash_table_destroy(typesetter->widths_px[style]);
    }
    g_free(typesetter);
}

double ct_typesetter_measure(void *user, enum ct_scene_style style, const char *string)
{
    struct ct_typesetter *typesetter = user;
    const double *known_px = g_hash_table_lookup(typesetter->widths_px[style], string);
    if (known_px)
        return *known_px;
    int width;
    pango_layout_set_width(typesetter->layouts[style], -1);
    pango_layout_set_text(typesetter->layouts[style], string, -1);
    pango_layout_get_size(typesetter->layouts[style], &width, NULL);
    double width_px = (double)width / PANGO_SCALE;
    g_hash_table_insert(typesetter->widths_px[style], g_strdup(string),
                        g_memdup2(&width_px, sizeof(width_px)));
    return width_px;
}

static struct ct_colour colour_of(const struct ct_palette *palette,
                                  const struct ct_scene_text *item)
{
    if (item->style == CT_STYLE_BOX)
        return palette->classes[item->class].text;
    if (item->style == CT_STYLE_CPU)
        return palette->cpus[item->cpu_tint].text;
    return palette->shades[styles[item->style].shade];
}

/* The line as it is drawn; it belongs to the style's layout. */
static PangoLayoutLine *set_line(struct ct_typesetter *typesetter, const struct ct_scene_text *item)
{
    PangoLayout *layout = typesetter->layouts[item->style];
    pango_layout_set_text(layout, item->text, -1);
    pango_layout_set_width(layout, ceil(item->width_px) * PANGO_SCALE);
    /* Threads of one pool have names that differ at their ends. */
    pango_layout_set_ellipsize(layout, styles[item->style].has_telling_end ? PANGO_ELLIPSIZE_MIDDLE
                                                                           : PANGO_ELLIPSIZE_END);
    return pango_layout_get_line_readonly(layout, 0);
}

static struct ct_typeset_place place_of(PangoLayoutLine *line, const struct ct_scene_text *item)
{
    PangoRectangle extents;
    pango_layout_line_get_extents(line, NULL, &extents);

    double width_px = (double)extents.width / PANGO_SCALE;
    static const double shift[] = {
        [CT_ALIGN_LEFT] = 0, [CT_ALIGN_CENTRE] = 0.5, [CT_ALIGN_RIGHT] = 1};
    double size_px = styles[item->style].size_px;
    return (struct ct_typeset_place){
        .x_px = item->x_px - width_px * shift[item->align],
        /* Centred by the height of capitals, which is about 0.7 of the size in any font. */
        .baseline_px = item->centre_y_px + size_px * 0.36,
        .width_px = width_px,
        .size_px = size_px,
    };
}

struct ct_typeset_place ct_typesetter_find_place(struct ct_typesetter *typesetter,
                                                 const struct ct_scene_text *item)
{
    return place_of(set_line(typesetter, item), item);
}

void ct_typesetter_draw(struct ct_typesetter *typesetter, cairo_t *cairo,
                        const struct ct_palette *palette, const struct ct_scene_text *item)
{
    PangoLayoutLine *line = set_line(typesetter, item);
    struct ct_typeset_place place = place_of(line, item);
    ct_palette_use(cairo, colour_of(palette, item), 1);
    cairo_move_to(cairo, place.x_px, place.baseline_px);
    pango_cairo_show_layout_line(cairo, line);
}
