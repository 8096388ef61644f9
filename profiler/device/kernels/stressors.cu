// Kernels that load one resource of the GPU each, at a set intensity, and one that only takes time.
//
// A round works on the resource and then rests `rest` times as long as the work took: rest = 1 / intensity - 1. So the
// intensity is a share of the time, also while a co-runner slows the work down. Two blocks of 256 threads an SM reach
// the peak and leave room for a co-runner.
//
// memory   buffer of `words` float4; what is computed is stored where the compiler cannot know that it never is.
// rounds   how often to work and rest; sets the duration.

#define ARGUMENTS float4 *memory, unsigned long long words, int rounds, float rest

static __device__ void idle(long long began, float rest) {
  long long until = clock64() + (long long)((clock64() - began) * rest);
  while (clock64() < until) __nanosleep(200);
}

static __device__ void keep(float4 *memory, float value) {
  if (value == -1.0f) memory[0].x = value;  // never true: all values are at least 0
}

// Issue of FP32 instructions: eight chains, so that each waits for none of the others.
extern "C" __global__ void stress_fma(ARGUMENTS) {
  float sum[8] = {0, 1, 2, 3, 4, 5, 6, 7};
  for (int round = 0; round < rounds; ++round) {
    long long began = clock64();
    for (int step = 0; step < 512; ++step)
#pragma unroll
      for (int chain = 0; chain < 8; ++chain) sum[chain] = fmaf(sum[chain], 0.999f, 0.001f);
    idle(began, rest);
  }
  keep(memory, sum[0] + sum[1] + sum[2] + sum[3] + sum[4] + sum[5] + sum[6] + sum[7]);
}

// Tensor cores: FP16 products of 16x8x8 summed in FP32, the shape that every GPU since Turing has.
extern "C" __global__ void stress_tensor(ARGUMENTS) {
  float sum[4][4] = {};
  unsigned a0 = 0x1C001C00u, a1 = a0, b = a0;  // pairs of FP16 2^-8
  for (int round = 0; round < rounds; ++round) {
    long long began = clock64();
    for (int step = 0; step < 256; ++step)
#pragma unroll
      for (int chain = 0; chain < 4; ++chain)
        asm volatile(
            "mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5}, {%6}, {%0,%1,%2,%3};"
            : "+f"(sum[chain][0]), "+f"(sum[chain][1]), "+f"(sum[chain][2]), "+f"(sum[chain][3])
            : "r"(a0), "r"(a1), "r"(b));
    idle(began, rest);
  }
  keep(memory, sum[0][0] + sum[1][0] + sum[2][0] + sum[3][0]);
}

// Reads through the memory system past the L1 cache; whether L2 or DRAM answers is a matter of the buffer's size.
static __device__ void read(ARGUMENTS) {
  float sum = 0;
  unsigned long long threads = (unsigned long long)gridDim.x * blockDim.x;
  unsigned long long at = ((unsigned long long)blockIdx.x * blockDim.x + threadIdx.x) % words;
  for (int round = 0; round < rounds; ++round) {
    long long began = clock64();
#pragma unroll 8
    for (int step = 0; step < 64; ++step) {
      float4 value = __ldcg(&memory[at]);
      sum += fabsf(value.x) + fabsf(value.y) + fabsf(value.z) + fabsf(value.w);
      at += threads;
      if (at >= words) at %= words;
    }
    idle(began, rest);
  }
  keep(memory, sum);
}

extern "C" __global__ void stress_l2(ARGUMENTS) { read(memory, words, rounds, rest); }
extern "C" __global__ void stress_dram(ARGUMENTS) { read(memory, words, rounds, rest); }

// Shared memory: every warp reads 32 different banks at once.
extern "C" __global__ void stress_shared(ARGUMENTS) {
  __shared__ float cells[4096];
  for (int cell = threadIdx.x; cell < 4096; cell += blockDim.x) cells[cell] = (float)cell;
  __syncthreads();
  float sum = 0;
  int at = threadIdx.x;
  for (int round = 0; round < rounds; ++round) {
    long long began = clock64();
#pragma unroll 16
    for (int step = 0; step < 512; ++step) {
      sum += *(volatile float *)&cells[at];
      at = (at + 32) & 4095;
    }
    idle(began, rest);
  }
  keep(memory, sum);
}

// Take time and nothing else: one block of one warp.
extern "C" __global__ void spin(long long cycles) {
  long long began = clock64();
  while (clock64() - began < cycles) {
  }
}
