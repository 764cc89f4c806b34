"""Binds a domain's rules into a kernel: the only file that touches Numba's options.

A *kernel template* is a plain Python function whose domain rules are **hooks**: stub functions marked `@hook` and imported
by name, so that linters and readers see their signatures. `bind(template, rules)` copies the template, and every plain
function it calls, with each hook replaced by the rule of that name, and compiles the copy.

The copy carries a hash of everything it can run (bytecode, constants, options, the value of every global it reads,
recursively) in its `__qualname__`. Numba names its cache file after the qualified name but looks at one source file
only when it asks "is this fresh?". Without the hash a second domain would silently run the first one's machine code, and
a rule changed in another module would not be noticed; with it both are a different name, hence a different file.

Limits: arrays that a rule reads as globals are baked in (and hashed); big tables travel in `Domain.context` instead. Kernels
and rules never allocate: copy rows word by word (`state_table.copy_row`), not by `a[:] = b`, which Numba refuses here with
"NRT required but not enabled". A rule may be an intrinsic, which writes machine code of its own (tile_recursion.py).
Read next: domain.py (the hooks), ../search/best_first.py (a template).
"""

import dis
import functools
import hashlib
import linecache
import math
import threading
import types
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar, cast

import numba
import numpy as np

F = TypeVar("F", bound=Callable[..., Any])
HASH_DIGITS = 16
OPTIONS = {
    "nogil": True,
    "error_model": "numpy",
    "_nrt": False,  # no reference counts: a view of a row then costs nothing (7x on A*), and an array allocated in a kernel is an error
    "no_cfunc_wrapper": True,
}
HELPER_OPTIONS = {**OPTIONS, "no_cpython_wrapper": True, "forceinline": True}  # a call would pass every field of every array
LIBRARIES = (np, math, numba)  # modules a rule may reach into by attribute; their version is part of the hash
Intrinsic = numba.core.extending._Intrinsic  # may be called by a rule, or be one

Rules = Mapping[str, Callable[..., Any]]  # hook name -> rule
Bound = tuple[Callable[..., Any], str]  # compiled function, fingerprint
_compiled: dict[str, Callable[..., Any]] = {}  # fingerprint -> compiled function, for this process
_entries: dict[tuple[Any, ...], Callable[..., Any]] = {}  # (kernel, kinds of its arguments) -> machine code
_binding = threading.Lock()  # one thread binds at a time: all get the same object, and Numba compiles it once


class BindError(TypeError):
    """A template or rule that cannot be bound; the message says which name and why."""


def hook(stub: F) -> F:
    """Mark `stub` as a place that `bind` fills with the rule of the same name."""
    stub.__dict__["is_hook"] = True
    return stub


def bind(template: Callable[..., Any], rules: Rules) -> Callable[..., Any]:
    """Compile `template` with every hook it reaches replaced by `rules[hook name]`.

    Returns a Numba dispatcher (the rebound Python function under NUMBA_DISABLE_JIT=1), the same object for the same
    fingerprint. Its machine code is kept on disk beside the template's file. Raises BindError when a hook has no rule or a
    function reads a global whose value cannot be hashed.
    """
    with _binding:
        return _bind_once(template, frozenset(rules.items()))[0]


def fingerprint(template: Callable[..., Any], rules: Rules) -> str:
    """The hash that names the compiled code of `bind(template, rules)`."""
    with _binding:
        return _bind_once(template, frozenset(rules.items()))[1]


@functools.cache
def _bind_once(template: Callable[..., Any], rules: frozenset[tuple[str, Callable[..., Any]]]) -> Bound:
    """Hashing takes milliseconds, a search may take microseconds: within a process the same function objects are hashed once."""
    return _bind(template, dict(rules), ())


