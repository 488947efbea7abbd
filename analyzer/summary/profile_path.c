/* The critical path in a profile: each stretch of it counts where its thread was. */
#include "summary/profile_cells.h"

struct following {
    struct ct_profile_cells *cells;       /* borrowed */
    const struct ct_path_question *about; /* borrowed */
};

/* What ran called nothing yet. */
static struct ct_profile_place place_of(const struct following *following,
                                        const struct ct_path_stretch *stretch)
{
    gboolean has_run = stretch->class == CT_CLASS_RUNNING;

    if (!stretch->thread)
        return (struct ct_profile_place){.process = following->about->thread->process,
                                         .state = stretch->class};
    return (struct ct_profile_place){
        .process = stretch->thread->process,
        .thread = stretch->thread,
        .stack_id = stretch->place.stack_id,
        .op = has_run ? CT_OP_NONE : stretch->place.op,
        .state = stretch->class,
        .is_hand_off = stretch->reason == CT_PATH_REASON_WOKEN,
    };
}

/* Of descriptors there are numbers alone here, which mean something else every time. */
static struct ct_interval wait_of(const struct ct_path_stretch *stretch)
{
    gboolean is_address = ct_object_is_address(ct_op_object(stretch->place.op));

    return (struct ct_interval){
        .thread = stretch->thread,
        .op = stretch->id.thread && is_address ? stretch->place.op : CT_OP_NONE,
        .object = stretch->id.thread && is_address ? stretch->object : 0,
        .call_name = stretch->call_name,
        .class = stretch->class,
        .is_open = stretch->reason == CT_PATH_REASON_OPEN,
    };
}

static void add_stretch(void *user, const struct ct_path_stretch *stretch)
{
    const struct following *following = user;
    const struct ct_profile_place place = place_of(following, stretch);
    const struct ct_interval wait = wait_of(stretch);
    const struct ct_profile_subject subject = {.other = stretch->before};
    struct ct_profile_bucket *bucket =
        ct_profile_cell_bucket(ct_profile_cells_find(following->cells, &place), &wait, &subject);

    bucket->count++;
    bucket->delay_ns += (double)(stretch->end_ns - stretch->begin_ns);
}

gboolean ct_profile_cells_add_path(struct ct_profile_cells *cells,
                                   const struct ct_path_question *question, GError **error)
{
    struct following following = {cells, question};

    return ct_path_walk(question, add_stretch, &following, error);
}
