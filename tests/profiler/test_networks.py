"""Networks have the parameters and multiply-adds their papers and model zoos publish."""

import pytest

from isim.errors import ProfileError
from isim.profiler.networks.registry import build_network, network_facts, network_names

# Millions of parameters and billions of multiply-adds of one sample, as published.
PUBLISHED = {
    "resnet50": (25.56, 4.09),
    "vgg19": (143.67, 19.63),
    "convnext_b": (88.59, 15.36),
    "vit_b_16": (86.57, 17.56),
    "yolov8n": (3.15, 4.37),
    "roberta_b": (124.6, None),
}


def test_every_network_has_a_published_figure() -> None:
    assert set(network_names()) == set(PUBLISHED)


@pytest.mark.parametrize("name", network_names())
def test_published_figures(name: str) -> None:
    facts, (parameters_m, multiply_adds_g) = network_facts(name), PUBLISHED[name]
    assert facts.parameters / 1e6 == pytest.approx(parameters_m, rel=0.002)
    if multiply_adds_g:
        assert facts.multiply_adds / 1e9 == pytest.approx(multiply_adds_g, rel=0.002)


@pytest.mark.parametrize("name", network_names())
def test_work_grows_with_the_batch_and_parameters_do_not(name: str) -> None:
    one, eight = build_network(name, 1), build_network(name, 8)
    assert eight.multiply_adds == 8 * one.multiply_adds
    assert eight.parameters == one.parameters
    assert (eight.input_bytes, eight.output_bytes) == (8 * one.input_bytes, 8 * one.output_bytes)
    assert [operation.name for operation in eight.operations] == [operation.name for operation in one.operations]
    assert len({operation.name for operation in one.operations}) == len(one.operations)


@pytest.mark.parametrize("name", network_names())
def test_each_kernel_reads_what_the_shapes_say(name: str) -> None:
    for operation in build_network(name, 2).operations:
        assert operation.outputs > 0
        assert operation.inputs > 0
        assert operation.depth > 0
        if operation.kind == "gemm":
            assert operation.outputs == operation.copies * operation.rows * operation.columns
            assert operation.weights_read == operation.parameters >= operation.columns * (operation.depth + 1)


def test_yolov8n_is_exact_but_for_the_fixed_bins() -> None:
    # The maker counts 3,151,904 fused parameters, 16 of which are the constants 0..15 that read a box side.
    assert network_facts("yolov8n").parameters == 3_151_904 - 16


def test_attention_grows_with_the_square_of_the_tokens() -> None:
    short, long = (
        sum(op.multiply_adds for op in build_network("roberta_b", 1, tokens).operations if op.kind == "attention")
        for tokens in (64, 128)
    )
    assert long == 4 * short == 12 * 2 * 128 * 128 * 768


def test_an_unknown_network_names_the_nearest() -> None:
    with pytest.raises(ProfileError, match=r"no network 'resnet' .*did you mean 'resnet50'"):
        build_network("resnet", 1)
