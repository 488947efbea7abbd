#include "model/life.h"

struct ct_life ct_life_inside(const struct ct_thread *thread, const struct ct_window *window,
                              const uint64_t *waited_ns)
{
    struct ct_life life = {
        .thread = thread,
        .alive = {MAX(thread->start_ns, window->begin_ns), MIN(thread->end_ns, window->end_ns)},
    };
    life.alive.end_ns = MAX(life.alive.begin_ns, life.alive.end_ns);

    uint64_t left_ns = life.alive.end_ns - life.alive.begin_ns;
    double sum_ns = 0;

    for (size_t class = 0; class < CT_CLASS_COUNT && waited_ns; class ++)
        sum_ns += (double)waited_ns[class];
    /* Of sampled waits the sum is an estimate: more than a whole life shrinks to fit. */
    double scale = sum_ns > (double)left_ns ? (double)left_ns / sum_ns : 1.0;

    for (size_t class = 0; class < CT_CLASS_COUNT && waited_ns; class ++) {
        uint64_t time_ns =
            scale < 1.0 ? (uint64_t)((double)waited_ns[class] * scale) : waited_ns[class];

        life.class_ns[class] = MIN(time_ns, left_ns);
        left_ns -= life.class_ns[class];
    }
    life.class_ns[CT_CLASS_RUNNING] += left_ns;
    return life;
}

struct ct_window ct_lives_extent(const struct ct_model *model)
{
    struct ct_window recording = {model->begin_ns, MAX(model->begin_ns, model->end_ns)};
    struct ct_window lives = {recording.end_ns, recording.begin_ns};

    for (guint i = 0; i < model->threads->len; i++) {
        const struct ct_thread *thread = g_ptr_array_index(model->threads, i);

        lives.begin_ns = MIN(lives.begin_ns, thread->start_ns);
        lives.end_ns = MAX(lives.end_ns, thread->end_ns);
    }
    lives.begin_ns = MAX(lives.begin_ns, recording.begin_ns);
    lives.end_ns = MIN(lives.end_ns, recording.end_ns);
    return lives.begin_ns < lives.end_ns ? lives : recording;
}
