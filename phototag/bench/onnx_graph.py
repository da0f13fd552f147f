"""An ONNX graph in the making."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from onnx import ModelProto

OPSET = 17
IR_VERSION = 8
"""Both are understood by every ONNX Runtime since 1.13."""


@dataclass
class Graph:
    """Nodes and constants, in order. One input, `faces`, and one output."""

    nodes: list[Any] = field(default_factory=list)
    constants: list[Any] = field(default_factory=list)

    def constant(self, name: str, values: NDArray[Any]) -> str:
        from onnx import numpy_helper

        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def add(self, kind: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        from onnx import helper

        self.nodes.append(helper.make_node(kind, list(inputs), [output], output, **attributes))
        return output

    def quantized(self, name: str, source: str, scale: float, zero: int) -> str:
        """`source` rounded to unsigned bytes and back to floats: runtimes compute in bytes between
        such pairs."""
        ends = [
            self.constant(f"{name}_scale", np.array(scale, dtype=np.float32)),
            self.constant(f"{name}_zero", np.array(zero, dtype=np.uint8)),
        ]
        byte = self.add("QuantizeLinear", [source, *ends], f"{name}_q")
        return self.add("DequantizeLinear", [byte, *ends], f"{name}_dq")

    def model(self, name: str, faces: tuple[int, int, int], output: str, dim: int) -> ModelProto:
        """The checked model; the number of faces is free."""
        from onnx import TensorProto, checker, helper

        graph = helper.make_graph(
            self.nodes,
            name,
            [helper.make_tensor_value_info("faces", TensorProto.FLOAT, ["n", *faces])],
            [helper.make_tensor_value_info(output, TensorProto.FLOAT, ["n", dim])],
            self.constants,
        )
        made = helper.make_model(
            graph, producer_name="phototag", opset_imports=[helper.make_opsetid("", OPSET)]
        )
        made.ir_version = IR_VERSION
        checker.check_model(made)
        return made
