/** The bundle has it in itself. */
export const buildStamp = (): undefined => undefined;
