/* What a mapped board says, as far as it can be: each field is checked, since a program wrote it.
 */
#include "board_places.h"

#include <string.h>

/* More than whatever is counted on all CPUs of any machine, and nothing is begun so often. */
#define MAX_COUNTS_PER_NS 256
#define MIN_IMAGE_NS      10000

/* Waits of one thread are in each other where handlers of signals wait; and before the rate of its
 * ticks is known well, they are too long. */
#define MAX_WAITS_AT_ONCE 64

/* ---- The header. ---- */

uint32_t ct_board_map_slots(const struct ct_board_map *map)
{
    uint32_t pair[2]; /* with module_count */

    ct_board_map_copy(map, offsetof(struct ct_board, thread_high_water), pair, sizeof(pair));
    return ct_board_map_entries(map, CT_TABLE_SLOTS, pair[0]);
}

/* How long the image can have lived. */
static uint64_t life_ns(const struct ct_board_map *map, uint64_t now_ns)
{
    uint64_t start_ns = ct_board_map_identity(map)->start_ns;

    return (now_ns > start_ns ? now_ns - start_ns : 0) + CT_BOARD_CLOCK_SLACK_NS;
}

static uint64_t max_counts(const struct ct_board_map *map, uint64_t now_ns)
{
    return life_ns(map, now_ns) * MAX_COUNTS_PER_NS;
}

/* Of threads, processes and the like. */
static uint64_t max_images(const struct ct_board_map *map, uint64_t now_ns)
{
    return max_counts(map, now_ns) / MIN_IMAGE_NS;
}

/* A count or a time that cannot be is none. */
static void bound(uint64_t *value, uint64_t max, gboolean *is_damaged)
{
    if (*value <= max)
        return;
    *value = 0;
    *is_damaged = TRUE;
}

void ct_board_map_read_head(const struct ct_board_map *map, uint64_t now_ns,
                            struct ct_board_head *head)
{
    char numbers[CT_BOARD_NUMBERS_SIZE];
    uint64_t max_count = max_counts(map, now_ns);

    ct_board_map_copy(map, 0, numbers, sizeof(numbers));
    uint32_t state = CT_U32(numbers, state);
    *head = (struct ct_board_head){
        .state = state <= CT_PROCESS_EXITED ? (enum ct_process_state)state : CT_PROCESS_ALIVE,
        .end_ns = CT_U64(numbers, end_ns),
        .stacks_lost = CT_U64(numbers, stacks_lost),
        .threads_lost = CT_U64(numbers, threads_lost),
        .modules_lost = CT_U64(numbers, modules_lost),
        .events_lost = CT_U64(numbers, events_lost),
        .held_up_ns = CT_U64(numbers, held_up_ns),
        .threads_started = CT_U64(numbers, threads_started),
        .waits_recorded = CT_U64(numbers, waits_recorded),
        .slots = ct_board_map_entries(map, CT_TABLE_SLOTS, CT_U32(numbers, thread_high_water)),
        .modules = ct_board_map_entries(map, CT_TABLE_MODULES, CT_U32(numbers, module_count)),
        .lives = ct_board_map_entries(map, CT_TABLE_LIVES, CT_U32(numbers, life_count)),
        .words = ct_board_map_entries(map, CT_TABLE_WORDS, CT_U32(numbers, used_words)),
        .is_damaged = state > CT_PROCESS_EXITED,
    };
    bound(&head->end_ns, now_ns + CT_BOARD_CLOCK_SLACK_NS, &head->is_damaged);
    if (head->end_ns < ct_board_map_identity(map)->start_ns)
        bound(&head->end_ns, 0, &head->is_damaged);
    bound(&head->stacks_lost, max_count, &head->is_damaged);
    bound(&head->threads_lost, max_count, &head->is_damaged);
    bound(&head->modules_lost, max_count, &head->is_damaged);
    bound(&head->events_lost, max_count, &head->is_damaged);
    bound(&head->held_up_ns, life_ns(map, now_ns) * CT_BOARD_MAX_THREADS, &head->is_damaged);
    bound(&head->threads_started, max_images(map, now_ns), &head->is_damaged);
    bound(&head->waits_recorded, max_count, &head->is_damaged);
}

