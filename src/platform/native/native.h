/*
 * What wgpeerselector needs of the system, in C, without a word of JavaScript. Two fronts give it to a program: node.c (Node-API) and
 * quickjs.c (the router's program).
 *
 * Unless said otherwise a function returns 0 or an error number of errno.h, or, where it returns something else too, that number
 * negated. None of them blocks; the descriptors that they open do not either, and no program inherits them.
 */
#ifndef WGPEERSELECTOR_NATIVE_H
#define WGPEERSELECTOR_NATIVE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* netlink.c: a socket of AF_NETLINK, see netlink(7). */

struct netlink {
  int fd;
  uint32_t port; /* that the kernel knows it by */
  bool extended_ack, capped_ack, strict_dump;
};

/*
 * @param receive_buffer_bytes 0: as the kernel pleases
 * @return NULL, or the step that failed, with errno set; nothing is left open then
 */
const char *netlink_open(struct netlink *sock, int family, uint32_t receive_buffer_bytes);

/* Becomes a member of a multicast group. @return as netlink_open; the socket stays open */
const char *netlink_join(const struct netlink *sock, uint32_t group);

/* Sends a message to the kernel, which has dealt with it when this returns. */
int netlink_send(const struct netlink *sock, const void *message, size_t length);

/* @return the length of the datagram that is next, or -EAGAIN when there is none, or another error */
ssize_t netlink_next(const struct netlink *sock);

/* Takes the datagram that is next. @param length at least its length @return its length, or an error */
ssize_t netlink_receive(const struct netlink *sock, void *data, size_t length, uint32_t *sender);

/* Whether the socket is dead after this error of receiving: it would come for ever. */
bool netlink_is_fatal(int error);

enum netlink_repeat { NETLINK_OTHER, NETLINK_SAME, NETLINK_VARIED };

/*
 * Asks again what was asked before, and compares what comes with `answer`: all its datagrams, one behind the other. Only for a socket
 * on which nothing else is under way.
 *
 * @param varying as long as the answer; where it is not 0 a byte may differ, and the new one is written to `answer`
 * @return NETLINK_SAME; NETLINK_VARIED when bytes differ that may; NETLINK_OTHER for anything else, an error too. What came is gone
 *   then, up to the end of a dump, and `answer` of no more use.
 */
enum netlink_repeat netlink_repeat(const struct netlink *sock, const void *message, size_t length, uint8_t *answer,
                                   const uint8_t *varying, size_t answer_length);

/* lookup.c: names to addresses by getaddrinfo(3), each in a thread of its own. */

struct lookups;
struct lookup;

/* Addresses that are taken of one answer; an answer may be 64 KiB long, and nobody has so many gateways. */
enum { LOOKUP_ADDRESSES = 32 };

/* The longest name that DNS has, in text with a dot at its end (RFC 1035 section 2.3.4). */
enum { LOOKUP_NAME = 254 };

/* @return NULL with errno set */
struct lookups *lookups_open(void);

/* Gives up whatever is under way, and closes the descriptor. */
void lookups_close(struct lookups *lookups);

/* A descriptor that is readable while there is something to take. */
int lookups_descriptor(const struct lookups *lookups);

/*
 * Starts a look-up of one address family (AF_INET, AF_INET6). How many there are at once is for the caller to bound.
 *
 * @param milliseconds how long the caller will wait
 * @return 0, ENAMETOOLONG, ENOMEM, or EAGAIN (no more threads)
 */
int lookups_start(struct lookups *lookups, uint32_t id, const char *name, int family, uint32_t milliseconds);

/* @return what has finished, linked by lookup_next(), for the caller to free one by one; NULL: nothing */
struct lookup *lookups_take(struct lookups *lookups);

struct lookup *lookup_next(const struct lookup *lookup);
uint32_t lookup_id(const struct lookup *lookup);

/* A word for the usual failures, the C library's or the kernel's text for others, NULL when addresses were found. */
const char *lookup_failure(const struct lookup *lookup);

