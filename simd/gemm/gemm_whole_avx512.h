/* gemm_whole_avx512.h: tiles of tall heights and whole vectors in assembly, for f32 and f64
 * (fragment; gemm_tile.h says what TILE_WHOLE is). The bits are those of the tile in C.
 *
 * Why not in C: on Zen 4 a 512-bit store next to multiplications costs one or two of them unless a
 * dozen lie between two stores. So the last 8 k are done by groups of rows, and the rows that a
 * group has finished are stored between the multiplications of the next. A compiler gathers the
 * stores, and it copies accumulators around: 65 to 95 cycles a tile instead of 15. For the same
 * reason nothing on the way from a tile to the next may go through vector registers: it would
 * queue behind what is left to multiply.
 *
 *   rsi, rdi, r8  A's rows 0, 4 and 8   rax, rbx  a_rs, 3 a_rs   rcx  a_cs   rdx, r9  b, b_rs
 *   r10  bits of `control`: 1, 2, 4 the end adds C, the bias, takes maxima; 8 begins with C; 16 the
 *        last vector is a part; from bit 8 on the rounds of 8 k that are left    r11  inner counter
 *   r12, r13, r14  the errand's from, to and rows; at the end c, c_rs and the bias
 *   zmm0-23  sums, row by row   zmm24-27  a row of B   zmm28, 29  copied, zero   zmm30, 31  of A
 *   k1  columns of the last vector   k2  not NaN
 *
 * A file that includes this defines WHOLE_P and WHOLE_S, the suffixes of packed and single
 * elements, and WHOLE_SHIFT, the binary logarithm of an element's bytes. */

#ifndef WHOLE_ONCE
#define WHOLE_ONCE
/* clang-format off */

/* Row i of a tile of 2, 3 or 4 vectors: X(its element of A, where that goes, its sums). */
#define WHOLE_ROW_2_0(X)  X("(%%rsi)", "30", "0", "1")
#define WHOLE_ROW_2_1(X)  X("(%%rsi,%%rax)", "31", "2", "3")
#define WHOLE_ROW_2_2(X)  X("(%%rsi,%%rax,2)", "30", "4", "5")
#define WHOLE_ROW_2_3(X)  X("(%%rsi,%%rbx)", "31", "6", "7")
#define WHOLE_ROW_2_4(X)  X("(%%rdi)", "30", "8", "9")
#define WHOLE_ROW_2_5(X)  X("(%%rdi,%%rax)", "31", "10", "11")
#define WHOLE_ROW_2_6(X)  X("(%%rdi,%%rax,2)", "30", "12", "13")
#define WHOLE_ROW_2_7(X)  X("(%%rdi,%%rbx)", "31", "14", "15")
#define WHOLE_ROW_2_8(X)  X("(%%r8)", "30", "16", "17")
#define WHOLE_ROW_2_9(X)  X("(%%r8,%%rax)", "31", "18", "19")
#define WHOLE_ROW_2_10(X) X("(%%r8,%%rax,2)", "30", "20", "21")
#define WHOLE_ROW_2_11(X) X("(%%r8,%%rbx)", "31", "22", "23")

#define WHOLE_ROW_3_0(X) X("(%%rsi)", "30", "0", "1", "2")
#define WHOLE_ROW_3_1(X) X("(%%rsi,%%rax)", "31", "3", "4", "5")
#define WHOLE_ROW_3_2(X) X("(%%rsi,%%rax,2)", "30", "6", "7", "8")
#define WHOLE_ROW_3_3(X) X("(%%rsi,%%rbx)", "31", "9", "10", "11")
#define WHOLE_ROW_3_4(X) X("(%%rdi)", "30", "12", "13", "14")
#define WHOLE_ROW_3_5(X) X("(%%rdi,%%rax)", "31", "15", "16", "17")
#define WHOLE_ROW_3_6(X) X("(%%rdi,%%rax,2)", "30", "18", "19", "20")
#define WHOLE_ROW_3_7(X) X("(%%rdi,%%rbx)", "31", "21", "22", "23")

#define WHOLE_ROW_4_0(X) X("(%%rsi)", "30", "0", "1", "2", "3")
#define WHOLE_ROW_4_1(X) X("(%%rsi,%%rax)", "31", "4", "5", "6", "7")
#define WHOLE_ROW_4_2(X) X("(%%rsi,%%rax,2)", "30", "8", "9", "10", "11")
#define WHOLE_ROW_4_3(X) X("(%%rsi,%%rbx)", "31", "12", "13", "14", "15")
#define WHOLE_ROW_4_4(X) X("(%%rdi)", "30", "16", "17", "18", "19")
#define WHOLE_ROW_4_5(X) X("(%%rdi,%%rax)", "31", "20", "21", "22", "23")

