#include "work_stack.h"

#include "raw.h"

#include <signal.h>
#include <sys/mman.h>

#define GUARD_SIZE ((size_t)4096)

/* Taking a stack was measured to need 7 KB; more with a sanitizer's functions in between. */
_Static_assert(CT_WORK_STACK_SIZE - GUARD_SIZE >= 4 * 7168, "it has room for our work");

/*
 * Calls work(argument) with the stack pointer at `top`. Its frame lies on the stack that it was
 * called on, and begins where its frame pointer says: unwinders go through it as through any other.
 */
void ct_switch_stack(void *top, void (*work)(void *argument), void *argument);

#if defined(__x86_64__)
#define CAN_SWITCH_STACK true
__asm__(".text\n"
        ".hidden ct_switch_stack\n"
        ".globl ct_switch_stack\n"
        ".type ct_switch_stack, @function\n"
        "ct_switch_stack:\n"
        ".cfi_startproc\n"
        "push %rbp\n"
        ".cfi_def_cfa_offset 16\n"
        ".cfi_offset %rbp, -16\n"
        "mov %rsp, %rbp\n"
        ".cfi_def_cfa_register %rbp\n"
        "mov %rdi, %rsp\n"
        "mov %rdx, %rdi\n"
        "call *%rsi\n"
        "mov %rbp, %rsp\n"
        "pop %rbp\n"
        ".cfi_def_cfa %rsp, 8\n"
        "ret\n"
        ".cfi_endproc\n"
        ".size ct_switch_stack, . - ct_switch_stack\n");
#elif defined(__aarch64__)
#define CAN_SWITCH_STACK true
__asm__(".text\n"
        ".hidden ct_switch_stack\n"
        ".globl ct_switch_stack\n"
        ".type ct_switch_stack, %function\n"
        "ct_switch_stack:\n"
        ".cfi_startproc\n"
        "stp x29, x30, [sp, #-16]!\n"
        ".cfi_def_cfa_offset 16\n"
        ".cfi_offset 29, -16\n"
        ".cfi_offset 30, -8\n"
        "mov x29, sp\n"
        ".cfi_def_cfa_register 29\n"
        "mov sp, x0\n"
        "mov x0, x2\n"
        "blr x1\n"
        "mov sp, x29\n"
        ".cfi_def_cfa_register 31\n"
        "ldp x29, x30, [sp], #16\n"
        ".cfi_restore 29\n"
        ".cfi_restore 30\n"
        ".cfi_def_cfa_offset 0\n"
        "ret\n"
        ".cfi_endproc\n"
        ".size ct_switch_stack, . - ct_switch_stack\n");
#else
#define CAN_SWITCH_STACK false
void ct_switch_stack(void *top, void (*work)(void *argument), void *argument)
{
    (void)top;
    work(argument);
}
#endif

/* A child of fork has none of it: what it would inherit is not its own threads'. */
static bool map_stack(struct ct_self *self)
{
    char *memory = mmap(NULL, CT_WORK_STACK_SIZE, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (memory == MAP_FAILED)
        return false;
    if (mprotect(memory, GUARD_SIZE, PROT_NONE) != 0 ||
        madvise(memory, CT_WORK_STACK_SIZE, MADV_DONTFORK) != 0) {
        munmap(memory, CT_WORK_STACK_SIZE);
        return false;
    }
    self->work_stack = memory;
    return true;
}

void ct_work_stack_free(struct ct_self *self)
{
    if (self->work_stack != NULL)
        munmap(self->work_stack, CT_WORK_STACK_SIZE);
    self->work_stack = NULL;
}

/* All but those of mistakes, of which ours are to be seen as the program's are. */
static uint64_t held_signals(void)
{
    static const int mistakes[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS};
    uint64_t held = ~UINT64_C(0);

    for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++)
        held &= ~(UINT64_C(1) << (mistakes[i] - 1));
    return held;
}

/*
 * Signals wait meanwhile: their handlers are to run on the program's stack, may leave by longjmp,
 * may go to another coroutine, and may have waits of their own for which they come here.
 */
bool ct_run_aside(struct ct_self *self, void (*work)(void *argument), void *argument)
{
    uint64_t held = held_signals();
    uint64_t saved;

    if (self->is_aside) {
        work(argument);
        return true;
    }
    if (!CAN_SWITCH_STACK)
        return false;
    ct_syscall(SYS_rt_sigprocmask, SIG_BLOCK, &held, &saved, sizeof(held));
    bool is_mapped = self->work_stack != NULL || map_stack(self);
    if (is_mapped) {
        self->is_aside = true;
        ct_switch_stack((char *)self->work_stack + CT_WORK_STACK_SIZE, work, argument);
        self->is_aside = false;
    }
    ct_syscall(SYS_rt_sigprocmask, SIG_SETMASK, &saved, NULL, sizeof(saved));
    return is_mapped;
}
