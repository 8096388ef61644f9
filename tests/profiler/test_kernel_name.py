"""The same kernel has the same base name, whichever profiler wrote its name."""

import pytest

from isim.profiler.kernel_name import base_name


@pytest.mark.parametrize(
    ("name", "base"),
    [
        ("ampere_sgemm_128x64_nn", "ampere_sgemm_128x64_nn"),
        ("void cutlass::Kernel<cutlass_80_s1688gemm<float, 4> >(cutlass_80_s1688gemm<float, 4>::Params)", "Kernel"),
        ("void at::native::(anonymous namespace)::softmax<float, (int)4, {lambda(int)#1}>(float*, int)", "softmax"),
        ("init_data_kernel(int, double *)", "init_data_kernel"),
        ("copy_blocked[v1,cw51c](Array<long long, 1, C, mutable, aligned>, long long)", "copy_blocked"),
        ("Memset (Device)", "Memset"),
        ("TSL:Thunk:#hlo_op=wrapped_copy#", "TSL:Thunk:#hlo_op=wrapped_copy#"),
        ("", ""),
        ("(((", "((("),
    ],
)
def test_base_names(name: str, base: str) -> None:
    assert base_name(name) == base
