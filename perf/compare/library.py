"""libhone.so in a Python process, so that hone and PyTorch run in turn there: what perf/compare's scripts call of it."""
import ctypes as c
import statistics
import sys
import time

P = c.c_void_p
END = -(2 ** 63)  # HONE_END_DIM, HONE_NO_PADDING
F32, I64, BF16 = 0, 2, 6


class Scope(c.Structure):
    _fields_ = [("mark", c.c_size_t)]


class Backward(c.Structure):  # hone_backward_options
    _fields_ = [("gradient", P), ("reserve", c.c_char * 56)]


class Memory(c.Structure):  # hone_memory
    _fields_ = [(name, c.c_int64) for name in ("tensors", "nodes", "in_use", "peak", "reserved", "scope", "thread")]


class List(c.Structure):  # hone_tensor_list
    _fields_ = [("at", c.POINTER(P)), ("n", c.c_int)]


DIMS = c.POINTER(c.c_int64)
FUNCTIONS = {
    "scope_enter": (Scope,), "scope_leave": (None, Scope), "retain": (P, P), "error_message": (c.c_char_p,),
    "set_threads": (c.c_int, c.c_int), "to": (P, P, c.c_int),
    "randn_v": (P, DIMS), "randint_v": (P, c.c_int, c.c_int64, c.c_int64, DIMS), "requires_grad_": (P, P, c.c_bool),
    "set_grad": (c.c_int, P, P), "backward_with": (c.c_int, P, c.POINTER(Backward)),
    "transpose": (P, P, c.c_int, c.c_int), "reshape_v": (P, P, DIMS), "split": (List, P, c.c_int64, c.c_int),
    "scaled_dot_product_attention": (P, P, P, P, P, c.c_bool, c.c_double, c.c_bool),
    "nn_batch_norm2d": (P, c.c_int64, P), "nn_relu": (P,), "nn_sequential_n": (P, c.POINTER(P), c.c_int),
    "forward_v": (P, P, c.POINTER(P)), "parameters": (List, P),
    "dropout": (P, P, c.c_double, c.c_bool), "embedding": (P, P, P, c.c_int64),
    "linear_cross_entropy": (P, P, P, P, P, P, c.c_int64, c.c_double, c.c_int, c.c_int64),
    "memory_stats": (None, c.POINTER(Memory)),
}


class Hone:
    """hone.dropout(..) is hone_dropout(..); a call that fails ends the program."""

    def __init__(self, path, threads):
        self.shared = c.CDLL(path)
        self.none, self.end = (c.addressof(c.c_char.in_dll(self.shared, "hone_" + name)) for name in ("none", "end_tensor"))
        self.set_threads(threads)

    def __getattr__(self, name):
        result, *arguments = FUNCTIONS[name]
        function = getattr(self.shared, "hone_" + name)
        function.restype, function.argtypes = result, arguments
        fails = (lambda got: not got) if result is P else (lambda got: got != 0) if result is c.c_int else None

        def checked(*given):
            got = function(*given)
            if fails and fails(got):
                sys.exit(f"hone_{name}: {self.error_message().decode()}")
            return got
        setattr(self, name, checked if fails else function)
        return getattr(self, name)

    def dims(self, *extents):
        return (c.c_int64 * (len(extents) + 1))(*extents, END)

    def randn(self, *shape, walk=False, dtype=F32):
        t = self.retain(self.to(self.randn_v(self.dims(F32, *shape)), dtype))
        return self.requires_grad_(t, walk)

    def randint(self, below, *shape):
        return self.retain(self.randint_v(I64, 0, below, self.dims(*shape)))

    def walk(self, y, dy, leaves):
        """The backward from y with the gradient dy (None: of one element), whose results nobody keeps."""
        self.backward_with(y, c.byref(Backward(dy)))
        for t in leaves:
            self.set_grad(t, self.none)

    def in_scope(self, call):
        def run():
            scope = self.scope_enter()
            call()
            self.scope_leave(scope)
        return run

    def peak_bytes(self, run):
        """By how much its memory in use rises while it runs."""
        stats = Memory()
        self.memory_stats(c.byref(stats))
        before = stats.in_use
        run()
        self.memory_stats(c.byref(stats))
        return stats.peak - before


def in_turn(runs, rounds, threads, least=0.02):
    """Seconds a call of each of runs: a list of rounds. What other programs take of a single thread's time doesn't count."""
    clock = time.thread_time if threads == 1 else time.perf_counter

    def measure(run, repeats):
        begin = clock()
        for _ in range(repeats):
            run()
        return (clock() - begin) / repeats
    repeats = [max(1, int(least / measure(run, 2))) for run in runs]
    return [[measure(run, n) for run, n in zip(runs, repeats)] for _ in range(rounds)]


def ratios(times):
    """(hone's median, PyTorch's, the median of their ratios, the ratio of their minima) of in_turn's rounds."""
    mine, theirs = zip(*times)
    return (statistics.median(mine), statistics.median(theirs), statistics.median(t / m for m, t in times),
            min(theirs) / min(mine))
