/**
 * What the router's program, and the package for npm, may cost at most, on x86_64, in bytes. Each number falls with each improvement, and never rises without a
 * word in CHANGELOG.md.
 */
export const limits = {
  /** The executable, stripped: gcc 12 makes 751,648 of it, gcc 14 772,128. */
  executable: 774_000,
  /** The same compressed by gzip, as it lies in a package: 381,853 of gcc 12, 389,087 of gcc 14. */
  compressed: 391_000,
  /** What npm packs: some 370,000 bytes, the program for Node and the documents among them. */
  tarball: 400_000,
  /** Anonymous, connected and idle: 1.70 MB, and what a busy machine adds. */
  private: 1_790_000,
  /** Rss, the pages of the executable and of the C library among them: 4.46 MB; on a busy machine the kernel maps up to 0.15 MB more of these. */
  resident: 4_650_000,
  /** What is added to that where the C library is not Debian 12's: that of Debian 13 (2.41) has 0.2 MB more in memory, none of it ours. */
  residentOfNewerLibrary: 200_000,
  /** System calls for each look at a connection on which nothing happens, but for clocks. */
  callsOfLook: { router: 8, node: 14 },
} as const;
