"""The kernels of cog compiled for a GPU that need not be here, as their launch would: python triton_compilation.py 90.

Prints the name of each that keeps its stages in flight and multiplies matrices by the hardware made for it.
"""

import sys
from types import SimpleNamespace

import torch
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from headscope.models.attention import VARIANTS
from headscope.models.attention.fused import block_shapes
from headscope.models.attention.fused.score_rule import ScoreRule
from headscope.models.attention.fused.triton_attention import TritonCall, compiled
from headscope.models.attention.fused.triton_block import Sizes
from headscope.models.attention.fused.triton_gradients import write_key_gradients, write_query_gradients
from headscope.models.attention.fused.triton_output import write_output

SHARED = {80: 166912, 90: 232448}  # bytes a group of threads may have
ALIGNED = [["tt.divisibility", 16]]
HALF, FLOAT = "*bf16", "*fp32"
OUT = {
    "output": (write_output, {"OUTPUT": HALF, "KEPT": FLOAT}),
    "query gradients": (write_query_gradients, {"kept": (FLOAT, FLOAT), "GRAD_Q": HALF}),
    "key gradients": (write_key_gradients, {"kept": (FLOAT, FLOAT), "GRAD_K": HALF, "GRAD_V": HALF}),
}


def assembly(work: block_shapes.Work, capability: int) -> str:
    """The code of a kernel, of bfloat16 heads of 64 with strides and sizes that are multiples of 16."""
    q = torch.empty(1, 16, 4096, 64, dtype=torch.bfloat16)
    call = TritonCall(VARIANTS["cog"].element({}), ScoreRule(None, True, 0.125))
    shape = block_shapes.block_shape(q, q, work)
    kernel, written = OUT[work]
    n_tensors, n_strides = (4, 5) if work == "output" else (6, 9)
    signature = {
        "tensors": (HALF,) * n_tensors,
        "strides": (("i32", "i32", "i32", "constexpr"),) * n_strides,
        **written,
        "sizes": Sizes("i32", "constexpr", "i32", "i32", "fp32", "fp32"),
        **dict.fromkeys(("VALUE",) if work == "output" else ("VALUE", "SLOPE"), "constexpr"),
        "FORM": "constexpr",
    }
    places = {name: place for place, name in enumerate(signature)}
    constants = {"VALUE": compiled(call.element.value), "FORM": call.form(q, q, shape), (places["sizes"], 1): 1}
    constants |= {(1, part, 3): 1 for part in range(n_strides)}
    constants |= {"SLOPE": compiled(call.element.slope)} if "SLOPE" in places else {}
    aligned = [(0, part) for part in range(n_tensors)] + [
        (1, part, axis) for part in range(n_strides) for axis in range(3)
    ]
    aligned += [(places["sizes"], 2), (places["sizes"], 3)]
    for name, kind in written.items():
        aligned += [(places[name],)] if isinstance(kind, str) else [(places[name], part) for part in range(len(kind))]
    source = ASTSource(kernel, signature, constexprs=constants, attrs=dict.fromkeys(aligned, ALIGNED))
    target = GPUTarget("cuda", capability, 32)
    return triton.compile(source, target=target, options=shape.launch).asm["ptx"]


def main() -> None:
    capability = int(sys.argv[1])
    room = SimpleNamespace(shared_memory_per_block_optin=SHARED[capability])
    torch.cuda.get_device_properties = lambda device: room
    for work, (kernel, _) in OUT.items():
        code = assembly(work, capability)
        multiplies = ("wgmma.mma_async" if capability >= 90 else "mma.sync") in code
        if "cp.async" in code and multiplies and "st.local" not in code:
            print(kernel.__name__)  # noqa: T201


if __name__ == "__main__":
    main()
