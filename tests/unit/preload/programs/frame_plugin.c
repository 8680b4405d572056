// A library of one function, wrackline_test_step(f), which calls f from a frame of FRAME bytes.
// Whatever FRAME is, its code has the same length, and the return address the same place in it.
#define TEXT_OF(number) #number
#define TEXT(number) TEXT_OF(number)

__asm__(
    ".text\n"
    ".globl wrackline_test_step\n"
    ".type wrackline_test_step, @function\n"
    "wrackline_test_step:\n"
    ".cfi_startproc\n"
    ".byte 0x48, 0x81, 0xec\n"  // sub $FRAME, %rsp
    ".long " TEXT(FRAME) "\n"
    ".cfi_adjust_cfa_offset " TEXT(FRAME) "\n"
    "call *%rdi\n"
    ".byte 0x48, 0x81, 0xc4\n"  // add $FRAME, %rsp
    ".long " TEXT(FRAME) "\n"
    ".cfi_adjust_cfa_offset -" TEXT(FRAME) "\n"
    "ret\n"
    ".cfi_endproc\n"
    ".size wrackline_test_step, . - wrackline_test_step\n"
    ".section .note.GNU-stack,\"\",@progbits\n");