#define WHOLE_ROW(nv, i, X) WHOLE_ROW_##nv##_##i(X)
#define WHOLE_ROWS_4(nv, X)                                                                        \
    WHOLE_ROW(nv, 0, X) WHOLE_ROW(nv, 1, X) WHOLE_ROW(nv, 2, X) WHOLE_ROW(nv, 3, X)
#define WHOLE_ROWS_5(nv, X)  WHOLE_ROWS_4(nv, X) WHOLE_ROW(nv, 4, X)
#define WHOLE_ROWS_6(nv, X)  WHOLE_ROWS_5(nv, X) WHOLE_ROW(nv, 5, X)
#define WHOLE_ROWS_7(nv, X)  WHOLE_ROWS_6(nv, X) WHOLE_ROW(nv, 6, X)
#define WHOLE_ROWS_8(nv, X)  WHOLE_ROWS_7(nv, X) WHOLE_ROW(nv, 7, X)
#define WHOLE_ROWS_9(nv, X)  WHOLE_ROWS_8(nv, X) WHOLE_ROW(nv, 8, X)
#define WHOLE_ROWS_10(nv, X) WHOLE_ROWS_9(nv, X) WHOLE_ROW(nv, 9, X)
#define WHOLE_ROWS_11(nv, X) WHOLE_ROWS_10(nv, X) WHOLE_ROW(nv, 10, X)
#define WHOLE_ROWS_12(nv, X) WHOLE_ROWS_11(nv, X) WHOLE_ROW(nv, 11, X)

/* ---- what is done to a row: X to all vectors but the last, Y to that, maybe a part ---- */

#define WHOLE_ROW_OF(X, Y, c0, c1)          X("", c0) Y("64", c1)
#define WHOLE_ROW_OF3(X, Y, c0, c1, c2)     X("", c0) X("64", c1) Y("128", c2)
#define WHOLE_ROW_OF4(X, Y, c0, c1, c2, c3) X("", c0) X("64", c1) X("128", c2) Y("192", c3)
#define WHOLE_PART                          "%{%%k1%}"

#define WHOLE_LOAD_B(at, z)      "vmovu" WHOLE_P " " at "(%%rdx), %%zmm" z "\n"
#define WHOLE_LOAD_B_PART(at, z) "vmovu" WHOLE_P " " at "(%%rdx), %%zmm" z WHOLE_PART "%{z%}\n"
#define WHOLE_LOAD_B_2           WHOLE_ROW_OF(WHOLE_LOAD_B, WHOLE_LOAD_B_PART, "24", "25")
#define WHOLE_LOAD_B_3           WHOLE_ROW_OF3(WHOLE_LOAD_B, WHOLE_LOAD_B_PART, "24", "25", "26")
#define WHOLE_LOAD_B_4                                                                             \
    WHOLE_ROW_OF4(WHOLE_LOAD_B, WHOLE_LOAD_B_PART, "24", "25", "26", "27")

/* Without the mask, whose zeros take a turn of the multipliers on Intel's cores: a 25th of a tile
 * 8 rows tall. */
#define WHOLE_LOAD_FULL_B_2 WHOLE_ROW_OF(WHOLE_LOAD_B, WHOLE_LOAD_B, "24", "25")
#define WHOLE_LOAD_FULL_B_3 WHOLE_ROW_OF3(WHOLE_LOAD_B, WHOLE_LOAD_B, "24", "25", "26")
#define WHOLE_LOAD_FULL_B_4 WHOLE_ROW_OF4(WHOLE_LOAD_B, WHOLE_LOAD_B, "24", "25", "26", "27")

#define WHOLE_TIMES(a, b, c) "vfmadd231" WHOLE_P " %%zmm" a ", %%zmm" b ", %%zmm" c "\n"
#define WHOLE_STEP_2(at, a, c0, c1)                                                                \
    "vbroadcast" WHOLE_S " " at ", %%zmm" a "\n" WHOLE_TIMES(a, "24", c0) WHOLE_TIMES(a, "25", c1)
