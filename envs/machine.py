"""What Numba has no words for, as intrinsics that a kernel may call.

`prefetch(array, index)` starts loading row `index` of `array` into the caches; the row need not exist, and nothing but time
changes. A best-first search reads its table at random, and most of its time is waiting for memory unless several waits
overlap: see ../search/integer_best_first.py. `count_bits(word)` is the number of ones in a uint64, `lowest_bit(word)` the place of
the lowest (of 0: 64).

`promise(condition)` tells the compiler that a condition holds, and costs nothing. Numba lets an array be indexed from its end, so
every index that might be below 0 is tested, at every use; one promise after the number is born saves them all, and one on the
length of a row unrolls the loops over it. A promise that is broken makes any behaviour possible; under NUMBA_DISABLE_JIT=1 it raises.
"""

import numba
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

READ, KEEP, DATA = 0, 3, 1  # for reading, in all cache levels, in the data cache: LLVM language reference, llvm.prefetch

if numba.config.DISABLE_JIT:

    def prefetch(array, index):
        """Plain Python has no caches to fill."""

    def promise(condition):
        """Plain Python can afford to look."""
        assert condition

    def count_bits(word):
        return int(word).bit_count()

    def lowest_bit(word):
        return (int(word) & -int(word)).bit_length() - 1 if word else 64
else:

    @intrinsic
    def prefetch(typing_context, array, index):
        def generate(context, builder, signature, arguments):
            view = context.make_array(signature.args[0])(context, builder, arguments[0])
            row = context.cast(builder, arguments[1], signature.args[1], types.intp)
            indices = [row, *(context.get_constant(types.intp, 0) for _ in range(signature.args[0].ndim - 1))]
            byte, word = ir.IntType(8).as_pointer(), ir.IntType(32)
            place = builder.bitcast(cgutils.get_item_pointer(context, builder, signature.args[0], view, indices), byte)
            kind = ir.FunctionType(ir.VoidType(), [byte, word, word, word])
            function = builder.module.globals.get("llvm.prefetch.p0") or ir.Function(builder.module, kind, "llvm.prefetch.p0")
            builder.call(function, [place, word(READ), word(KEEP), word(DATA)])
            return context.get_dummy_value()

        return types.void(array, index), generate

    @intrinsic
    def promise(typing_context, condition):
        def generate(context, builder, signature, arguments):
            builder.assume(context.cast(builder, arguments[0], signature.args[0], types.boolean))
            return context.get_dummy_value()

        return types.void(condition), generate

    @intrinsic
    def count_bits(typing_context, word):
        def generate(context, builder, signature, arguments):
            return builder.ctpop(arguments[0])

        return types.int64(types.uint64), generate

    @intrinsic
    def lowest_bit(typing_context, word):
        def generate(context, builder, signature, arguments):
            return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 0))

        return types.int64(types.uint64), generate
