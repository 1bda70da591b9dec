/* A failing disk, on demand: loaded with LD_PRELOAD before the C library.
 *
 * While the file named by FAULT_FSYNC exists, fsync and fdatasync fail with EIO.
 * While the file named by FAULT_FULL exists, whatever would take room fails with ENOSPC.
 * Both only for files below the folder named by FAULT_FOLDER; everything else is passed on.
 *
 *     cc -shared -fPIC -O2 -o faults.so faults.c -ldl
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static int below_the_folder(int fd) {
    const char *folder = getenv("FAULT_FOLDER");
    char link[64], path[4096];
    ssize_t length;
    size_t prefix;
    if (folder == NULL) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = '\0';
    prefix = strlen(folder);
    return strncmp(path, folder, prefix) == 0 && path[prefix] == '/';
}

static int failing(const char *variable, int fd) {
    const char *flag = getenv(variable);
    int before = errno, result;
    if (flag == NULL) return 0;
    result = access(flag, F_OK) == 0 && below_the_folder(fd);
    errno = before;
    return result;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

#define FAILS(variable, code, name, result, declared, passed)  \
    result name declared {                                     \
        static result(*real) declared = NULL;                  \
        if (real == NULL) real = REAL(name);                   \
        if (failing(variable, fd)) {                           \
            errno = code;                                      \
            return -1;                                         \
        }                                                      \
        return real passed;                                    \
    }

#define SYNC(name) FAILS("FAULT_FSYNC", EIO, name, int, (int fd), (fd))
#define FULL(name, result, declared, passed) \
    FAILS("FAULT_FULL", ENOSPC, name, result, declared, passed)

SYNC(fsync)
SYNC(fdatasync)
FULL(write, ssize_t, (int fd, const void *data, size_t size), (fd, data, size))
FULL(pwrite, ssize_t, (int fd, const void *data, size_t size, off_t at), (fd, data, size, at))
FULL(pwrite64, ssize_t, (int fd, const void *data, size_t size, off64_t at), (fd, data, size, at))
FULL(writev, ssize_t, (int fd, const struct iovec *parts, int count), (fd, parts, count))
FULL(ftruncate, int, (int fd, off_t size), (fd, size))
FULL(ftruncate64, int, (int fd, off64_t size), (fd, size))
FULL(fallocate, int, (int fd, int mode, off_t at, off_t size), (fd, mode, at, size))
FULL(fallocate64, int, (int fd, int mode, off64_t at, off64_t size), (fd, mode, at, size))

/* These return the error instead of setting errno. */
int posix_fallocate(int fd, off_t at, off_t size) {
    return failing("FAULT_FULL", fd) ? ENOSPC : REAL(posix_fallocate)(fd, at, size);
}

int posix_fallocate64(int fd, off64_t at, off64_t size) {
    return failing("FAULT_FULL", fd) ? ENOSPC : REAL(posix_fallocate64)(fd, at, size);
}