#define WHOLE_STEP_3(at, a, c0, c1, c2)     WHOLE_STEP_2(at, a, c0, c1) WHOLE_TIMES(a, "26", c2)
#define WHOLE_STEP_4(at, a, c0, c1, c2, c3) WHOLE_STEP_3(at, a, c0, c1, c2) WHOLE_TIMES(a, "27", c3)

#define WHOLE_ZERO(at, c)                   "vpxord %%zmm" c ", %%zmm" c ", %%zmm" c "\n"
#define WHOLE_ZERO_2(at, a, c0, c1)         WHOLE_ROW_OF(WHOLE_ZERO, WHOLE_ZERO, c0, c1)
#define WHOLE_ZERO_3(at, a, c0, c1, c2)     WHOLE_ROW_OF3(WHOLE_ZERO, WHOLE_ZERO, c0, c1, c2)
#define WHOLE_ZERO_4(at, a, c0, c1, c2, c3) WHOLE_ROW_OF4(WHOLE_ZERO, WHOLE_ZERO, c0, c1, c2, c3)

#define WHOLE_NEXT_C             "addq %%r13, %%r12\n"
#define WHOLE_LOAD_C(at, c)      "vmovu" WHOLE_P " " at "(%%r12), %%zmm" c "\n"
#define WHOLE_LOAD_C_PART(at, c) "vmovu" WHOLE_P " " at "(%%r12), %%zmm" c WHOLE_PART "%{z%}\n"
#define WHOLE_RESUME_2(at, a, c0, c1)                                                              \
    WHOLE_ROW_OF(WHOLE_LOAD_C, WHOLE_LOAD_C_PART, c0, c1) WHOLE_NEXT_C
#define WHOLE_RESUME_3(at, a, c0, c1, c2)                                                          \
    WHOLE_ROW_OF3(WHOLE_LOAD_C, WHOLE_LOAD_C_PART, c0, c1, c2) WHOLE_NEXT_C
#define WHOLE_RESUME_4(at, a, c0, c1, c2, c3)                                                      \
    WHOLE_ROW_OF4(WHOLE_LOAD_C, WHOLE_LOAD_C_PART, c0, c1, c2, c3) WHOLE_NEXT_C

#define WHOLE_ADD_(from, at, c)    "vadd" WHOLE_P " " at "(%%" from "), %%zmm" c ", %%zmm" c
#define WHOLE_ADD_C(at, c)         WHOLE_ADD_("r12", at, c) "\n"
#define WHOLE_ADD_C_PART(at, c)    WHOLE_ADD_("r12", at, c) WHOLE_PART "\n"
#define WHOLE_ADD_BIAS(at, c)      WHOLE_ADD_("r14", at, c) "\n"
#define WHOLE_ADD_BIAS_PART(at, c) WHOLE_ADD_("r14", at, c) WHOLE_PART "\n"
/* Of two zeros the machine takes the second, +0; a NaN stays. */
#define WHOLE_RELU(at, c)                                                                          \
    "vcmpord" WHOLE_P " %%zmm" c ", %%zmm" c ", %%k2\n"                                            \
    "vmax" WHOLE_P " %%zmm29, %%zmm" c ", %%zmm" c "%{%%k2%}\n"
#define WHOLE_STORE(at, c)      "vmovu" WHOLE_P " %%zmm" c ", " at "(%%r12)\n"
#define WHOLE_STORE_PART(at, c) "vmovu" WHOLE_P " %%zmm" c ", " at "(%%r12)" WHOLE_PART "\n"
#define WHOLE_FINISH(row, ...)                                                                     \
    "testb $7, %%r10b\n jz 3f\n"                                                                   \
    "testb $1, %%r10b\n jz 1f\n" row(WHOLE_ADD_C, WHOLE_ADD_C_PART, __VA_ARGS__)                   \
    "1: testb $2, %%r10b\n jz 2f\n" row(WHOLE_ADD_BIAS, WHOLE_ADD_BIAS_PART, __VA_ARGS__)          \
    "2: testb $4, %%r10b\n jz 3f\n" row(WHOLE_RELU, WHOLE_RELU, __VA_ARGS__)                       \
    "3:\n" row(WHOLE_STORE, WHOLE_STORE_PART, __VA_ARGS__) WHOLE_NEXT_C
