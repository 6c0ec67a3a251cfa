/** The version in package.json; a test keeps the two equal. A constant, because a router's bundle has no package.json beside it. */
export const VERSION = '0.1.0';