/* @param address literal, with a zone where it needs one @return to be freed with freeaddrinfo(), or NULL for any other text */
struct addrinfo *literal_address(const char *address, const char *service);

/* Writes the addresses as text. @return how many */
size_t lookup_addresses(const struct lookup *lookup, char texts[static LOOKUP_ADDRESSES][INET6_ADDRSTRLEN]);

void lookup_free(struct lookup *lookup);

/* credentials.c */

/* Of whoever is at the other end of a unix socket: of a listener as it began to listen, of anybody else as they connected. */
struct credentials {
  int error;      /* 0, or why there is nobody; of a listener ECONNREFUSED when nobody listens, EAGAIN when they do not accept */
  pid_t pid;      /* 0 for a process that this PID namespace does not see */
  uid_t uid;
  bool net_admin; /* it has CAP_NET_ADMIN, or it cannot be known; false when it is gone, though it has left its socket to somebody */
};

struct credentials credentials_of(int fd);

/* Of who listens at an abstract name. @param name all of sun_path, its first NUL byte included */
struct credentials listener_owner(const void *name, size_t length);

/* group.c */

/* @return the group's number, or -1 when there is no such group */
int64_t group_id(const char *name);

/* For all threads. */
int set_group(uint32_t group);

/* clock.c */

int set_realtime(int64_t seconds, int32_t nanoseconds);

/* Milliseconds of CLOCK_BOOTTIME; NaN where the kernel has no such clock. */
double boot_time(void);

/* Nanoseconds of CLOCK_MONOTONIC. */
int64_t monotonic(void);

/* @return 1: the kernel has an error bound for its clock; 0: nobody has vouched for it; -errno where it may not be asked */
int is_synchronised(void);
int set_max_error(int32_t microseconds);

/* notify.c */

/* Sends one datagram to a unix socket. @param path all of sun_path @return EAGAIN when its reader is behind; it may be sent again */
int notify(const void *path, size_t length, const void *text, size_t text_length);

/* The rest is what Node has and QuickJS has not. */

/* errno.c: names of errno.h, whose numbers differ between processors. */

/* @return NULL for a number that has none */
const char *errno_name(int number);

/* @return 0 for a name that is not known */
int errno_number(const char *name);

/* stream.c: unix sockets, standard output. A path is all of sun_path; it begins with a NUL byte where it is an abstract name. */

/* @return a descriptor, or an error negated; so do the next two */
int unix_connect(const void *path, size_t length);
int unix_listen(const void *path, size_t length);
int unix_accept(int listener);

/* @return how many bytes, 0 at the end, or an error negated */
ssize_t read_some(int fd, void *data, size_t length);

/* @return how many bytes were taken, or an error negated: -EAGAIN when the other side does not read; no signal is raised */
ssize_t write_some(int fd, const void *data, size_t length);

/* write_some() for a descriptor that was not opened here, and may be anybody's else too: its flags are left alone. */
ssize_t output_some(int fd, const void *data, size_t length);

/* @return how many lines a terminal has, 0 when it does not say, -1 for what is no terminal */
int terminal_rows(int fd);

/* datagram.c: UDP. */

/* Room for an address with its zone. */
enum { ADDRESS_TEXT = INET6_ADDRSTRLEN + 32 };

/* Opens a socket at a port that the kernel chooses. @param family 4 or 6 @return a descriptor, or an error negated */
int udp_open(int family);

/* @param address literal, with a zone where it needs one; EINVAL for any other text */
int udp_send(int fd, const void *data, size_t length, const char *address, uint16_t port);

/* @return the length of what was taken, cut to `size`, or an error negated */
ssize_t udp_receive(int fd, void *data, size_t size, char address[static ADDRESS_TEXT], uint16_t *port);

/* probe.c: small packets out of one interface, and whether something answers. */

enum probe_kind {
  PROBE_DATAGRAM, /* UDP */
  PROBE_ECHO,     /* ICMP; for CAP_NET_RAW, and for the groups of net.ipv4.ping_group_range */
  PROBE_KINDS
};

