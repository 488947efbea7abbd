/* The calling function's registers, where a walk up its stack begins. */
#ifndef CTRACE_PRELOAD_STACK_REGISTERS_H
#define CTRACE_PRELOAD_STACK_REGISTERS_H

#include <stdint.h>

/*
 * Stores the registers that a function keeps for its caller, as the caller of this one has them
 * when it returns: values[number]; and where it returns to. The values of others are left alone.
 */
uint64_t ct_unwind_registers(uint64_t *values);

/* Which ones those are, as bits; and a return address without what a machine has signed it with. */
#if defined(__x86_64__)
#define CT_KEPT_REGISTERS UINT64_C(0xf0c8)

static inline uint64_t ct_without_signature(uint64_t address)
{
    return address;
}
#elif defined(__aarch64__)
#define CT_KEPT_REGISTERS UINT64_C(0xfff80000)

/* An instruction that does nothing on machines that do not sign return addresses. */
static inline uint64_t ct_without_signature(uint64_t address)
{
    register uint64_t signed_address __asm__("x30") = address;

    __asm__("hint #7" : "+r"(signed_address));
    return signed_address;
}
#endif

#endif
