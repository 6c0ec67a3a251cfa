/** JavaScript that makes a Node refuse to change the group, as one does whose libuv is not its own (Debian 13). */
export const refusal = `process.setgid = () => {
  throw Object.assign(new Error('setgid() disabled'), { code: 'ERR_INVALID_STATE' });
};
`;
