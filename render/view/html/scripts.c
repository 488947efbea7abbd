#include "view/html/scripts.h"

#include <gio/gio.h>

/* As the formatter of the page writes them. */
#define IMPORT_PATTERN "^import \\{([^}]*)\\} from \"\\./([a-z_]+\\.js)\";$"
#define EXPORT_PATTERN "^export ((?:async )?function|class|const) (\\w+)"

/* What such a line may be otherwise would be lost. */
#define LEFT_PATTERN "^(?:import|export)\\b"

struct patterns {
    GRegex *import; /* owned, as are the next */
    GRegex *export;
    GRegex *left;
};

struct bundle {
    struct patterns patterns;
    GHashTable *taken; /* owned; names of modules, owned */
    GString *text;     /* owned */
};

char *ct_html_page_file(const char *name, GError **error)
{
    g_autofree char *place = g_strconcat("/ctrace/view/page/", name, NULL);
    g_autoptr(GBytes) bytes = g_resources_lookup_data(place, G_RESOURCE_LOOKUP_FLAGS_NONE, error);

    return bytes ? g_strndup(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes)) : NULL;
}

static gboolean take(struct bundle *bundle, const char *name, GError **error);

static gboolean take_imported(struct bundle *bundle, const char *source, GError **error)
{
    g_autoptr(GMatchInfo) match = NULL;
    gboolean is_whole = TRUE;

    for (g_regex_match(bundle->patterns.import, source, 0, &match);
         is_whole && g_match_info_matches(match); g_match_info_next(match, NULL)) {
        g_autofree char *imported = g_match_info_fetch(match, 2);

        is_whole = take(bundle, imported, error);
    }
    return is_whole;
}

/* "import { a as b }" is "const { a: b }" of what the module returned. */
static gboolean replace_import(const GMatchInfo *match, GString *text, gpointer unused)
{
    g_autofree char *names = g_match_info_fetch(match, 1);
    g_autofree char *module = g_match_info_fetch(match, 2);
    g_auto(GStrv) renamed = g_strsplit(names, " as ", -1);
    g_autofree char *members = g_strjoinv(": ", renamed);

    (void)unused;
    g_string_append_printf(text, "const {%s} = ctraceModules[\"%s\"];", members, module);
    return FALSE;
}

static char *list_exports(const struct patterns *patterns, const char *source)
{
    g_autoptr(GMatchInfo) match = NULL;
    GString *names = g_string_new(NULL);

    for (g_regex_match(patterns->export, source, 0, &match); g_match_info_matches(match);
         g_match_info_next(match, NULL)) {
        g_autofree char *name = g_match_info_fetch(match, 2);

        g_string_append_printf(names, "%s%s", names->len > 0 ? ", " : "", name);
    }
    return g_string_free(names, FALSE);
}

static gboolean append(struct bundle *bundle, const char *name, const char *source, GError **error)
{
    const struct patterns *patterns = &bundle->patterns;
    g_autofree char *exports = list_exports(patterns, source);
    g_autofree char *importing =
        g_regex_replace_eval(patterns->import, source, -1, 0, 0, replace_import, NULL, error);
    g_autofree char *body =
        importing ? g_regex_replace(patterns->export, importing, -1, 0, "\\1 \\2", 0, error) : NULL;

    if (!body)
        return FALSE;
    if (g_regex_match(patterns->left, body, 0, NULL)) {
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
                    "%s of the page imports or exports in a way that no file can hold", name);
        return FALSE;
    }
    g_string_append_printf(bundle->text,
                           "ctraceModules[\"%s\"] = (() => {\n%s\nreturn { %s };\n})();\n", name,
                           body, exports);
    return TRUE;
}

static gboolean take(struct bundle *bundle, const char *name, GError **error)
{
    if (!g_hash_table_add(bundle->taken, g_strdup(name)))
        return TRUE;
    g_autofree char *source = ct_html_page_file(name, error);

    return source && take_imported(bundle, source, error) && append(bundle, name, source, error);
}

char *ct_html_scripts(const char *name, GError **error)
{
    struct bundle bundle = {
        .patterns = {g_regex_new(IMPORT_PATTERN, G_REGEX_MULTILINE, 0, NULL),
                     g_regex_new(EXPORT_PATTERN, G_REGEX_MULTILINE, 0, NULL),
                     g_regex_new(LEFT_PATTERN, G_REGEX_MULTILINE, 0, NULL)},
        .taken = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
        .text = g_string_new("\nconst ctraceModules = {};\n"),
    };
    gboolean is_whole = take(&bundle, name, error);

    g_regex_unref(bundle.patterns.import);
    g_regex_unref(bundle.patterns.export);
    g_regex_unref(bundle.patterns.left);
    g_hash_table_unref(bundle.taken);
    return g_string_free(bundle.text, !is_whole);
}
