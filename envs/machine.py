"""What Numba has no words for, as intrinsics that a kernel may call.

`prefetch(array, index)` starts loading row `index` of `array` into the caches; the row need not exist, and nothing but time
changes. A best-first search reads its table at random, and most of its time is waiting for memory unless several waits
overlap: see ../search/integer_kernel.py. `count_bits(word)` is the number of ones in a uint64, `lowest_bit(word)` the place of
the lowest (of 0: 64), `nth_bit(word, number)` the one alone that has `number` below it, 0 when
there is none.

`first_of(words, start, wanted, care)` is the place of the first of the LANES words from `start` on that is 0 or has the bits of
`wanted` where `care` has ones, LANES when none is: one comparison of all of them, without a branch to be guessed.

`held(row)` is a copy of a short row that nothing else can write to, so that the compiler may keep it in registers: what is worked out
from a parent's row is then worked out once, not again after each write to a successor. A row of more than HELD_WORDS is itself; one
that is not contiguous does not compile.

`promise(condition)` tells the compiler that a condition holds, and costs nothing. Numba lets an array be indexed from its end, so
every index that might be below 0 is tested, at every use; one promise after the number is born saves them all, and one on the
length of a row unrolls the loops over it. A promise that is broken makes any behaviour possible; under NUMBA_DISABLE_JIT=1 it raises.

All of these can be called from plain Python too, where they mean what machine_plain.py says.
"""

import numba
import numpy as np
from llvmlite import binding, ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from astarzero.envs import machine_plain
from astarzero.envs.machine_plain import HELD_WORDS, LANES

READ, KEEP, DATA = 0, 3, 1  # for reading, in all cache levels, in the data cache: LLVM language reference, llvm.prefetch

# x86's PDEP finds the n-th one in three cycles; elsewhere, and when code is made for another machine, a search by halves does.
FOR_THIS_MACHINE = numba.config.CPU_NAME is None and numba.config.CPU_FEATURES is None
HAS_PDEP = bool(FOR_THIS_MACHINE and binding.get_host_cpu_features().get("bmi2"))


def written_for(meaning):
    """Makes an intrinsic of a function that writes machine code; outside of compiled code, a call of it is one of `meaning`."""

    def make(writer):
        made = intrinsic(writer)
        made.__class__ = type("Intrinsic", (type(made),), {"__call__": staticmethod(meaning)})
        return made

    return make


if numba.config.DISABLE_JIT:
    from astarzero.envs.machine_plain import count_bits, first_of, held, lowest_bit, prefetch, promise
else:

    @written_for(machine_plain.prefetch)
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

    @written_for(machine_plain.first_of)
    def first_of(typing_context, words, start, wanted, care):
        def generate(context, builder, signature, arguments):
            view = context.make_array(signature.args[0])(context, builder, arguments[0])
            place = cgutils.get_item_pointer(context, builder, signature.args[0], view, [arguments[1]])
            word, lanes = ir.IntType(32), ir.VectorType(ir.IntType(32), LANES)
            load = builder.load(builder.bitcast(place, lanes.as_pointer()), align=4)

            def in_every_lane(number):
                single = builder.insert_element(ir.Constant(lanes, ir.Undefined), builder.trunc(number, word), word(0))
                return builder.shuffle_vector(single, ir.Constant(lanes, ir.Undefined), ir.Constant(lanes, None))

            nothing = ir.Constant(lanes, None)
            differs = builder.and_(builder.xor(load, in_every_lane(arguments[2])), in_every_lane(arguments[3]))
            found = builder.or_(builder.icmp_unsigned("==", load, nothing), builder.icmp_unsigned("==", differs, nothing))
            bits = builder.zext(builder.bitcast(found, ir.IntType(LANES)), word)
            return builder.zext(builder.cttz(builder.or_(bits, word(1 << LANES)), ir.Constant(ir.IntType(1), 1)), ir.IntType(64))

        return types.int64(words, types.int64, types.int64, types.int64), generate

    @written_for(machine_plain.held)
    def held(typing_context, row):
        if row.ndim != 1 or row.layout != "C":
            return None

        def generate(context, builder, signature, arguments):
            given = context.make_array(signature.args[0])(context, builder, arguments[0])
            word = given.data.type.pointee
            length = builder.extract_value(given.shape, 0)
            fits = builder.icmp_unsigned("<=", length, length.type(HELD_WORDS))
            own = builder.bitcast(cgutils.alloca_once(builder, ir.ArrayType(word, HELD_WORDS)), word.as_pointer())
            with cgutils.for_range(builder, builder.select(fits, length, length.type(0))) as loop:
                builder.store(builder.load(builder.gep(given.data, [loop.index])), builder.gep(own, [loop.index]))
            copy = context.make_array(row)(context, builder)
            for name in ("meminfo", "parent", "nitems", "itemsize", "shape", "strides"):
                setattr(copy, name, getattr(given, name))
            copy.data = builder.select(fits, own, given.data)
            return copy._getvalue()

        return row(row), generate

    @written_for(machine_plain.promise)
    def promise(typing_context, condition):
        def generate(context, builder, signature, arguments):
            builder.assume(context.cast(builder, arguments[0], signature.args[0], types.boolean))
            return context.get_dummy_value()

        return types.void(condition), generate

    @written_for(machine_plain.count_bits)
    def count_bits(typing_context, word):
        def generate(context, builder, signature, arguments):
            return builder.ctpop(arguments[0])

        return types.int64(types.uint64), generate

    @written_for(machine_plain.lowest_bit)
    def lowest_bit(typing_context, word):
        def generate(context, builder, signature, arguments):
            return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 0))

        return types.int64(types.uint64), generate


