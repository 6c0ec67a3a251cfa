/* Files, small and local. */
#define _GNU_SOURCE
#define _FILE_OFFSET_BITS 64

#include "native.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

int file_open(const char *path, enum file_mode mode) {
  static const int flags[FILE_MODES] = {
      [FILE_READ] = O_RDONLY,
      [FILE_READ_CAREFULLY] = O_RDONLY | O_NOFOLLOW | O_NONBLOCK,
      [FILE_CREATE] = O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CREAT | O_EXCL,
      [FILE_REPLACE] = O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_TRUNC,
      [FILE_CREATE_PRIVATE] = O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CREAT | O_EXCL,
  };
  int fd = open(path, flags[mode] | O_CLOEXEC | O_NOCTTY, mode == FILE_CREATE_PRIVATE ? 0600 : 0644);
  return fd < 0 ? -errno : fd;
}

static int kind_of(const struct stat *facts) {
  return S_ISREG(facts->st_mode) ? KIND_FILE : S_ISLNK(facts->st_mode) ? KIND_LINK : KIND_OTHER;
}

int file_kind(const char *path, uid_t *owner, mode_t *mode) {
  struct stat facts;
  if (lstat(path, &facts) < 0) return -errno;
  *owner = facts.st_uid;
  *mode = facts.st_mode & 07777;
  return kind_of(&facts);
}

int descriptor_kind(int fd) {
  struct stat facts;
  return fstat(fd, &facts) < 0 ? -errno : kind_of(&facts);
}

int directory_read(const char *path, bool (*each)(void *data, const char *name), void *data) {
  DIR *directory = opendir(path);
  if (directory == NULL) return errno;
  const struct dirent *entry;
  bool more = true;
  errno = 0;
  while (more && (entry = readdir(directory)) != NULL) {
    if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) more = each(data, entry->d_name);
    errno = 0;
  }
  int error = errno;
  closedir(directory);
  return error;
}

/* Early at boot the generator has no seed yet: getrandom(2) would wait for it, /dev/urandom does not. */
int random_bytes(void *data, size_t length) {
  if (getrandom(data, length, GRND_NONBLOCK) == (ssize_t)length) return 0;
  int fd = file_open("/dev/urandom", FILE_READ);
  if (fd < 0) return -fd;
  ssize_t count = read_some(fd, data, length);
  close(fd);
  return count == (ssize_t)length ? 0 : count < 0 ? (int)-count : EIO;
}