def _bind(function: Any, rules: Rules, path: tuple[types.FunctionType, ...]) -> Bound:
    """`path` leads from the template to the caller of `function`; it is empty for the template itself."""
    function = getattr(function, "py_func", function)
    if getattr(function, "is_hook", False):
        name = function.__name__
        if name not in rules:
            raise BindError(f"{_trail(path)} calls the hook '{name}', but no rule of that name was given; add it to the rules.")
        function = getattr(rules[name], "py_func", rules[name])
        if isinstance(function, Intrinsic):
            return function, _value_digest(function, f"The rule '{name}'")
        if not isinstance(function, types.FunctionType):
            raise BindError(f"The rule '{name}' is a {type(function).__name__}, which cannot be compiled; give a plain function.")
    return _bind_plain(function, rules, (*path, function))


def _trail(path: tuple[types.FunctionType, ...]) -> str:
    return " -> ".join(function.__name__ for function in path)


def _bind_plain(function: Any, rules: Rules, path: tuple[types.FunctionType, ...]) -> Bound:
    if function in path[:-1]:
        raise BindError(f"{_trail(path)} is recursive; rules and kernels must be loops.")
    code = function.__code__
    replaced: dict[str, Any] = {}
    is_template = len(path) == 1
    settings = (is_template, numba.config.OPT, numba.config.BOUNDSCHECK)
    module = function.__module__  # Numba's cached code names it, so a renamed file must not meet the old code
    parts = [module, _code_parts(code), repr(sorted(HELPER_OPTIONS.items())), repr(settings), repr(function.__defaults__)]
    for free, value in _free_values(function):
        if isinstance(value, types.FunctionType) or hasattr(value, "py_func"):
            replaced[free], digest = _bind(value, rules, path)
        else:
            digest = _value_digest(value, f"{_trail(path)} reads '{free}'")
        parts.append(f"{free}={digest}")
    digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:HASH_DIGITS]
    if digest not in _compiled:
        _compiled[digest] = _compile(function, replaced, digest, is_template)
    return _compiled[digest], digest


def _compile(function: Any, replaced: dict[str, Any], digest: str, is_template: bool) -> Callable[..., Any]:
    if function.__closure__:  # a rule made by a factory: its cells become globals of the copy, so that Numba may cache its callers
        names = ", ".join(function.__code__.co_freevars)
        raise BindError(f"{function.__name__} closes over {names}; pass such values in the context tuple.")
    copy = types.FunctionType(function.__code__, {**function.__globals__, **replaced}, function.__name__, function.__defaults__)
    copy.__qualname__ = f"{function.__name__}__{digest}"
    copy.__doc__ = function.__doc__
    if numba.config.DISABLE_JIT:  # NumPy's scalars warn when hashing wraps around or a nan arises; machine code does not
        return np.errstate(all="ignore")(copy) if is_template else copy
    compiled = numba.njit(copy, cache=is_template, **(OPTIONS if is_template else HELPER_OPTIONS))
    return _load_without_compiler(compiled) if is_template else compiled


def _load_without_compiler(kernel: Any) -> Any:
    """Have what is on the disk loaded before the compiler's tables are filled, not after, as Numba does: that is most of a start (0.4 s;
    0.7 where SciPy is installed, whose linear algebra the tables name). Compiling fills them itself, where it comes to that.

    Tables say how to compile, not how to run. All that loaded code may call is there once Numba is imported, but for what counts references
    and hashes texts, and a kernel can do neither (see OPTIONS). Which code on the disk is fresh stays Numba's word. It has no public name
    for this; a version without these three loads as it always did.
    """
    cache: Any = getattr(kernel, "_cache", None)
    if all(hasattr(cache, name) for name in ("load_overload", "_load_overload", "_guard_against_spurious_io_errors")):

        def load(signature: Any, target: Any) -> Any:
            with cache._guard_against_spurious_io_errors():  # on Windows two processes may meet at a file
                return cache._load_overload(signature, target)

        cache.load_overload = load
    return kernel


def direct(bound: Callable[..., Any], arguments: tuple[Any, ...]) -> Callable[..., Any]:
    """The machine code of a bound kernel for arguments of exactly these types: a call of it looks at no type again. With 30 arrays
    that is most of what a call costs (1 us in place of 4), which a kernel feels that is called for every simulation.

    The caller answers for the types: arrays with another dtype or number of dimensions would be misread. The plain function without JIT.
    """
    if numba.config.DISABLE_JIT:
        return bound
    known = bound, kind_of(arguments)
    if known not in _entries:
        types_of, kernel = tuple(map(numba.typeof, arguments)), cast(Any, bound)
        kernel.compile(types_of)
        _entries[known] = kernel.get_overload(types_of)
    return _entries[known]


