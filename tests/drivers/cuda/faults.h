/* What goes wrong, and when: ISIM_FAKE_CUDA_FAULT=WHAT[:COUNT], at the COUNTth of the calls it concerns.

   no-device        cuInit finds no GPU
   launch:COUNT     a kernel fails; as on hardware every later call of the process fails with the same error
   memory:COUNT     this allocation and every later one does not fit (pycuda tries twice)
   lost:COUNT       the GPU falls off the bus at a launch: every later call fails
   interrupt:COUNT  Ctrl-C at a launch
   hang:COUNT       the process never comes back from a launch
   kill:COUNT       the process is killed at a launch */
#ifndef ISIM_FAKE_FAULTS_H
#define ISIM_FAKE_FAULTS_H
#include <cuda.h>

CUresult at_init(void);
CUresult at_launch(void);
CUresult at_allocation(void);
CUresult sticky(void); /* what every call answers since a launch failed or the GPU was lost */

#endif