#define WHOLE_FINISH_2(at, a, c0, c1)         WHOLE_FINISH(WHOLE_ROW_OF, c0, c1)
#define WHOLE_FINISH_3(at, a, c0, c1, c2)     WHOLE_FINISH(WHOLE_ROW_OF3, c0, c1, c2)
#define WHOLE_FINISH_4(at, a, c0, c1, c2, c3) WHOLE_FINISH(WHOLE_ROW_OF4, c0, c1, c2, c3)

/* ---- the way along k ---- */

#define WHOLE_NEXT_A_3 "addq %%rcx, %%rsi\n addq %%rcx, %%rdi\n"
#define WHOLE_NEXT_A_4 WHOLE_NEXT_A_3
#define WHOLE_NEXT_A_2 WHOLE_NEXT_A_3 "addq %%rcx, %%r8\n"
#define WHOLE_BACK_A_3 "subq %%r11, %%rsi\n subq %%r11, %%rdi\n"
#define WHOLE_BACK_A_4 WHOLE_BACK_A_3
#define WHOLE_BACK_A_2 WHOLE_BACK_A_3 "subq %%r11, %%r8\n"

#define WHOLE_NEXT(nv)          WHOLE_NEXT_A_##nv "addq %%r9, %%rdx\n"
#define WHOLE_K(nv, steps)      WHOLE_LOAD_B_##nv steps WHOLE_NEXT(nv)
#define WHOLE_FULL_K(nv, steps) WHOLE_LOAD_FULL_B_##nv steps WHOLE_NEXT(nv)

/* A row of the errand (gemm_kernels.h). What is copied was asked for four rows before: as far as a
 * miss takes. */
#define WHOLE_ASK(at)       "prefetcht1 " at "(%%r12)\n"
#define WHOLE_ASK_AHEAD(at) "prefetcht0 " at "(%%r12,%%r11,4)\n"
#define WHOLE_COPY(at)      "vmovups " at "(%%r12), %%zmm28\n vmovups %%zmm28, " at "(%%r13)\n"
#define WHOLE_LINES_2(X)    X("") X("64")
#define WHOLE_LINES_3(X)    WHOLE_LINES_2(X) X("128")
#define WHOLE_LINES_4(X)    WHOLE_LINES_3(X) X("192")
#define WHOLE_ERRAND(nv)                                                                           \
    "testq %%r14, %%r14\n jle 4f\n decq %%r14\n"                                                   \
    "movq %c[errand_rs](%[t]), %%r11\n shlq $" WHOLE_SHIFT ", %%r11\n"                             \
    "testq %%r13, %%r13\n jz 5f\n" WHOLE_LINES_##nv(WHOLE_ASK_AHEAD) WHOLE_LINES_##nv(WHOLE_COPY)  \
    "addq %%r11, %%r12\n"                                                                          \
    "movq %c[errand_to_rs](%[t]), %%r11\n shlq $" WHOLE_SHIFT ", %%r11\n"                          \
    "addq %%r11, %%r13\n jmp 4f\n"                                                                 \
    "5:\n" WHOLE_LINES_##nv(WHOLE_ASK) "prefetcht1 64*" #nv "(%%r12)\n addq %%r11, %%r12\n"        \
    "4:\n"

/* The last 8 k of a group of rows; r11 is 8 a_cs. Up to four rows that were done before are stored
 * on the way. */
#define WHOLE_LAST(...) WHOLE_LAST_(__VA_ARGS__)
#define WHOLE_LAST_(nv, steps, one, two, three, four)                                              \
    WHOLE_K(nv, steps)                                                                             \
    one WHOLE_K(nv, steps) WHOLE_K(nv, steps) two WHOLE_K(nv, steps) WHOLE_K(nv, steps) three      \
    WHOLE_K(nv, steps) WHOLE_K(nv, steps) four                                                     \
    WHOLE_K(nv, steps) WHOLE_BACK_A_##nv "negq %%r9\n leaq (%%rdx,%%r9,8), %%rdx\n negq %%r9\n"

