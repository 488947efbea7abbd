#include "export/path_words.h"

#include "model/format.h"
#include "symbols/stack_text.h"

static char *call_text(const struct ct_report *report, const struct ct_path_stretch *stretch,
                       const char *object)
{
    const struct ct_path_place *place = &stretch->place;
    g_autofree char *address = NULL;

    if (place->op == CT_OP_NONE)
        return g_strdup("off the CPU in no known call");
    if (ct_object_is_address(ct_op_object(place->op)))
        address = ct_report_lock_object(report, stretch->thread->process, place->op,
                                        stretch->object, place->stack_id);
    g_autofree char *call =
        ct_format_call(place->op, stretch->call_name ? stretch->call_name : ct_op_name(place->op),
                       address  ? address
                       : object ? object
                                : "");

    return g_strdup_printf("in %s", call);
}

static char *running_text(const struct ct_path_place *place)
{
    if (place->is_sampled || place->op == CT_OP_NONE)
        return g_strdup("running");
    return g_strdup_printf("running, until it called %s", ct_op_name(place->op));
}

/* What else is to be said of a time in a call. */
static const char *reason_text(enum ct_path_reason reason)
{
    static const char *const texts[] = {
        [CT_PATH_REASON_GOES_ON] = "",
        [CT_PATH_REASON_WOKEN] = ": let go on already",
        [CT_PATH_REASON_TIMED] = ", for time to pass",
        [CT_PATH_REASON_OUTSIDE] = ": ended from outside of what is recorded",
        [CT_PATH_REASON_UNKNOWN] = ": who ended it is not known",
        [CT_PATH_REASON_OPEN] = ", which has not ended",
        [CT_PATH_REASON_AHEAD] = ", while what it had started got going",
        [CT_PATH_REASON_NOBODY] = "",
    };

    return texts[reason];
}

static char *state_text(const struct ct_report *report, const struct ct_path_stretch *stretch,
                        const char *object)
{
    if (stretch->class == CT_CLASS_RUNNING)
        return running_text(&stretch->place);
    if (stretch->class == CT_CLASS_RUNNABLE)
        return g_strdup("runnable (waiting for a CPU)");
    if (stretch->class == CT_CLASS_UNKNOWN)
        return g_strdup("what it did is not known");
    g_autofree char *call = call_text(report, stretch, object);

    return g_strconcat(call, reason_text(stretch->reason), NULL);
}

char *ct_path_words_of(const struct ct_report *report, const struct ct_path_stretch *stretch,
                       const char *object)
{
    if (!stretch->thread)
        return g_strdup("no thread that is recorded");
    g_autofree char *state = state_text(report, stretch, object);

    return g_strdup_printf("%s (%d) %s", stretch->thread->name, stretch->thread->tid, state);
}

static char *wake_text(const struct ct_report *report, const struct ct_path_stretch *stretch)
{
    const struct ct_symbol_frame *frame =
        ct_stack_place(report->symbolizer, stretch->before->process, stretch->from.stack_id);
    g_autofree char *place = frame ? ct_stack_place_text(frame) : NULL;

    return g_strdup_printf("; let go on by %s (%d)%s%s%s%s", stretch->before->name,
                           stretch->before->tid, stretch->from.op != CT_OP_NONE ? ": " : "",
                           stretch->from.op != CT_OP_NONE ? ct_op_name(stretch->from.op) : "",
                           place ? " in " : "", place ? place : "");
}

char *ct_path_words_via(const struct ct_report *report, const struct ct_path_stretch *stretch)
{
    static const char *const verbs[CT_PATH_VIA_COUNT] = {
        [CT_PATH_VIA_EXIT] = "after the end of",      [CT_PATH_VIA_CREATE] = "created by",
        [CT_PATH_VIA_FORK] = "its process forked by", [CT_PATH_VIA_EXEC] = "executed by",
        [CT_PATH_VIA_HOLD] = "for a lock held by",
    };

    if (stretch->via == CT_PATH_VIA_WAKE)
        return wake_text(report, stretch);
    if (!verbs[stretch->via])
        return g_strdup("");
    return g_strdup_printf("; %s %s (%d)", verbs[stretch->via], stretch->before->name,
                           stretch->before->tid);
}
