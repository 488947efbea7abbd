#include "conditions/state_run.h"

/* Parts of the time between two looks. */
#define BUSY_PART  0.9
#define QUIET_PART 0.01

static enum ct_class state_of(const struct ct_state_run *run, const struct ct_state_look *look)
{
    const double span = (double)(look->now_ns - run->looked_ns);
    const double ran = (double)(look->running_ns - MIN(run->running_ns, look->running_ns));

    if (look->is_starved)
        return CT_CLASS_RUNNABLE;
    if (ran >= BUSY_PART * span)
        return CT_CLASS_RUNNING;
    return look->class != CT_CLASS_RUNNING && ran <= QUIET_PART * span ? look->class
                                                                       : CT_CLASS_UNKNOWN;
}

void ct_state_run_update(struct ct_state_run *run, const struct ct_state_look *look)
{
    if (run->looked_ns == 0 || look->now_ns <= run->looked_ns) {
        run->state = look->class == CT_CLASS_RUNNING ? CT_CLASS_UNKNOWN : look->class;
        run->since_ns = look->now_ns;
    } else {
        const enum ct_class state = state_of(run, look);

        /* Times on a CPU are told of all the time since the last look, waits at the looks only. */
        if (state != run->state)
            run->since_ns = state == CT_CLASS_RUNNING || state == CT_CLASS_RUNNABLE ? run->looked_ns
                                                                                    : look->now_ns;
        run->state = state;
    }
    run->looked_ns = look->now_ns;
    run->running_ns = look->running_ns;
}