#define WHOLE_S1(nv, i)          WHOLE_ROW(nv, i, WHOLE_STEP_##nv)
#define WHOLE_S2(nv, i, j)       WHOLE_S1(nv, i) WHOLE_S1(nv, j)
#define WHOLE_S3(nv, i, j, l)    WHOLE_S2(nv, i, j) WHOLE_S1(nv, l)
#define WHOLE_S4(nv, i, j, l, o) WHOLE_S3(nv, i, j, l) WHOLE_S1(nv, o)
#define WHOLE_F(nv, i)           WHOLE_ROW(nv, i, WHOLE_FINISH_##nv)
#define WHOLE_F2(nv, i, j)       WHOLE_F(nv, i), WHOLE_F(nv, j), "", ""
#define WHOLE_F3(nv, i, j, l)    WHOLE_F(nv, i), WHOLE_F(nv, j), WHOLE_F(nv, l), ""
#define WHOLE_F4(nv, i, j, l, o) WHOLE_F(nv, i), WHOLE_F(nv, j), WHOLE_F(nv, l), WHOLE_F(nv, o)
#define WHOLE_FIRST(nv, steps)   WHOLE_LAST(nv, steps, "", "", "", "")

/* Groups of six sums or more: as many as it takes to keep the multiplier busy. */
#define WHOLE_END_2_8                                                                              \
    WHOLE_FIRST(2, WHOLE_S4(2, 0, 1, 2, 3))                                                        \
    WHOLE_LAST(2, WHOLE_S4(2, 4, 5, 6, 7), WHOLE_F4(2, 0, 1, 2, 3))                                \
    WHOLE_F(2, 4) WHOLE_F(2, 5) WHOLE_F(2, 6) WHOLE_F(2, 7)
#define WHOLE_END_2_6_                                                                             \
    WHOLE_FIRST(2, WHOLE_S3(2, 0, 1, 2))                                                           \
    WHOLE_LAST(2, WHOLE_S3(2, 3, 4, 5), WHOLE_F3(2, 0, 1, 2))
#define WHOLE_END_2_9                                                                              \
    WHOLE_END_2_6_ WHOLE_LAST(2, WHOLE_S3(2, 6, 7, 8), WHOLE_F3(2, 3, 4, 5)) WHOLE_F(2, 6)         \
        WHOLE_F(2, 7) WHOLE_F(2, 8)
#define WHOLE_END_2_10                                                                             \
    WHOLE_END_2_6_ WHOLE_LAST(2, WHOLE_S4(2, 6, 7, 8, 9), WHOLE_F3(2, 3, 4, 5)) WHOLE_F(2, 6)      \
        WHOLE_F(2, 7) WHOLE_F(2, 8) WHOLE_F(2, 9)
#define WHOLE_END_2_11                                                                             \
    WHOLE_FIRST(2, WHOLE_S4(2, 0, 1, 2, 3))                                                        \
    WHOLE_LAST(2, WHOLE_S4(2, 4, 5, 6, 7), WHOLE_F4(2, 0, 1, 2, 3))                                \
    WHOLE_LAST(2, WHOLE_S3(2, 8, 9, 10), WHOLE_F4(2, 4, 5, 6, 7))                                  \
    WHOLE_F(2, 8) WHOLE_F(2, 9) WHOLE_F(2, 10)
#define WHOLE_END_2_12                                                                             \
    WHOLE_END_2_6_ WHOLE_LAST(2, WHOLE_S3(2, 6, 7, 8), WHOLE_F3(2, 3, 4, 5))                       \
        WHOLE_LAST(2, WHOLE_S3(2, 9, 10, 11), WHOLE_F3(2, 6, 7, 8)) WHOLE_F(2, 9) WHOLE_F(2, 10)   \
            WHOLE_F(2, 11)

#define WHOLE_END_4_(nv)                                                                           \
    WHOLE_FIRST(nv, WHOLE_S2(nv, 0, 1))                                                            \
    WHOLE_LAST(nv, WHOLE_S2(nv, 2, 3), WHOLE_F2(nv, 0, 1))
#define WHOLE_END_5_(nv)                                                                           \
    WHOLE_FIRST(nv, WHOLE_S2(nv, 0, 1))                                                            \
    WHOLE_LAST(nv, WHOLE_S3(nv, 2, 3, 4), WHOLE_F2(nv, 0, 1))                                      \
    WHOLE_F(nv, 2) WHOLE_F(nv, 3) WHOLE_F(nv, 4)
#define WHOLE_END_6_(nv) WHOLE_END_4_(nv) WHOLE_LAST(nv, WHOLE_S2(nv, 4, 5), WHOLE_F2(nv, 2, 3))
#define WHOLE_END_3_5    WHOLE_END_5_(3)
#define WHOLE_END_3_6    WHOLE_END_6_(3) WHOLE_F(3, 4) WHOLE_F(3, 5)
#define WHOLE_END_3_7                                                                              \
    WHOLE_END_4_(3)                                                                                \
    WHOLE_LAST(3, WHOLE_S3(3, 4, 5, 6), WHOLE_F2(3, 2, 3)) WHOLE_F(3, 4) WHOLE_F(3, 5) WHOLE_F(3, 6)
