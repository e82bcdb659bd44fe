"""How a worker takes memory: from one heap, whichever thread asks."""

from __future__ import annotations

import json
import platform
import subprocess
import sys

import pytest

HEAPS = """
import ctypes, json, os, tempfile, threading
from liontrack_stream.memory import share_one_heap
{tuned}
import pyarrow as pa
libc, all_there = ctypes.CDLL(None), threading.Barrier(5)
libc.malloc.restype, libc.fopen.restype = ctypes.c_void_p, ctypes.c_void_p
def take():
    assert libc.malloc(1000)
    all_there.wait()
threads = [threading.Thread(target=take) for _ in range(4)]
for one in threads: one.start()
all_there.wait()
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "heaps").encode()
    file = libc.fopen(path, b"w")
    libc.malloc_info(0, ctypes.c_void_p(file)); libc.fclose(ctypes.c_void_p(file))
    libc.free.argtypes = [ctypes.c_void_p]
    libc.free(libc.malloc(8 << 20))  # glibc raises its bar by what is freed
    large = libc.malloc(4 << 20)
    heap = next(line.split()[0] for line in open("/proc/self/maps") if "[heap]" in line)
    low, high = (int(end, 16) for end in heap.split("-"))
    pool = pa.default_memory_pool().backend_name
    print(json.dumps([open(path).read().count("<heap nr="), pool, low <= large < high]))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="Its heaps are glibc's: run this where libc is glibc.")
@pytest.mark.parametrize("tuned", [True, False])
def test_threads_and_arrow_share_one_heap(tuned: bool) -> None:
    program = HEAPS.format(tuned="share_one_heap()" if tuned else "")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env={})
    heaps, pool, large_in_heap = json.loads(done.stdout)
    assert (heaps == 1, pool == "system", not large_in_heap) == (tuned, tuned, tuned), done.stdout
