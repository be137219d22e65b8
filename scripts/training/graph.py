"""The network written down as an ONNX graph, in fp32 or int8, of the operators that ONNX Runtime is fast at.

Written out rather than exported: what the exporter and the quantiser leave is fused only in part, and one fusion that
does happen makes things ten times slower (docs/decisions/0008).
"""

from collections.abc import Mapping, Sequence

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from training.ease import Eased, plain
from training.encoder import ABOUT_TARGET, Layer, Model, Shape
from training.still import Range

OPSET, IR = 17, 8
FAST = "com.microsoft"  # the domain of ONNX Runtime's own operators
HIDDEN = -1e4  # what padding adds to a logit of attention
INPUTS = ("input_ids", "attention_mask", "token_type_ids")

Ranges = Mapping[str, Range]


class Graph:
    """Nodes and constants, in the order they come."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def add(self, operator: str, *inputs: str, out: str, domain: str = "", **attributes: object) -> str:
        """A node with one output; the name of that."""
        return self.add_many(operator, *inputs, outs=[out], domain=domain, **attributes)[0]

    def add_many(
        self, operator: str, *inputs: str, outs: Sequence[str], domain: str = "", **attributes: object
    ) -> Sequence[str]:
        """A node with several outputs; their names."""
        self.nodes.append(helper.make_node(operator, list(inputs), list(outs), outs[0], domain=domain, **attributes))
        return outs

    def hold(self, name: str, values: NDArray[np.generic] | Tensor | list[int]) -> str:
        """A constant: a tensor as float32, a list as int64, an array as it is; its name."""
        array = values.detach().float().cpu().numpy() if isinstance(values, Tensor) else np.asarray(values)
        self.constants.append(numpy_helper.from_array(array, name))
        return name


def build(model: Model, ranges: Ranges | None, longest: int) -> onnx.ModelProto:
    """The network for rows of at most `longest` tokens; int8 where `ranges` tells about its products, else fp32.

    Inputs `INPUTS` are int32 (rows, length); one output of logits (rows, labels) per head.
    """
    graph, shape = Graph(), model.encoder.shape
    graph.hold("zero", np.array(0, np.float32))
    graph.hold("one", np.array(1, np.float32))
    graph.hold("split heads", [0, 0, shape.heads, shape.width // shape.heads])
    graph.hold("join heads", [0, 0, shape.width])
    hidden = _embed(graph, model, longest, small=ranges is not None)
    padding = _padding(graph)
    for number, layer in enumerate(model.encoder.layers):
        hidden = _layer(graph, f"layers.{number}", layer, shape, hidden, padding, ranges)
    outputs = _judge(graph, model, hidden)
    inputs = [helper.make_tensor_value_info(name, TensorProto.INT32, ["rows", "length"]) for name in INPUTS]
    built = helper.make_model(
        helper.make_graph(graph.nodes, "escucha", inputs, outputs, graph.constants),
        opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid(FAST, 1)],
        ir_version=IR,
    )
    onnx.checker.check_model(built)
    return built


def _embed(graph: Graph, model: Model, longest: int, *, small: bool) -> str:
    """The first hidden states (rows, length, width)."""
    encoder = model.encoder
    if small:
        # A scale for each word: rare ones may be far shorter than common ones.
        integers, scales = _to_int8(encoder.word.weight.detach().float().cpu().numpy(), axis=1)
        graph.hold("word", integers)
        graph.hold("word scale", scales)
        graph.add("Gather", "word", "input_ids", out="words small")
        graph.add("Cast", "words small", out="words cast", to=TensorProto.FLOAT)
        graph.add("Gather", "word scale", "input_ids", out="words scale")
        graph.add("Mul", "words cast", "words scale", out="words")
    else:
        graph.hold("word", encoder.word.weight)
        graph.add("Gather", "word", "input_ids", out="words")
    graph.hold("position", encoder.position.weight[:longest])
    graph.hold("segment", encoder.segment.weight)
    graph.hold("from", [0])
    graph.add("Shape", "input_ids", out="length", start=1, end=2)
    graph.add("Slice", "position", "from", "length", "from", out="positions")
    graph.add("Gather", "segment", "token_type_ids", out="segments")
    graph.add("Sum", "words", "positions", "segments", out="embedded")
    return _norm(graph, "norm", encoder.norm, "embedded")


def _padding(graph: Graph) -> str:
    """0 where a token stands, `HIDDEN` where padding does: (rows, 1, 1, length)."""
    graph.hold("hidden", np.array(HIDDEN, np.float32))
    graph.hold("middle", [1, 2])
    graph.add("Cast", "attention_mask", out="mask", to=TensorProto.FLOAT)
    graph.add("Sub", "one", "mask", out="unmasked")
    graph.add("Mul", "unmasked", "hidden", out="padding flat")
    return graph.add("Unsqueeze", "padding flat", "middle", out="padding")


def _norm(graph: Graph, name: str, norm: nn.LayerNorm, of: str) -> str:
    weight, bias = graph.hold(f"{name}.weight", norm.weight), graph.hold(f"{name}.bias", norm.bias)
    return graph.add("LayerNormalization", of, weight, bias, out=name, axis=-1, epsilon=norm.eps)


def _layer(
    graph: Graph, name: str, layer: Layer, shape: Shape, hidden: str, padding: str, ranges: Ranges | None
) -> str:
    """One layer's output from its input, both (rows, length, width)."""
    query, key, value = _product(graph, f"{name}.mix", layer.mix, hidden, ranges, parts=3)
    for part, order in ((query, [0, 2, 1, 3]), (key, [0, 2, 3, 1]), (value, [0, 2, 1, 3])):
        graph.add("Reshape", part, "split heads", out=f"{part} split")
        graph.add("Transpose", f"{part} split", out=f"{part} heads", perm=order)
    likeness = graph.add(
        "FusedMatMul", f"{query} heads", f"{key} heads", out=f"{name} likeness", domain=FAST,
        alpha=(shape.width // shape.heads) ** -0.5,
    )  # fmt: skip
    graph.add("Add", likeness, padding, out=f"{name} masked")
    graph.add("Softmax", f"{name} masked", out=f"{name} shares", axis=-1)
    graph.add("MatMul", f"{name} shares", f"{value} heads", out=f"{name} found")
    graph.add("Transpose", f"{name} found", out=f"{name} turned", perm=[0, 2, 1, 3])
    graph.add("Reshape", f"{name} turned", "join heads", out=f"{name} joined")
    (mixed,) = _product(graph, f"{name}.mixed", layer.mixed, f"{name} joined", ranges)
    # Sum and not Add: ONNX Runtime fuses an Add before a norm to SkipLayerNormalization, which is ten times slower.
    graph.add("Sum", hidden, mixed, out=f"{name} mix sum")
    hidden = _norm(graph, f"{name}.mix_norm", layer.mix_norm, f"{name} mix sum")
    (grown,) = _product(graph, f"{name}.grow", layer.grow, hidden, ranges)
    graph.add("Gelu", grown, out=f"{name} bent", domain=FAST)
    (shrunk,) = _product(graph, f"{name}.shrink", layer.shrink, f"{name} bent", ranges)
    graph.add("Sum", hidden, shrunk, out=f"{name} sum")
    return _norm(graph, f"{name}.norm", layer.norm, f"{name} sum")


def _product(graph: Graph, name: str, product: nn.Module, of: str, ranges: Ranges | None, parts: int = 1) -> list[str]:
    """A linear layer, eased or not; its output in equal parts, each a product of its own: splitting would copy."""
    if isinstance(product, Eased):
        of = graph.add("Mul", of, graph.hold(f"{name}.ease", product.scale), out=f"{name} eased")
    linear = plain(product)
    weight, bias = linear.weight.detach().float().cpu().numpy().T, linear.bias.detach().float().cpu().numpy()
    pieces = list(zip(np.split(weight, parts, axis=1), np.split(bias, parts), strict=True))
    if ranges is None:
        return [_exact(graph, f"{name}.{part}", of, *piece) for part, piece in enumerate(pieces)]
    low, high = ranges[name]
    step = np.float32(max(high - low, 1e-8) / 255)
    scale = graph.hold(f"{name}.scale", np.array(step))
    zero = graph.hold(f"{name}.zero", np.array(np.clip(round(-low / step), 0, 255), np.uint8))
    small = graph.add("QuantizeLinear", of, scale, zero, out=f"{name} small")
    return [_small(graph, f"{name}.{part}", small, scale, zero, *piece) for part, piece in enumerate(pieces)]


def _exact(graph: Graph, name: str, of: str, weight: NDArray[np.float32], bias: NDArray[np.float32]) -> str:
    graph.add("MatMul", of, graph.hold(f"{name}.weight", weight), out=f"{name} product")
    return graph.add("Add", f"{name} product", graph.hold(f"{name}.bias", bias), out=name)


def _small(
    graph: Graph, name: str, of: str, scale: str, zero: str, weight: NDArray[np.float32], bias: NDArray[np.float32]
) -> str:
    # Unsigned activations: ONNX Runtime has fast kernels for these alone.
    integers, scales = _to_int8(weight, axis=0)
    held = graph.hold(f"{name}.weight", integers), graph.hold(f"{name}.scales", scales[0])
    return graph.add(
        "MatMulIntegerToFloat", of, held[0], scale, held[1], zero, "", graph.hold(f"{name}.bias", bias),
        out=name, domain=FAST,
    )  # fmt: skip


def _to_int8(weight: NDArray[np.float32], axis: int) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Whole numbers from -127 to 127, and the scales, one for each slice along `axis`, that make them the weights."""
    scales = np.maximum(np.abs(weight).max(axis, keepdims=True), 1e-8) / np.float32(127)
    return np.round(weight / scales).astype(np.int8), scales


def _judge(graph: Graph, model: Model, hidden: str) -> list[onnx.ValueInfoProto]:
    """As `Model.judge`: the logits of all heads, from three means that one product takes together."""
    for name, segment in (("target", 1), ("mention", 2)):
        graph.hold(f"{name} segment", np.array(segment, np.int32))
        graph.add("Equal", "token_type_ids", f"{name} segment", out=f"{name} is")
        graph.add("Cast", f"{name} is", out=f"{name} mask", to=TensorProto.FLOAT)
    graph.add("Sub", "mask", "target mask", out="text mask")
    graph.hold("second", [1])
    graph.hold("last", [-1])
    for name in ("text", "target", "mention"):
        graph.add("Unsqueeze", f"{name} mask", "second", out=f"{name} weights")
    graph.add("Concat", "text weights", "target weights", "mention weights", out="weights", axis=1)
    graph.add("MatMul", "weights", hidden, out="sums")
    graph.add("ReduceSum", "weights", "last", out="counts", keepdims=1)
    graph.add("Max", "counts", "one", out="divisors")
    graph.add("Div", "sums", "divisors", out="means")
    whole, target, mention = graph.add_many(
        "Split", "means", outs=["whole mean", "target mean", "mention mean"], axis=1
    )
    *_, found = graph.add_many("Split", "counts", outs=["text count", "target count", "mention count"], axis=1)
    graph.add("Greater", found, "zero", out="mentioned")
    graph.add("Where", "mentioned", mention, whole, out="place mean")
    graph.add("Concat", whole, target, "place mean", out="about wide", axis=2)
    graph.add("Squeeze", "about wide", "second", out="about")
    graph.add("Squeeze", whole, "second", out="whole")
    outputs = []
    for name, head in model.heads.items():
        weight, bias = graph.hold(f"{name}.weight", head.weight), graph.hold(f"{name}.bias", head.bias)
        graph.add("Gemm", "about" if name in ABOUT_TARGET else "whole", weight, bias, out=name, transB=1)
        outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, ["rows", head.out_features]))
    return outputs
