/* A library whose unwind tables tests/preload/odd_tables.c writes over: functions that call back.
 */
#include <alloca.h>

unsigned through_frames(unsigned (*function)(void));

#if defined(__x86_64__)
/* Its frame is told by expressions. */
unsigned through_expression(unsigned (*function)(void));
__asm__(".text\n"
        ".globl through_expression\n"
        ".type through_expression, @function\n"
        "through_expression:\n"
        ".cfi_startproc\n"
        "push %rbp\n"
        ".cfi_def_cfa_offset 16\n"
        ".cfi_escape 0x10, 6, 2, 0x77, 0\n" /* %rbp is where %rsp + 0 leads to */
        "mov %rsp, %rbp\n"
        ".cfi_escape 0x0f, 2, 0x76, 16\n" /* the frame's address is %rbp + 16 */
        ".cfi_escape 0x10, 6, 2, 0x76, 0\n"
        "call *%rdi\n"
        "pop %rbp\n"
        ".cfi_def_cfa %rsp, 8\n"
        "ret\n"
        ".cfi_endproc\n"
        ".size through_expression, . - through_expression\n");
#else
static unsigned through_expression(unsigned (*function)(void))
{
    return function() + 1;
}
#endif

unsigned through_frames(unsigned (*function)(void))
{
    volatile char *room = alloca(function != 0 ? 100 : 50);

    room[0] = 1;
    return through_expression(function) + (unsigned)room[0];
}