#define WHOLE_END_3_8                                                                              \
    WHOLE_END_6_(3) WHOLE_LAST(3, WHOLE_S2(3, 6, 7), WHOLE_F2(3, 4, 5)) WHOLE_F(3, 6) WHOLE_F(3, 7)
#define WHOLE_END_4_4 WHOLE_END_4_(4) WHOLE_F(4, 2) WHOLE_F(4, 3)
#define WHOLE_END_4_5 WHOLE_END_5_(4)
#define WHOLE_END_4_6 WHOLE_END_6_(4) WHOLE_F(4, 4) WHOLE_F(4, 5)

#define WHOLE_STEPS(nv, mr)      WHOLE_K(nv, WHOLE_ROWS_##mr(nv, WHOLE_STEP_##nv))
#define WHOLE_FULL_STEPS(nv, mr) WHOLE_FULL_K(nv, WHOLE_ROWS_##mr(nv, WHOLE_STEP_##nv))
#define WHOLE_BYTES(r)           "shlq $" WHOLE_SHIFT ", %%" r "\n"
#define WHOLE_C_IN_R12                                                                             \
    "movq %c[c](%[t]), %%r12\n movq %c[c_rs](%[t]), %%r13\n" WHOLE_BYTES("r13")
#define WHOLE_TILE(nv, mr)                                                                         \
    "kmovd %%edx, %%k1\n movq %%rax, %%r10\n"                                                      \
    "movq %c[a](%[t]), %%rsi\n movq %c[a_rs](%[t]), %%rax\n" WHOLE_BYTES("rax")                    \
    "movq %c[a_cs](%[t]), %%rcx\n" WHOLE_BYTES("rcx") "movq %c[b](%[t]), %%rdx\n"                  \
    "movq %c[b_rs](%[t]), %%r9\n" WHOLE_BYTES("r9")                                                \
    "leaq (%%rsi,%%rax,4), %%rdi\n leaq (%%rsi,%%rax,8), %%r8\n leaq (%%rax,%%rax,2), %%rbx\n"     \
    "testb $8, %%r10b\n jz 1f\n"                                                                   \
    WHOLE_C_IN_R12 WHOLE_ROWS_##mr(nv, WHOLE_RESUME_##nv) "jmp 2f\n"                               \
    "1:\n" WHOLE_ROWS_##mr(nv, WHOLE_ZERO_##nv)                                                    \
    "2: movq %c[errand_from](%[t]), %%r12\n movq %c[errand_to](%[t]), %%r13\n"                     \
    "movq %c[errand_rows](%[t]), %%r14\n"                                                          \
    "movl %c[k](%[t]), %%r11d\n andl $7, %%r11d\n jz 2f\n"                                         \
    "1:\n" WHOLE_STEPS(nv, mr) "decl %%r11d\n jnz 1b\n"                                            \
    "2: cmpq $256, %%r10\n jb 6f\n"                                                                \
    ".p2align 6\n"                                                                                 \
    "7:\n" WHOLE_ERRAND(nv) "testb $16, %%r10b\n jz 2f\n movl $8, %%r11d\n"                        \
    ".p2align 4\n"                                                                                 \
    "1:\n" WHOLE_STEPS(nv, mr) "decl %%r11d\n jnz 1b\n jmp 3f\n"                                   \
    "2: movl $4, %%r11d\n"                                                                         \
    ".p2align 4\n"                                                                                 \
    "1:\n" WHOLE_FULL_STEPS(nv, mr) WHOLE_FULL_STEPS(nv, mr) "decl %%r11d\n jnz 1b\n"              \
    "3: subq $256, %%r10\n cmpq $256, %%r10\n jae 7b\n"                                            \
    "6:\n" WHOLE_ERRAND(nv) WHOLE_C_IN_R12 "movq %c[bias](%[t]), %%r14\n"                          \
    "leaq (,%%rcx,8), %%r11\n vpxord %%zmm29, %%zmm29, %%zmm29\n" WHOLE_END_##nv##_##mr            \
    "vzeroupper\n"