def kind_of(value: Any) -> Any:
    """What decides the type that the compiler gives to an argument; it takes a millisecond to name the types themselves."""
    if isinstance(value, np.ndarray):
        flags = value.flags
        return value.dtype, value.ndim, flags.c_contiguous, flags.writeable
    return tuple(map(kind_of, value)) if isinstance(value, tuple) else type(value)


def as_records(array: np.ndarray) -> np.ndarray:
    """An array of records as a kernel takes it that reads `array[n].field`: without the compiler NumPy must be told so."""
    return array.view(np.recarray) if numba.config.DISABLE_JIT and array.dtype.names else array


def _code_parts(code: types.CodeType) -> str:
    """Bytecode, names and constants of `code`, nested code objects included; line numbers excluded."""
    constants = []
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            constants.append(_code_parts(constant))
        elif isinstance(constant, frozenset):
            constants.append(repr(sorted(constant, key=repr)))
        else:
            constants.append(repr(constant))
    return "|".join([code.co_code.hex(), repr(code.co_names), repr(code.co_varnames), repr(code.co_argcount), *constants])


def _free_values(function: Any) -> Iterator[tuple[str, Any]]:
    """Every global name that `function` loads and its value, sorted by name; builtins are skipped."""
    for name in _loaded_names(function.__code__):
        if name in function.__globals__:
            yield name, function.__globals__[name]


@functools.cache
def _loaded_names(code: types.CodeType) -> tuple[str, ...]:
    """Every name that `code`, or a code object in it, loads from no scope of its own, sorted; kernels share most of what they call."""
    names: set[str] = set()
    pending = [code]
    while pending:
        code = pending.pop()
        names.update(step.argval for step in dis.get_instructions(code) if step.opname in ("LOAD_GLOBAL", "LOAD_NAME"))
        pending.extend(constant for constant in code.co_consts if isinstance(constant, types.CodeType))
    return tuple(sorted(names))


def _value_digest(value: Any, where: str) -> str:
    if isinstance(value, np.ndarray):
        return f"array {value.dtype} {value.shape} {hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()}"
    if isinstance(value, types.ModuleType) and value in LIBRARIES:
        return f"module {value.__name__} {getattr(value, '__version__', '')}"
    if isinstance(value, (bool, int, float, complex, str, bytes, type(None), np.generic)):
        return f"{type(value).__name__} {value!r}"
    if isinstance(value, tuple):
        return f"({', '.join(_value_digest(item, where) for item in value)})"
    if isinstance(value, type) and issubclass(value, tuple) and hasattr(value, "_fields"):  # a named tuple: a kernel may make one
        return f"named tuple {value.__qualname__} {value._fields}"
    if isinstance(value, (type, types.BuiltinFunctionType, numba.types.Type)) and not _is_own_class(value):
        return f"{getattr(value, '__module__', '')}.{getattr(value, '__qualname__', value)}"
    if isinstance(value, Intrinsic):  # it writes code from what it closes over, by any function of its file
        source = hashlib.sha256("".join(linecache.getlines(value._defn.__code__.co_filename)).encode()).hexdigest()
        closure = tuple(cell.cell_contents for cell in value._defn.__closure__ or ())
        return f"intrinsic {value._defn.__qualname__} {source} {_value_digest(closure, where)}"
    remedy = "make it a number, string, tuple or array, or pass it in the context tuple"
    raise BindError(f"{where}, a {type(value).__name__}, which cannot be hashed; {remedy}.")


def _is_own_class(value: Any) -> bool:
    """A class written by a user (an enum, say): its members may change while its name stays, so its name is no fingerprint."""
    return isinstance(value, type) and value.__module__.partition(".")[0] not in ("builtins", "numpy", "numba")
