#include "python.h"

#include "preload/core/memory.h"
#include "preload/core/storage.h"
#include "preload/core/symbol.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

/* ---- What is in the program. ---- */

/* In the names of libraries that may be it. */
#define PART "python"

static CT_SELDOM struct ct_python found;

static CT_SELDOM _Atomic enum { UNKNOWN, BEING_LOOKED_FOR, NONE, FOUND } state;

/* Before 3.11 it is told by what was new in a version. 0: it is older. */
static unsigned find_minor(void)
{
    const unsigned long *version = ct_symbol_in(PART, "Py_Version", NULL);

    if (version != NULL)
        return *version >> 24 == 3 ? *version >> 16 & 0xff : 0;
    if (ct_symbol_in(PART, "PyIter_Send", NULL) != NULL)
        return 10;
    if (ct_symbol_in(PART, "PyFrame_GetCode", NULL) != NULL)
        return 9;
    return ct_symbol_in(PART, "PyCode_NewWithPosOnlyArgs", NULL) != NULL ? 8 : 0;
}

static bool look_for(struct ct_python *python)
{
    uint64_t runtime_size = 0, eval_size = 0;
    const void *runtime = ct_symbol_in(PART, "_PyRuntime", &runtime_size);

    if (runtime == NULL)
        return false;
    *(void **)&python->thread_state = ct_symbol_in(PART, "PyGILState_GetThisThreadState", NULL);
    python->code_type = (uint64_t)ct_symbol_in(PART, "PyCode_Type", NULL);
    python->text_type = (uint64_t)ct_symbol_in(PART, "PyUnicode_Type", NULL);
    python->bytes_type = (uint64_t)ct_symbol_in(PART, "PyBytes_Type", NULL);
    python->eval_begin = (uint64_t)ct_symbol_in(PART, "_PyEval_EvalFrameDefault", &eval_size);
    python->eval_end = python->eval_begin + eval_size;
    return python->thread_state != NULL && python->code_type != 0 && python->text_type != 0 &&
           python->bytes_type != 0 && python->eval_begin != 0 &&
           ct_python_layout_find(find_minor(), runtime, runtime_size, &python->layout);
}

void ct_python_begin(void)
{
    if (atomic_load(&state) == BEING_LOOKED_FOR)
        atomic_store(&state, UNKNOWN);
}

static const struct ct_python *find_in_program(void)
{
    __typeof__(state) known = atomic_load_explicit(&state, memory_order_acquire);

    if (__builtin_expect(known == NONE, 1))
        return NULL;
    if (known == UNKNOWN) {
        __typeof__(+state) unknown = UNKNOWN;
        if (!atomic_compare_exchange_strong(&state, &unknown, BEING_LOOKED_FOR))
            return NULL; /* another thread, or the one that this signal has interrupted */
        known = look_for(&found) ? FOUND : NONE;
        atomic_store_explicit(&state, known, memory_order_release);
    }
    return known == FOUND ? &found : NULL;
}

const struct ct_python *ct_python_find(void)
{
    const struct ct_python *python = find_in_program();

    return python != NULL && python->thread_state() != NULL ? python : NULL;
}

/* ---- Its frames. ---- */

static uint64_t word_at(const uint8_t *bytes, size_t offset)
{
    uint64_t word;

    memcpy(&word, bytes + offset, sizeof(word));
    return word;
}

bool ct_python_walk_begin(struct ct_python_walk *walk, const struct ct_python *python)
{
    const struct ct_python_layout *layout = &python->layout;
    uint64_t thread = (uint64_t)python->thread_state();
    uint8_t bytes[CT_PYTHON_THREAD_SIZE];

    walk->python = python;
    walk->size = 0;
    walk->mark = 0;
    walk->left = CT_PYTHON_FRAMES_MAX;
    /* One that was freed since is another's, or nobody's. */
    if (thread == 0 || !ct_memory_take(thread, bytes, sizeof(bytes)) ||
        word_at(bytes, layout->thread_id) != (uint64_t)pthread_self())
        return false;
    if (layout->thread_mark != 0)
        walk->mark = word_at(bytes, layout->thread_mark);
    if (layout->thread_frame != 0) {
        walk->frame = word_at(bytes, layout->thread_frame);
        return walk->frame != 0;
    }
    return ct_memory_take(walk->mark + layout->mark_frame, &walk->frame, sizeof(walk->frame)) &&
           walk->frame != 0;
}

void ct_python_walk_again(struct ct_python_walk *walk, uint64_t frame)
{
    walk->frame = frame;
    walk->mark = 0;
    walk->left = CT_PYTHON_FRAMES_MAX;
}

/* Frames that are no objects lie behind those that called them: what is before this one is copied
 * with it, as far as it is on the same page. */
static bool fill_window(struct ct_python_walk *walk, uint64_t address, size_t size)
{
    bool is_object = walk->python->layout.kind <= CT_PYTHON_MARKED_OBJECTS;
    uint64_t end = address + size;
    uint64_t before = address % 4096;

    if (is_object || before > sizeof(walk->window) - size)
        before = is_object ? 0 : sizeof(walk->window) - size;
    walk->begin = address - before;
    walk->size = end - walk->begin;
    if (!ct_memory_take(walk->begin, walk->window, walk->size))
        walk->size = 0;
    return walk->size != 0;
}

static const uint8_t *read_frame(struct ct_python_walk *walk)
{
    size_t size = walk->python->layout.frame_size;

    if (walk->frame % sizeof(uint64_t) != 0 || walk->frame > UINT64_MAX - size)
        return NULL;
    if ((walk->frame < walk->begin || walk->frame + size > walk->begin + walk->size) &&
        !fill_window(walk, walk->frame, size))
        return NULL;
    return walk->window + (walk->frame - walk->begin);
}

/* The mark of the call around this one. */
static void leave_call(struct ct_python_walk *walk)
{
    uint64_t previous = 0;

    if (walk->mark == 0 || !ct_memory_take(walk->mark + walk->python->layout.mark_previous,
                                           &previous, sizeof(previous)))
        previous = 0;
    walk->mark = previous;
}

bool ct_python_walk_next(struct ct_python_walk *walk, struct ct_python_frame *frame)
{
    const struct ct_python_layout *layout = &walk->python->layout;
    const uint8_t *bytes = walk->frame != 0 && walk->left > 0 ? read_frame(walk) : NULL;

    if (bytes == NULL)
        return false;
    walk->left--;
    *frame = (struct ct_python_frame){
        .code = word_at(bytes, layout->frame_code),
        .instruction = word_at(bytes, layout->frame_instruction),
        .ends_call = true,
        .mark = walk->mark,
    };
    if (layout->kind == CT_PYTHON_ENTRY_FRAMES) {
        frame->ends_call = bytes[layout->frame_owner] != 0;
    } else if (layout->kind == CT_PYTHON_SHIMS) {
        frame->ends_call = bytes[layout->frame_owner] == CT_PYTHON_OWNED_BY_C_STACK;
        frame->code = frame->ends_call ? 0 : frame->code;
        frame->mark = walk->frame;
    }
    walk->frame = word_at(bytes, layout->frame_previous);
    if (frame->ends_call && layout->mark_previous != 0)
        leave_call(walk);
    return true;
}
