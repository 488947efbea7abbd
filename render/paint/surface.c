#include "paint/surface.h"

#include "paint/paint.h"
#include "text/safe_text.h"

#include <cairo-pdf.h>
#include <cairo-svg.h>
#include <math.h>
#include <string.h>

G_DEFINE_QUARK(ct - surface - error - quark, ct_surface_error)

/* cairo's own limit for images. */
#define IMAGE_LIMIT_PX 32767

/* More than that, browsers are slow to show, and mails and tickets to take. */
#define SVG_MOST_BYTES 2000000

/* In points: 200 inches, which readers do not exceed. */
#define PAGE_LIMIT_PX 14400

static cairo_status_t append(void *closure, const unsigned char *data, unsigned int length)
{
    g_byte_array_append(closure, data, length);
    return CAIRO_STATUS_SUCCESS;
}

static cairo_surface_t *make_image(const struct ct_scene *scene, double scale, GByteArray *bytes)
{
    (void)bytes;
    return cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)ceil(scene->width_px * scale),
                                      (int)ceil(scene->height_px * scale));
}

static cairo_surface_t *make_svg(const struct ct_scene *scene, double scale, GByteArray *bytes)
{
    (void)scale;
    cairo_surface_t *surface =
        cairo_svg_surface_create_for_stream(append, bytes, scene->width_px, scene->height_px);

    cairo_svg_surface_set_document_unit(surface, CAIRO_SVG_UNIT_PX);
    return surface;
}

static void set_pdf_metadata(cairo_surface_t *surface, const struct ct_scene *scene)
{
    cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_TITLE, scene->title);
    cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_CREATOR, "ctrace");
    /* The recording's date: the present one would make each file another. */
    g_autoptr(GDateTime) date = g_date_time_new_from_unix_utc(scene->date_s);
    g_autofree char *iso = date ? g_date_time_format(date, "%Y-%m-%dT%H:%M:%SZ") : NULL;
    cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_CREATE_DATE,
                                   iso ? iso : "1970-01-01T00:00:00Z");
}

static cairo_surface_t *make_pdf(const struct ct_scene *scene, double scale, GByteArray *bytes)
{
    (void)scale;
    cairo_surface_t *surface =
        cairo_pdf_surface_create_for_stream(append, bytes, scene->width_px, scene->height_px);

    set_pdf_metadata(surface, scene);
    return surface;
}

static cairo_status_t write_png(cairo_surface_t *surface, GByteArray *bytes)
{
    return cairo_surface_write_to_png_stream(surface, append, bytes);
}

static cairo_status_t paint(cairo_surface_t *surface, const struct ct_surface_format *format,
                            const struct ct_scene *scene, const struct ct_surface_look *look)
{
    cairo_t *cairo = cairo_create(surface);
    if (format->is_raster)
        cairo_scale(cairo, look->scale, look->scale);
    ct_paint_scene(cairo, scene, look->palette, look->typesetter);
    cairo_status_t status = cairo_status(cairo);
    cairo_destroy(cairo);
    return status;
}

/* Browsers show the title of what the pointer is on; cairo has no word for it. */
static void add_tips(GString *overlay, const GArray *tips)
{
    if (tips->len == 0)
        return;
    g_string_append(overlay, "<g fill=\"none\" pointer-events=\"all\">\n");
    for (guint i = 0; i < tips->len; i++) {
        const struct ct_scene_tip *tip = &g_array_index(tips, struct ct_scene_tip, i);
        g_autofree char *text = ct_safe_xml(tip->text);
        g_string_append_printf(
            overlay,
            "<rect x=\"%.0f\" y=\"%.0f\" width=\"%.0f\" height=\"%.0f\"><title>%s</title></rect>\n",
            tip->area.x_px, tip->area.y_px, tip->area.width_px, tip->area.height_px, text);
    }
    g_string_append(overlay, "</g>\n");
}

/*
 * What is drawn are the letters' outlines, which look the same whatever fonts the reader has. The
 * words themselves lie over them, where a browser's search finds them: of a text that was shortened
 * all of it. The pointer goes through, to what has a tip.
 */
