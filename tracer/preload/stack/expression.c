#include "expression.h"

#include <string.h>

/* Those of stacks need a few. */
#define DEPTH_MAX 16
#define STEPS_MAX 256

struct machine {
    struct ct_cfi_bytes code;
    const struct ct_registers *registers;
    ct_word_reader read;
    uint64_t stack[DEPTH_MAX];
    unsigned depth;
    bool has_failed;
};

static void push(struct machine *machine, uint64_t value)
{
    if (machine->depth < DEPTH_MAX)
        machine->stack[machine->depth++] = value;
    else
        machine->has_failed = true;
}

static uint64_t pop(struct machine *machine)
{
    if (machine->depth > 0)
        return machine->stack[--machine->depth];
    machine->has_failed = true;
    return 0;
}

static void push_register(struct machine *machine, uint64_t number)
{
    int64_t offset = ct_cfi_sleb(&machine->code);

    if (number < CT_REGISTER_COUNT && ct_register_is_known(machine->registers, (unsigned)number))
        push(machine, machine->registers->values[number] + (uint64_t)offset);
    else
        machine->has_failed = true;
}

static void push_bytes(struct machine *machine, unsigned size, bool is_signed)
{
    uint64_t value = 0;

    if ((size_t)(machine->code.end - machine->code.at) < size) {
        machine->has_failed = true;
        return;
    }
    memcpy(&value, machine->code.at, size);
    machine->code.at += size;
    if (is_signed && size < 8 && value >> (size * 8 - 1))
        value |= UINT64_MAX << size * 8;
    push(machine, value);
}

/* By their names in the DWARF standard, without "DW_OP_". */
enum {
    DEREF = 0x06,
    CONST1U = 0x08, /* and so on, in pairs of 1, 2, 4 and 8 bytes */
    CONST8S = 0x0f,
    CONSTU,
    CONSTS,
    DUP,
    DROP,
    OVER,
    SWAP = 0x16,
    AND = 0x1a,
    MINUS = 0x1c,
    MUL = 0x1e,
    NEG,
    NOT,
    OR,
    PLUS,
    PLUS_UCONST,
    SHL,
    SHR,
    SHRA,
    XOR,
    EQ = 0x29,
    GE,
    GT,
    LE,
    LT,
    NE,
    LIT0 = 0x30,
    LIT31 = 0x4f,
    BREG0 = 0x70,
    BREG31 = 0x8f,
    BREGX = 0x92,
    NOP = 0x96,
};

static bool compute(uint8_t code, uint64_t a, uint64_t b, uint64_t *result)
{
    int64_t left = (int64_t)a, right = (int64_t)b;

    switch (code) {
    case AND:
        *result = a & b;
        return true;
    case OR:
        *result = a | b;
        return true;
    case XOR:
        *result = a ^ b;
        return true;
    case PLUS:
        *result = a + b;
        return true;
    case MINUS:
        *result = a - b;
        return true;
    case MUL:
        *result = a * b;
        return true;
    case SHL:
        *result = b < 64 ? a << b : 0;
        return true;
    case SHR:
        *result = b < 64 ? a >> b : 0;
        return true;
    case SHRA:
        *result = (uint64_t)(left >> (b < 64 ? b : 63));
        return true;
    case EQ:
        *result = a == b;
        return true;
    case NE:
        *result = a != b;
        return true;
    case GE:
        *result = left >= right;
        return true;
    case GT:
        *result = left > right;
        return true;
    case LE:
        *result = left <= right;
        return true;
    case LT:
        *result = left < right;
        return true;
    default:
        return false;
    }
}

/* Operations on what is on the stack. */
static void run_on_stack(struct machine *machine, uint8_t code)
{
    uint64_t top = pop(machine);
    uint64_t next, result = 0;

    switch (code) {
    case DEREF:
        machine->has_failed |= !machine->read(top, &result);
        push(machine, result);
        return;
    case DUP:
        push(machine, top);
        push(machine, top);
        return;
    case DROP:
        return;
    case NEG:
        push(machine, -top);
        return;
    case NOT:
        push(machine, ~top);
        return;
    case PLUS_UCONST:
        push(machine, top + ct_cfi_uleb(&machine->code));
        return;
    default:
        break;
    }
    next = pop(machine);
    if (code == OVER || code == SWAP) {
        if (code == OVER)
            push(machine, next);
        push(machine, top);
        push(machine, next);
        return;
    }
    machine->has_failed |= !compute(code, next, top, &result);
    push(machine, result);
}

static void run(struct machine *machine, uint8_t code)
{
    if (code >= LIT0 && code <= LIT31)
        push(machine, code - LIT0);
    else if (code >= BREG0 && code <= BREG31)
        push_register(machine, code - BREG0);
    else if (code == BREGX)
        push_register(machine, ct_cfi_uleb(&machine->code));
    else if (code >= CONST1U && code <= CONST8S)
        push_bytes(machine, 1U << (code - CONST1U) / 2, code % 2 != 0);
    else if (code == CONSTU)
        push(machine, ct_cfi_uleb(&machine->code));
    else if (code == CONSTS)
        push(machine, (uint64_t)ct_cfi_sleb(&machine->code));
    else if (code != NOP)
        run_on_stack(machine, code);
}

bool ct_expression_evaluate(struct ct_cfi_bytes expression, const struct ct_registers *registers,
                            ct_word_reader read, const uint64_t *start, uint64_t *result)
{
    struct machine machine = {.code = expression, .registers = registers, .read = read};

    if (start != NULL)
        push(&machine, *start);
    for (unsigned step = 0; machine.code.at < machine.code.end && !machine.has_failed; step++) {
        if (step == STEPS_MAX)
            return false;
        run(&machine, *machine.code.at++);
    }
    *result = pop(&machine);
    return !machine.has_failed;
}