#define WHOLE_FIELD(name, field) [name] "i"(offsetof(hone__gemm_tile, field))
#define WHOLE_ASM(t, control, mask, text)                                                          \
    __asm__ volatile(                                                                              \
        text                                                                                       \
        : "+&a"(control), "+&d"(mask)                                                              \
        : [t] "r"(t), WHOLE_FIELD(a, a), WHOLE_FIELD(a_rs, a_rs), WHOLE_FIELD(a_cs, a_cs),         \
          WHOLE_FIELD(b, b), WHOLE_FIELD(b_rs, b_rs), WHOLE_FIELD(c, c), WHOLE_FIELD(c_rs, c_rs),  \
          WHOLE_FIELD(k, k), WHOLE_FIELD(bias, bias), WHOLE_FIELD(errand_rows, errand.rows),       \
          WHOLE_FIELD(errand_from, errand.from), WHOLE_FIELD(errand_rs, errand.rs),                \
          WHOLE_FIELD(errand_to, errand.to), WHOLE_FIELD(errand_to_rs, errand.to_rs)               \
        : "rbx", "rcx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "zmm0",       \
          "zmm1", "zmm2", "zmm3", "zmm4", "zmm5", "zmm6", "zmm7", "zmm8", "zmm9", "zmm10",         \
          "zmm11", "zmm12", "zmm13", "zmm14", "zmm15", "zmm16", "zmm17", "zmm18", "zmm19",         \
          "zmm20", "zmm21", "zmm22", "zmm23", "zmm24", "zmm25", "zmm26", "zmm27", "zmm28",         \
          "zmm29", "zmm30", "zmm31", "k1", "k2", "memory", "cc")
/* clang-format on */
#endif

#define WHOLE_FN_(nv, mr)                                                                          \
    static HONE__GEMM_NOINLINE void TILE_FN(whole_##nv##_##mr)(const hone__gemm_tile *t,           \
                                                               int64_t control, int64_t mask)      \
    {                                                                                              \
        WHOLE_ASM(t, control, mask, WHOLE_TILE(nv, mr));                                           \
    }
WHOLE_FN_(2, 8)
WHOLE_FN_(2, 9)
WHOLE_FN_(2, 10)
WHOLE_FN_(2, 11)
WHOLE_FN_(2, 12)
WHOLE_FN_(3, 5)
WHOLE_FN_(3, 6)
WHOLE_FN_(3, 7)
WHOLE_FN_(3, 8)
WHOLE_FN_(4, 4)
WHOLE_FN_(4, 5)
WHOLE_FN_(4, 6)
#undef WHOLE_FN_

/* By vectors and rows. */
static void (*const TILE_FN(whole_tiles)[5][TILE_MAX_ROWS + 1])(const hone__gemm_tile *, int64_t,
                                                                int64_t) = {
    [2] = { [8] = TILE_FN(whole_2_8),
            [9] = TILE_FN(whole_2_9),
            [10] = TILE_FN(whole_2_10),
            [11] = TILE_FN(whole_2_11),
            [12] = TILE_FN(whole_2_12) },
    [3] = { [5] = TILE_FN(whole_3_5),
            [6] = TILE_FN(whole_3_6),
            [7] = TILE_FN(whole_3_7),
            [8] = TILE_FN(whole_3_8) },
    [4] = { [4] = TILE_FN(whole_4_4), [5] = TILE_FN(whole_4_5), [6] = TILE_FN(whole_4_6) },
};

static HONE__GEMM_INLINE bool TILE_FN(whole)(const hone__gemm_tile *t)
{
    const int nv = (t->nr + LANES - 1) / LANES, last = t->nr - (nv - 1) * LANES;
    const hone__gemm_epilogue *e = t->finish;
    void (*const tile)(const hone__gemm_tile *, int64_t, int64_t) = TILE_FN(whole_tiles)[nv][t->mr];
    if (!tile || last <= LANES / 2 || t->k < 8) {
        return false;
    }
    int64_t control = ((t->k / 8 - 1) << 8) | (t->resume ? 8 : 0) | (last < LANES ? 16 : 0);
    if (e) {
        if (e->alpha != 1.0 || (t->bias && (e->bias_rs != 0 || e->bias_cs != 1))) {
            return false;
        }
        control |= (e->accumulate ? 1 : 0) | (t->bias ? 2 : 0) | (e->relu ? 4 : 0);
    }
    tile(t, control, (1 << last) - 1);
    return true;
}

#undef WHOLE_P
#undef WHOLE_S
#undef WHOLE_SHIFT
