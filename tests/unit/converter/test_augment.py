"""Images vary from epoch to epoch, the same way for the same seed."""

from __future__ import annotations

import numpy as np

from midge.converter.augment import vary
from midge.converter.steps.step import Training

IMAGES = np.arange(64 * 8 * 8 * 2, dtype=np.float32).reshape(64, 8, 8, 2)


def test_without_settings_nothing_changes() -> None:
    assert vary((IMAGES,), Training(), (0,))[0] is IMAGES


def test_what_is_no_image_stays() -> None:
    rows = np.ones((4, 8), np.float32)

    assert vary((rows,), Training(shift=0.5, mirror=True), (0,))[0] is rows


def test_the_same_draw_varies_the_same_way() -> None:
    training = Training(shift=0.25, mirror=True)
    one, same, other = (vary((IMAGES,), training, draw)[0] for draw in ((1, 2), (1, 2), (1, 3)))

    assert (one == same).all()
    assert (one != other).any()


def test_mirrored_images_are_those_given_or_their_mirror_images() -> None:
    (found,) = vary((IMAGES,), Training(mirror=True), (0,))
    straight = (found == IMAGES).all(axis=(1, 2, 3))
    mirrored = (found == IMAGES[:, :, ::-1]).all(axis=(1, 2, 3))

    assert (straight ^ mirrored).all()
    assert straight.any() and mirrored.any()


def test_a_shift_repeats_the_border_and_goes_as_far_as_it_says() -> None:
    rows = np.broadcast_to(np.arange(8.0)[:, None, None], (256, 8, 8, 1))

    (found,) = vary((rows,), Training(shift=0.25), (0,))
    expected = {tuple(np.clip(np.arange(8) + offset, 0, 7)) for offset in (-2, -1, 0, 1, 2)}

    assert {tuple(image[:, 0, 0]) for image in found} == expected
