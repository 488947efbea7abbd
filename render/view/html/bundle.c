#include "view/html/bundle.h"

#include "view/html/scripts.h"

#include <string.h>

/* Neither may end before its element does. */
static gboolean check_raw_text(const char *text, const char *element, GError **error)
{
    g_autofree char *lower = g_ascii_strdown(text, -1);
    g_autofree char *end = g_strconcat("</", element, NULL);

    if (!strstr(lower, end) && !strstr(lower, "<!--"))
        return TRUE;
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
                "the page has \"%s\" or \"<!--\" in what cannot hold it", end);
    return FALSE;
}

/* As a content policy names a text. */
static char *hash_of(const char *text)
{
    guint8 digest[32];
    gsize size = sizeof(digest);
    GChecksum *checksum = g_checksum_new(G_CHECKSUM_SHA256);

    g_checksum_update(checksum, (const guchar *)text, (gssize)strlen(text));
    g_checksum_get_digest(checksum, digest, &size);
    g_checksum_free(checksum);
    g_autofree char *base64 = g_base64_encode(digest, size);

    return g_strdup_printf("'sha256-%s'", base64);
}

/* All style sheets that the page links to, in their order. */
static char *read_styles(const char *index, GError **error)
{
    g_autoptr(GRegex) link =
        g_regex_new("<link rel=\"stylesheet\" href=\"([a-z_]+\\.css)\">", 0, 0, NULL);
    g_autoptr(GMatchInfo) match = NULL;
    g_autoptr(GString) styles = g_string_new("\n");

    for (g_regex_match(link, index, 0, &match); g_match_info_matches(match);
         g_match_info_next(match, NULL)) {
        g_autofree char *name = g_match_info_fetch(match, 1);
        g_autofree char *style = ct_html_page_file(name, error);

        if (!style || !check_raw_text(style, "style", error))
            return NULL;
        g_string_append(styles, style);
    }
    return g_string_free(g_steal_pointer(&styles), FALSE);
}

static char *read_icon(GError **error)
{
    g_autofree char *icon = ct_html_page_file("icon.svg", error);
    g_autofree char *base64 = icon ? g_base64_encode((const guchar *)icon, strlen(icon)) : NULL;

    return icon ? g_strconcat("<link rel=\"icon\" href=\"data:image/svg+xml;base64,", base64, "\">",
                              NULL)
                : NULL;
}

/* Only these very texts are script and style, and nothing is loaded. */
static char *make_head(const char *scripts, const char *styles, const char *icon)
{
    g_autofree char *scripts_hash = hash_of(scripts);
    g_autofree char *styles_hash = hash_of(styles);

    return g_strdup_printf(
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
        "script-src %s; style-src %s; img-src blob: data:; base-uri 'none'; form-action 'none'\">\n"
        "<meta name=\"referrer\" content=\"no-referrer\">\n"
        "%s\n<style>%s</style>\n<script type=\"module\">%s</script>\n",
        scripts_hash, styles_hash, icon, styles, scripts);
}

/* FALSE: it lacks what is to be replaced. */
static gboolean assemble(const char *index, const char *head, struct ct_html_document *document,
                         GError **error)
{
    static const char charset[] = "<meta charset=\"utf-8\">\n";
    static const char body_end[] = "</body>";
    g_autoptr(GRegex) loaded = g_regex_new(
        "<link rel=\"(?:icon|stylesheet)\"[^>]*>\n|<script [^>]*src=[^>]*></script>\n", 0, 0, NULL);
    g_autofree char *bare = g_regex_replace_literal(loaded, index, -1, 0, "", 0, error);
    const char *place = bare ? strstr(bare, charset) : NULL;
    const char *end = place ? strstr(place, body_end) : NULL;

    if (!end) {
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "the page lacks %s or %s", charset,
                    body_end);
        return FALSE;
    }
    place += strlen(charset);
    g_autofree char *before = g_strndup(bare, (gsize)(place - bare));
    g_autofree char *after = g_strndup(place, (gsize)(end - place));

    document->begin = g_strconcat(before, head, after, NULL);
    document->end = g_strdup(end);
    return TRUE;
}

gboolean ct_html_bundle(struct ct_html_document *document, GError **error)
{
    g_autofree char *index = ct_html_page_file("index.html", error);
    g_autofree char *styles = index ? read_styles(index, error) : NULL;
    g_autofree char *icon = styles ? read_icon(error) : NULL;
    g_autofree char *scripts = icon ? ct_html_scripts("main.js", error) : NULL;

    if (!scripts || !check_raw_text(scripts, "script", error))
        return FALSE;
    g_autofree char *head = make_head(scripts, styles, icon);

    return assemble(index, head, document, error);
}

void ct_html_document_clear(struct ct_html_document *document)
{
    g_free(document->begin);
    g_free(document->end);
}
