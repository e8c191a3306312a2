"""Which channels go together, layer kind by layer kind, and what the smaller model is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from midge.converter.prune import (
    Block,
    Group,
    Slice,
    find_blocks,
    find_groups,
    remove_blocks,
    remove_channels,
    unprunable,
)
from midge.converter.prune.activations import run
from midge.runtime.errors import ConversionError, InputError

# TensorFlow and its friends use what NumPy and Python are about to drop.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")


@pytest.fixture(autouse=True)
def fresh_names() -> None:
    """Layers are numbered from the start in every test."""
    import keras

    keras.backend.clear_session()
    keras.utils.set_random_seed(5)


def chain(shape: tuple[int, ...], make: Callable[[Any], list[Any]]) -> Any:
    import keras

    return keras.Sequential([keras.Input(shape), *make(keras.layers)])


def graph(shape: tuple[int, ...], make: Callable[[Any, Any], Any]) -> Any:
    import keras

    start = keras.Input(shape, name="start")
    return keras.Model(start, make(keras.layers, start))


def inputs_of(model: Any, count: int = 2) -> dict[str, np.ndarray]:
    random = np.random.default_rng(1)
    return {t.name: random.standard_normal((count, *t.shape[1:])).astype(np.float32) for t in model.inputs}


def each(*positions: int) -> tuple[tuple[int, ...], ...]:
    return tuple((p,) for p in positions)


def only(groups: list[Group], name: str) -> Group:
    return next(group for group in groups if group.name == name)


def slices(parts: tuple[Slice, ...]) -> set[tuple[str, str, int]]:
    return {(part.layer, part.variable, part.axis) for part in parts}


def positions(parts: tuple[Slice, ...], layer: str, variable: str, axis: int) -> tuple[tuple[int, ...], ...]:
    return next(p.positions for p in parts if (p.layer, p.variable, p.axis) == (layer, variable, axis))


def test_a_filter_owns_its_bias_its_statistics_and_what_reads_it() -> None:
    model = chain(
        (6, 6, 2),
        lambda k: [k.Conv2D(3, 3, name="a"), k.BatchNormalization(name="n"), k.ReLU(), k.Conv2D(2, 1, name="b")],
    )

    (group,) = find_groups(model)

    assert (group.name, group.size) == ("a", 3)
    assert slices(group.produces) == {
        ("a", "kernel", 3),
        ("a", "bias", 0),
        ("n", "gamma", 0),
        ("n", "beta", 0),
        ("n", "moving_mean", 0),
        ("n", "moving_variance", 0),
    }
    assert group.consumes == (Slice("b", "kernel", 2, each(0, 1, 2)),)
    assert [carrier.layer for carrier in group.tensors] == ["a", "n", "re_lu"]


def test_a_residual_addition_ties_its_operands() -> None:
    model = graph(
        (6, 6, 2),
        lambda k, x: k.Conv2D(2, 1, name="end")(
            k.Add()([(y := k.Conv2D(4, 1, name="a")(x)), k.Conv2D(4, 1, name="c")(k.Conv2D(3, 1, name="b")(y))])
        ),
    )

    groups = find_groups(model)

    assert [(g.name, g.size) for g in groups] == [("a", 4), ("b", 3)]
    assert {part.layer for part in groups[0].produces} == {"a", "c"}
    assert {part.layer for part in groups[0].consumes} == {"b", "end"}


def test_flatten_spreads_a_channel_over_the_pixels() -> None:
    model = chain((2, 2, 1), lambda k: [k.Conv2D(3, 1, name="a"), k.Flatten(), k.Dense(2, name="d")])

    (group,) = find_groups(model)

    expected = ((0, 3, 6, 9), (1, 4, 7, 10), (2, 5, 8, 11))
    assert group.consumes == (Slice("d", "kernel", 0, expected),)


def test_a_depthwise_layer_passes_its_channels_on_times_the_multiplier() -> None:
    model = chain(
        (4, 4, 1),
        lambda k: [k.Conv2D(2, 1, name="a"), k.DepthwiseConv2D(3, depth_multiplier=3, name="w"), k.Conv2D(2, 1)],
    )

    (group,) = find_groups(model)

    assert positions(group.produces, "w", "kernel", 2) == each(0, 1)
    assert positions(group.produces, "w", "bias", 0) == ((0, 1, 2), (3, 4, 5))
    assert group.consumes[0].positions == ((0, 1, 2), (3, 4, 5))


def test_grouped_convolutions_lose_the_same_channels_in_every_group() -> None:
    model = chain((4, 4, 2), lambda k: [k.Conv2D(6, 1, name="a"), k.Conv2D(4, 1, groups=2, name="g"), k.Conv2D(2, 1)])

    first, second = find_groups(model)

    assert positions(first.produces, "a", "kernel", 3) == ((0, 3), (1, 4), (2, 5))
    assert positions(first.consumes, "g", "kernel", 2) == each(0, 1, 2)
    assert positions(second.produces, "g", "kernel", 3) == ((0, 2), (1, 3))


def test_a_convolution_with_one_channel_per_group_loses_groups() -> None:
    model = chain((4, 4, 2), lambda k: [k.Conv2D(3, 1, name="a"), k.Conv2D(6, 3, groups=3, name="g"), k.Conv2D(2, 1)])

    (group,) = find_groups(model)
    smaller = remove_channels(model, {"a": [0, 2]})

    assert positions(group.produces, "g", "kernel", 3) == ((0, 1), (2, 3), (4, 5))
    assert (smaller.get_layer("g").groups, smaller.get_layer("g").filters) == (2, 4)


def test_an_lstm_unit_owns_a_column_of_every_gate() -> None:
    model = chain((5, 3), lambda k: [k.LSTM(2, name="l"), k.Dense(2, name="d")])

    (group,) = find_groups(model)

    gates = ((0, 2, 4, 6), (1, 3, 5, 7))
    assert positions(group.produces, "l", "kernel", 1) == gates
    assert positions(group.produces, "l", "recurrent_kernel", 1) == gates
    assert positions(group.produces, "l", "bias", 0) == gates
    assert group.consumes == (Slice("l", "recurrent_kernel", 0, each(0, 1)), Slice("d", "kernel", 0, each(0, 1)))


def test_a_gru_unit_owns_columns_of_both_biases() -> None:
    model = chain((5, 3), lambda k: [k.GRU(2, name="g"), k.Dense(2)])

    (group,) = find_groups(model)

    assert positions(group.produces, "g", "bias", 1) == ((0, 2, 4), (1, 3, 5))


def test_both_directions_keep_the_same_units() -> None:
    """Keras takes the width of the second half of the output to be that of the first."""
    model = chain((5, 3), lambda k: [k.Bidirectional(k.GRU(2, name="g"), name="two"), k.Dense(2, name="d")])

    (group,) = find_groups(model)

    assert {part.layer for part in group.produces} == {"two/forward_g", "two/backward_g"}
    assert positions(group.consumes, "d", "kernel", 0) == ((0, 2), (1, 3))


def test_concatenation_lays_channels_side_by_side() -> None:
    model = graph(
        (4,),
        lambda k, x: k.Dense(2, name="d")(k.Concatenate()([k.Dense(2, name="a")(x), k.Dense(3, name="b")(x)])),
    )

    a, b = find_groups(model)

    assert positions(a.consumes, "d", "kernel", 0) == each(0, 1)
    assert positions(b.consumes, "d", "kernel", 0) == each(2, 3, 4)


def test_squeeze_and_excite_ties_the_gate_to_the_gated() -> None:
    def network(k: Any, x: Any) -> Any:
        y = k.Conv2D(4, 1, name="a")(x)
        gate = k.Dense(4, "sigmoid", name="gate")(k.Dense(2, "relu", name="squeeze")(k.GlobalAveragePooling2D()(y)))
        return k.Conv2D(2, 1, name="end")(k.Multiply()([y, k.Reshape((1, 1, 4), name="r")(gate)]))

    model = graph((6, 6, 2), network)

    a = only(find_groups(model), "a")
    smaller = remove_channels(model, {"a": [0, 3], "squeeze": [1]})

    assert {part.layer for part in a.produces} == {"a", "gate"}
    assert {part.layer for part in a.consumes} == {"squeeze", "end"}
    assert tuple(smaller.get_layer("r").target_shape) == (1, 1, 2)


def test_a_layer_that_is_split_begins_a_group_for_each_piece() -> None:
    """Each keeps a channel, so that no tensor is left without any."""
    import keras

    def network(k: Any, x: Any) -> Any:
        first, second = keras.ops.split(k.Dense(5, name="a")(x), [2], axis=-1)
        return k.Concatenate()([k.Dense(2)(first), k.Dense(2)(second)])

    model = graph((4,), network)

    groups = find_groups(model)
    smaller = remove_channels(model, {"a": [1], "a#2": [0]})

    assert [(g.name, g.size) for g in groups] == [("a", 2), ("a#2", 3)]
    assert smaller.get_layer("a").units == 2


def test_a_shared_layer_has_the_same_channels_at_every_call() -> None:
    def network(k: Any, x: Any) -> Any:
        shared, a, b = k.Dense(3, name="s"), k.Dense(4, name="a")(x), k.Dense(4, name="b")(x)
        return k.Dense(2)(k.Concatenate()([shared(a), shared(b)]))

    a, s = find_groups(graph((4,), network))

    assert {part.layer for part in a.produces} == {"a", "b"}
    assert positions(s.consumes, "dense", "kernel", 0) == ((0, 3), (1, 4), (2, 5))
    assert [(c.layer, c.call) for c in s.tensors] == [("s", 0), ("s", 1), ("concatenate", 0)]


def test_channels_are_followed_into_nested_models_and_wrappers() -> None:
    import keras

    def network(k: Any, x: Any) -> Any:
        inner = keras.Sequential([keras.Input((4, 4, 3)), k.Conv2D(5, 1, name="c"), k.Flatten()], name="inner")
        return k.Dense(2, name="end")(k.LSTM(3, name="l")(k.TimeDistributed(inner, name="t")(k.Dense(3, name="d")(x))))

    model = graph((6, 4, 4, 1), network)

    groups = find_groups(model)
    smaller = remove_channels(model, {"d": [2], "t/inner/c": [0, 4]})

    assert [g.name for g in groups] == ["d", "t/inner/c", "l"]
    assert smaller.get_layer("t").layer.input_shape == (None, 4, 4, 1)
    assert smaller.get_layer("l").cell.kernel.shape == (4 * 4 * 2, 12)


@pytest.mark.parametrize(
    ("make", "layer", "reason"),
    [
        (lambda k, x: k.Dense(4, name="a")(x), "a", "output of the model"),
        (lambda k, x: k.Dense(2)(k.LayerNormalization()(k.Dense(4, name="a")(x))), "a", "statistics over all channels"),
        (lambda k, x: k.Dense(2)(k.Dense(4, "softmax", name="a")(x)), "a", "activation softmax of 'a'"),
        (lambda k, x: k.Dense(2)(k.Dense(1, name="a")(x)), "a", "a single channel"),
        (lambda k, x: k.Dense(2)(k.Multiply()([x, k.Dense(1, name="a")(x)])), "a", "spreads it over all channels"),
        (lambda k, x: k.Dense(2)(k.Add()([x, k.Dense(8, name="a")(x)])), "a", "the model's input 'start'"),
        (lambda k, x: k.Dense(2)(k.Dense(3, name="a")(x) * np.ones(3, "f")), "a", "one value per channel"),
        (lambda k, x: k.Dense(2)(k.Lambda(lambda t: 2 * t)(k.Dense(3, name="a")(x))), "a", "cannot be looked into"),
        (lambda k, x: k.Dense(2)(k.Reshape((3, 4))(k.Dense(12, name="a")(x))), "a", "mixes channels with positions"),
    ],
)
def test_what_has_to_stay_says_why(make: Callable[[Any, Any], Any], layer: str, reason: str) -> None:
    model = graph((8,), make)

    assert layer not in [group.name for group in find_groups(model)]
    assert reason in unprunable(model)[layer]


def test_attention_keeps_the_channels_it_ties_and_leaves_the_rest_free() -> None:
    def network(k: Any, x: Any) -> Any:
        y = k.Dense(8, name="in")(x)
        y = k.LayerNormalization()(k.Add()([y, k.MultiHeadAttention(2, 4, name="m")(y, y)]))
        return k.Dense(2)(k.Add()([y, k.Dense(8, name="b")(k.Dense(16, "gelu", name="a")(y))]))

    model = graph((6, 4), network)

    assert [g.name for g in find_groups(model)] == ["a"]
    assert "heads" in unprunable(model)["m"]


def test_the_model_is_rebuilt_with_its_names_its_classes_and_its_frozen_layers() -> None:
    model = chain((6,), lambda k: [k.Dense(5, name="a", trainable=False), k.Dropout(0.5), k.Dense(3, name="b")])

    smaller = remove_channels(model, {"a": (4, 0, 2)})

    assert type(smaller) is type(model)
    assert [layer.name for layer in smaller.layers] == ["a", "dropout", "b"]
    assert [layer.trainable for layer in smaller.layers] == [False, True, True]
    kernel, bias = model.get_layer("a").get_weights()
    np.testing.assert_array_equal(smaller.get_layer("a").get_weights()[0], kernel[:, [0, 2, 4]])
    np.testing.assert_array_equal(smaller.get_layer("a").get_weights()[1], bias[[0, 2, 4]])
    np.testing.assert_array_equal(
        smaller.get_layer("b").get_weights()[0], np.asarray(model.get_layer("b").kernel)[[0, 2, 4]]
    )


def test_the_smaller_model_trains_and_survives_being_saved(tmp_path: Any) -> None:
    import keras

    model = chain((8, 8, 1), lambda k: [k.Conv2D(4, 3), k.BatchNormalization(), k.Flatten(), k.Dense(2)])
    smaller = remove_channels(model, {"conv2d": [1, 2]})
    inputs = inputs_of(model, 8)

    smaller.compile("adam", "mse")
    smaller.fit(inputs[model.inputs[0].name], np.ones((8, 2), "f"), verbose=0)
    smaller.save(tmp_path / "smaller.keras")
    loaded = keras.models.load_model(tmp_path / "smaller.keras")

    found, expected = (m(inputs[model.inputs[0].name]).numpy() for m in (loaded, smaller))
    np.testing.assert_array_equal(found, expected)


def test_structures_of_inputs_and_outputs_stay() -> None:
    import keras

    k = keras.layers
    ends = {"p": keras.Input((3,), name="p"), "q": keras.Input((4,), name="q")}
    joined = k.Concatenate()([k.Dense(3, name="a")(ends["p"]), ends["q"]])
    model = keras.Model(ends, {"u": k.Dense(2)(joined), "v": k.Dense(1)(joined)})

    smaller = remove_channels(model, {"a": [0]})

    found = smaller(inputs_of(model))
    assert {name: tuple(value.shape) for name, value in found.items()} == {"u": (2, 2), "v": (2, 1)}


def test_layers_of_a_users_own_stay_whole_and_keep_their_weights() -> None:
    import keras

    class Gain(keras.layers.Layer):
        def build(self, shape: Any) -> None:
            self.gain = self.add_weight(shape=(shape[-1],), initializer="random_normal", name="gain")

        def call(self, x: Any) -> Any:
            return x * self.gain

    model = chain((6,), lambda k: [k.Dense(5, name="a"), Gain(name="g"), k.Dense(4, name="b"), k.Dense(2)])
    start = inputs_of(model)[model.inputs[0].name]

    same = remove_channels(model, {"b": range(4)})

    assert [g.name for g in find_groups(model)] == ["b"]
    assert "class Gain" in unprunable(model)["g"]
    np.testing.assert_array_equal(same(start), model(start))


def test_a_layer_that_cannot_be_made_anew_is_named() -> None:
    import keras

    class Odd(keras.layers.Layer):
        def __init__(self, inner: Any, **options: Any) -> None:
            super().__init__(**options)
            self.inner = inner

        def call(self, x: Any) -> Any:
            return self.inner(x)

        def get_config(self) -> dict[str, Any]:
            return dict(super().get_config())

    model = chain((6,), lambda k: [k.Dense(5, name="a"), Odd(k.Dense(4), name="odd"), k.Dense(2)])

    with pytest.raises(ConversionError, match=r"the layer 'odd' of class Odd cannot be rebuilt.*get_config"):
        remove_channels(model, {})


@pytest.mark.parametrize("keep", [{"a": []}, {"a": [0, 0]}, {"a": [5]}, {"a": [-1]}, {"nobody": [0]}])
def test_channels_that_are_not_there_are_refused(keep: dict[str, list[int]]) -> None:
    model = chain((6,), lambda k: [k.Dense(5, name="a"), k.Dense(2)])

    with pytest.raises(InputError, match=r"expected (at least one of 0 to 4|one of \['a'\])"):
        remove_channels(model, keep)


def test_what_has_no_graph_is_refused_with_the_way_out() -> None:
    import keras
    import tf_keras

    class Own(keras.Model):
        def call(self, x: Any) -> Any:
            return x

    with pytest.raises(ConversionError, match="functional API"):
        find_groups(Own())
    with pytest.raises(ConversionError, match="load it with Keras 3"):
        find_groups(tf_keras.Sequential([tf_keras.Input((4,)), tf_keras.layers.Dense(2)]))
    with pytest.raises(InputError, match=r"begin it with keras\.Input"):
        find_groups(keras.Sequential([keras.layers.Dense(2)]))
    with pytest.raises(InputError, match="expected a Keras model, got int"):
        find_groups(3)


def test_a_branch_is_a_block_if_nothing_weighs_on_its_shortcut() -> None:
    def network(k: Any, x: Any) -> Any:
        x = k.Conv2D(4, 1, name="c")(x)
        y = k.ReLU(name="r")(k.Conv2D(4, 1, name="a")(x))
        x = k.Add(name="plain")([k.Dropout(0.1)(x), y])
        x = k.Add(name="projected")([k.Conv2D(4, 1)(x), k.Conv2D(4, 1)(x)])
        y = k.Conv2D(4, 1, name="b")(x)
        used = k.GlobalMaxPooling2D()(y)
        x = k.Add(name="used_elsewhere")([x, y])
        return k.Concatenate()([used, k.GlobalMaxPooling2D()(x)])

    assert find_blocks(graph((6, 6, 3), network)) == [Block("plain", ("a", "r", "plain"))]


def test_without_its_block_the_shortcut_remains() -> None:
    """Also in a nested model; the value is that of the network written down without the branch."""
    import keras

    def network(k: Any, x: Any) -> Any:
        inner = keras.Input((4,))
        y = k.Add(name="sum")([k.Dense(4, name="b")(k.Dense(3, name="a")(inner)), inner])
        return k.Dense(2, name="end")(keras.Model(inner, k.ReLU()(y), name="inner")(k.Dense(4, name="first")(x)))

    model = graph((5,), network)
    start = inputs_of(model)["start"]

    (block,) = find_blocks(model)
    shorter = remove_blocks(model, [block.name])

    assert block == Block("inner/sum", ("inner/a", "inner/b", "inner/sum"))
    hidden = np.maximum(model.get_layer("first")(start).numpy(), 0)
    np.testing.assert_array_equal(shorter(start), model.get_layer("end")(hidden))
    assert [layer.name for layer in shorter.get_layer("inner").layers[1:]] == ["re_lu"]
    with pytest.raises(InputError, match="there is no block 'sum'"):
        remove_blocks(model, ["sum"])


def test_every_tensor_is_seen_where_its_carrier_says() -> None:
    """Computing call by call gives the model's outputs, and channels of ones where a channel has bias one alone."""
    model = graph(
        (6, 6, 2),
        lambda k, x: k.Dense(2)(k.Flatten(name="f")(k.MaxPooling2D(2, name="p")(k.Conv2D(3, 1, name="a")(x)))),
    )
    model.get_layer("a").set_weights([np.zeros((1, 1, 2, 3)), np.array([0, 1, 0])])
    start = inputs_of(model)["start"]

    outputs, seen = run(model, [start])
    (group,) = find_groups(model)

    np.testing.assert_array_equal(outputs[0], model(start))
    assert [carrier.layer for carrier in group.tensors] == ["a", "p", "f"]
    for carrier in group.tensors:
        tensor = np.asarray(seen[carrier.layer, carrier.call, carrier.output])
        for channel, value in enumerate((0, 1, 0)):
            assert (tensor[..., list(carrier.positions[channel])] == value).all()
