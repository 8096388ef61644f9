#include "model.h"
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME 128
#define ROWS 4096

typedef struct operation {
  enum operation_kind kind;
  char name[NAME];
  double issued_us, gap_us, left_us, started_us, demand[RESOURCES];
  int running;
  unsigned grid, block;
  event *event;
  struct operation *next;
} operation;

struct stream {
  int number;
  double free_us; /* when the last operation ended */
  operation *head, *tail;
  stream *next;
};

typedef struct { char name[NAME]; double duration_us, gap_us, demand[RESOURCES]; } planted;
typedef struct { double time_us, speed; } state;

double host_us;
static double device_us;
static stream *streams;
static int created;
static planted kernels[ROWS];
static state states[ROWS];
static int kernel_count = -1, state_count;
static double launch_us = 2;

static FILE *open_named(const char *variable, const char *mode) {
  const char *path = getenv(variable);
  if (!path) return NULL;
  FILE *file = fopen(path, mode);
  if (!file) { perror(path); abort(); }
  return file;
}

static void read_tables(void) {
  if (kernel_count >= 0) return;
  kernel_count = 0;
  FILE *file = open_named("ISIM_FAKE_CUDA_KERNELS", "r");
  if (file) {
    planted *k = kernels;
    while (kernel_count < ROWS && fscanf(file, "%127s %lf %lf %lf %lf %lf", k->name, &k->duration_us, &k->gap_us,
                                         &k->demand[SM], &k->demand[L2], &k->demand[DRAM]) == 6)
      k = &kernels[++kernel_count];
    fclose(file);
  }
  file = open_named("ISIM_FAKE_GPU_STATE", "r");
  if (file) {
    double time_us, clock_mhz, first_mhz = 0;
    while (state_count < ROWS && fscanf(file, "%lf %lf %*f %*f %*f %*x", &time_us, &clock_mhz) == 2) {
      if (!state_count) first_mhz = clock_mhz;
      states[state_count++] = (state){time_us, clock_mhz / first_mhz};
    }
    fclose(file);
  }
  if (getenv("ISIM_FAKE_CUDA_LAUNCH_US")) launch_us = atof(getenv("ISIM_FAKE_CUDA_LAUNCH_US"));
}

void log_line(const char *format, ...) {
  static FILE *file;
  if (!file && !(file = open_named("ISIM_FAKE_CUDA_LOG", "w"))) return;
  va_list arguments;
  va_start(arguments, format);
  vfprintf(file, format, arguments);
  va_end(arguments);
  fflush(file);
}

stream *new_stream(void) {
  stream *s = calloc(1, sizeof *s), **last = &streams;
  while (*last) last = &(*last)->next;
  s->number = created++;
  return *last = s;
}

void delete_stream(stream *s) {
  wait_for_stream(s); /* a real driver lets the work go on; here nothing is left behind */
  stream **link = &streams;
  while (*link != s) link = &(*link)->next;
  *link = s->next;
  free(s);
}

static void append(stream *s, operation *o) {
  o->issued_us = host_us;
  if (s->tail) s->tail->next = o; else s->head = o;
  s->tail = o;
}

void issue_kernel(stream *s, const char *name, unsigned grid, unsigned block) {
  read_tables();
  host_us += launch_us;
  operation *o = calloc(1, sizeof *o);
  o->kind = KERNEL;
  o->grid = grid;
  o->block = block;
  o->left_us = 10; /* of a kernel that is not planted: it takes little, of nothing */
  snprintf(o->name, NAME, "%s", name);
  for (int i = 0; i < kernel_count; i++)
    if (!strcmp(kernels[i].name, name)) {
      o->left_us = kernels[i].duration_us;
      o->gap_us = kernels[i].gap_us;
      memcpy(o->demand, kernels[i].demand, sizeof o->demand);
    }
  append(s, o);
}

void issue_event(stream *s, enum operation_kind kind, event *e) {
  operation *o = calloc(1, sizeof *o);
  o->kind = kind;
  o->event = e;
  if (kind == RECORD) e->pending++;
  append(s, o);
}

/* When the head of a stream can begin; INFINITY while it waits for something that has no time yet. */
static double ready_us(const stream *s) {
  const operation *o = s->head;
  double ready = fmax(o->issued_us, s->free_us) + o->gap_us;
  if (o->kind == WAIT) return o->event->pending ? INFINITY : fmax(ready, o->event->time_us);
  return ready;
}

static void finish_head(stream *s) {
  operation *o = s->head;
  if (o->kind == KERNEL)
    log_line("kernel %d %s %.4f %.4f %u %u %.4f\n", s->number, o->name, o->started_us, device_us, o->grid, o->block,
             o->issued_us);
  if (o->kind == RECORD) { o->event->time_us = device_us; o->event->recorded = 1; o->event->pending--; }
  s->free_us = device_us;
  s->head = o->next;
  if (!s->head) s->tail = NULL;
  free(o);
}

static double clock_speed(double *until_us) {
  double speed = 1;
  *until_us = INFINITY;
  for (int i = 0; i < state_count; i++) {
    if (states[i].time_us > device_us) { *until_us = states[i].time_us; break; }
    speed = states[i].speed;
  }
  return speed;
}

/* Go to the next moment at which something begins, ends or changes speed, at most `limit_us`; 0 if nothing can. */
static int step(double limit_us) {
  double until_us, sums[RESOURCES] = {0}, slowdown = 1, next_us = INFINITY;
  for (stream *s = streams; s; s = s->next)
    if (s->head && s->head->kind != KERNEL && ready_us(s) <= device_us) { finish_head(s); return 1; }
  double speed = clock_speed(&until_us);
  for (stream *s = streams; s; s = s->next) {
    operation *o = s->head;
    if (!o) continue;
    if (o->kind != KERNEL || ready_us(s) > device_us) { next_us = fmin(next_us, ready_us(s)); continue; }
    if (!o->running) { o->running = 1; o->started_us = device_us; }
    for (int r = 0; r < RESOURCES; r++) slowdown = fmax(slowdown, sums[r] += o->demand[r]);
  }
  for (stream *s = streams; s; s = s->next)
    if (s->head && s->head->running) next_us = fmin(next_us, device_us + s->head->left_us * slowdown / speed);
  if (isinf(next_us) || device_us >= limit_us) return 0;
  next_us = fmin(fmin(next_us, until_us), limit_us);
  double passed_us = next_us - device_us;
  device_us = next_us;
  for (stream *s = streams; s; s = s->next)
    if (s->head && s->head->running && (s->head->left_us -= passed_us * speed / slowdown) < 1e-6) finish_head(s);
  return 1;
}

void advance_to_host(void) {
  while (step(host_us)) {}
  device_us = fmax(device_us, host_us);
}

int stream_is_idle(const stream *s) {
  for (const stream *q = streams; q; q = q->next)
    if ((!s || q == s) && q->head) return 0;
  return 1;
}

void wait_for_stream(stream *s) {
  advance_to_host();
  while (!stream_is_idle(s) && step(INFINITY)) {}
  host_us = fmax(host_us, device_us);
}

void wait_for_event(event *e) {
  advance_to_host();
  while (e->pending && step(INFINITY)) {}
  host_us = fmax(host_us, device_us);
}

double virtual_us(void) { return host_us; }
void let_pass(double us) { host_us += us; }
