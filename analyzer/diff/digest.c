#include "diff/digest.h"

#include <math.h>

static const struct {
    const char *name;
    const char *title;
} kinds[] = {
#define CT_DIGEST_KIND_ENTRY(symbol, name, title, what) {name, title},
    CT_DIGEST_KINDS(CT_DIGEST_KIND_ENTRY)
#undef CT_DIGEST_KIND_ENTRY
};

const char *ct_digest_kind_name(enum ct_digest_kind kind)
{
    return kinds[kind].name;
}

const char *ct_digest_kind_title(enum ct_digest_kind kind)
{
    return kinds[kind].title;
}

static void row_free(void *data)
{
    struct ct_digest_row *row = data;

    g_free(row->name);
    g_free(row->detail);
    g_free(row);
}

struct ct_digest *ct_digest_new(const char *directory)
{
    struct ct_digest *digest = g_new0(struct ct_digest, 1);

    digest->directory = g_strdup(directory);
    digest->layers = g_strdup("");
    digest->rows = g_ptr_array_new_with_free_func(row_free);
    return digest;
}

void ct_digest_free(struct ct_digest *digest)
{
    if (!digest)
        return;
    g_free(digest->directory);
    g_free(digest->layers);
    g_ptr_array_unref(digest->rows);
    g_free(digest);
}

struct ct_digest_row *ct_digest_add(struct ct_digest *digest, enum ct_digest_kind kind,
                                    enum ct_class class, const char *name)
{
    struct ct_digest_row *row = g_new0(struct ct_digest_row, 1);

    row->kind = kind;
    row->class = class;
    row->name = g_strdup(name);
    row->detail = g_strdup("");
    g_ptr_array_add(digest->rows, row);
    return row;
}

/* ---- Packed ---- */

/* Names are bytes: they need not be text. */
#define ROW_TYPE  "(yyayaydddddd)"
#define ROWS_TYPE "a" ROW_TYPE
#define RUN_TYPE  "(ayayttd" ROWS_TYPE ")"

GBytes *ct_digest_pack(const struct ct_digest *digest)
{
    GVariantBuilder rows;

    g_variant_builder_init(&rows, G_VARIANT_TYPE(ROWS_TYPE));
    for (guint i = 0; i < digest->rows->len; i++) {
        const struct ct_digest_row *row = digest->rows->pdata[i];

        g_variant_builder_add(&rows, "(yy^ay^aydddddd)", (guchar)row->kind, (guchar)row->class,
                              row->name, row->detail, row->count, row->delay_ns, row->idle_ns,
                              row->length_ns, row->p50_ns, row->p99_ns);
    }
    g_autoptr(GVariant) packed = g_variant_ref_sink(
        g_variant_new("(^ay^ayttd" ROWS_TYPE ")", digest->directory, digest->layers,
                      digest->duration_ns, digest->rate_ns, digest->requests, &rows));

    return g_variant_get_data_as_bytes(packed);
}

static gboolean is_sum(double value)
{
    return isfinite(value) && value >= 0;
}

static gboolean is_sound(const struct ct_digest_row *row)
{
    return is_sum(row->count) && is_sum(row->delay_ns) && is_sum(row->idle_ns) &&
           is_sum(row->length_ns) && is_sum(row->p50_ns) && is_sum(row->p99_ns);
}

static gboolean unpack_rows(struct ct_digest *digest, GVariantIter *rows)
{
    guchar kind, class;
    const char *name, *detail;
    struct ct_digest_row values;

    while (g_variant_iter_next(rows, "(yy^&ay^&aydddddd)", &kind, &class, &name, &detail,
                               &values.count, &values.delay_ns, &values.idle_ns, &values.length_ns,
                               &values.p50_ns, &values.p99_ns)) {
        if (kind >= CT_DIGEST_KIND_COUNT || class >= CT_CLASS_COUNT || !is_sound(&values))
            return FALSE;
        struct ct_digest_row *row =
            ct_digest_add(digest, (enum ct_digest_kind)kind, (enum ct_class) class, name);

        g_free(row->detail);
        values.kind = row->kind;
        values.class = row->class;
        values.name = row->name;
        values.detail = g_strdup(detail);
        *row = values;
    }
    return TRUE;
}

struct ct_digest *ct_digest_unpack(GBytes *packed)
{
    g_autoptr(GVariant) variant =
        g_variant_ref_sink(g_variant_new_from_bytes(G_VARIANT_TYPE(RUN_TYPE), packed, FALSE));
    g_autoptr(GVariantIter) rows = NULL;
    const char *directory, *layers;
    g_autoptr(ct_digest) digest = NULL;

    if (!g_variant_is_normal_form(variant))
        return NULL;
    digest = ct_digest_new("");
    g_variant_get(variant, "(^&ay^&ayttd" ROWS_TYPE ")", &directory, &layers, &digest->duration_ns,
                  &digest->rate_ns, &digest->requests, &rows);
    g_free(digest->directory);
    g_free(digest->layers);
    digest->directory = g_strdup(directory);
    digest->layers = g_strdup(layers);
    return is_sum(digest->requests) && unpack_rows(digest, rows) ? g_steal_pointer(&digest) : NULL;
}
