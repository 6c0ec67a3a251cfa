/*
 * Preloaded into the virtiofsd of QEMU (Debian 12) when an ordinary user starts it: it gives up its supplementary groups, if it has any,
 * and ends where it may not. In a user namespace that such a user has made nobody may (user_namespaces(7)), and everybody has one at
 * least, that of the user. They give it no more than what the user may read anyway. So it is told of none.
 */
int getgroups(int size, unsigned *list);

int getgroups(int size, unsigned *list) {
  (void)size;
  (void)list;
  return 0;
}
