/*
 * A shim between a program and its disk, for LD_PRELOAD. It sees each operation that changes a file below one directory, and
 * can end the process before one of them, fail some of them, or write all of them down. Linux, glibc.
 *
 * The orders are in a shared file (`struct control`), which a test maps or writes while the program runs.
 *
 *   DISK_SHIM_ROOT     the directory; a file is watched while its path begins with it
 *   DISK_SHIM_CONTROL  the control file, at least sizeof(struct control) bytes, made by the test
 *   DISK_SHIM_RECORD   where operations are written down, outside of the directory; absent: nowhere
 *
 * Counted operations: open that creates, write, sync, truncate, unlink, rename. Reads are seen for errors alone. What is
 * mapped into memory is not seen: of SQLite's files that is `-shm`, which is made anew from the write-ahead log after a
 * power cut, so nothing that a power cut leaves of it matters.
 *
 *   DISK_SHIM_MARKS    a file outside of the directory whose writes are recorded among the others, in order: the ledger
 *
 * The record is a row of entries: a header of eight 32-bit numbers (kind, file, offset low, offset high, bytes of data,
 * descriptor, result, 0) and the data. A file gets its number with each opening, in an entry of kind PATH that says whether
 * it was there before. A sync stands where it began: what was written while it went on may or may not be part of it.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum kind { K_OPEN = 1, K_WRITE = 2, K_SYNC = 4, K_TRUNCATE = 8, K_UNLINK = 16, K_RENAME = 32, K_READ = 64, K_PATH = 128, K_MARK = 256 };

struct control {
  volatile uint32_t magic;
  volatile uint32_t operations;   /* counted so far */
  volatile uint32_t kill_before;  /* the number of the operation before which the process is killed; 0: none */
  volatile uint32_t fail_kinds;   /* a sum of kinds that fail; 0: none */
  volatile uint32_t fail_errno;
  volatile uint32_t fail_first;   /* matching operations that go well first */
  volatile uint32_t fail_count;   /* how many fail then; 0: all */
  volatile uint32_t is_short;     /* a failing write writes half of its bytes first */
  volatile uint32_t matched;      /* matching operations since the order was given */
  volatile uint32_t failed;       /* how many have failed */
  volatile uint32_t reserved[6];
  volatile char suffixes[448];    /* of the files that fail, with '|' between; empty: all */
};

#define FDS 4096
static struct control *control;
static char root[PATH_MAX];
static size_t root_length;
static char marks[PATH_MAX];
static int record_fd = -1;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* For each descriptor: the number of its file, 0 when it is not watched, -1 for the marks. */
static volatile int32_t files[FDS];
static int32_t next_file = 1;
static char *paths[FDS];

static int (*real_open)(const char *, int, ...);
static int (*real_openat)(int, const char *, int, ...);
static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static ssize_t (*real_writev)(int, const struct iovec *, int);
static ssize_t (*real_pwritev)(int, const struct iovec *, int, off_t);
static ssize_t (*real_read)(int, void *, size_t);
static ssize_t (*real_pread)(int, void *, size_t, off_t);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static int (*real_ftruncate)(int, off_t);
static int (*real_fallocate)(int, int, off_t, off_t);
static int (*real_posix_fallocate)(int, off_t, off_t);
static int (*real_unlink)(const char *);
static int (*real_unlinkat)(int, const char *, int);
static int (*real_rename)(const char *, const char *);
static int (*real_close)(int);