/* At once. */
#define TEXT_PIECE 64

/* What fits: a program may have written over the end. Behind it no page is touched. Caller frees.
 */
static char *copy_text(const struct ct_board_map *map, size_t at, size_t size)
{
    char *text = g_malloc(size);

    for (size_t done = 0; done < size; done += TEXT_PIECE) {
        ct_board_map_copy(map, at + done, text + done, TEXT_PIECE);
        if (memchr(text + done, '\0', TEXT_PIECE) != NULL)
            return text;
    }
    text[size - 1] = '\0';
    return text;
}

_Static_assert(CT_BOARD_EXE_SIZE % TEXT_PIECE == 0 && CT_BOARD_ARGS_SIZE % TEXT_PIECE == 0,
               "texts are of whole pieces");

#define COPY_TEXT(map, name) \
    copy_text(map, offsetof(struct ct_board, name), sizeof(((struct ct_board *)NULL)->name))

char *ct_board_map_exe(const struct ct_board_map *map)
{
    return COPY_TEXT(map, exe);
}

char *ct_board_map_args(const struct ct_board_map *map)
{
    return COPY_TEXT(map, args);
}

char *ct_board_map_cwd(const struct ct_board_map *map)
{
    return COPY_TEXT(map, cwd);
}

/* FALSE: it makes no sense. */
static gboolean read_noted(const struct ct_board_map *map, size_t at, uint64_t now_ns,
                           struct ct_board_noted *noted)
{
    struct ct_board_unseen read;

    ct_board_map_copy(map, at, &read, sizeof(read));
    if (read.obstacle >= CT_OBSTACLE_COUNT || read.count > max_images(map, now_ns))
        return FALSE;
    *noted = (struct ct_board_noted){.count = read.count, .obstacle = read.obstacle};
    memcpy(noted->name, read.name, sizeof(read.name));
    return TRUE;
}

gboolean ct_board_map_read_children(const struct ct_board_map *map, uint32_t index, uint64_t now_ns,
                                    struct ct_board_noted *noted)
{
    size_t at = offsetof(struct ct_board, children) + index * sizeof(struct ct_board_unseen);
    uint32_t claimed[2]; /* and nothing */

    ct_board_map_copy(map, offsetof(struct ct_board, unseen_children), claimed, sizeof(claimed));
    return index < claimed[0] && read_noted(map, at, now_ns, noted) && noted->count > 0;
}

gboolean ct_board_map_read_successor(const struct ct_board_map *map, uint64_t now_ns,
                                     struct ct_board_noted *noted)
{
    if (!read_noted(map, offsetof(struct ct_board, successor), now_ns, noted))
        return FALSE;
    noted->count = 1;
    return TRUE;
}

/* ---- Threads. ---- */

static void check_wait(const struct ct_board_map *map, const struct ct_board_wait *read,
                       struct ct_board_wait_copy *wait)
{
    uint32_t words = ct_board_map_entries(map, CT_TABLE_WORDS, UINT32_MAX);

    *wait = (struct ct_board_wait_copy){
        .state = read->state <= CT_WAIT_STATE_UNWRITTEN ? read->state : CT_WAIT_STATE_NONE,
        .stack = read->stack < words ? read->stack : 0,
        .begin_ticks = read->begin_ticks,
        .end_ticks = read->end_ticks,
        .object = read->object,
        .site = read->site,
        .owner = read->owner,
        .result = read->result,
        .op = read->op,
        .class = read->class,
    };
    if (read->op >= CT_OP_COUNT || read->class >= CT_CLASS_COUNT) {
        wait->state = CT_WAIT_STATE_NONE;
        wait->op = wait->class = 0;
    }
}

void ct_board_map_read_wait(const struct ct_board_map *map, uint32_t index,
                            struct ct_board_wait_copy *wait)
{
    struct ct_board_wait read;

