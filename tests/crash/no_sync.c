/* Preloaded into a server, makes each of its syncs a lie, so that the crash tests can show that they would see it. */
int fsync(int fd) {
  (void)fd;
  return 0;
}
int fdatasync(int fd) {
  (void)fd;
  return 0;
}
int syncfs(int fd) {
  (void)fd;
  return 0;
}
