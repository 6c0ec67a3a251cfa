// Our terminal as the guest's: every key goes there, every byte from there is shown.

/** Control and ] together: the way out when the guest does not answer. */
const wayOut = 0x1d;

/**
 * @param {import('node:net').Socket} socket the guest's side
 * @param {() => void} interrupt called for the wayOut key
 * @returns {() => void} gives the terminal back
 */
export function attachTerminal(socket, interrupt) {
  const { stdin, stdout } = process;
  /** @param {Buffer} data */
  const key = (data) => {
    if (data.includes(wayOut)) interrupt();
    else socket.write(data);
  };
  if (stdin.isTTY) stdin.setRawMode(true);
  stdin.on('data', key);
  socket.on('data', (data) => stdout.write(data));
  return () => {
    stdin.off('data', key);
    if (stdin.isTTY) stdin.setRawMode(false);
    stdin.pause();
  };
}