    ct_board_map_copy(map,
                      ct_board_map_place(map, CT_TABLE_SLOTS, index) +
                          offsetof(struct ct_board_thread, wait),
                      &read, sizeof(read));
    check_wait(map, &read, wait);
}

static void check_counters(const struct ct_board_map *map, uint64_t now_ns,
                           struct ct_board_thread_copy *thread)
{
    uint64_t max_ns = life_ns(map, now_ns) * MAX_WAITS_AT_ONCE;

    bound(&thread->start_ns, now_ns + CT_BOARD_CLOCK_SLACK_NS, &thread->is_damaged);
    bound(&thread->waits_recorded, life_ns(map, now_ns), &thread->is_damaged);
    for (unsigned i = 0; i < CT_CLASS_COUNT; i++)
        bound(&thread->class_ns[i], max_ns, &thread->is_damaged);
    for (unsigned op = 0; op < CT_OP_COUNT; op++) {
        bound(&thread->counters[op].calls, life_ns(map, now_ns), &thread->is_damaged);
        bound(&thread->counters[op].total_ns, max_ns, &thread->is_damaged);
    }
}

/* Only those that are used have memory. */
static void read_counters(const struct ct_board_map *map, size_t at, struct ct_board_thread *read,
                          struct ct_board_counters counters[CT_OP_COUNT])
{
    uint32_t used = MIN(read->counters_used, CT_OP_COUNT);

    ct_board_map_copy(map, at + offsetof(struct ct_board_thread, counters), read->counters,
                      used * sizeof(read->counters[0]));
    for (unsigned op = 0; op < CT_OP_COUNT; op++) {
        uint8_t number = read->counters_of[op];
        if (number > 0 && number <= used)
            counters[op] = read->counters[number - 1];
    }
}

gboolean ct_board_map_read_thread(const struct ct_board_map *map, uint32_t index, uint64_t now_ns,
                                  struct ct_board_thread_copy *thread)
{
    size_t at = ct_board_map_place(map, CT_TABLE_SLOTS, index);
    struct ct_board_thread read;
    int32_t ids[2];

    ct_board_map_copy(map, at, ids,
                      sizeof(ids)); /* of who is not there, no more pages are touched */
    if (ids[0] <= 0)
        return FALSE;
    ct_board_map_copy(map, at, &read, offsetof(struct ct_board_thread, counters));
    *thread = (struct ct_board_thread_copy){
        .tid = ids[0],
        .start_ns = read.start_ns,
        .entry = read.entry,
        .waits_recorded = read.waits_recorded,
    };
    memcpy(thread->name, read.name, sizeof(read.name));
    memcpy(thread->class_ns, read.class_ns, sizeof(read.class_ns));
    read_counters(map, at, &read, thread->counters);
    check_wait(map, &read.wait, &thread->wait);
    check_counters(map, now_ns, thread);
    return TRUE;
}

/* ---- Modules and stacks. ---- */

/* Digit by digit: a library that formats each byte would take most of the time of a short process.
 */
static void write_build_id(const struct ct_board_module *module, char *text)
{
    static const char digits[] = "0123456789abcdef";
    uint32_t size = MIN(module->build_id_size, CT_BUILD_ID_MAX);

    for (uint32_t i = 0; i < size; i++) {
        *text++ = digits[module->build_id[i] >> 4];
        *text++ = digits[module->build_id[i] & 0xf];
    }
    *text = '\0';
}

