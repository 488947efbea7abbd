#include "sampler.h"

#include "exponential.h"
#include "probes.h"

#include <errno.h>
#if defined(__x86_64__)
#include <x86intrin.h>
#endif

CT_TLS struct ct_countdown ct_countdown;

_Atomic uint8_t ct_sampled_places[CT_SAMPLED_PLACES];

/* Where nothing is recorded now, or ever, threads look again after so many bytes. */
#define PAUSE_BYTES (64 * 1024)
#define IDLE_BYTES  (UINT64_C(1) << 62)

static uint64_t next_random(struct ct_countdown *countdown)
{
    if (countdown->random == 0) {
        countdown->random = (uint64_t)countdown * UINT64_C(0x9e3779b97f4a7c15);
#if defined(__x86_64__)
        countdown->random ^= __rdtsc();
#endif
        countdown->random |= 1;
    }
    countdown->random ^= countdown->random << 13;
    countdown->random ^= countdown->random >> 7;
    countdown->random ^= countdown->random << 17;
    return countdown->random * UINT64_C(0x2545f4914f6cdd1d);
}

static void draw(struct ct_countdown *countdown)
{
    uint64_t rate = ct_heap_find_rate(&countdown->shift);

    countdown->rate = rate;
    countdown->is_drawn = rate < CT_HEAP_NOT_YET;
    if (countdown->is_drawn)
        countdown->remaining = rate != 0 ? ct_exponential(next_random(countdown), rate) + 1 : 0;
    else if (rate == CT_HEAP_NOT_YET)
        countdown->remaining = 0;
    else
        countdown->remaining = rate == CT_HEAP_NOT_NOW ? PAUSE_BYTES : IDLE_BYTES;
}

/* Samples are counted where they are before anybody else can know their address. */
static void add_place(const void *block)
{
    _Atomic uint8_t *place = ct_sampled_place(block);
    uint8_t count = atomic_load_explicit(place, memory_order_relaxed);

    while (count != UINT8_MAX && !atomic_compare_exchange_weak(place, &count, count + 1))
        continue;
}

static void remove_place(const void *block)
{
    _Atomic uint8_t *place = ct_sampled_place(block);
    uint8_t count = atomic_load_explicit(place, memory_order_relaxed);

    while (count != UINT8_MAX && count != 0 &&
           !atomic_compare_exchange_weak(place, &count, count - 1))
        continue;
}

static void take(const struct ct_countdown *countdown, const void *block, size_t size,
                 const void *site)
{
    const struct ct_heap_sample sample = {
        .address = (uint64_t)block, .size = size, .shift = countdown->shift, .site = site};

    add_place(block);
    if (ct_heap_allocate(&sample))
        ct_probe_alloc(sample.address, size, ct_weighted_bytes(size, countdown->rate));
    else
        remove_place(block);
}

/* With what the thread knew of the rate until now, or, if that was nothing, from now on. */
static void decide(struct ct_countdown *countdown, const void *block, size_t size, const void *site)
{
    if (!countdown->is_drawn) {
        draw(countdown);
        if (!countdown->is_drawn) {
            if (countdown->remaining == 0)
                ct_heap_note_early();
            return;
        }
        if (size < countdown->remaining) {
            countdown->remaining -= size;
            return;
        }
    }
    take(countdown, block, size, site);
    draw(countdown);
}

void ct_sample(const void *block, size_t size, const void *site)
{
    struct ct_countdown *countdown = &ct_countdown;

    countdown->decisions++;
    if (countdown->is_inside)
        return;
    countdown->is_inside = 1;
    atomic_signal_fence(memory_order_seq_cst);
    if (block != NULL)
        decide(countdown, block, size, site);
    else if (countdown->is_drawn)
        draw(
            countdown); /* as if it had not been asked for: what is left is not as likely as ever */
    atomic_signal_fence(memory_order_seq_cst);
    countdown->is_inside = 0;
}

bool ct_sample_take_out(const void *block, struct ct_heap_block *sample)
{
    if (!ct_heap_take_out((uint64_t)block, sample))
        return false;
    remove_place(block);
    return true;
}

void ct_sample_end(const struct ct_heap_block *sample, bool is_freed)
{
    const void *block = (const void *)sample->address;

    if (is_freed) {
        ct_probe_free(sample->address);
        ct_heap_free(sample);
        return;
    }
    add_place(block);
    if (!ct_heap_put_back(sample))
        remove_place(block);
}

void ct_sample_free(const void *block)
{
    struct ct_heap_block sample;

    if (ct_sample_take_out(block, &sample))
        ct_sample_end(&sample, true);
}
