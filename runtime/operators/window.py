"""How a window slides over images: the geometry shared by convolutions and pools."""

from __future__ import annotations

from dataclasses import astuple, dataclass, replace

from midge.runtime.graph import Tensor
from midge.runtime.operators.row import expect, require

SAME, VALID = 0, 1
"""Numbers of the schema's Padding."""


@dataclass(frozen=True)
class Padding:
    """Rows and columns around an image, said outright instead of by a rule; not in any file."""

    top: int
    bottom: int
    left: int
    right: int


MAX_EXTENT = 2**30 - 1
"""Greatest extent of a dilated window: positions then fit 32 bits on every side of the image."""


@dataclass(frozen=True)
class Window:
    """The fields of `midge_window`, in its order; see kernels.h."""

    batches: int
    input_height: int
    input_width: int
    input_channels: int
    output_height: int
    output_width: int
    output_channels: int
    filter_height: int
    filter_width: int
    stride_height: int
    stride_width: int
    dilation_height: int
    dilation_width: int
    padding_top: int
    padding_left: int
    interior_top: int
    interior_bottom: int
    interior_left: int
    interior_right: int

    def as_param(self) -> tuple[int, ...]:
        """Return the structure as a kernel parameter."""
        return astuple(self)

    @property
    def padded_height(self) -> int:
        """Rows of the image together with its padding, as far as windows reach."""
        return (self.output_height - 1) * self.stride_height + (self.filter_height - 1) * self.dilation_height + 1

    @property
    def padded_width(self) -> int:
        """Columns of the image together with its padding, as far as windows reach."""
        return (self.output_width - 1) * self.stride_width + (self.filter_width - 1) * self.dilation_width + 1

    @property
    def all_interior(self) -> bool:
        """Whether no window needs padding or gathering."""
        return (self.interior_top, self.interior_bottom) == (0, self.output_height) and (
            self.interior_left,
            self.interior_right,
        ) == (0, self.output_width)


def make_window(
    source: Tensor,
    output_channels: int,
    filter_size: tuple[int, int],
    stride: tuple[int, int],
    dilation: tuple[int, int],
    padding: int | Padding,
    direct: bool = True,
) -> Window:
    """Compute the geometry of a window with TFLite's padding rules.

    Args:
        source: the input, of shape (batches, height, width, channels).
        output_channels: channels of the output.
        filter_size: (height, width).
        stride: (height, width).
        dilation: (height, width).
        padding: SAME, VALID, or how much of it there is on each side, each less than the window spans.
        direct: whether windows inside the image can be read in place; without it the interior is empty.

    Raises:
        ModelError: the attributes contradict each other.
        UnsupportedError: they exceed what the kernels can count.
    """
    expect(len(source.shape) == 4, f"expected an input of rank 4, found shape {list(source.shape)}")
    expect(all(n >= 1 for n in source.shape), f"input shape {list(source.shape)} has an empty dimension")
    expect(output_channels >= 1, "expected at least one output channel")
    batches, height, width, channels = source.shape
    if isinstance(padding, Padding):
        above: int | tuple[int, int] = (padding.top, padding.bottom)
        beside: int | tuple[int, int] = (padding.left, padding.right)
    else:
        expect(padding in (SAME, VALID), f"expected padding SAME (0) or VALID (1), found {padding}")
        above = beside = padding
    rows = _Axis("height", height, filter_size[0], stride[0], dilation[0], above)
    columns = _Axis("width", width, filter_size[1], stride[1], dilation[1], beside)
    interior = (*rows.interior(), *columns.interior())
    if not direct or interior[0] == interior[1] or interior[2] == interior[3]:
        interior = (0, 0, 0, 0)
    return Window(
        batches,
        height,
        width,
        channels,
        rows.output,
        columns.output,
        output_channels,
        rows.filter,
        columns.filter,
        rows.stride,
        columns.stride,
        rows.dilation,
        columns.dilation,
        rows.before,
        columns.before,
        *interior,
    )


def without_interior(window: Window) -> Window:
    """Return the geometry for a kernel that does not use the interior."""
    return replace(window, interior_top=0, interior_bottom=0, interior_left=0, interior_right=0)


class _Axis:
    """One axis of a window."""

    def __init__(
        self, name: str, extent: int, filter_: int, stride: int, dilation: int, padding: int | tuple[int, int]
    ) -> None:
        expect(filter_ >= 1, f"expected a filter {name} of at least 1, found {filter_}")
        expect(stride >= 1, f"expected a stride of at least 1 along the {name}, found {stride}")
        expect(dilation >= 1, f"expected a dilation of at least 1 along the {name}, found {dilation}")
        self.extent, self.filter, self.stride = extent, filter_, stride
        self.dilation = 1 if filter_ == 1 else dilation
        self.reach = (filter_ - 1) * self.dilation + 1
        require(self.reach <= MAX_EXTENT, f"a window that spans {self.reach} along the {name} is not supported")
        around = padding if isinstance(padding, tuple) else (0, 0)
        expect(
            min(around) >= 0 and max(around) < self.reach,
            f"padding {around} along the {name} must be less than the {self.reach} that a window spans",
        )
        if padding == SAME:
            self.output = (extent + stride - 1) // stride
        else:
            self.output = (extent + sum(around) + stride - self.reach) // stride
        expect(self.output >= 1, f"a window that spans {self.reach} does not fit an input of {name} {extent} unpadded")
        needed = max(0, (self.output - 1) * stride + self.reach - extent)
        self.before = around[0] if isinstance(padding, tuple) else needed // 2

    def interior(self) -> tuple[int, int]:
        """Return the range of outputs whose window lies inside the image; (0, 0) if there are none."""
        begin = -(-self.before // self.stride)
        end = min(self.output, (self.extent - self.reach + self.before) // self.stride + 1)
        return (begin, end) if begin < end else (0, 0)