gboolean ct_board_map_read_module(const struct ct_board_map *map, const struct ct_board_head *head,
                                  uint32_t life, struct ct_board_module_copy *module)
{
    struct ct_board_life life_read;
    struct ct_board_module read;
    uint32_t flags[2]; /* build_id_size and is_ready */

    ct_board_map_copy(map, ct_board_map_place(map, CT_TABLE_LIVES, life), &life_read,
                      sizeof(life_read));
    uint32_t index = life_read.module - 1; /* none is beyond all */
    if (index >= head->modules)
        return FALSE;
    size_t at = ct_board_map_place(map, CT_TABLE_MODULES, index);
    ct_board_map_copy(map, at + offsetof(struct ct_board_module, build_id_size), flags,
                      sizeof(flags));
    if (flags[1] == 0)
        return FALSE;
    ct_board_map_copy(map, at, &read, sizeof(read));
    if (read.begin >= read.end)
        return FALSE;
    *module = (struct ct_board_module_copy){
        .begin = read.begin, .end = read.end, .bias = read.bias, .until_ns = life_read.until_ns};
    memcpy(module->path, read.path, sizeof(read.path) - 1);
    write_build_id(&read, module->build_id);
    return TRUE;
}

/* FALSE: there is none, or it was never filled in: the process was killed meanwhile, or the part
 * was full. */
static gboolean read_stack_at(const struct ct_board_map *map, uint32_t id, uint32_t words,
                              struct ct_board_stack_copy *stack)
{
    struct ct_table_place place = ct_table_place_of(CT_TABLE_WORDS, id);
    uint32_t left = MIN(words - id, place.count - place.within);
    size_t at = ct_board_map_place(map, CT_TABLE_WORDS, id);
    struct ct_board_stack read;
    uint32_t count[2]; /* and the hash */

    if (left <= CT_BOARD_STACK_HEADER)
        return FALSE;
    ct_board_map_copy(map, at, count, sizeof(count));
    if (count[0] == 0 || count[0] > CT_STACK_MAX_FRAMES || count[0] > left - CT_BOARD_STACK_HEADER)
        return FALSE;
    ct_board_map_copy(map, at, &read, sizeof(read));
    ct_board_map_copy(map, at + sizeof(read), stack->addresses, count[0] * sizeof(uint64_t));
    stack->id = id;
    stack->count = count[0];
    stack->is_code = read.outermost == CT_STACK_IS_CODE;
    stack->outermost = (uint16_t)MIN(read.outermost, count[0]);
    stack->omitted = read.omitted_bits > 0 ? UINT32_C(1) << (MIN(read.omitted_bits, 32) - 1) : 0;
    stack->taken_ns = read.taken_ns;
    return TRUE;
}

gboolean ct_board_map_read_stack(const struct ct_board_map *map, const struct ct_board_head *head,
                                 uint32_t id, struct ct_board_stack_copy *stack)
{
    for (; id < head->words; id++)
        if (read_stack_at(map, id, head->words, stack))
            return TRUE;
    return FALSE;
}

gboolean ct_board_stack_code(const struct ct_board_stack_copy *stack, struct ct_board_code *code)
{
    size_t left = (stack->count - 1) * sizeof(uint64_t);
    const char *file;

    code->function = (const char *)&stack->addresses[1];
    file = memchr(code->function, '\0', left);
    if (file == NULL)
        return FALSE;
    code->file = file + 1;
    left -= (size_t)(code->file - code->function);
    code->first_line = (uint32_t)stack->addresses[0];
    return memchr(code->file, '\0', left) != NULL;
}

uint32_t ct_board_stack_next(const struct ct_board_stack_copy *stack)
{
    return stack->id + (uint32_t)CT_BOARD_STACK_HEADER + stack->count;
}

/* Whole words are copied. */
#define IS_OF_WORDS(size) _Static_assert((size) % sizeof(uint64_t) == 0, "words")
IS_OF_WORDS(CT_BOARD_NUMBERS_SIZE);
IS_OF_WORDS(offsetof(struct ct_board, thread_high_water));
IS_OF_WORDS(offsetof(struct ct_board, segments));
IS_OF_WORDS(offsetof(struct ct_board, args));
IS_OF_WORDS(offsetof(struct ct_board, cwd));
IS_OF_WORDS(offsetof(struct ct_board, children));
IS_OF_WORDS(offsetof(struct ct_board_module, build_id_size));
IS_OF_WORDS(offsetof(struct ct_board, unseen_children));
IS_OF_WORDS(offsetof(struct ct_board_thread, counters));
IS_OF_WORDS(sizeof(struct ct_board_counters));