static void __attribute__((constructor)) begin(void) {
  real_open = dlsym(RTLD_NEXT, "open");
  real_openat = dlsym(RTLD_NEXT, "openat");
  real_write = dlsym(RTLD_NEXT, "write");
  real_pwrite = dlsym(RTLD_NEXT, "pwrite");
  real_writev = dlsym(RTLD_NEXT, "writev");
  real_pwritev = dlsym(RTLD_NEXT, "pwritev");
  real_read = dlsym(RTLD_NEXT, "read");
  real_pread = dlsym(RTLD_NEXT, "pread");
  real_fsync = dlsym(RTLD_NEXT, "fsync");
  real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
  real_ftruncate = dlsym(RTLD_NEXT, "ftruncate");
  real_fallocate = dlsym(RTLD_NEXT, "fallocate");
  real_posix_fallocate = dlsym(RTLD_NEXT, "posix_fallocate");
  real_unlink = dlsym(RTLD_NEXT, "unlink");
  real_unlinkat = dlsym(RTLD_NEXT, "unlinkat");
  real_rename = dlsym(RTLD_NEXT, "rename");
  real_close = dlsym(RTLD_NEXT, "close");
  const char *given_root = getenv("DISK_SHIM_ROOT");
  const char *given_control = getenv("DISK_SHIM_CONTROL");
  const char *given_record = getenv("DISK_SHIM_RECORD");
  const char *given_marks = getenv("DISK_SHIM_MARKS");
  if (given_root == NULL || given_control == NULL) return;
  int fd = real_open(given_control, O_RDWR | O_CLOEXEC);
  if (fd < 0) return;
  void *mapped = mmap(NULL, sizeof(struct control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  real_close(fd);
  if (mapped == MAP_FAILED) return;
  if (given_record != NULL) record_fd = real_open(given_record, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (given_marks != NULL) strncpy(marks, given_marks, sizeof marks - 1);
  strncpy(root, given_root, sizeof root - 1);
  root_length = strlen(root);
  ((struct control *)mapped)->magic = 0x52615368;
  control = mapped;
}

static int is_below(const char *path) {
  return control != NULL && strncmp(path, root, root_length) == 0 && (path[root_length] == '/' || path[root_length] == 0);
}

/* The path as it is named from the root; only absolute paths are watched, and the runtime is given one. */
static int32_t file_of(int fd) { return fd >= 0 && fd < FDS ? files[fd] : 0; }

static void put(uint32_t kind, int32_t file, int64_t offset, const void *data, uint32_t bytes, int fd, int32_t result) {
  if (record_fd < 0) return;
  uint32_t header[8] = {kind, (uint32_t)file, (uint32_t)offset, (uint32_t)((uint64_t)offset >> 32), bytes, (uint32_t)fd, (uint32_t)result, 0};
  struct iovec parts[2] = {{header, sizeof header}, {(void *)data, bytes}};
  real_writev(record_fd, parts, bytes > 0 ? 2 : 1);
}

static void begin_operation(void) {
  uint32_t number = __sync_add_and_fetch(&control->operations, 1);
  if (control->kill_before != 0 && number >= control->kill_before) {
    kill(getpid(), SIGKILL);
    for (;;) pause();
  }
}

static int ends_with_one(const char *path) {
  const char *next = (const char *)control->suffixes;
  if (*next == 0) return 1;
  size_t length = strlen(path);
  while (*next != 0) {
    const char *end = strchr(next, '|');
    size_t size = end == NULL ? strlen(next) : (size_t)(end - next);
    if (size <= length && memcmp(path + length - size, next, size) == 0) return 1;
    next += size + (end != NULL);
  }
  return 0;
}

/* The error that this operation is to get, or 0. */
static int error_for(uint32_t kind, const char *path) {
  if ((control->fail_kinds & kind) == 0 || path == NULL || !ends_with_one(path)) return 0;
  uint32_t number = __sync_add_and_fetch(&control->matched, 1);
  if (number <= control->fail_first) return 0;
  if (control->fail_count != 0 && number > control->fail_first + control->fail_count) return 0;
  __sync_add_and_fetch(&control->failed, 1);
  return (int)control->fail_errno;
}

static int opened(int fd, const char *path, int flags, int existed) {
  if (fd < 0 || fd >= FDS) return fd;
  if (marks[0] != 0 && strcmp(path, marks) == 0) {
    files[fd] = -1;
    return fd;
  }
  pthread_mutex_lock(&lock);
  free(paths[fd]);
  paths[fd] = strdup(path);
  files[fd] = next_file++;
  put(K_PATH, files[fd], flags & O_TRUNC ? 1 : 0, path + root_length, (uint32_t)strlen(path + root_length), fd, existed);
  pthread_mutex_unlock(&lock);
  return fd;
}

static int open_watched(const char *path, int flags, mode_t mode) {
  struct stat status;
  int existed = stat(path, &status) == 0;
  if (flags & O_CREAT && !existed) {
    begin_operation();
    int error = error_for(K_OPEN, path);
    if (error != 0) {
      errno = error;
      return -1;
    }
  }
  return opened(real_open(path, flags, mode), path, flags, existed);
}

#define OPEN_BODY(call)                                                  \
  mode_t mode = 0;                                                       \
  if (flags & (O_CREAT | __O_TMPFILE)) {                                 \
    va_list rest;                                                        \
    va_start(rest, flags);                                               \
    mode = va_arg(rest, mode_t);                                         \
    va_end(rest);                                                        \
  }                                                                      \
  if (control != NULL && (is_below(path) || (marks[0] != 0 && strcmp(path, marks) == 0))) { \
    if (strcmp(path, marks) == 0) return opened(real_open(path, flags, mode), path, flags, 1); \
    return open_watched(path, flags, mode);                              \
  }                                                                      \
  return call;

int open(const char *path, int flags, ...) { OPEN_BODY(real_open(path, flags, mode)) }
int open64(const char *path, int flags, ...) { OPEN_BODY(real_open(path, flags | O_LARGEFILE, mode)) }
int openat(int directory, const char *path, int flags, ...) { OPEN_BODY(real_openat(directory, path, flags, mode)) }
int openat64(int directory, const char *path, int flags, ...) { OPEN_BODY(real_openat(directory, path, flags | O_LARGEFILE, mode)) }

int close(int fd) {
  if (fd >= 0 && fd < FDS) files[fd] = 0;
  return real_close(fd);
}

static ssize_t marked(int fd, const void *data, size_t bytes) {
  pthread_mutex_lock(&lock);
  put(K_MARK, 0, 0, data, (uint32_t)bytes, fd, 0);
  ssize_t written = real_write(fd, data, bytes);
  pthread_mutex_unlock(&lock);
  return written;
}

static ssize_t write_watched(int fd, const void *data, size_t bytes, off_t offset, int is_at) {
  begin_operation();
  int error = error_for(K_WRITE, paths[fd]);
  size_t allowed = error == 0 ? bytes : control->is_short ? bytes / 2 : 0;
  if (error != 0 && allowed == 0) {
    errno = error;
    return -1;
  }
  /* The order of the record is the order on the disk. */
  if (record_fd >= 0) pthread_mutex_lock(&lock);
  off_t at = is_at ? offset : lseek(fd, 0, SEEK_CUR);
  ssize_t written = is_at ? real_pwrite(fd, data, allowed, offset) : real_write(fd, data, allowed);
  if (record_fd >= 0) {
    if (written > 0) put(K_WRITE, files[fd], at, data, (uint32_t)written, fd, 0);
    pthread_mutex_unlock(&lock);
  }
  return written;
}

ssize_t write(int fd, const void *data, size_t bytes) {
  int32_t file = file_of(fd);
  if (file == -1) return marked(fd, data, bytes);
  return file == 0 ? real_write(fd, data, bytes) : write_watched(fd, data, bytes, 0, 0);
}

ssize_t pwrite(int fd, const void *data, size_t bytes, off_t offset) {
  int32_t file = file_of(fd);
  if (file == -1) return marked(fd, data, bytes);
  return file == 0 ? real_pwrite(fd, data, bytes, offset) : write_watched(fd, data, bytes, offset, 1);
}
ssize_t pwrite64(int fd, const void *data, size_t bytes, off_t offset) { return pwrite(fd, data, bytes, offset); }

static ssize_t write_parts(int fd, const struct iovec *parts, int count, off_t offset, int is_at) {
  ssize_t sum = 0;
  for (int part = 0; part < count; part++) {
    ssize_t written = write_watched(fd, parts[part].iov_base, parts[part].iov_len, offset + sum, is_at);
    if (written < 0) return sum > 0 ? sum : -1;
    sum += written;
    if ((size_t)written < parts[part].iov_len) return sum;
  }
  return sum;
}
ssize_t writev(int fd, const struct iovec *parts, int count) {
  return file_of(fd) <= 0 ? real_writev(fd, parts, count) : write_parts(fd, parts, count, 0, 0);
}
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset) {
  return file_of(fd) <= 0 ? real_pwritev(fd, parts, count, offset) : write_parts(fd, parts, count, offset, 1);
}
ssize_t pwritev64(int fd, const struct iovec *parts, int count, off_t offset) { return pwritev(fd, parts, count, offset); }

ssize_t read(int fd, void *data, size_t bytes) {
  if (file_of(fd) > 0) {
    int error = error_for(K_READ, paths[fd]);
    if (error != 0) {
      errno = error;
      return -1;
    }
  }
  return real_read(fd, data, bytes);
}
ssize_t pread(int fd, void *data, size_t bytes, off_t offset) {
  if (file_of(fd) > 0) {
    int error = error_for(K_READ, paths[fd]);
    if (error != 0) {
      errno = error;
      return -1;
    }
  }
  return real_pread(fd, data, bytes, offset);
}
ssize_t pread64(int fd, void *data, size_t bytes, off_t offset) { return pread(fd, data, bytes, offset); }

static int sync_watched(int fd, int (*real)(int)) {
  begin_operation();
  int error = error_for(K_SYNC, paths[fd]);
  if (error != 0) {
    errno = error;
    return -1;
  }
  /* A sync of a directory, too: its entries are what it makes durable. What is written meanwhile may be in it or not. */
  pthread_mutex_lock(&lock);
  put(K_SYNC, files[fd], 0, NULL, 0, fd, 0);
  pthread_mutex_unlock(&lock);
  int result = real(fd);
  return result;
}
int fsync(int fd) { return file_of(fd) <= 0 ? real_fsync(fd) : sync_watched(fd, real_fsync); }
int fdatasync(int fd) { return file_of(fd) <= 0 ? real_fdatasync(fd) : sync_watched(fd, real_fdatasync); }

int ftruncate(int fd, off_t length) {
  if (file_of(fd) <= 0) return real_ftruncate(fd, length);
  begin_operation();
  int error = error_for(K_TRUNCATE, paths[fd]);
  if (error != 0) {
    errno = error;
    return -1;
  }
  pthread_mutex_lock(&lock);
  int result = real_ftruncate(fd, length);
  if (result == 0) put(K_TRUNCATE, files[fd], length, NULL, 0, fd, 0);
  pthread_mutex_unlock(&lock);
  return result;
}
int ftruncate64(int fd, off_t length) { return ftruncate(fd, length); }

/* Makes a file longer as a truncate does; SQLite uses it where it is built so. */
int posix_fallocate(int fd, off_t offset, off_t length) {
  if (file_of(fd) > 0) {
    begin_operation();
    int error = error_for(K_TRUNCATE | K_WRITE, paths[fd]);
    if (error != 0) return error;
  }
  return real_posix_fallocate(fd, offset, length);
}
int posix_fallocate64(int fd, off_t offset, off_t length) { return posix_fallocate(fd, offset, length); }
int fallocate(int fd, int mode, off_t offset, off_t length) {
  if (file_of(fd) > 0) {
    begin_operation();
    int error = error_for(K_TRUNCATE | K_WRITE, paths[fd]);
    if (error != 0) {
      errno = error;
      return -1;
    }
  }
  return real_fallocate(fd, mode, offset, length);
}
int fallocate64(int fd, int mode, off_t offset, off_t length) { return fallocate(fd, mode, offset, length); }

int unlink(const char *path) {
  if (!is_below(path)) return real_unlink(path);
  begin_operation();
  int error = error_for(K_UNLINK, path);
  if (error != 0) {
    errno = error;
    return -1;
  }
  pthread_mutex_lock(&lock);
  int result = real_unlink(path);
  if (result == 0) put(K_UNLINK, 0, 0, path + root_length, (uint32_t)strlen(path + root_length), 0, 0);
  pthread_mutex_unlock(&lock);
  return result;
}
int unlinkat(int directory, const char *path, int flags) {
  return is_below(path) && flags == 0 ? unlink(path) : real_unlinkat(directory, path, flags);
}

int rename(const char *from, const char *to) {
  if (!is_below(from)) return real_rename(from, to);
  begin_operation();
  int error = error_for(K_RENAME, to);
  if (error != 0) {
    errno = error;
    return -1;
  }
  pthread_mutex_lock(&lock);
  int result = real_rename(from, to);
  if (result == 0) {
    char names[2 * PATH_MAX];
    size_t first = strlen(from + root_length) + 1;
    size_t second = strlen(to + root_length);
    memcpy(names, from + root_length, first);
    memcpy(names + first, to + root_length, second);
    put(K_RENAME, 0, 0, names, (uint32_t)(first + second), 0, 0);
  }
  pthread_mutex_unlock(&lock);
  return result;
}
