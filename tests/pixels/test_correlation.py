"""Correlations against numpy, and structure against what was put in."""

from __future__ import annotations

import numpy as np

from spora_build.pixels.correlation import correlations, structure


def test_correlations_are_numpys() -> None:
    rng = np.random.default_rng(1)
    mixed = rng.normal(size=(4, 4)) @ rng.normal(size=(4, 5000))
    sample = mixed.astype(np.float32)
    clipped = np.minimum(sample, np.quantile(sample.astype(np.float64), 0.999, axis=1, keepdims=True))
    assert np.allclose(correlations(sample), np.corrcoef(clipped), atol=1e-9)


def test_hot_pixels_do_not_make_a_correlation() -> None:
    rng = np.random.default_rng(2)
    sample = rng.poisson(5, (2, 20_000)).astype(np.float32)
    sample[:, :5] = 60_000
    assert abs(np.corrcoef(sample)[0, 1]) > 0.99
    assert abs(correlations(sample)[0, 1]) < 0.1


def test_constants_and_few_pixels_have_none() -> None:
    found = correlations(np.array([[1, 1, 1, 1], [1, 2, 3, 4]], np.float32))
    assert np.isnan(found[0]).all() and np.isnan(found[:, 0]).all() and found[1, 1] == 1
    assert np.isnan(correlations(np.ones((2, 2), np.float32))).all()


def test_structure_tells_a_pattern_from_noise() -> None:
    rng = np.random.default_rng(3)
    blobs = np.kron(rng.binomial(1, 0.3, (16, 16)), np.ones((8, 8))) * 50 + 5
    noise = rng.permutation(blobs.ravel()).reshape(blobs.shape)
    planes = np.stack([blobs, noise, np.full_like(blobs, 7), np.zeros_like(blobs)]).astype(np.float32)
    score = structure(planes, np.ones(blobs.shape, bool))
    assert score[0] > 0.9 * blobs.std() / blobs.mean() * np.sqrt(7 / 8)
    assert score[1] < 0.25 * score[0]
    assert score[2] < 1e-6 and score[3] == 0


def test_structure_looks_only_inside_the_mask() -> None:
    plane = np.full((20, 20), 4, np.float32)
    plane[:, 10:] = 400
    mask = np.zeros((20, 20), bool)
    mask[:, :10] = True
    assert structure(plane[None], mask)[0] == 0
    assert structure(plane[None], ~mask | mask)[0] > 0.5
