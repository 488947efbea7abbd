#include "unpreloaded.h"

#include "boards.h"

#include <signal.h>
#include <string.h>

/* More names than anybody reads: further ones are one. */
#define MAX_NAMES 32

/* A program that is that young may still load the library. */
#define YOUTH_NS UINT64_C(1000000000)

/* The kernel's name of a program is cut off. */
#define KERNEL_NAME_LENGTH 15

struct expected {
    pid_t pid;
    uint64_t since_ns;
    char name[CT_UNSEEN_NAME_SIZE];
};

struct ct_unpreloaded {
    GArray *images;    /* owned; struct ct_unpreloaded_images */
    GArray *expected;  /* owned; struct expected */
    uint32_t deserted; /* those of that reason; as said by programs */
    gboolean is_older; /* it tells of a time when others lived than now */
};

static void clear_images(void *data)
{
    g_free(((struct ct_unpreloaded_images *)data)->name);
}

static GArray *images_new(void)
{
    GArray *images = g_array_new(FALSE, FALSE, sizeof(struct ct_unpreloaded_images));

    g_array_set_clear_func(images, clear_images);
    return images;
}

struct ct_unpreloaded *ct_unpreloaded_new(void)
{
    struct ct_unpreloaded *unpreloaded = g_new0(struct ct_unpreloaded, 1);

    unpreloaded->images = images_new();
    unpreloaded->expected = g_array_new(FALSE, FALSE, sizeof(struct expected));
    return unpreloaded;
}

void ct_unpreloaded_free(struct ct_unpreloaded *unpreloaded)
{
    if (unpreloaded == NULL)
        return;
    g_array_unref(unpreloaded->images);
    g_array_unref(unpreloaded->expected);
    g_free(unpreloaded);
}

const char *ct_obstacle_words(enum ct_obstacle obstacle)
{
    static const char *const words[] = {
#define OBSTACLE_WORDS(symbol, is_left_out, text) [CT_OBSTACLE_##symbol] = text,
        CT_OBSTACLES(OBSTACLE_WORDS)
#undef OBSTACLE_WORDS
    };

    return words[obstacle];
}

static struct ct_unpreloaded_images *at(const GArray *images, guint index)
{
    return &g_array_index(images, struct ct_unpreloaded_images, index);
}

void ct_unpreloaded_add(struct ct_unpreloaded *unpreloaded, const char *name,
                        enum ct_obstacle obstacle, uint32_t count)
{
    if (unpreloaded->images->len >= MAX_NAMES || name[0] == '\0')
        name = CT_UNSEEN_NAME_UNKNOWN;
    for (guint i = 0; i < unpreloaded->images->len; i++) {
        struct ct_unpreloaded_images *known = at(unpreloaded->images, i);
        if (known->obstacle == obstacle && strcmp(known->name, name) == 0) {
            known->count += MIN(count, UINT32_MAX - known->count);
            return;
        }
    }
    const struct ct_unpreloaded_images images = {g_strdup(name), obstacle, count};
    g_array_append_val(unpreloaded->images, images);
}

void ct_unpreloaded_expect(struct ct_unpreloaded *unpreloaded, pid_t pid, uint64_t since_ns,
                           const char *name)
{
    struct expected expected = {.pid = pid, .since_ns = since_ns};

    g_strlcpy(expected.name, name, sizeof(expected.name));
    g_array_append_val(unpreloaded->expected, expected);
}

static void add_noted(struct ct_unpreloaded *unpreloaded, const struct ct_board_noted *noted)
{
    g_autofree char *name = g_utf8_make_valid(noted->name, -1); /* a program wrote it */

    ct_unpreloaded_add(unpreloaded, name, noted->obstacle, noted->count);
}

void ct_unpreloaded_add_successor(struct ct_unpreloaded *unpreloaded, pid_t pid, uint64_t when_ns,
                                  const struct ct_board_noted *noted)
{
    if (noted->obstacle != CT_OBSTACLE_NONE) {
        add_noted(unpreloaded, noted);
        return;
    }
    g_autofree char *name = g_utf8_make_valid(noted->name, -1);
    ct_unpreloaded_expect(unpreloaded, pid, when_ns, name);
}

void ct_unpreloaded_add_board(struct ct_unpreloaded *unpreloaded, const struct ct_board_map *map,
                              uint64_t now_ns)
{
    struct ct_board_noted noted;
    struct ct_board_head head;

    for (guint i = 0; i < CT_BOARD_MAX_UNSEEN; i++)
        if (ct_board_map_read_children(map, i, now_ns, &noted))
            add_noted(unpreloaded, &noted);
    ct_board_map_read_head(map, now_ns, &head);
    if (head.state == CT_PROCESS_EXECED && ct_board_map_read_successor(map, now_ns, &noted))
        ct_unpreloaded_add_successor(unpreloaded, ct_board_map_identity(map)->pid, head.end_ns,
                                     &noted);
}

/* When the last image of each process began: pid -> uint64_t *, borrowed from the images. */
static GHashTable *find_last(const GArray *images)
{
    GHashTable *last = g_hash_table_new(g_direct_hash, g_direct_equal);

    for (guint i = 0; i < images->len; i++) {
        struct ct_image_key *image = &g_array_index(images, struct ct_image_key, i);
        const uint64_t *start_ns = g_hash_table_lookup(last, GINT_TO_POINTER(image->pid));
        if (start_ns == NULL || *start_ns < image->start_ns)
            g_hash_table_insert(last, GINT_TO_POINTER(image->pid), &image->start_ns);
    }
    return last;
}

