/** When the program was built, where a bundler has not written it into the program itself. */
export interface BuildStamp {
  /** Milliseconds since 1970-01-01 UTC if all is well; undefined where nobody has left a stamp. */
  buildStamp(): unknown;
}