/*
 * @param source address of the interface  @param target both literal, with a zone where they need one
 * @return a descriptor, or an error negated
 */
int probe_open(enum probe_kind kind, const char *device, const char *source, const char *target);

/* @return 0 or an error number. An answer that nobody has asked for may be forgotten. */
int probe_send(int fd);

/* Whether something has answered since this was last asked. */
bool probe_heard(int fd);

/* files.c */

enum file_mode {
  FILE_READ,
  FILE_READ_CAREFULLY, /* neither through a link, nor waiting for the other end of a pipe; so are the others */
  FILE_CREATE,         /* nothing may be there */
  FILE_REPLACE,        /* what is there is emptied */
  FILE_CREATE_PRIVATE, /* nothing may be there; for nobody else to read */
  FILE_MODES
};

/* @return a descriptor, or an error negated */
int file_open(const char *path, enum file_mode mode);

enum file_kind { KIND_FILE, KIND_LINK, KIND_OTHER };

/* @return a kind, or an error negated; links are not followed */
int file_kind(const char *path, uid_t *owner, mode_t *mode);
int descriptor_kind(int fd);

/* Calls back with each name in a directory, until that returns false. */
int directory_read(const char *path, bool (*each)(void *data, const char *name), void *data);

/* Unpredictable bytes of the kernel's generator, at most 256. */
int random_bytes(void *data, size_t length);

/* signals.c: SIGHUP, SIGINT, SIGTERM. */

/* Holds them back from now on, for this thread and those that it starts. */
void signals_hold(void);

/* @return a descriptor that is readable when one of them came, or an error negated */
int signals_open(void);

/* @return the one that came, or an error negated */
int signals_next(int fd);

/* Leaves them to the system again, those that have come already too. */
void signals_release(void);

/* text.c */

/*
 * Writes bytes that should be UTF-8, with U+FFFD for what is not, each as long as the Unicode standard (chapter 3.9, "maximal
 * subparts") has it.
 *
 * @param to room for 3 times as many @return how many bytes were written
 */
size_t utf8_repair(uint8_t *to, const uint8_t *from, size_t length);
bool utf8_is_valid(const uint8_t *bytes, size_t length);

/*
 * The UTF-8 of a text of which each byte is a character, U+0000 to U+00FF.
 *
 * @param to room for 2 times as many @return how many bytes were written
 */
size_t utf8_of_latin1(uint8_t *to, const uint8_t *from, size_t length);

/* Makes U+FFFD of each surrogate, which JavaScript's strings may hold, in what is UTF-8 otherwise. */
void utf8_without_surrogates(uint8_t *bytes, size_t length);

/* @return 4, 6, or 0 for what is no literal IP address; one of IPv6 may have a zone */
int ip_family(const char *text);

/* loop.c: waits for descriptors and timers, and calls back. Whoever is called may add, change and remove any of them. */

struct watch {
  int fd;
  short events;     /* poll(2)'s; none while it is not to be called */
  bool referenced;  /* keeps the loop running */
  void (*ready)(struct watch *watch, short events);
  size_t slot;      /* the loop's */
};

struct timer {
  int64_t deadline; /* nanoseconds of monotonic() */
  bool referenced;
  void (*due)(struct timer *timer); /* the timer has been removed by then */
  struct timer *next;               /* the loop's */
};

/* @return 0 or ENOMEM */
int loop_add_watch(struct watch *watch);
void loop_remove_watch(struct watch *watch);
void loop_add_timer(struct timer *timer);
void loop_remove_timer(struct timer *timer);

/*
 * One turn: what is due, what has come in, and then `after`. Waits until there is something, unless `busy` says that `after` has
 * something to do.
 *
 * @return whether there was anything left that keeps the loop running
 */
bool loop_turn(bool (*busy)(void), void (*after)(void));

/* Forgets all of them, each of which is given back to whose it is. The last that is asked of the loop. */
void loop_close(void (*drop_watch)(struct watch *), void (*drop_timer)(struct timer *));

#endif