def by_halves(word, number):
    """`nth_bit` where there is no instruction for it, and in plain Python."""
    if not 0 <= number < count_bits(word):
        return np.uint64(0)
    start, width = np.uint64(0), np.uint64(32)
    while width:
        here = count_bits(word & ((np.uint64(1) << width) - np.uint64(1)))
        if number >= here:
            number -= here
            word >>= width
            start += width
        width >>= np.uint64(1)
    return np.uint64(1) << start


if HAS_PDEP and not numba.config.DISABLE_JIT:

    @written_for(by_halves)
    def nth_bit(typing_context, word, number):
        def generate(context, builder, signature, arguments):
            wide = arguments[0].type
            kind = ir.FunctionType(wide, [wide, wide])
            name = "llvm.x86.bmi.pdep.64"
            deposit = builder.module.globals.get(name) or ir.Function(builder.module, kind, name)
            number = context.cast(builder, arguments[1], signature.args[1], types.uint64)
            one = builder.select(builder.icmp_unsigned("<", number, wide(64)), builder.shl(wide(1), number), wide(0))
            return builder.call(deposit, [one, arguments[0]])

        return types.uint64(types.uint64, number), generate
else:
    nth_bit = by_halves


# --- functions of our own, where the plain ones keep a loop from being vectorised ---------------------------------------------------

LOG2_E, LN2_HIGH, LN2_LOW = np.float32(1.44269504), np.float32(0.693359375), np.float32(-2.12194440e-4)
SERIES = tuple(np.float32(term) for term in (1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 0.5))
LEAST_POWER, MOST_POWER = np.float32(-126.0), np.float32(127.0)
MANTISSA_BITS, BIAS = np.int32(23), np.int32(127)


def exponential(x):
    """exp(x) of a float32, to 1e-7 of itself; 0 below -87, nan of nan. Cephes' expf (Moshier 1992): 2^n times a series in what is left."""
    power = np.floor(x * LOG2_E + np.float32(0.5))
    bounded = min(max(power, LEAST_POWER), MOST_POWER)
    rest = x - bounded * LN2_HIGH - bounded * LN2_LOW
    series = SERIES[0]
    series = series * rest + SERIES[1]
    series = series * rest + SERIES[2]
    series = series * rest + SERIES[3]
    series = series * rest + SERIES[4]
    series = series * rest + SERIES[5]
    result = (series * rest * rest + rest + np.float32(1.0)) * np.int32((np.int32(bounded) + BIAS) << MANTISSA_BITS).view(np.float32)
    return np.float32(0.0) if power < LEAST_POWER else result


SIGN_BIT, NOT_SIGN, LEAST_RANK = np.int32(31), np.int32(2**31 - 1), np.int32(-(2**31))


def greatest(numbers, count):
    """The greatest of numbers[:count], float32: NaN, or -inf, when there is none. As whole numbers, whose maximum has no special cases."""
    highest = LEAST_RANK
    for place in range(count):
        highest = np.int32(max(highest, ranked(np.float32(numbers[place]).view(np.int32))))
    return np.int32(ranked(highest)).view(np.float32)


def ranked(bits):
    """The bits of a float32 as an int32 in the order of the numbers; and back again."""
    return np.int32(bits ^ ((bits >> SIGN_BIT) & NOT_SIGN))


def total_of(numbers, count):
    """The sum of numbers[:count], in four strands, since an addition takes four cycles, and the next one of its strand waits for it."""
    one = two = three = four = np.float32(0.0)
    whole = count - count % 4
    for place in range(0, whole, 4):
        one += numbers[place]
        two += numbers[place + 1]
        three += numbers[place + 2]
        four += numbers[place + 3]
    for place in range(whole, count):
        one += numbers[place]
    return (one + two) + (three + four)
