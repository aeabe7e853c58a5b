"""One model in our deployable runtime (libtersor_runtime.so), through its C interface."""
import array
import ctypes
import pathlib
import random
import sys
import tempfile
import time

import results


def median_us(call, seconds):
    times, end = [], time.perf_counter() + seconds
    while not times or time.perf_counter() < end:
        start = time.perf_counter_ns()
        call()
        times.append(time.perf_counter_ns() - start)
    return sorted(times)[len(times) // 2] / 1000


class Deployable:
    """`binary` is our program, which converts the model file to .tersor; `library` is the runtime. Runs on one random input."""

    class Options(ctypes.Structure):
        _fields_ = [("threads", ctypes.c_int), ("batch", ctypes.c_int64)]

    class Tensor(ctypes.Structure):
        _fields_ = [("name", ctypes.c_char_p), ("dtype", ctypes.c_int), ("rank", ctypes.c_int), ("shape", ctypes.c_int64 * 8),
                    ("size_bytes", ctypes.c_size_t), ("scale", ctypes.c_float), ("zero_point", ctypes.c_int32)]

    def __init__(self, binary, library, model, threads, seed):
        self.runtime = ctypes.CDLL(str(library))
        self.runtime.tersor_last_error.restype = ctypes.c_char_p
        self.model = ctypes.c_void_p()
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "model.tersor"
            results.tersor(binary, "convert", model, file)
            options = self.Options(threads, 1)
            self.check(self.runtime.tersor_load_file(str(file).encode(), ctypes.byref(options), ctypes.byref(self.model)))
        taken, given = self.Tensor(), self.Tensor()
        self.check(self.runtime.tersor_input(self.model, 0, ctypes.byref(taken)))
        self.check(self.runtime.tersor_output(self.model, 0, ctypes.byref(given)))
        generator = random.Random(seed)
        if taken.dtype == 0:  # f32
            values = array.array("f", [generator.gauss(0, 1) for _ in range(taken.size_bytes // 4)])
        else:
            values = array.array("B", generator.randbytes(taken.size_bytes))
        self.input = values
        self.output = ctypes.create_string_buffer(given.size_bytes)
        self.inputs = (ctypes.c_void_p * 1)(values.buffer_info()[0])
        self.outputs = (ctypes.c_void_p * 1)(ctypes.addressof(self.output))
        for _ in range(20):
            self.check(self.runtime.tersor_run(self.model, self.inputs, self.outputs))

    def __del__(self):
        self.runtime.tersor_free(self.model)

    def check(self, status):
        if status:
            sys.exit(f"bench: the deployable runtime failed: {self.runtime.tersor_last_error().decode()}")

    def median_us(self, seconds):
        run, model, inputs, outputs = self.runtime.tersor_run, self.model, self.inputs, self.outputs
        return median_us(lambda: run(model, inputs, outputs), seconds)