static gboolean has_board(GHashTable *last, const struct expected *expected)
{
    const uint64_t *start_ns = g_hash_table_lookup(last, GINT_TO_POINTER(expected->pid));

    return start_ns != NULL && *start_ns >= expected->since_ns;
}

static gboolean may_load_yet(const struct ct_unpreloaded *unpreloaded,
                             const struct expected *expected, uint64_t now_ns)
{
    return now_ns < expected->since_ns + YOUTH_NS &&
           (unpreloaded->is_older || kill(expected->pid, 0) == 0);
}

/* In a pid namespace of its own a process says that it is another than its parent does. */
static gboolean is_in_namespace(const GArray *images)
{
    for (guint i = 0; i < images->len; i++)
        if (g_array_index(images, struct ct_image_key, i).pid == 1)
            return TRUE;
    return FALSE;
}

static enum ct_obstacle find_obstacle(const GArray *images, const char *name)
{
    for (guint i = 0; i < images->len; i++)
        if (strncmp(at(images, i)->name, name, KERNEL_NAME_LENGTH) == 0)
            return at(images, i)->obstacle;
    return CT_OBSTACLE_NONE;
}

void ct_unpreloaded_note_deserted(struct ct_unpreloaded *unpreloaded, uint64_t count)
{
    unpreloaded->deserted = (uint32_t)MIN(count, UINT32_MAX);
}

/* Each of those that are deserted is one of those that are missing. */
static void add_missing(struct ct_unpreloaded *unpreloaded, const char *name,
                        enum ct_obstacle obstacle, uint32_t *deserted)
{
    if (obstacle == CT_OBSTACLE_NONE && *deserted > 0)
        obstacle = CT_OBSTACLE_DESERTED;
    if (obstacle == CT_OBSTACLE_DESERTED && *deserted > 0)
        (*deserted)--;
    ct_unpreloaded_add(unpreloaded, name, obstacle, 1);
}

/* The hooks know why, but not all. */
static void take_told(struct ct_unpreloaded *unpreloaded, char *const *told)
{
    g_autoptr(GArray) noted = g_steal_pointer(&unpreloaded->images);
    uint32_t deserted = unpreloaded->deserted;

    unpreloaded->images = images_new();
    for (; *told != NULL; told++)
        add_missing(unpreloaded, *told, find_obstacle(noted, *told), &deserted);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const struct ct_unpreloaded_images *)a)->name,
                  ((const struct ct_unpreloaded_images *)b)->name);
}

void ct_unpreloaded_settle(struct ct_unpreloaded *unpreloaded, const GArray *images,
                           char *const *told, uint64_t now_ns)
{
    gboolean is_known = images != NULL && !is_in_namespace(images);
    g_autoptr(GHashTable) last = is_known ? find_last(images) : NULL;
    uint32_t deserted = unpreloaded->deserted;

    for (guint i = 0; i < unpreloaded->expected->len && is_known; i++) {
        const struct expected *expected = &g_array_index(unpreloaded->expected, struct expected, i);
        if (has_board(last, expected) || may_load_yet(unpreloaded, expected, now_ns))
            continue;
        add_missing(unpreloaded, expected->name, CT_OBSTACLE_NONE, &deserted);
    }
    g_array_set_size(unpreloaded->expected, 0);
    if (deserted > 0)
        ct_unpreloaded_add(unpreloaded, "", CT_OBSTACLE_DESERTED, deserted);
    if (told != NULL)
        take_told(unpreloaded, told);
    g_array_sort(unpreloaded->images, compare_names);
}

const GArray *ct_unpreloaded_list(const struct ct_unpreloaded *unpreloaded)
{
    return unpreloaded->images;
}

/* ---- For another process. ---- */

GVariant *ct_unpreloaded_save(const struct ct_unpreloaded *unpreloaded)
{
    GVariantBuilder images, expected;

    g_variant_builder_init(&images, G_VARIANT_TYPE("a(suu)"));
    for (guint i = 0; i < unpreloaded->images->len; i++) {
        const struct ct_unpreloaded_images *one = at(unpreloaded->images, i);
        g_variant_builder_add(&images, "(suu)", one->name, (guint32)one->obstacle, one->count);
    }
    g_variant_builder_init(&expected, G_VARIANT_TYPE("a(its)"));
    for (guint i = 0; i < unpreloaded->expected->len; i++) {
        const struct expected *one = &g_array_index(unpreloaded->expected, struct expected, i);
        g_autofree char *name = g_utf8_make_valid(one->name, -1); /* it may have been cut off */
        g_variant_builder_add(&expected, "(its)", one->pid, (guint64)one->since_ns, name);
    }
    return g_variant_new(CT_UNPRELOADED_TYPE, &images, &expected);
}

void ct_unpreloaded_load(struct ct_unpreloaded *unpreloaded, GVariant *saved)
{
    g_autoptr(GVariantIter) images = NULL;
    g_autoptr(GVariantIter) expected = NULL;
    const char *name;
    guint32 obstacle, count;
    gint32 pid;
    guint64 since_ns;

    unpreloaded->is_older = TRUE;
    g_variant_get(saved, CT_UNPRELOADED_TYPE, &images, &expected);
    while (g_variant_iter_next(images, "(&suu)", &name, &obstacle, &count))
        if (obstacle < CT_OBSTACLE_COUNT)
            ct_unpreloaded_add(unpreloaded, name, (enum ct_obstacle)obstacle, count);
    while (g_variant_iter_next(expected, "(it&s)", &pid, &since_ns, &name))
        ct_unpreloaded_expect(unpreloaded, pid, since_ns, name);
}