static void add_words(GString *overlay, const struct ct_scene *scene,
                      struct ct_typesetter *typesetter)
{
    g_string_append(overlay, "<g fill=\"#000\" fill-opacity=\"0\" font-family=\"sans-serif\" "
                             "pointer-events=\"none\">\n");
    for (guint i = 0; i < scene->texts->len; i++) {
        const struct ct_scene_text *item = &g_array_index(scene->texts, struct ct_scene_text, i);
        struct ct_typeset_place place = ct_typesetter_find_place(typesetter, item);
        g_autofree char *words = ct_safe_xml(item->text);

        if (place.width_px < 1)
            continue;
        g_string_append_printf(overlay,
                               "<text x=\"%.0f\" y=\"%.0f\" font-size=\"%.0f\" "
                               "textLength=\"%.0f\" lengthAdjust=\"spacingAndGlyphs\">%s</text>\n",
                               place.x_px, place.baseline_px, place.size_px, place.width_px, words);
    }
    g_string_append(overlay, "</g>\n");
}

/* Lies over the picture, and is not seen. */
static void add_overlay(GByteArray *svg, const struct ct_scene *scene,
                        struct ct_typesetter *typesetter)
{
    static const char end[] = "</svg>\n";
    const guint end_length = sizeof(end) - 1;
    g_autoptr(GString) overlay = g_string_new(NULL);

    if (svg->len < end_length || memcmp(svg->data + svg->len - end_length, end, end_length) != 0)
        return;
    add_words(overlay, scene, typesetter);
    add_tips(overlay, scene->tips);
    g_string_append(overlay, end);
    g_byte_array_set_size(svg, svg->len - end_length);
    g_byte_array_append(svg, (const guint8 *)overlay->str, overlay->len);
}

static const struct ct_surface_format formats[] = {
    {.extension = "png",
     .is_raster = TRUE,
     .limit_px = IMAGE_LIMIT_PX,
     .make = make_image,
     .write = write_png},
    {.extension = "svg",
     .has_tips = TRUE,
     .most_bytes = SVG_MOST_BYTES,
     .make = make_svg,
     .complete = add_overlay},
    {.extension = "pdf", .limit_px = PAGE_LIMIT_PX, .make = make_pdf},
};

const struct ct_surface_format *ct_surface_format_of(const char *path, GError **error)
{
    const char *dot = strrchr(path, '.');
    for (size_t i = 0; i < G_N_ELEMENTS(formats); i++)
        if (dot && g_ascii_strcasecmp(dot + 1, formats[i].extension) == 0)
            return &formats[i];
    g_set_error(error, CT_SURFACE_ERROR, CT_SURFACE_ERROR_FORMAT,
                "cannot tell the format of '%s': its name must end in .png, .svg or .pdf", path);
    return NULL;
}

/* The picture as the bytes of a file, or NULL and cairo's status. */
static GByteArray *render(const struct ct_surface_format *format, const struct ct_scene *scene,
                          const struct ct_surface_look *look, cairo_status_t *status)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    cairo_surface_t *surface = format->make(scene, look->scale, bytes);
    *status = cairo_surface_status(surface);
    if (!*status)
        *status = paint(surface, format, scene, look);
    if (!*status && format->write)
        *status = format->write(surface, bytes);
    /* Only a finished surface has written everything, and knows whether that went well. */
    cairo_surface_finish(surface);
    if (!*status)
        *status = cairo_surface_status(surface);
    cairo_surface_destroy(surface);
    if (!*status && format->complete)
        format->complete(bytes, scene, look->typesetter);
    return *status ? NULL : g_steal_pointer(&bytes);
}

static gboolean check_size(const struct ct_surface_format *format, const struct ct_scene *scene,
                           double scale, GError **error)
{
    double dots = format->is_raster ? scale : 1;
    double width_px = ceil(scene->width_px * dots), height_px = ceil(scene->height_px * dots);
    if (format->limit_px == 0 || MAX(width_px, height_px) <= format->limit_px)
        return TRUE;
    g_set_error(error, CT_SURFACE_ERROR, CT_SURFACE_ERROR_SIZE,
                "the picture would be %.0f x %.0f, and a .%s cannot exceed %.0f: choose fewer "
                "threads or a smaller width or scale, or write SVG",
                width_px, height_px, format->extension, format->limit_px);
    return FALSE;
}

GBytes *ct_surface_render(const struct ct_surface_format *format, const struct ct_scene *scene,
                          const struct ct_surface_look *look, GError **error)
{
    if (!check_size(format, scene, look->scale, error))
        return NULL;
    cairo_status_t status;
    GByteArray *bytes = render(format, scene, look, &status);
    if (bytes)
        return g_byte_array_free_to_bytes(bytes);
    g_set_error(error, CT_SURFACE_ERROR, CT_SURFACE_ERROR_FAILED, "cannot draw the picture: %s",
                cairo_status_to_string(status));
    return NULL;
}
