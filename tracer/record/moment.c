#include "moment.h"

#include "files/regular_file.h"

#define MOMENT_FILE "moment"

/* Of all files of a recording, and of all images that were in it. */
#define SIZE_MAX_BYTES ((gsize)1 << 30)

/* control, totals, refused, deserted, damaged, images, files, unpreloaded, missing, stopped,
 * has_calls */
#define ALL_TYPE  "(@ay@ay@ayt@ai@a(it)@a(tt)@" CT_UNPRELOADED_TYPE "ssb)"
#define FILE_TYPE "(ayayaytaia(it)a(tt)" CT_UNPRELOADED_TYPE "ssb)"

void ct_moment_init(struct ct_moment *moment)
{
    *moment = (struct ct_moment){
        .damaged = g_array_new(FALSE, FALSE, sizeof(int32_t)),
        .images = g_array_new(FALSE, FALSE, sizeof(struct ct_image_key)),
        .sizes = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free),
    };
}

void ct_moment_clear(struct ct_moment *moment)
{
    g_clear_pointer(&moment->damaged, g_array_unref);
    g_clear_pointer(&moment->images, g_array_unref);
    g_clear_pointer(&moment->sizes, g_hash_table_unref);
    g_clear_pointer(&moment->unpreloaded, g_variant_unref);
    g_clear_pointer(&moment->missing, g_free);
    g_clear_pointer(&moment->stopped, g_free);
}

void ct_moment_add_size(struct ct_moment *moment, guint64 inode, guint64 size)
{
    g_hash_table_replace(moment->sizes, g_memdup2(&inode, sizeof(inode)),
                         g_memdup2(&size, sizeof(size)));
}

gboolean ct_moment_find_size(const struct ct_moment *moment, guint64 inode, guint64 *size)
{
    const guint64 *found = g_hash_table_lookup(moment->sizes, &inode);

    if (found != NULL)
        *size = *found;
    return found != NULL;
}

/* ---- Out ---- */

static GVariant *raw(const void *bytes, gsize size)
{
    return g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, bytes, size, 1);
}

static GVariant *list_images(const struct ct_moment *moment)
{
    GVariantBuilder images;

    g_variant_builder_init(&images, G_VARIANT_TYPE("a(it)"));
    for (guint i = 0; i < moment->images->len; i++) {
        const struct ct_image_key *image = &g_array_index(moment->images, struct ct_image_key, i);
        g_variant_builder_add(&images, "(it)", image->pid, (guint64)image->start_ns);
    }
    return g_variant_builder_end(&images);
}

static GVariant *list_sizes(const struct ct_moment *moment)
{
    GVariantBuilder sizes;
    GHashTableIter iter;
    gpointer inode, size;

    g_variant_builder_init(&sizes, G_VARIANT_TYPE("a(tt)"));
    g_hash_table_iter_init(&iter, moment->sizes);
    while (g_hash_table_iter_next(&iter, &inode, &size))
        g_variant_builder_add(&sizes, "(tt)", *(guint64 *)inode, *(guint64 *)size);
    return g_variant_builder_end(&sizes);
}

gboolean ct_moment_save(const struct ct_moment *moment, const char *folder, GError **error)
{
    g_autofree char *path = g_build_filename(folder, MOMENT_FILE, NULL);
    g_autofree char *missing = g_utf8_make_valid(moment->missing, -1);
    g_autofree char *stopped = g_utf8_make_valid(moment->stopped, -1);
    g_autoptr(GVariant) saved = g_variant_ref_sink(
        g_variant_new(ALL_TYPE, raw(&moment->control, sizeof(moment->control)),
                      raw(&moment->totals, sizeof(moment->totals)),
                      raw(moment->refused, sizeof(moment->refused)), (guint64)moment->deserted,
                      g_variant_new_fixed_array(G_VARIANT_TYPE_INT32, moment->damaged->data,
                                                moment->damaged->len, sizeof(int32_t)),
                      list_images(moment), list_sizes(moment), moment->unpreloaded, missing,
                      stopped, moment->has_calls));

    return g_file_set_contents_full(path, g_variant_get_data(saved),
                                    (gssize)g_variant_get_size(saved), G_FILE_SET_CONTENTS_NONE,
                                    0600, error);
}

/* ---- In ---- */

static gboolean copy_raw(GVariant *from, void *bytes, gsize size)
{
    gsize found;
    const void *data = g_variant_get_fixed_array(from, &found, 1);

    if (found != size)
        return FALSE;
    memcpy(bytes, data, size);
    return TRUE;
}

static void read_lists(struct ct_moment *moment, GVariant *damaged, GVariant *images,
                       GVariant *sizes)
{
    GVariantIter iter;
    gsize count;
    const void *pids = g_variant_get_fixed_array(damaged, &count, sizeof(int32_t));
    guint64 first, second;
    gint32 pid;

    g_array_append_vals(moment->damaged, pids, (guint)count);
    g_variant_iter_init(&iter, images);
    while (g_variant_iter_next(&iter, "(it)", &pid, &first)) {
        const struct ct_image_key image = {pid, first};
        g_array_append_val(moment->images, image);
    }
    g_variant_iter_init(&iter, sizes);
    while (g_variant_iter_next(&iter, "(tt)", &first, &second))
        ct_moment_add_size(moment, first, second);
}

static gboolean read_all(struct ct_moment *moment, GVariant *saved)
{
    g_autoptr(GVariant) control = NULL;
    g_autoptr(GVariant) totals = NULL;
    g_autoptr(GVariant) refused = NULL;
    g_autoptr(GVariant) damaged = NULL;
    g_autoptr(GVariant) images = NULL;
    g_autoptr(GVariant) sizes = NULL;

    g_variant_get(saved, ALL_TYPE, &control, &totals, &refused, &moment->deserted, &damaged,
                  &images, &sizes, &moment->unpreloaded, &moment->missing, &moment->stopped,
                  &moment->has_calls);
    read_lists(moment, damaged, images, sizes);
    if (!copy_raw(control, &moment->control, sizeof(moment->control)) ||
        !copy_raw(totals, &moment->totals, sizeof(moment->totals)) ||
        !copy_raw(refused, moment->refused, sizeof(moment->refused)))
        return FALSE;
    /* Programs of the same user may have written over it. */
    moment->control.output[sizeof(moment->control.output) - 1] = '\0';
    moment->control.command[sizeof(moment->control.command) - 1] = '\0';
    moment->control.loader[sizeof(moment->control.loader) - 1] = '\0';
    return moment->control.magic == CT_CONTROL_MAGIC &&
           moment->control.schema_version == CT_SCHEMA_VERSION;
}

gboolean ct_moment_load(struct ct_moment *moment, const char *folder, GError **error)
{
    g_autofree char *path = g_build_filename(folder, MOMENT_FILE, NULL);
    char *bytes = NULL;
    gsize size = 0;

    if (!ct_regular_file_read(path, SIZE_MAX_BYTES, &bytes, &size)) {
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_FAILED,
                    "the recorder has left no word of its recording");
        return FALSE;
    }
    g_autoptr(GVariant) saved = g_variant_ref_sink(
        g_variant_new_from_data(G_VARIANT_TYPE(FILE_TYPE), bytes, size, FALSE, g_free, bytes));
    if (g_variant_is_normal_form(saved) && read_all(moment, saved))
        return TRUE;
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_FAILED,
                "the recorder is another version of ctrace: make the snapshot by that one");
    return FALSE;
}
