#include "collect/rotation.h"

#define MINUTE_S G_GINT64_CONSTANT(60)
#define HOUR_S   G_GINT64_CONSTANT(3600)
#define DAY_S    (24 * HOUR_S)

struct level {
    const char *suffix;
    gint64 length_s;
    gint64 age_s; /* at which what is in it becomes part of the next level */
};

static const struct level levels[CT_ROTATION_LEVELS] = {
    {"", 0, DAY_S},
    {"_10min", 10 * MINUTE_S, 7 * DAY_S},
    {"_1h", HOUR_S, G_MAXINT64},
};

gint64 ct_rotation_length_s(guint level)
{
    return levels[level].length_s;
}

const char *ct_rotation_suffix(guint level)
{
    return levels[level].suffix;
}

static const struct ct_rotation_folder *at(const GArray *folders, guint index)
{
    return &g_array_index(folders, struct ct_rotation_folder, index);
}

/* When what the folder becomes part of begins. */
static gint64 bin_of(const struct ct_rotation_folder *folder)
{
    gint64 length_s = levels[folder->level + 1].length_s;

    return folder->from_s / length_s * length_s;
}

/* Only what nothing can be added to any more, so that each is merged once. */
static gboolean is_due(const struct ct_rotation_folder *folder, gint64 now_s)
{
    if (folder->is_stuck || folder->level + 1 >= CT_ROTATION_LEVELS)
        return FALSE;
    return bin_of(folder) + levels[folder->level + 1].length_s <=
           now_s - levels[folder->level].age_s;
}

static void merge(struct ct_rotation_step *step, const GArray *folders, guint first)
{
    const struct ct_rotation_folder *model = at(folders, first);

    step->kind = CT_ROTATION_MERGE;
    step->first = first;
    step->from_s = bin_of(model);
    step->level = model->level + 1;
    step->members = g_array_new(FALSE, FALSE, sizeof(guint));
    for (guint i = first; i < folders->len; i++) {
        const struct ct_rotation_folder *folder = at(folders, i);

        if (folder->level == model->level && !folder->is_stuck && bin_of(folder) == step->from_s)
            g_array_append_val(step->members, i);
    }
}

/* The finer ones first: what they become may be due in turn, and is merged once then, too. The
 * length of the folders: none is. */
static guint first_due(const GArray *folders, gint64 now_s)
{
    for (guint level = 0; level < CT_ROTATION_LEVELS; level++)
        for (guint i = 0; i < folders->len; i++)
            if (at(folders, i)->level == level && is_due(at(folders, i), now_s))
                return i;
    return folders->len;
}

static guint64 sum(const GArray *folders)
{
    guint64 bytes = 0;

    for (guint i = 0; i < folders->len; i++)
        bytes += at(folders, i)->bytes;
    return bytes;
}

void ct_rotation_next(struct ct_rotation_step *step, const GArray *folders,
                      const struct ct_rotation_limits *limits, gint64 now_s)
{
    *step = (struct ct_rotation_step){.kind = CT_ROTATION_NOTHING};
    if (folders->len == 0)
        return;
    for (guint i = 0; i < folders->len; i++) {
        const struct ct_rotation_folder *folder = at(folders, i);

        if (folder->from_s + levels[folder->level].length_s <= now_s - limits->keep_s) {
            step->kind = CT_ROTATION_REMOVE;
            step->first = i;
            return;
        }
    }
    if (sum(folders) > limits->bytes_max) {
        step->kind = CT_ROTATION_REMOVE;
        return;
    }
    guint first = first_due(folders, now_s);

    if (first < folders->len)
        merge(step, folders, first);
}

void ct_rotation_step_clear(struct ct_rotation_step *step)
{
    g_clear_pointer(&step->members, g_array_unref);
}
