#include "unseen.h"

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

struct ct_unseen {
    GArray *images;   /* owned; struct ct_unseen_images */
    GArray *expected; /* owned; struct expected */
};

static void clear_images(void *data)
{
    g_free(((struct ct_unseen_images *)data)->name);
}

static GArray *images_new(void)
{
    GArray *images = g_array_new(FALSE, FALSE, sizeof(struct ct_unseen_images));

    g_array_set_clear_func(images, clear_images);
    return images;
}

struct ct_unseen *ct_unseen_new(void)
{
    struct ct_unseen *unseen = g_new0(struct ct_unseen, 1);

    unseen->images = images_new();
    unseen->expected = g_array_new(FALSE, FALSE, sizeof(struct expected));
    return unseen;
}

void ct_unseen_free(struct ct_unseen *unseen)
{
    if (unseen == NULL)
        return;
    g_array_unref(unseen->images);
    g_array_unref(unseen->expected);
    g_free(unseen);
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

static struct ct_unseen_images *at(const GArray *images, guint index)
{
    return &g_array_index(images, struct ct_unseen_images, index);
}

void ct_unseen_add(struct ct_unseen *unseen, const char *name, enum ct_obstacle obstacle,
                   uint32_t count)
{
    if (unseen->images->len >= MAX_NAMES || name[0] == '\0')
        name = CT_UNSEEN_NAME_UNKNOWN;
    for (guint i = 0; i < unseen->images->len; i++) {
        struct ct_unseen_images *known = at(unseen->images, i);
        if (known->obstacle == obstacle && strcmp(known->name, name) == 0) {
            known->count += MIN(count, UINT32_MAX - known->count);
            return;
        }
    }
    const struct ct_unseen_images images = {g_strdup(name), obstacle, count};
    g_array_append_val(unseen->images, images);
}

void ct_unseen_expect(struct ct_unseen *unseen, pid_t pid, uint64_t since_ns, const char *name)
{
    struct expected expected = {.pid = pid, .since_ns = since_ns};

    g_strlcpy(expected.name, name, sizeof(expected.name));
    g_array_append_val(unseen->expected, expected);
}

static void add_noted(struct ct_unseen *unseen, const struct ct_board_noted *noted)
{
    g_autofree char *name = g_utf8_make_valid(noted->name, -1); /* a program wrote it */

    ct_unseen_add(unseen, name, noted->obstacle, noted->count);
}

void ct_unseen_add_successor(struct ct_unseen *unseen, pid_t pid, uint64_t when_ns,
                             const struct ct_board_noted *noted)
{
    if (noted->obstacle != CT_OBSTACLE_NONE) {
        add_noted(unseen, noted);
        return;
    }
    g_autofree char *name = g_utf8_make_valid(noted->name, -1);
    ct_unseen_expect(unseen, pid, when_ns, name);
}

void ct_unseen_add_board(struct ct_unseen *unseen, const struct ct_board_map *map, uint64_t now_ns)
{
    struct ct_board_noted noted;
    struct ct_board_head head;

    for (guint i = 0; i < CT_BOARD_MAX_UNSEEN; i++)
        if (ct_board_map_read_children(map, i, now_ns, &noted))
            add_noted(unseen, &noted);
    ct_board_map_read_head(map, now_ns, &head);
    if (head.state == CT_PROCESS_EXECED && ct_board_map_read_successor(map, now_ns, &noted))
        ct_unseen_add_successor(unseen, ct_board_map_identity(map)->pid, head.end_ns, &noted);
}

static gboolean has_board(const GArray *images, const struct expected *expected)
{
    for (guint i = 0; i < images->len; i++) {
        const struct ct_image_key *image = &g_array_index(images, struct ct_image_key, i);
        if (image->pid == expected->pid && image->start_ns >= expected->since_ns)
            return TRUE;
    }
    return FALSE;
}

static gboolean may_load_yet(const struct expected *expected, uint64_t now_ns)
{
    return now_ns < expected->since_ns + YOUTH_NS && kill(expected->pid, 0) == 0;
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

/* The hooks know why, but not all. */
static void take_told(struct ct_unseen *unseen, char *const *told)
{
    g_autoptr(GArray) noted = g_steal_pointer(&unseen->images);

    unseen->images = images_new();
    for (; *told != NULL; told++)
        ct_unseen_add(unseen, *told, find_obstacle(noted, *told), 1);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const struct ct_unseen_images *)a)->name,
                  ((const struct ct_unseen_images *)b)->name);
}

void ct_unseen_settle(struct ct_unseen *unseen, const GArray *images, char *const *told,
                      uint64_t now_ns)
{
    gboolean is_known = images != NULL && !is_in_namespace(images);

    for (guint i = 0; i < unseen->expected->len && is_known; i++) {
        const struct expected *expected = &g_array_index(unseen->expected, struct expected, i);
        if (has_board(images, expected) || may_load_yet(expected, now_ns))
            continue;
        ct_unseen_add(unseen, expected->name, CT_OBSTACLE_NONE, 1);
    }
    g_array_set_size(unseen->expected, 0);
    if (told != NULL)
        take_told(unseen, told);
    g_array_sort(unseen->images, compare_names);
}

const GArray *ct_unseen_list(const struct ct_unseen *unseen)
{
    return unseen->images;
}
