/** What is asked of the kernel. */
export interface NetlinkRequest {
  /** What is tried, in words, for errors: `get link eth0`. */
  what: string;
  /** Message type: RTM_GETLINK, or the number of a generic netlink family. */
  type: number;
  /** Flags besides NLM_F_REQUEST, NLM_F_ACK and NLM_F_DUMP, which are set as needed. */
  flags?: number;
  /** The family's header and the attributes. */
  body: Uint8Array;
  /** What an error number means here, in words, where the kernel says nothing: `{ [ESRCH]: 'there is no such route' }`. */
  explain?: Readonly<Record<number, string>>;
}
