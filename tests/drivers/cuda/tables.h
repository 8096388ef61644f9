/* What is planted, as model.h says it is written: the kernels, and the clock over time. */
#ifndef ISIM_FAKE_TABLES_H
#define ISIM_FAKE_TABLES_H
#include "model.h"

#define NAME 128

typedef struct { char name[NAME]; double duration_us, gap_us, demand[RESOURCES]; } planted;

const planted *planted_kernel(const char *name); /* never NULL */
double launch_us(void);
double clock_speed(double now_us, double *until_us); /* over that of the first line; and when it changes */

#endif
