"""Make a quantised network's scores independent of their company: fix the scales of its activations.

Dynamic quantisation takes one scale for all activations of a batch, so what a text scores depends on the texts beside
it. Here the scales are read off while the dynamic network judges training texts one by one, and written into the graph:
the same text then always scores the same, and the search for the largest value falls away at run time. What lies
outside the range seen is clipped.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper

from training.batches import Tokens, pad

DYNAMIC = "DynamicQuantizeLinear"
MARGIN = 1.1
"""How far beyond the values seen a scale reaches, as a factor."""
STEPS = 255


def fix_scales(path: Path, tokens: Sequence[Tokens]) -> None:
    """Rewrite the dynamically quantised graph at `path` in place; `tokens` are the texts to read the scales off."""
    model = onnx.load(path)
    nodes = [node for node in model.graph.node if node.op_type == DYNAMIC]
    lowest, highest = _ranges(model, nodes, tokens)
    for node, low, high in zip(nodes, lowest * MARGIN, highest * MARGIN, strict=True):
        scale = np.float32((high - low) / STEPS)
        zero = np.uint8(np.clip(round(-low / scale), 0, STEPS))
        for name, value in ((node.output[1], scale), (node.output[2], zero)):
            model.graph.initializer.append(numpy_helper.from_array(np.array(value), name))
        fixed = helper.make_node("QuantizeLinear", [node.input[0], *node.output[1:]], node.output[:1], node.name)
        model.graph.node.insert(list(model.graph.node).index(node), fixed)
        model.graph.node.remove(node)
    onnx.checker.check_model(model)
    onnx.save(model, path)


def _ranges(
    model: onnx.ModelProto, nodes: Sequence[onnx.NodeProto], tokens: Sequence[Tokens]
) -> tuple[np.ndarray, np.ndarray]:
    """The lowest and highest value that each dynamic node saw, over all texts, judged one by one."""
    probe = onnx.ModelProto()
    probe.CopyFrom(model)
    for node in nodes:
        probe.graph.output.append(helper.make_tensor_value_info(node.output[1], onnx.TensorProto.FLOAT, []))
        probe.graph.output.append(helper.make_tensor_value_info(node.output[2], onnx.TensorProto.UINT8, []))
    session = onnxruntime.InferenceSession(probe.SerializeToString(), providers=["CPUExecutionProvider"])
    wanted = [name for node in nodes for name in node.output[1:]]
    lowest, highest = np.zeros(len(nodes)), np.zeros(len(nodes))
    for row in tokens:
        ids, mask, segments = (part.numpy() for part in pad([row]))
        fed = {"input_ids": ids, "attention_mask": mask.astype(np.int64), "token_type_ids": segments}
        seen = session.run(wanted, fed)
        scales, zeros = np.array(seen[::2], dtype=float), np.array(seen[1::2], dtype=float)
        lowest = np.minimum(lowest, -zeros * scales)
        highest = np.maximum(highest, (STEPS - zeros) * scales)
    return lowest, highest
