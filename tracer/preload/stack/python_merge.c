#include "python_merge.h"

#include "python_codes.h"
#include "schema/codes.h"

/* What is looked at. Each call takes a system call or two, of frames some ten take one. */
#define CALLS_MAX 128

/* Of a call that evaluates Python functions: how many, and an address in its C frame. */
struct call {
    uint64_t mark; /* 0: it is not known */
    uint32_t count;
};

struct calls {
    struct call all[CALLS_MAX];
    uint32_t count;
    uint32_t frames; /* of all of them */
    bool is_cut;     /* there are more */
};

static void find_calls(struct ct_python_walk *walk, struct calls *calls)
{
    struct ct_python_frame frame;
    struct call open = {0, 0};

    calls->count = calls->frames = 0;
    while (calls->count < CALLS_MAX && ct_python_walk_next(walk, &frame)) {
        if (frame.code != 0) {
            open.count++;
            calls->frames++;
        }
        if (!frame.ends_call)
            continue;
        open.mark = frame.mark;
        calls->all[calls->count++] = open;
        open = (struct call){0, 0};
    }
    if (open.count > 0 && calls->count < CALLS_MAX)
        calls->all[calls->count++] = open;
    calls->is_cut = walk->frame != 0;
}

/* Before 3.10 a C frame of the function that evaluates is all that there is: one for each. Where it
 * is in a part of that function that the linker has put elsewhere, it is not known for one, and the
 * next outer ones go by count. Innermost ones that are too many begin just now, or are of a
 * sub-interpreter. */
static void mark_by_function(const struct ct_python *python, const struct ct_c_frames *frames,
                             struct calls *calls)
{
    uint32_t found = 0, call = 0, skipped = 0;

    for (uint32_t i = 0; i < frames->count; i++)
        found +=
            frames->addresses[i] - 1 - python->eval_begin < python->eval_end - python->eval_begin;
    if (!frames->is_cut && found < calls->count)
        call = calls->count - found;
    if (!frames->is_cut && !calls->is_cut && found > calls->count)
        skipped = found - calls->count;
    for (uint32_t i = 0; i < frames->count && call < calls->count; i++) {
        if (frames->addresses[i] - 1 - python->eval_begin >= python->eval_end - python->eval_begin)
            continue;
        if (skipped > 0) {
            skipped--;
            continue;
        }
        for (uint32_t k = call; k > 0 && calls->all[k - 1].mark == 0; k--)
            calls->all[k - 1].mark = frames->stack_pointers[i];
        calls->all[call++].mark = frames->stack_pointers[i];
    }
}

/* What is written. */
struct output {
    const struct ct_python *python;
    struct ct_merged *merged;
    struct ct_python_walk *walk; /* NULL: frames are only counted */
    uint32_t at;                 /* so many frames so far */
    uint32_t all;                /* there will be */
    uint32_t waiting;
    struct ct_python_place places[CT_PYTHON_PLACES];
};

/* Where the next frame is to be written; NULL: it is left out. */
static uint64_t *next_place(struct output *output)
{
    const struct ct_merged *merged = output->merged;
    uint32_t at = output->at++;

    if (output->walk == NULL)
        return NULL;
    if (output->all <= merged->limit || at < merged->limit - merged->outermost)
        return merged->addresses + at;
    if (at < output->all - merged->outermost)
        return NULL;
    return merged->addresses + merged->limit - (output->all - at);
}

static void put_address(struct output *output, uint64_t address)
{
    uint64_t *place = next_place(output);

    if (place != NULL)
        *place = address;
}

static void put_places(struct output *output)
{
    ct_python_describe(output->python, output->places, output->waiting);
    output->waiting = 0;
}

static void put_call(struct output *output, const struct call *call)
{
    struct ct_python_frame frame;
    uint32_t left = call->count;

    if (output->walk == NULL) {
        output->at += left;
        return;
    }
    while (left > 0 && ct_python_walk_next(output->walk, &frame)) {
        if (frame.code == 0)
            continue;
        left--;
        uint64_t *place = next_place(output);
        if (place == NULL)
            continue;
        output->places[output->waiting++] =
            (struct ct_python_place){frame.code, frame.instruction, place};
        if (output->waiting == CT_PYTHON_PLACES)
            put_places(output);
    }
    /* They were there before. */
    for (; left > 0; left--)
        put_address(output, ct_code_return_address(0, 0));
}

/* A C frame begins with its stack pointer, and ends where that of its caller begins. */
static bool has_mark(const struct ct_c_frames *frames, uint32_t i, uint64_t mark)
{
    return i + 1 < frames->count && mark >= frames->stack_pointers[i] &&
           mark < frames->stack_pointers[i + 1];
}

static void put_all(struct output *output, const struct ct_c_frames *frames,
                    const struct calls *calls)
{
    uint32_t call = 0;

    for (uint32_t i = 0; i < frames->count; i++) {
        bool evaluates = false;

        for (; call < calls->count && has_mark(frames, i, calls->all[call].mark); call++) {
            put_call(output, &calls->all[call]);
            evaluates = true;
        }
        if (!evaluates)
            put_address(output, frames->addresses[i]);
    }
    for (; call < calls->count; call++)
        put_call(output, &calls->all[call]);
}

uint32_t ct_python_merge(const struct ct_python *python, const struct ct_c_frames *frames,
                         struct ct_merged *merged)
{
    struct ct_python_walk walk;
    struct calls calls;
    struct output output = {.python = python, .merged = merged};

    if (!ct_python_walk_begin(&walk, python))
        return 0;
    uint64_t innermost = walk.frame;
    find_calls(&walk, &calls);
    if (calls.frames == 0)
        return 0;
    if (python->layout.kind == CT_PYTHON_OBJECTS)
        mark_by_function(python, frames, &calls);
    put_all(&output, frames, &calls);
    output.all = output.at;
    output.at = 0;
    if (calls.is_cut)
        merged->outermost = 0; /* they are not known */
    ct_python_walk_again(&walk, innermost);
    output.walk = &walk;
    put_all(&output, frames, &calls);
    put_places(&output);
    uint32_t left_out = output.all > merged->limit ? output.all - merged->limit : 0;
    merged->omitted = left_out > 0 || !calls.is_cut ? left_out : 1;
    return output.all - left_out;
}
