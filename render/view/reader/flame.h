/* Stacks as a tree: who called whom, from the outermost function on, with the time spent in each.
 */
#ifndef CTRACE_VIEW_FLAME_H
#define CTRACE_VIEW_FLAME_H

#include "view/reader/reader.h"

struct ct_view_flame;

struct ct_view_flame *ct_view_flame_new(const struct ct_view_reader *reader);
void ct_view_flame_free(struct ct_view_flame *flame);
typedef struct ct_view_flame ct_view_flame; /* for g_autoptr(ct_view_flame) */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ct_view_flame, ct_view_flame_free)

/* So much time at that stack, at whose leaf `leaf` was called or done, in that state. */
struct ct_view_flame_time {
    const struct ct_process *process;
    uint32_t stack_id;
    const char *leaf;
    enum ct_class class;
    uint64_t ns;
    uint64_t count;
};
void ct_view_flame_add(struct ct_view_flame *flame, const struct ct_view_flame_time *time);

/* A member: {"frames": [...], "nodes": [[parent, frame, self, total, count] ...]}. */
void ct_view_flame_write(const struct ct_view_flame *flame, JsonBuilder *json, const char *name);

#endif
